using System.Runtime.InteropServices;

namespace Sluice.Native.Memory;

/// <summary>
/// Anonymous, private, zeroed memory in whole pages (mmap(2)), which the kernel gives page by page when it is first touched. Unmapped when
/// it is disposed; whoever uses <see cref="Start"/> makes sure that it is not by then.
/// </summary>
internal sealed unsafe class PageMapping : SafeHandle
{
    private const int PROT_READ = 1, PROT_WRITE = 2;
    private const int MAP_PRIVATE = 0x02, MAP_ANONYMOUS = 0x20, MAP_NORESERVE = 0x4000;
    private const nint MapFailed = -1;

    private readonly nuint _bytes;

    /// <summary>Maps that many bytes. Throws <see cref="InsufficientMemoryException"/> when the kernel refuses.</summary>
    public PageMapping(nuint bytes)
        : base(MapFailed, ownsHandle: true)
    {
        _bytes = bytes;
        SetHandle(LibcImports.mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
        if (IsInvalid)
        {
            throw new InsufficientMemoryException($"mmap of {bytes} bytes failed: {Libc.LastError()}");
        }
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == MapFailed;

    /// <summary>First byte.</summary>
    public byte* Start => (byte*)handle;

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => LibcImports.munmap(handle, _bytes) == 0;
}

using System.Runtime.InteropServices;

namespace Sluice.Native.Memory;

/// <summary>
/// Memory in whole pages (mmap(2)): anonymous, private and zeroed, given page by page when it is first touched, unless made otherwise.
/// Unmapped when it is disposed; whoever uses <see cref="Start"/> makes sure that it is not by then.
/// </summary>
internal sealed unsafe class PageMapping : SafeHandle
{
    private const int PROT_READ = 1, PROT_WRITE = 2;
    private const int MAP_SHARED = 0x01, MAP_PRIVATE = 0x02, MAP_ANONYMOUS = 0x20, MAP_NORESERVE = 0x4000, MAP_POPULATE = 0x8000;
    private const int MADV_HUGEPAGE = 14; // linux/mman.h
    private const nint MapFailed = -1;

    private readonly nuint _bytes;

    /// <summary>Maps that many bytes. Throws <see cref="InsufficientMemoryException"/> when the kernel refuses.</summary>
    public PageMapping(nuint bytes)
        : this(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    {
    }

    private PageMapping(nuint bytes, int protection, int flags, int descriptor, long offset)
        : base(MapFailed, ownsHandle: true)
    {
        _bytes = bytes;
        SetHandle(LibcImports.mmap(0, bytes, protection, flags, descriptor, offset));
        if (IsInvalid)
        {
            throw new InsufficientMemoryException($"mmap of {bytes} bytes failed: {Libc.LastError()}");
        }
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == MapFailed;

    /// <summary>Memory that is shared with the kernel: a ring's queues. Touched at once, since the kernel would not wait for a fault.</summary>
    public static PageMapping OfDescriptor(int descriptor, long offset, nuint bytes) =>
        new(bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor, offset);

    /// <summary>Addresses that nobody may touch (PROT_NONE): reading or writing there ends the process.</summary>
    public static PageMapping Untouchable(nuint bytes) => new(bytes, 0, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    /// <summary>
    /// Asks for pages of 2 MiB where the kernel has them (madvise(2), MADV_HUGEPAGE): one fault in place of 512, and one range in place of 512 for a drive to write
    /// into. A first touch of anything takes 2 MiB then. A kernel that does not know it goes on as before.
    /// </summary>
    public void PreferHugePages() => _ = LibcImports.madvise(handle, _bytes, MADV_HUGEPAGE);

    /// <summary>First byte.</summary>
    public byte* Start => (byte*)handle;

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => LibcImports.munmap(handle, _bytes) == 0;
}

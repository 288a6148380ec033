using System.Runtime.InteropServices;
using System.Text;
using Sluice.Native.Tests.Support;
using Sluice.Native.Uring;

namespace Sluice.Native.Tests.Uring;

/// <summary>
/// To open a named pipe that nobody writes to. No poll tells when it will go, so a kernel thread waits in it; it has to be asked for, since the
/// kernel's first attempt does not block, and then a pipe opens at once.
/// </summary>
internal sealed class BlockingOpen : IDisposable
{
    private GCHandle _path, _how;

    public BlockingOpen(string fifo)
    {
        Kernel.MakeFifo(fifo);
        _path = GCHandle.Alloc(Encoding.UTF8.GetBytes(fifo + "\0"), GCHandleType.Pinned);
        _how = GCHandle.Alloc(new ulong[] { 0x80000, 0, 0 }, GCHandleType.Pinned); // struct open_how: O_RDONLY | O_CLOEXEC
        Request = new SubmissionEntry
        {
            Opcode = RingOpcode.IORING_OP_OPENAT2,
            Flags = UringAbi.IOSQE_ASYNC,
            Descriptor = -100, // AT_FDCWD
            Address = (ulong)_path.AddrOfPinnedObject(),
            Offset = (ulong)_how.AddrOfPinnedObject(),
            Length = 24,
        };
    }

    public SubmissionEntry Request { get; }

    /// <summary>Frees the path; the requests are over.</summary>
    public void Dispose()
    {
        _path.Free();
        _how.Free();
    }
}

using static Sluice.Native.Uring.UringAbi;

namespace Sluice.Native.Uring;

/// <summary>Requests about sockets, time and other requests. All on the loop's thread; memory is pinned until the last completion.</summary>
public sealed partial class RingLoop
{
    private const int SOCK_NONBLOCK = 0x800, SOCK_CLOEXEC = 0x80000;
    private const uint MSG_TRUNC = 0x20, MSG_WAITALL = 0x100, MSG_NOSIGNAL = 0x4000;
    private const uint POLLIN = 1, POLLOUT = 4;

    /// <summary>
    /// Accepts connections until it ends: each completion is a descriptor, non-blocking and close-on-exec, which the operation owns. Any error ends it
    /// (EMFILE: wait before arming again).
    /// </summary>
    public void AcceptMultishot(RingOperation operation, int listener)
    {
        ref SubmissionEntry entry = ref Submit(operation, RingOpcode.IORING_OP_ACCEPT, listener);
        entry.Priority = IORING_ACCEPT_MULTISHOT;
        entry.OperationFlags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    }

    /// <summary>
    /// Receives into <see cref="ReceiveBuffers"/> until it ends: one buffer a completion; 0 is the peer's end, ENOBUFS says that no buffer was free and
    /// somebody has to arm it again. Knows no back-pressure: only <see cref="Cancel"/> stops it.
    /// </summary>
    public void ReceiveMultishot(RingOperation operation, int socket)
    {
        ushort group = ReceiveGroup();
        SetMultishot(ref Submit(operation, RingOpcode.IORING_OP_RECV, socket), group);
    }

    /// <summary>Receives once; the result may be short, 0 is the peer's end. Waits until there is something.</summary>
    public void Receive(RingOperation operation, int socket, Memory<byte> buffer, ReceiveMode mode = ReceiveMode.Some)
    {
        ref SubmissionEntry entry = ref Submit(operation, RingOpcode.IORING_OP_RECV, socket);
        SetBuffer(operation, ref entry, buffer);
        entry.OperationFlags = mode switch { ReceiveMode.All => MSG_WAITALL, ReceiveMode.Discard => MSG_TRUNC, _ => 0 };
    }

    /// <summary>
    /// Sends all of it: the kernel goes on after a short send, so that a result below the length is an error of the connection. The bytes stay as they are
    /// until it completes. Cancelled, it tells what was sent by then, and ECANCELED when that is nothing.
    /// </summary>
    public void Send(RingOperation operation, int socket, ReadOnlyMemory<byte> data)
    {
        ref SubmissionEntry entry = ref Submit(operation, RingOpcode.IORING_OP_SEND, socket);
        SetBuffer(operation, ref entry, data);
        entry.OperationFlags = MSG_NOSIGNAL | MSG_WAITALL;
    }

    /// <summary>
    /// Reads a file at <paramref name="offset"/> into the last <paramref name="readBytes"/> of <paramref name="data"/>, then sends all of it, as
    /// <see cref="Send"/> does: linked, so that both are one hand-over and one completion. That is the send's; or the read's
    /// (<see cref="RingCompletion.IsOfRead"/>) when it failed or the file was shorter, and then nothing was sent. <see cref="Cancel"/> reaches the send
    /// only. False when the queue has no room for both at once; nothing was submitted then.
    /// </summary>
    public bool TryReadThenSend(RingOperation operation, int file, long offset, int socket, Memory<byte> data, int readBytes)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)readBytes, (uint)data.Length, nameof(readBytes));
        RequireIdle(operation);
        if (!TryMakeRoomForTwo())
        {
            return false;
        }

        ref SubmissionEntry read = ref _ring.Next();
        ref SubmissionEntry send = ref Submit(operation, RingOpcode.IORING_OP_SEND, socket); // the second of two: the first stays where it is
        try
        {
            SetBuffer(operation, ref send, data);
        }
        catch
        {
            read = default;
            (read.Opcode, read.Descriptor, read.UserTag, read.Flags) = (RingOpcode.IORING_OP_NOP, -1, CancelSlot, IOSQE_CQE_SKIP_SUCCESS);
            throw;
        }

        send.OperationFlags = MSG_NOSIGNAL | MSG_WAITALL;
        (read.Opcode, read.Descriptor, read.UserTag) = (RingOpcode.IORING_OP_READ, file, FirstOfPair | send.UserTag);
        (read.Address, read.Length, read.Offset) = (send.Address + send.Length - (uint)readBytes, (uint)readBytes, (ulong)offset);
        read.Flags = IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS; // a failure completes, and keeps the send's completion back
        return true;
    }

    /// <summary>Completes once when the socket takes more bytes, or has an error or its end.</summary>
    public void PollWritable(RingOperation operation, int socket) =>
        Submit(operation, RingOpcode.IORING_OP_POLL_ADD, socket).OperationFlags = POLLOUT; // HUP and ERR always report

    /// <summary>Completes once when there is something to read, or an error or the end.</summary>
    public void PollReadable(RingOperation operation, int descriptor) =>
        Submit(operation, RingOpcode.IORING_OP_POLL_ADD, descriptor).OperationFlags = POLLIN;

    /// <summary>Completes with 0 when <paramref name="after"/> (at least 0) is over, with ECANCELED when it was cancelled before.</summary>
    public unsafe void Timeout(RingTimeout operation, TimeSpan after)
    {
        RequireIdle(operation);
        KernelTimespec* time = operation.Set(after);
        ref SubmissionEntry entry = ref Submit(operation, RingOpcode.IORING_OP_TIMEOUT, -1);
        // SAFETY: the operation's own memory, which lives until it has completed: the loop refers to it.
        entry.Address = (ulong)time;
        entry.Length = 1; // one structure; offset 0: completions of others do not count
    }

    /// <summary>
    /// Asks the kernel to end a request in flight, which then completes, with ECANCELED (EINTR when a kernel thread was at work on it) or as it would have.
    /// No effect on one that is not in flight.
    /// </summary>
    public void Cancel(RingOperation operation)
    {
        RequireCurrent();
        if (!operation.InFlight)
        {
            return;
        }

        if (_operations[operation.Slot] != operation)
        {
            throw new InvalidOperationException("the operation is in flight on another loop");
        }

        ref SubmissionEntry entry = ref _ring.Next();
        (entry.Opcode, entry.Descriptor, entry.UserTag) = (RingOpcode.IORING_OP_ASYNC_CANCEL, -1, CancelSlot);
        entry.Flags = IOSQE_CQE_SKIP_SUCCESS;
        entry.Address = (ulong)operation.Slot;
    }

    /// <summary>A request that does nothing; what a round trip costs.</summary>
    public ValueTask<int> NopAsync()
    {
        RingCall call = RentCall();
        ValueTask<int> task = call.Task;
        Submit(call, RingOpcode.IORING_OP_NOP, -1);
        return task;
    }

    private ushort ReceiveGroup() =>
        ReceiveBuffers?.Group ?? throw new InvalidOperationException("the loop has no receive buffers (RingLoopOptions.ReceiveBufferCount)");

    private static void SetMultishot(ref SubmissionEntry entry, ushort group)
    {
        entry.Flags |= IOSQE_BUFFER_SELECT;
        entry.Priority = IORING_RECV_MULTISHOT; // length 0: as much as the buffer holds
        entry.BufferIndex = group;
    }

    private unsafe void SetBuffer(RingOperation operation, ref SubmissionEntry entry, ReadOnlyMemory<byte> buffer)
    {
        try
        {
            // SAFETY: pinned until the last completion, and the length bounds what the kernel does there.
            operation.Pin = buffer.Pin();
        }
        catch
        {
            Withdraw(operation, ref entry); // a lease that is over
            throw;
        }

        entry.Address = (ulong)operation.Pin.Pointer;
        entry.Length = (uint)buffer.Length;
    }
}

/// <summary>How a single receive behaves.</summary>
public enum ReceiveMode
{
    /// <summary>What is there, at least one byte.</summary>
    Some,

    /// <summary>The whole buffer, unless the peer ends (MSG_WAITALL).</summary>
    All,

    /// <summary>As much as the buffer's length is thrown away in the kernel; the buffer is not written (tcp(7), MSG_TRUNC).</summary>
    Discard,
}

using System.Buffers;
using static Sluice.Native.Uring.UringAbi;

namespace Sluice.Native.Uring;

/// <summary>What the kernel says of a request: a result, and what comes next.</summary>
public readonly struct RingCompletion
{
    private readonly uint _flags;

    internal RingCompletion(int result, uint flags, bool isOfRead = false)
    {
        Result = result;
        _flags = flags;
        IsOfRead = isOfRead;
    }

    /// <summary>What the system call of the same name returns; negative: minus the error number.</summary>
    public int Result { get; }

    /// <summary>Why it failed; <see cref="Errno.None"/> when it did not.</summary>
    public Errno Error => Result < 0 ? (Errno)(-Result) : Errno.None;

    /// <summary>Of <see cref="RingLoop.TryReadThenSend"/>: the read failed, or was short, and nothing was sent.</summary>
    public bool IsOfRead { get; }

    /// <summary>The request goes on and will complete again. False once, at its end: a multishot request may end at any time.</summary>
    public bool HasMore => (_flags & IORING_CQE_F_MORE) != 0;

    /// <summary>The kernel took a buffer of the request's <see cref="BufferRing"/>, also when it failed; it is given back by its number.</summary>
    public bool HasBuffer => (_flags & IORING_CQE_F_BUFFER) != 0;

    /// <summary>Number of that buffer.</summary>
    public int BufferId => (int)(_flags >> 16);

    /// <summary>More bytes wait in the socket.</summary>
    public bool SocketHasMore => (_flags & IORING_CQE_F_SOCK_NONEMPTY) != 0;
}

/// <summary>
/// A request to a <see cref="RingLoop"/> and what happens when it completes. The object is its owner's and can be used again once it is no
/// longer in flight; it has at most one request in flight. Whoever submits it keeps the descriptor open until then. Memory that was passed
/// with the request is pinned until then.
/// </summary>
public abstract class RingOperation
{
    // Loop thread only.
    internal int Slot = -1;
    internal MemoryHandle Pin;

    /// <summary>True from submission to the last completion. Loop thread only.</summary>
    public bool InFlight => Slot >= 0;

    /// <summary>
    /// Called on the loop, after the reap, once for each completion; with the last one the operation is no longer in flight and may be
    /// submitted again from in here. Must not throw.
    /// </summary>
    protected abstract void Completed(RingCompletion completion);

    internal void Tell(RingCompletion completion) => Completed(completion);
}

using System.Buffers;
using System.Collections.Concurrent;
using Sluice.Native.Memory;
using Sluice.Native.Uring;

namespace Sluice.Transport.Uring;

/// <summary>The memory that the connections of one loop share, and those of them that wait for some.</summary>
internal sealed class LoopBuffers : IDisposable
{
    private readonly BufferRing _provided;
    private readonly InputSegment[] _segments;
    private readonly ConcurrentBag<InputSegment> _spares = []; // without memory
    private readonly Queue<UringConnection> _starved = new();
    private readonly Action<object?> _returnProvided;
    private long _arrayBytes;
    private volatile bool _isAbandoned;

    public LoopBuffers(RingLoop loop, UringTransportOptions options)
    {
        Loop = loop;
        Options = options;
        _provided = loop.ReceiveBuffers ?? throw new ArgumentException("the loop has no receive buffers", nameof(loop));
        _segments = [.. Enumerable.Range(0, _provided.Count).Select(id => new InputSegment(id))];
        Blocks = new BufferSlab(UringTransportOptions.BlockBytes, options.BlockCount);
        Heads = new BufferSlab(UringTransportOptions.HeadBytes, options.HeadCount);
        _returnProvided = segment => ReturnProvided((InputSegment)segment!);
    }

    public RingLoop Loop { get; }

    public UringTransportOptions Options { get; }

    /// <summary>Blocks that request bodies are received into.</summary>
    public BufferSlab Blocks { get; }

    /// <summary>Buffers that responses are written into.</summary>
    public BufferSlab Heads { get; }

    /// <summary>Bytes of arrays that stand in for buffers of heads.</summary>
    public long ArrayBytes => Interlocked.Read(ref _arrayBytes);

    /// <summary>Times that no provided buffer was free when bytes came.</summary>
    public long StarvedCount { get; set; }

    /// <summary>Times that a connection's receive was stopped because its reader was behind.</summary>
    public long PausedCount { get; set; }

    /// <summary>Enough provided buffers are free for receives to be worth arming.</summary>
    public bool HasEnough => _provided.FreeCount >= Math.Max(1, _provided.Count / 4);

    /// <summary>An array of that many bytes is in use; with a negative number, is not any more. Any thread.</summary>
    public void CountArray(int bytes) => Interlocked.Add(ref _arrayBytes, bytes);

    /// <summary>The segment of the provided buffer that a completion named.</summary>
    public InputSegment Take(RingCompletion completion)
    {
        InputSegment segment = _segments[completion.BufferId];
        segment.Fill(_provided.Take(completion.BufferId, Math.Max(completion.Result, 0)));
        return segment;
    }

    /// <summary>A segment with an empty block; null when all blocks are in use.</summary>
    public InputSegment? TryTakeBlock()
    {
        if (!Blocks.TryRent(out BufferLease lease))
        {
            return null;
        }

        InputSegment segment = Spare();
        segment.Fill(lease);
        return segment;
    }

    /// <summary>A segment with memory of its own that takes at least that many bytes by <see cref="InputSegment.Add"/>. Any thread.</summary>
    public InputSegment TakeOwn(int bytes)
    {
        InputSegment segment = Spare();
        segment.Fill(ArrayPool<byte>.Shared.Rent(Math.Max(bytes, 4096)));
        return segment;
    }

    /// <summary>Nobody reads the segment any more. Any thread.</summary>
    public void Return(InputSegment segment)
    {
        if (segment.ProvidedId < 0)
        {
            segment.ReleaseMemory();
            _spares.Add(segment);
        }
        else if (Loop.IsCurrent)
        {
            ReturnProvided(segment);
        }
        else
        {
            Loop.Post(_returnProvided, segment); // the ring of buffers has one writer
        }
    }

    /// <summary>Has the connection's receive armed when buffers come back; there are not enough now.</summary>
    public void WaitForBuffers(UringConnection connection) => _starved.Enqueue(connection);

    /// <summary>The listener's end did not wait for what its application still holds. Any thread.</summary>
    public void Abandon() => _isAbandoned = true;

    /// <summary>After the loop has ended. What was abandoned stays mapped: who holds it may write to it at any time.</summary>
    public void Dispose()
    {
        if (_isAbandoned && Blocks.OutstandingCount + Heads.OutstandingCount > 0)
        {
            return;
        }

        Blocks.Dispose();
        Heads.Dispose();
    }

    private void ReturnProvided(InputSegment segment)
    {
        _provided.Return(segment.ProvidedId);
        while (_starved.Count > 0 && HasEnough)
        {
            _starved.Dequeue().ResumeReceive(); // later: it may be the connection that is letting go of this segment, and arming links a block
        }
    }

    private InputSegment Spare() => _spares.TryTake(out InputSegment? spare) ? spare : new InputSegment(-1);
}

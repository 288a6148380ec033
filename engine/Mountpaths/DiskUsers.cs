namespace Sluice.Engine.Mountpaths;

/// <summary>How long somebody works with the disks of a set.</summary>
public enum DiskUseKind
{
    /// <summary>As long as the disks take: no client can make it last.</summary>
    Brief,

    /// <summary>As long as a client sends; or a drive that is looked at because it may hang takes to answer.</summary>
    Upload,
}

/// <summary>
/// Who works with the disks of one set. When the set has been replaced it is closed: nobody comes in any more, and <see cref="LeftAsync"/>
/// completes when the last one has left. Coming and going is one atomic step each.
/// </summary>
internal sealed class DiskUsers
{
    private readonly Gate _brief = new();
    private readonly Gate _upload = new();

    /// <summary>Comes in; false when the set has been replaced.</summary>
    public bool TryEnter(DiskUseKind kind) => GateOf(kind).TryEnter();

    /// <summary>Leaves, once for each <see cref="TryEnter"/>.</summary>
    public void Leave(DiskUseKind kind) => GateOf(kind).Leave();

    /// <summary>Lets nobody in any more.</summary>
    public void Close()
    {
        _brief.Close();
        _upload.Close();
    }

    /// <summary>Completes when all of that kind have left a closed set.</summary>
    public Task LeftAsync(DiskUseKind kind) => GateOf(kind).Empty;

    private Gate GateOf(DiskUseKind kind) => kind == DiskUseKind.Upload ? _upload : _brief;

    private sealed class Gate
    {
        private const long Closed = 1L << 62;

        private readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private long _count; // and Closed

        public Task Empty => _empty.Task;

        public bool TryEnter()
        {
            if (Interlocked.Increment(ref _count) < Closed)
            {
                return true;
            }

            Leave();
            return false;
        }

        public void Leave()
        {
            long left = Interlocked.Decrement(ref _count);
            Invariant.That(left >= 0, "who leaves was inside");
            if (left == Closed)
            {
                _empty.TrySetResult();
            }
        }

        public void Close()
        {
            if (Interlocked.Or(ref _count, Closed) == 0)
            {
                _empty.TrySetResult();
            }
        }
    }
}

using Sluice.Engine.Io;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Space;

/// <summary>
/// Whether a mountpath has room for new objects: below the mark <see cref="SpaceMarks.OutOfSpace"/>, in bytes and in inodes. Whoever wants to store
/// asks; the file system is asked once a second at most, and ten times a second while it is full, so that writes go on soon after a delete.
/// What is above the mark is for reads, lists, deletes, documents and tombstones.
/// </summary>
public sealed class SpaceWatch(SpaceMarks marks, TimeProvider time)
{
    private static readonly TimeSpan s_whileFree = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_whileFull = TimeSpan.FromMilliseconds(100);

    /// <summary>True when nothing more is to be stored there. Allocates nothing while the last answer is fresh.</summary>
    public ValueTask<bool> IsFullAsync(ObjectDisk disk)
    {
        SpaceState state = disk.Space;
        return state.IsFresh(time, state.IsFull ? s_whileFull : s_whileFree) || !state.TryBegin() ? new(state.IsFull) : AskAsync(disk);
    }

    /// <summary>Asks the file system now, however fresh the last answer is.</summary>
    public async ValueTask RefreshAsync(ObjectDisk disk)
    {
        if (disk.Space.TryBegin())
        {
            await AskAsync(disk);
        }
    }

    private async ValueTask<bool> AskAsync(ObjectDisk disk)
    {
        bool isFull = disk.Space.IsFull;
        try
        {
            IoResult<FileSystemStatus> asked = await disk.Io.StatFileSystemAsync(disk.Root);
            isFull = asked.Ok && IsFull(asked.Value); // one that does not answer has other troubles
            return isFull;
        }
        finally
        {
            disk.Space.End(time, isFull);
        }
    }

    private bool IsFull(FileSystemStatus status) =>
        IsBeyond(status.SizeBytes, status.FreeBytes) || (status.InodeCount > 0 && IsBeyond(status.InodeCount, status.FreeInodeCount));

    private bool IsBeyond(long all, long free) => all > 0 && (all - free) / (double)all * 100 >= marks.OutOfSpace;
}

/// <summary>What was last known of a mountpath's room.</summary>
public sealed class SpaceState
{
    private long _askedAt; // 0: never
    private int _isAsking;
    private volatile bool _isFull;

    /// <summary>Above the mark when it was last looked at.</summary>
    public bool IsFull => _isFull;

    internal bool IsFresh(TimeProvider time, TimeSpan span) => Volatile.Read(ref _askedAt) is not 0 and long at && time.GetElapsedTime(at) < span;

    internal bool TryBegin() => Interlocked.Exchange(ref _isAsking, 1) == 0;

    internal void End(TimeProvider time, bool isFull)
    {
        _isFull = isFull;
        Volatile.Write(ref _askedAt, Math.Max(1, time.GetTimestamp()));
        Volatile.Write(ref _isAsking, 0);
    }
}

using Microsoft.Extensions.Logging;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;

namespace Sluice.Engine.Objects;

/// <summary>
/// Makes what <c>relaxed</c> buckets of one mountpath acknowledged durable, once an interval, and only then lets go of what those writes
/// replaced. A rename of unsynced data over a durable file can leave, after a power cut, neither of them; so an overwrite keeps the old
/// inode (by exchange) until a syncfs that began later has succeeded, and after an unclean start everything newer than the flushed mark
/// is verified and rolled back to the kept inode where it fails (<c>StartupRecovery</c>).
/// </summary>
public sealed class RelaxedFlusher
{
    private readonly ObjectDisk _disk;
    private readonly ObjectClock _clock;
    private readonly Func<ulong, ValueTask> _markFlushed;
    private readonly ILogger _log;
    private readonly SemaphoreSlim _flushing = new(1, 1);
    private readonly Lock _gate = new();
    private readonly List<ulong> _underway = []; // generations whose rename is not done yet: as many as commits run
    private List<Func<ValueTask>> _afterFlush = [];
    private List<KeptFile> _kept = [];
    private bool _dirty;
    private List<KeptFile> _keptSpare = []; // under _flushing
    private byte[] _keptPath = []; // under _flushing
    private bool _hasFailed; // written under _flushing

    /// <summary><paramref name="markFlushed"/> persists the mark: every object of that or an older generation is durable.</summary>
    public RelaxedFlusher(ObjectDisk disk, ObjectClock clock, Func<ulong, ValueTask> markFlushed, ILogger log)
    {
        _disk = disk;
        _clock = clock;
        _markFlushed = markFlushed;
        _log = log;
    }

    /// <summary>
    /// A flush, or the fsync of a directory, has failed since the mountpath was opened: what was to be seen before it is perhaps not on stable storage,
    /// whatever later flushes say. Only the next start, which verifies it, knows.
    /// </summary>
    public bool HasFailed => Volatile.Read(ref _hasFailed) || _disk.Directories.HasFailedSync;

    /// <summary>
    /// A relaxed change begins, before it draws its generation from the clock: answers an older one, to call <see cref="End(ulong, Func{ValueTask}?)"/> with. A change that drew
    /// first and began later could be older than the mark of a flush that had begun between, and become visible behind its syncfs: after a power cut nobody would verify it.
    /// </summary>
    public ulong Begin()
    {
        lock (_gate)
        {
            ulong generation = _clock.Next();
            _underway.Add(generation);
            _dirty = true;
            return generation;
        }
    }

    /// <summary>The change is visible, or has failed. What it replaced is removed by <paramref name="afterFlush"/> when it is durable.</summary>
    public void End(ulong generation, Func<ValueTask>? afterFlush)
    {
        lock (_gate)
        {
            EndOne(generation);
            if (afterFlush is not null)
            {
                _afterFlush.Add(afterFlush);
            }
        }
    }

    /// <summary>The usual change is visible: a plain object, whose old file has its work file's name until the new one is durable.</summary>
    public void End(ulong generation, KeptFile kept)
    {
        lock (_gate)
        {
            EndOne(generation);
            _kept.Add(kept);
        }
    }

    /// <summary>Something without a generation (a delete) changed and wants to be flushed with the next round.</summary>
    public void MarkDirty()
    {
        lock (_gate)
        {
            _dirty = true;
        }
    }

    /// <summary>
    /// Flushes now, if there is anything to flush. A failed syncfs is reported and not taken for a success by the next one (fsync(2): the
    /// kernel drops the pages that it could not write and tells it once): what was kept stays kept until the process ends, and the mark
    /// stays where it is, so that the next start verifies everything since. What cannot be removed behind a flush is tried again by the next one.
    /// </summary>
    public async ValueTask FlushAsync()
    {
        await _flushing.WaitAsync();
        try
        {
            List<Func<ValueTask>> released;
            List<KeptFile> kept;
            ulong mark;
            lock (_gate)
            {
                if (!_dirty)
                {
                    return;
                }

                _dirty = _underway.Count > 0;
                (released, _afterFlush) = (_afterFlush, []);
                (kept, _kept, _keptSpare) = (_kept, _keptSpare, []);
                mark = _underway.Count > 0 ? _underway.Min() - 1 : _clock.Next();
            }

            IReadOnlyList<object> directories = _disk.Directories.VolatileEntries();
            IoResult synced = await _disk.Io.SyncFileSystemAsync(_disk.Root);
            if (!synced.Ok)
            {
                Volatile.Write(ref _hasFailed, true);
                throw _disk.Fault("syncfs", synced.Error, default);
            }

            _disk.Directories.MarkDurable(directories);
            await MarkFlushedAsync(mark, released, kept);
            StorageException? failed = null;
            foreach (Func<ValueTask> release in released)
            {
                try
                {
                    await release();
                }
                catch (StorageException fault)
                {
                    failed ??= fault;
                    TryAgain([release], []);
                }
            }

            foreach (KeptFile file in kept)
            {
                try
                {
                    await ObjectRemoval.UnlinkAsync(_disk, PathOf(file), file.Bucket.Work);
                }
                catch (StorageException fault)
                {
                    failed ??= fault;
                    TryAgain([], [file]);
                }
            }

            kept.Clear();
            _keptSpare = kept; // as long as the longest interval made it; used again
            if (failed is not null)
            {
                throw failed;
            }
        }
        finally
        {
            _flushing.Release();
        }
    }

    /// <summary>All is flushed; if that cannot be written down, what was to follow is left to the next flush.</summary>
    private async ValueTask MarkFlushedAsync(ulong mark, List<Func<ValueTask>> released, List<KeptFile> kept)
    {
        try
        {
            if (!HasFailed)
            {
                await _markFlushed(mark);
            }
        }
        catch (StorageException)
        {
            TryAgain(released, kept);
            throw;
        }
    }

    private void TryAgain(IReadOnlyList<Func<ValueTask>> released, IReadOnlyList<KeptFile> kept)
    {
        lock (_gate)
        {
            _afterFlush.AddRange(released);
            _kept.AddRange(kept);
            _dirty = true;
        }
    }

    /// <summary>Under the gate.</summary>
    private void EndOne(ulong generation)
    {
        Invariant.That(_underway.Remove(generation), "a change ends once");
        _dirty = true;
    }

    /// <summary>Good until the next one is asked for.</summary>
    private ReadOnlyMemory<byte> PathOf(KeptFile file)
    {
        ReadOnlySpan<byte> directory = file.Bucket.Work.Span;
        int bytesMax = directory.Length + 1 + ObjectDisk.WorkNameBytesMax;
        if (_keptPath.Length < bytesMax)
        {
            _keptPath = new byte[bytesMax];
        }

        directory.CopyTo(_keptPath);
        _keptPath[directory.Length] = (byte)'/';
        int bytes = _disk.WriteWorkName(file.Digest, file.Number, _keptPath.AsSpan(directory.Length + 1));
        return _keptPath.AsMemory(0, directory.Length + 1 + bytes);
    }

    /// <summary>
    /// Flushes every <paramref name="interval"/> until cancelled, which ends the timer instead of the wait: a wait that is cancelled throws, and its
    /// stack trace loads tables of megabytes. A fault is logged and counted; the next round tries its own part.
    /// </summary>
    public async Task RunAsync(TimeSpan interval, TimeProvider time, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(interval, time);
        await using CancellationTokenRegistration end = cancellation.UnsafeRegister(static timer => ((PeriodicTimer)timer!).Dispose(), timer);
        while (await timer.WaitForNextTickAsync(CancellationToken.None))
        {
            try
            {
                await FlushAsync();
            }
            catch (StorageException fault)
            {
                _log.LogError("relaxed writes could not be flushed: {Fault}", fault.Message);
            }
        }
    }
}

/// <summary>What a relaxed overwrite keeps in the work directory: the name is the digest's and the number's (<see cref="ObjectDisk.WriteWorkName"/>).</summary>
public readonly record struct KeptFile(Bucket Bucket, ulong Digest, long Number);

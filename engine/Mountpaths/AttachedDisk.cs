using Microsoft.Extensions.Logging;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Engine.Space;

namespace Sluice.Engine.Mountpaths;

/// <summary>
/// A mountpath while an engine has it: what the object code sees of it, its flusher and its trash. Opened before its disk is put into a set,
/// closed after nobody works with a set that has it.
/// </summary>
internal sealed class AttachedDisk : IDisposable
{
    private readonly CancellationTokenSource _leaving = new();
    private readonly Lock _gate = new();
    private Task _flushing = Task.CompletedTask;
    private Task _emptying = Task.CompletedTask; // guarded by the gate

    /// <summary>Takes the mountpath over; closing this closes it. The disk is given to nobody else.</summary>
    public AttachedDisk(Mountpath owned, ObjectDisk disk, ObjectClock clock, ILogger log)
    {
        Mountpath = owned;
        Disk = disk;
        Flusher = new RelaxedFlusher(disk, clock, owned.MarkFlushedAsync, log);
        Trash = new Trash(disk, clock, log);
        disk.Attachment = this;
    }

    /// <summary>Identity, root, state.</summary>
    public Mountpath Mountpath { get; }

    /// <summary>The same as the object code sees it.</summary>
    public ObjectDisk Disk { get; }

    /// <summary>Flushes what relaxed buckets have acknowledged on it.</summary>
    public RelaxedFlusher Flusher { get; }

    /// <summary>Where its destroyed buckets go.</summary>
    public Trash Trash { get; }

    /// <summary>Flushes every <paramref name="interval"/> from here on; zero: only when asked.</summary>
    public void StartFlushing(TimeSpan interval, TimeProvider time) =>
        _flushing = interval > TimeSpan.Zero ? Flusher.RunAsync(interval, time, _leaving.Token) : Task.CompletedTask;

    /// <summary>Empties its trash in the background, once more after a round that is under way.</summary>
    public void StartEmptyingTrash()
    {
        lock (_gate)
        {
            Task before = _emptying;
            _emptying = EmptyAfterAsync(before);
        }
    }

    /// <summary>Everything written to it so far is on stable storage, or an exception tells why not.</summary>
    public async ValueTask SyncAsync() => Disk.Check(await Disk.Io.SyncFileSystemAsync(Disk.Root), "syncfs", default);

    /// <summary>Everything is on stable storage and nobody writes any more: the next start need not look for more, nor make the indexes of names anew.</summary>
    public async ValueTask MarkCleanAsync(ulong flushedGeneration)
    {
        await (Disk.Names?.SealAsync() ?? default);
        await Mountpath.MarkCleanAsync(flushedGeneration);
    }

    /// <summary>Ends the background work.</summary>
    public async Task StopAsync()
    {
        _leaving.CancelHere();
        await (Disk.Names?.StopAsync() ?? Task.CompletedTask);
        await _flushing;
        Task emptying;
        lock (_gate)
        {
            emptying = _emptying;
        }

        await emptying;
    }

    /// <summary>Closes the indexes of names, and disposes.</summary>
    public async ValueTask CloseAsync()
    {
        await (Disk.Names?.CloseAsync() ?? default);
        Dispose();
    }

    /// <summary>Closes the directories, unlocks and closes the mountpath. The background work has been stopped.</summary>
    public void Dispose()
    {
        Disk.Dispose();
        Mountpath.Dispose();
        _leaving.Dispose();
    }

    private async Task EmptyAfterAsync(Task before)
    {
        await before;
        await Trash.EmptyAsync(_leaving.Token);
    }
}

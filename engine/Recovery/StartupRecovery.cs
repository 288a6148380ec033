using Microsoft.Extensions.Logging;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Native;

namespace Sluice.Engine.Recovery;

/// <summary>What recovery did; logged at start and shown in the engine's counters.</summary>
public sealed class RecoveryReport
{
    /// <summary>Work files removed.</summary>
    public long WorkFiles;

    /// <summary>Objects of relaxed buckets whose blocks were read and compared.</summary>
    public long Verified;

    /// <summary>Objects that were torn and are again what they were before.</summary>
    public long RolledBack;

    /// <summary>Objects that were torn and had no earlier state: gone.</summary>
    public long Removed;

    /// <summary>Heads of interrupted commits that were brought to the generation of the first.</summary>
    public long Heads;

    /// <summary>Parts without a head and heads of an older generation removed.</summary>
    public long Leftovers;

    /// <summary>True when something was found.</summary>
    public bool Any => WorkFiles + Verified + RolledBack + Removed + Heads + Leftovers > 0;
}

/// <summary>One mountpath as it was left: cleanly or not, and the newest generation that was flushed.</summary>
public readonly record struct DiskState(bool Clean, ulong FlushedGeneration);

/// <summary>
/// Settles what a kill or a power cut left, before anything is served. After it: no work file exists; in buckets that were ever relaxed
/// every object newer than its mountpath's flushed mark has the bytes its record says, is rolled back to what it was, or is gone; the heads of
/// a name are of one generation and every part belongs to it. After a clean stop only the (empty) work directories are looked at.
/// <para>
/// Each mountpath is first synced as a whole: what a killed process left in the page cache, directories above all, counts as durable
/// from here on.
/// </para>
/// </summary>
public sealed class StartupRecovery(
    IReadOnlyList<ObjectDisk> disks, IReadOnlyList<DiskState> states, ObjectLookup lookup, NameLock locks, HeadPublisher heads,
    IPartMap partMap, ILogger log)
{
    private readonly RecoveryReport _report = new();

    /// <summary>Runs over all buckets, the mountpaths at the same time.</summary>
    public async Task<RecoveryReport> RunAsync(IReadOnlyCollection<Bucket> buckets)
    {
        await OnEachDiskAsync(async (disk, _) => disk.Check(await disk.Io.SyncFileSystemAsync(disk.Root), "syncfs", default));
        if (!states.All(state => state.Clean))
        {
            await OnEachDiskAsync(async (disk, state) =>
            {
                foreach (Bucket bucket in buckets.Where(bucket => bucket.Properties.WasRelaxed && !state.Clean))
                {
                    await new RelaxedVerifier(disk, bucket, state.FlushedGeneration, _report, log).RunAsync();
                }
            });
            foreach (Bucket bucket in buckets)
            {
                await new NameSettlement(disks, lookup, locks, heads, partMap, bucket, _report, log).RunAsync();
            }
        }

        await OnEachDiskAsync(async (disk, _) =>
        {
            foreach (Bucket bucket in buckets)
            {
                await RemoveWorkFilesAsync(disk, bucket, _report);
            }
        });
        return _report;
    }

    /// <summary>
    /// The part of it that looks at one mountpath by itself: for one that comes back while the others serve, before anybody uses it. What it has
    /// of interrupted commits is dropped; the names are compared with the others afterwards.
    /// </summary>
    public static async Task SettleAloneAsync(ObjectDisk disk, DiskState state, IReadOnlyCollection<Bucket> buckets, ILogger log)
    {
        var report = new RecoveryReport();
        disk.Check(await disk.Io.SyncFileSystemAsync(disk.Root), "syncfs", default);
        foreach (Bucket bucket in buckets)
        {
            if (!state.Clean && bucket.Properties.WasRelaxed)
            {
                await new RelaxedVerifier(disk, bucket, state.FlushedGeneration, report, log).RunAsync();
            }

            await RemoveWorkFilesAsync(disk, bucket, report);
        }

        disk.Check(await disk.Io.SyncFileSystemAsync(disk.Root), "syncfs", default);
    }

    private Task OnEachDiskAsync(Func<ObjectDisk, DiskState, Task> work) =>
        Task.WhenAll(disks.Select((disk, index) => work(disk, states[index])));

    /// <summary>Empties the bucket's work directory: files, and directories that were prepared for a nested name.</summary>
    private static async Task RemoveWorkFilesAsync(ObjectDisk disk, Bucket bucket, RecoveryReport report)
    {
        IoResult<FileHandle> opened = await disk.Io.OpenAsync(disk.Root, bucket.Work, OpenIntent.Directory);
        if (opened.Error == Errno.ENOENT)
        {
            return;
        }

        using FileHandle work = disk.Check(opened, "open", bucket.Work.Span);
        foreach ((byte[] name, EntryKind kind) in await DirectoryNames.ReadAsync(disk, work))
        {
            if (kind == EntryKind.Directory)
            {
                using FileHandle prepared = disk.Check(await disk.Io.OpenAsync(work, name, OpenIntent.Directory), "open", name);
                await disk.Io.UnlinkAsync(prepared, ObjectPath.ReservedLeaf, EntryKind.File);
            }

            disk.Check(
                await disk.Io.UnlinkAsync(work, name, kind == EntryKind.Directory ? EntryKind.Directory : EntryKind.File), "unlink", name);
            Interlocked.Increment(ref report.WorkFiles);
        }
    }
}

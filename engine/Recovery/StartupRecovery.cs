using System.Text;
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

    /// <summary>Parts without a head and heads of an older generation removed.</summary>
    public long Leftovers;

    /// <summary>True when something was found.</summary>
    public bool Any => WorkFiles + Verified + RolledBack + Removed + Leftovers > 0;
}

/// <summary>One mountpath as it was left: cleanly or not, and the newest generation that was flushed.</summary>
public readonly record struct DiskState(bool Clean, ulong FlushedGeneration);

/// <summary>
/// Settles what a kill or a power cut left, before anything is served. After it: no work file exists; in buckets that were ever relaxed
/// every object newer than its mountpath's flushed mark has the bytes its record says, is rolled back to what it was, or is gone; every
/// part belongs to the head of its name. After a clean stop only the (empty) work directories are looked at.
/// <para>
/// Each mountpath is first synced as a whole: what a killed process left in the page cache, directories above all, counts as durable
/// from here on.
/// </para>
/// </summary>
public sealed class StartupRecovery(IReadOnlyList<ObjectDisk> disks, IReadOnlyList<DiskState> states, ObjectLookup lookup, ILogger log)
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
                await SettlePartsAsync(bucket);
            }
        }

        await OnEachDiskAsync(async (disk, _) =>
        {
            foreach (Bucket bucket in buckets)
            {
                await RemoveWorkFilesAsync(disk, bucket);
            }
        });
        return _report;
    }

    private Task OnEachDiskAsync(Func<ObjectDisk, DiskState, Task> work) =>
        Task.WhenAll(disks.Select((disk, index) => work(disk, states[index])));

    /// <summary>Settles every name that a part names, once.</summary>
    private async Task SettlePartsAsync(Bucket bucket)
    {
        var settled = new HashSet<ulong>();
        foreach (ObjectDisk disk in disks)
        {
            foreach (byte[] file in await DirectoryNames.FilesAsync(disk, bucket.Sidecars))
            {
                if (!SidecarFiles.TryReadName(file, out ulong digest, out _) || !settled.Add(digest))
                {
                    continue;
                }

                byte[] path = [.. bucket.Sidecars.Span, (byte)'/', .. file];
                (ObjectMetadata? part, _, string? problem) = await SidecarFiles.ReadAsync(disk, path);
                if (part is null || !ObjectName.TryCreate(part.SidecarOf, out ObjectName name, out problem))
                {
                    // Torn, so not part of anything durable; the name it belonged to is settled by its other parts, or needs nothing.
                    log.LogWarning("mountpath {Mountpath}: {Part} is unreadable: {Problem}", disk.Path, Encoding.ASCII.GetString(file), problem);
                    settled.Remove(digest);
                    await ObjectRemoval.UnlinkAsync(disk, path, bucket.Sidecars);
                    Interlocked.Increment(ref _report.Leftovers);
                    continue;
                }

                await SettleAsync(bucket, name, digest);
            }
        }
    }

    /// <summary>The newest generation of the name that has a head stays; other heads and parts go. A damaged head stops the clean-up of its name.</summary>
    private async Task SettleAsync(Bucket bucket, ObjectName name, ulong digest)
    {
        List<ObjectPlace> heads = await lookup.PlacesAsync(bucket, name, digest, everywhere: true);
        if (heads.Exists(head => head.OfThisBucket && head.Stored is null))
        {
            return;
        }

        ulong winner = heads.Max(head => head.Stored?.Metadata.Generation) ?? 0;
        foreach (ObjectPlace old in heads.Where(head => head.Stored is { } stored && stored.Metadata.Generation < winner))
        {
            await ObjectRemoval.UnlinkAsync(old.Disk, old.Path.Whole, bucket.Objects);
            Interlocked.Increment(ref _report.Leftovers);
        }

        foreach (ObjectDisk disk in disks)
        {
            foreach (byte[] file in await DirectoryNames.FilesAsync(disk, bucket.Sidecars))
            {
                if (SidecarFiles.TryReadName(file, out ulong of, out ulong generation) && of == digest && generation != winner)
                {
                    await ObjectRemoval.UnlinkAsync(disk, (byte[])[.. bucket.Sidecars.Span, (byte)'/', .. file], bucket.Sidecars);
                    Interlocked.Increment(ref _report.Leftovers);
                }
            }
        }
    }

    /// <summary>Empties the bucket's work directory: files, and directories that were prepared for a nested name.</summary>
    private async Task RemoveWorkFilesAsync(ObjectDisk disk, Bucket bucket)
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
            Interlocked.Increment(ref _report.WorkFiles);
        }
    }
}

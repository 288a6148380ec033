using System.Text;
using Microsoft.Extensions.Logging;
using Sluice.Engine.Buckets;
using Sluice.Engine.Integrity;
using Sluice.Engine.Io;
using Sluice.Engine.Names;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;
using Sluice.Native;

namespace Sluice.Engine.Recovery;

/// <summary>
/// After an unclean start, goes through one bucket on one mountpath and reads every object that is newer than the flushed mark: after a
/// power cut its name and record may be there and its bytes not. What fails is replaced by the file that its overwrite kept in the work
/// directory, newest good one first, or removed when there was none. Objects up to the mark were made durable and are only looked at.
/// </summary>
internal sealed class RelaxedVerifier(ObjectDisk disk, Bucket bucket, ulong flushedGeneration, RecoveryReport report, ILogger log)
{
    private readonly Dictionary<ulong, List<byte[]>> _kept = [];

    /// <summary>Verifies all objects of the bucket on this mountpath.</summary>
    public async Task RunAsync()
    {
        foreach (byte[] name in await DirectoryNames.FilesAsync(disk, bucket.Work))
        {
            if (ObjectDisk.TryReadWorkName(name, out ulong digest) && !await IsOrphanAsync(name, digest))
            {
                (_kept.TryGetValue(digest, out List<byte[]>? files) ? files : _kept[digest] = []).Add(name);
            }
        }

        var directories = new Stack<byte[]>();
        directories.Push(bucket.Objects.ToArray());
        while (directories.TryPop(out byte[]? path))
        {
            IoResult<FileHandle> opened = await disk.Io.OpenAsync(disk.Root, path, OpenIntent.Directory);
            if (opened.Error == Errno.ENOENT)
            {
                continue; // a bucket that has nothing on this mountpath
            }

            using FileHandle directory = disk.Check(opened, "open", path);
            bool changed = false;
            foreach ((byte[] name, EntryKind kind) in await DirectoryNames.ReadAsync(disk, directory))
            {
                byte[] child = [.. path, (byte)'/', .. name];
                if (kind == EntryKind.Directory)
                {
                    directories.Push(child);
                }
                else if (kind == EntryKind.File)
                {
                    changed |= await VerifyAsync(directory, name, child);
                }
            }

            if (changed)
            {
                disk.Check(await disk.Io.SyncAsync(directory), "fsync", path);
            }
        }
    }

    /// <summary>A member of a wide set that was not committed must not stand alone; it looks like a kept file, but names itself.</summary>
    private async Task<bool> IsOrphanAsync(byte[] name, ulong digest)
    {
        byte[] path = [.. bucket.Work.Span, (byte)'/', .. name];
        using FileHandle file = disk.Check(await disk.Io.OpenAsync(disk.Root, path, OpenIntent.Read), "open", path);
        return await WorkTarget.ReadAsync(disk, file, path, bucket, digest) is { } target && target.IsOrphan(name);
    }

    /// <summary>Verifies one object; true when the directory was changed.</summary>
    private async Task<bool> VerifyAsync(FileHandle directory, byte[] leaf, byte[] path)
    {
        if (!ObjectPath.TryReadName(bucket.Objects, path, out ObjectName name))
        {
            log.LogWarning("mountpath {Mountpath}: {Path} is not an object's path; left alone", disk.Path, Encoding.UTF8.GetString(path));
            return false;
        }

        (ObjectMetadata? metadata, string? problem) = await GoodAsync(path, name);
        if (metadata is not null)
        {
            return false;
        }

        ulong digest = bucket.DigestOf(name);
        await disk.BeginNameAsync(bucket, name);
        disk.DoubtNames(bucket, "an object is rolled back");
        await RemoveSidecarAsync(path, digest);
        byte[]? kept = await NewestKeptAsync(digest, name);
        string place = Encoding.UTF8.GetString(path);
        if (kept is not null)
        {
            using FileHandle work = disk.Check(await disk.Io.OpenAsync(disk.Root, bucket.Work, OpenIntent.Directory), "open", bucket.Work.Span);
            disk.Check(await disk.Io.RenameAsync(work, kept, directory, leaf, RenameMode.Replace), "rename", path);
            Interlocked.Increment(ref report.RolledBack);
            log.LogWarning("mountpath {Mountpath}: {Path} was being overwritten when the power went ({Problem}); it is what it was before",
                disk.Path, place, problem);
            return true;
        }

        await RemoveAsync(directory, leaf, path, hasRecord: problem != NoRecord);
        Interlocked.Increment(ref report.Removed);
        log.LogWarning("mountpath {Mountpath}: {Path} was being written when the power went ({Problem}); it is removed", disk.Path, place, problem);
        return true;
    }

    private const string NoRecord = "it has no readable record";

    /// <summary>The record of a file whose bytes are what it says; null with a sentence otherwise. Up to the mark the bytes are not read.</summary>
    private async Task<(ObjectMetadata? Metadata, string? Problem)> GoodAsync(ReadOnlyMemory<byte> path, ObjectName name)
    {
        using FileHandle file = disk.Check(await disk.Io.OpenAsync(disk.Root, path, OpenIntent.Read), "open", path.Span);
        (ObjectMetadata? metadata, _) = await RecordFiles.ReadAsync(disk, file, path);
        if (metadata is null)
        {
            return (null, NoRecord);
        }

        if (metadata.Bid != bucket.Bid || metadata.Generation <= flushedGeneration)
        {
            return (metadata, null);
        }

        if (metadata.HasSidecar)
        {
            (ObjectMetadata? whole, string? problem) = await SidecarFiles.CompleteAsync(disk, bucket, name, metadata);
            if (whole is null)
            {
                return (null, problem);
            }

            metadata = whole;
        }

        Interlocked.Increment(ref report.Verified);
        FileStatus status = disk.Check(await disk.Io.StatAsync(file), "statx", path.Span);
        return status.SizeBytes != metadata.FileBytes ? (null, $"it has {status.SizeBytes} of {metadata.FileBytes} bytes")
            : metadata.Kind == RecordKind.Stripe ? (metadata, null) // wide: its parts were durable before it
            : await BlockVerifier.FirstBadBlockAsync(disk, file, metadata, 0, metadata.BlockCount) is { } block ? (null, $"block {block} does not match its digest")
            : (metadata, null);
    }

    private async Task<byte[]?> NewestKeptAsync(ulong digest, ObjectName name)
    {
        byte[]? best = null;
        ulong newest = 0;
        foreach (byte[] kept in _kept.GetValueOrDefault(digest) ?? [])
        {
            (ObjectMetadata? metadata, _) = await GoodAsync((byte[])[.. bucket.Work.Span, (byte)'/', .. kept], name);
            if (metadata is not null && metadata.Bid == bucket.Bid && metadata.Generation > newest)
            {
                (best, newest) = (kept, metadata.Generation);
            }
        }

        if (best is not null)
        {
            _kept[digest].Remove(best);
        }

        return best;
    }

    /// <summary>
    /// The sidecar of a generation that goes: torn as it may be it would tell nobody whose it is once its head is gone. Before the head, which is not good without it either.
    /// </summary>
    private async Task RemoveSidecarAsync(byte[] path, ulong digest)
    {
        using FileHandle file = disk.Check(await disk.Io.OpenAsync(disk.Root, path, OpenIntent.Read), "open", path);
        (ObjectMetadata? metadata, _) = await RecordFiles.ReadAsync(disk, file, path);
        if (metadata is { HasSidecar: true })
        {
            await new PartPlace(disk, new PartName(PartKind.Sidecar, digest, metadata.Generation)).UnlinkAsync(bucket);
        }
    }

    private async Task RemoveAsync(FileHandle directory, byte[] leaf, byte[] path, bool hasRecord)
    {
        if (hasRecord)
        {
            disk.Check(await disk.Io.UnlinkAsync(directory, leaf, EntryKind.File), "unlink", path);
            return;
        }

        // Somebody may have put a file there by hand: it is not ours to delete.
        var note = new QuarantineNote(NoRecord, bucket.Name.ToString(), Encoding.UTF8.GetString(path));
        await Quarantine.MoveAsync(disk, directory, leaf, digest: 0, note, log);
    }
}

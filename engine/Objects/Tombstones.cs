using System.Buffers;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;
using Sluice.Native;
using Sluice.Native.Codecs;

namespace Sluice.Engine.Objects;

/// <summary>What became of the generations that a tombstone speaks of.</summary>
public enum Burial
{
    /// <summary>A newer one stands in their place.</summary>
    Replaced,

    /// <summary>The name was deleted.</summary>
    Deleted,
}

/// <summary>
/// Tombstones: what is left of a name that was overwritten or deleted while a mountpath was away that may hold it. "Generations older than this
/// one are gone", durable on min(<see cref="Copies"/>, n) mountpaths before the change is acknowledged, so that a mountpath that comes back with
/// the old object does not bring it back. A file in the bucket's <c>%tb</c>, one for each name, whose bytes are a record of kind Tombstone; a newer
/// one replaces it. All go when no mountpath is away any more.
/// <para>
/// Order: of a delete the tombstone comes before the removal of the heads, and a start that finds both finishes the delete; of an overwrite it
/// comes after the new head is durable. So a tombstone is never a lie: nothing older than it may be served.
/// </para>
/// </summary>
public static class Tombstones
{
    /// <summary>Mountpaths that a tombstone is left on: it survives the loss of one more.</summary>
    public const int Copies = 2;

    private const ulong DeletedVersion = 1; // persisted: a record's version in the tombstone of a delete
    private const int BytesMax = 4096; // a record without digests and pairs, with a name of 1,024 bytes

    /// <summary>Its name: both hashes would have to meet for two names to share one.</summary>
    public static byte[] NameOf(ulong digest, ObjectName name) =>
        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{digest:x16}.{XxHash64.Hash(name.Utf8.Span):x16}"));

    /// <summary>
    /// Everything of the name that is older than <paramref name="generation"/> is gone, durably when this returns. The caller is the name's writer.
    /// Throws <see cref="StorageException"/> when fewer mountpaths than wanted could take it.
    /// </summary>
    public static async ValueTask LeaveAsync(
        DiskSet set, Bucket bucket, ObjectName name, ulong digest, ulong generation, Burial burial, ILogger log)
    {
        byte[] bytes = MetadataRecord.Format(new ObjectMetadata
        {
            Kind = RecordKind.Tombstone,
            SizeBytes = 0,
            Bid = bucket.Bid,
            Generation = generation,
            Version = burial == Burial.Deleted ? DeletedVersion : 0,
            SidecarOf = name.Utf8.ToArray(),
        });
        int left = 0;
        StorageException? last = null;
        foreach (ObjectDisk disk in set.Ranked(digest))
        {
            if (left == Copies)
            {
                return;
            }

            try
            {
                await WriteAsync(disk, bucket, digest, NameOf(digest, name), bytes, log);
                left++;
            }
            catch (StorageException fault)
            {
                log.LogError("{Fault}", fault.Message);
                last = fault;
            }
        }

        if (left < Math.Min(Copies, set.Serving.Count) && last is not null)
        {
            throw last;
        }
    }

    /// <summary>The newest tombstone of a name on those disks; generation 0 when there is none.</summary>
    public static async ValueTask<(ulong Generation, Burial Burial)> NewestAsync(IEnumerable<ObjectDisk> disks, Bucket bucket, ObjectName name, ulong digest)
    {
        (ulong Generation, Burial Burial) newest = (0, Burial.Replaced);
        byte[] path = [.. bucket.Tombstones.Span, (byte)'/', .. NameOf(digest, name)];
        foreach (ObjectDisk disk in disks)
        {
            (ObjectMetadata? tombstone, _) = await ReadAsync(disk, path);
            if (tombstone is not null && tombstone.Bid == bucket.Bid && tombstone.SidecarOf.Span.SequenceEqual(name.Utf8.Span)
                && tombstone.Generation > newest.Generation)
            {
                newest = (tombstone.Generation, tombstone.Version == DeletedVersion ? Burial.Deleted : Burial.Replaced);
            }
        }

        return newest;
    }

    /// <summary>All names of the bucket that have a tombstone on that disk, with their generation. What cannot be read is passed over, with a word in the log.</summary>
    public static async Task<IReadOnlyList<(ObjectName Name, ulong Generation)>> AllAsync(ObjectDisk disk, Bucket bucket, ILogger log)
    {
        List<(ObjectName, ulong)> all = [];
        foreach (byte[] file in await DirectoryNames.FilesAsync(disk, bucket.Tombstones))
        {
            byte[] path = [.. bucket.Tombstones.Span, (byte)'/', .. file];
            (ObjectMetadata? tombstone, string? problem) = await ReadAsync(disk, path);
            if (tombstone is not null && ObjectName.TryCreate(tombstone.SidecarOf, out ObjectName name, out problem))
            {
                if (tombstone.Bid == bucket.Bid)
                {
                    all.Add((name, tombstone.Generation));
                }

                continue;
            }

            log.LogWarning("mountpath {Mountpath}: the tombstone {File} cannot be used: {Problem}", disk.Path, Encoding.ASCII.GetString(file), problem);
        }

        return all;
    }

    /// <summary>
    /// What the file of that name in the bucket's directory says; null with a sentence when it is damaged or not what its name says, null without one when it
    /// is gone. Throws <see cref="StorageException"/>.
    /// </summary>
    internal static async ValueTask<(ObjectMetadata? Tombstone, string? Problem)> LookAsync(ObjectDisk disk, Bucket bucket, byte[] file)
    {
        (ObjectMetadata? tombstone, string? problem) = await ReadAsync(disk, [.. bucket.Tombstones.Span, (byte)'/', .. file]);
        return tombstone is null ? (null, problem)
            : tombstone.Bid != bucket.Bid ? (null, "it belongs to an earlier bucket of this name")
            : !ObjectName.TryCreate(tombstone.SidecarOf, out ObjectName name, out _)
                || !NameOf(bucket.DigestOf(name), name).AsSpan().SequenceEqual(file) ? (null, "it is named after another object than it says")
            : (tombstone, null);
    }

    /// <summary>The newest good tombstone of that file name on those disks; null when there is none. Disks that fail are passed over.</summary>
    internal static async ValueTask<ObjectMetadata?> BestAsync(IEnumerable<ObjectDisk> disks, Bucket bucket, byte[] file)
    {
        ObjectMetadata? best = null;
        foreach (ObjectDisk disk in disks)
        {
            try
            {
                (ObjectMetadata? tombstone, _) = await LookAsync(disk, bucket, file);
                best = tombstone is not null && tombstone.Generation > (best?.Generation ?? 0) ? tombstone : best;
            }
            catch (StorageException)
            {
                continue; // counted with the disk's faults
            }
        }

        return best;
    }

    /// <summary>
    /// Writes a damaged tombstone anew as one of the other disks has it; false when none has it. Takes the name's lock. Throws <see cref="StorageException"/>.
    /// </summary>
    internal static async ValueTask<bool> RestoreAsync(ObjectDisk disk, IReadOnlyList<ObjectDisk> disks, Bucket bucket, byte[] file, NameLock locks, ILogger log)
    {
        if (await BestAsync(disks, bucket, file) is not { } known || !ObjectName.TryCreate(known.SidecarOf, out ObjectName name, out _))
        {
            return false;
        }

        ulong digest = bucket.DigestOf(name);
        await locks.AcquireWriterAsync(digest);
        try
        {
            if ((await LookAsync(disk, bucket, file)).Problem is null)
            {
                return true; // replaced or removed meanwhile
            }

            if (await BestAsync(disks, bucket, file) is not { } best)
            {
                return false;
            }

            await WriteAsync(disk, bucket, digest, file, MetadataRecord.Format(best), log);
            return true;
        }
        finally
        {
            locks.ReleaseWriter(digest);
        }
    }

    /// <summary>
    /// Removes all of the bucket on that disk, durably: no mountpath is away any more. What is deleted from here on leaves none, and an old one that came back by a power
    /// cut would speak for it.
    /// </summary>
    public static async Task RemoveAllAsync(ObjectDisk disk, Bucket bucket)
    {
        IReadOnlyList<byte[]> files = await DirectoryNames.FilesAsync(disk, bucket.Tombstones);
        IoResult<DirectoryLease> acquired = await disk.Directories.AcquireAsync(bucket.Tombstones, DirectoryUse.Existing);
        if (acquired.Error is Errno.ENOENT or Errno.ENOTDIR)
        {
            return;
        }

        using (DirectoryLease directory = disk.Check(acquired, "open", bucket.Tombstones.Span))
        {
            foreach (byte[] file in files)
            {
                IoResult removed = await disk.Io.UnlinkAsync(directory.Handle, file, EntryKind.File);
                if (!removed.Ok && removed.Error != Errno.ENOENT)
                {
                    throw disk.Fault("unlink", removed.Error, bucket.Tombstones.Span);
                }
            }

            disk.Check(await directory.SyncAsync(), "fsync of the directory", bucket.Tombstones.Span);
        }

        await disk.Directories.PruneAsync(bucket.Tombstones, bucket.Home); // a crash may have left it before there was one in it
    }

    private static async ValueTask WriteAsync(ObjectDisk disk, Bucket bucket, ulong digest, byte[] name, byte[] bytes, ILogger log)
    {
        await using WorkFile work = await WorkFile.CreateAsync(disk, bucket, digest);
        disk.Check(await disk.Io.WriteFullyAsync(work.File, new ReadOnlySequence<byte>(bytes), 0), "write", work.Path.Span);
        await work.SyncAsync(log);
        await PlaceAsync(work, bucket.Tombstones, name);
    }

    /// <summary>Gives a work file that is on stable storage its name in that directory, durably.</summary>
    private static async ValueTask PlaceAsync(WorkFile work, ReadOnlyMemory<byte> directoryPath, byte[] name)
    {
        ObjectDisk disk = work.Disk;
        using DirectoryLease directory = disk.Check(
            await disk.Directories.AcquireAsync(directoryPath, DirectoryUse.CreateDurable), "mkdir", directoryPath.Span);
        disk.Check(await disk.Io.RenameAsync(work.Directory, work.Name, directory.Handle, name, RenameMode.Replace), "rename", work.Path.Span);
        work.GiveAway();
        disk.Check(await directory.SyncAsync(), "fsync of the directory", directoryPath.Span);
    }

    private static async ValueTask<(ObjectMetadata? Tombstone, string? Problem)> ReadAsync(ObjectDisk disk, byte[] path)
    {
        IoResult<FileHandle> opened = await disk.Io.OpenAsync(disk.Root, path, OpenIntent.Read);
        if (opened.Error is Errno.ENOENT or Errno.ENOTDIR)
        {
            return (null, null);
        }

        using FileHandle file = disk.Check(opened, "open", path);
        IoResult<byte[]> bytes = await disk.Io.ReadFileAsync(file, BytesMax);
        if (!bytes.Ok)
        {
            return bytes.Error == Errno.ERANGE ? (null, "it is too long") : throw disk.Fault("read", bytes.Error, path);
        }

        return MetadataRecord.TryParse(bytes.Value, out ObjectMetadata? record, out string? problem) && record.Kind == RecordKind.Tombstone
            ? (record, null)
            : (null, problem ?? "it is no tombstone");
    }
}

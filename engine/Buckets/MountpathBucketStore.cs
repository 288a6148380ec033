using Microsoft.Extensions.Logging;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;
using Sluice.Native;

namespace Sluice.Engine.Buckets;

/// <summary>
/// The bucket document on the mountpaths: written to min(<see cref="Limits.BucketDocumentCopies"/>, n) of them, in order of their uuids so
/// that a changed order of arguments changes nothing; read from all. A write that reached a majority of those holds; the newest valid
/// copy wins, so one that reached fewer is old or new after a restart.
/// </summary>
public sealed class MountpathBucketStore(IFileIo io, DiskTable disks, string cluster, ILogger log) : IBucketStore
{
    /// <inheritdoc/>
    public async ValueTask<(BucketDocument? Document, string? Problem)> ReadAsync()
    {
        using MountpathUse use = disks.EnterMountpaths();
        BucketDocument? newest = null;
        string? damage = null;
        foreach (Mountpath mountpath in use.Mountpaths)
        {
            (BucketDocument? document, string? problem) = await ReadAsync(mountpath);
            if (problem is not null)
            {
                damage = $"mountpath {mountpath.Path}: .sluice/{BucketDocument.Kind} cannot be used: {problem}";
                log.LogError("{Damage}", damage);
            }

            newest = document is not null && document.Version > (newest?.Version ?? 0) ? document : newest;
        }

        if (newest is not null)
        {
            return (newest, null);
        }

        // No copy at all is a new set only when no mountpath holds a bucket.
        foreach (Mountpath mountpath in use.Mountpaths)
        {
            IoResult<FileStatus> buckets = await io.StatAtAsync(mountpath.Root, "@ais"u8.ToArray());
            if (buckets.Ok && damage is null)
            {
                damage = $"mountpath {mountpath.Path} holds buckets, but no mountpath has their metadata (.sluice/{BucketDocument.Kind})";
            }
        }

        return damage is null ? (new BucketDocument { Version = 0, Cluster = cluster }, null) : (null, damage);
    }

    /// <inheritdoc/>
    public async ValueTask WriteAsync(BucketDocument document)
    {
        using MountpathUse use = disks.EnterMountpaths();
        byte[] json = document.Format();
        List<Mountpath> homes = HomesOf(use);
        int written = 0;
        (string Path, Errno Error) fault = default;
        foreach (Mountpath home in homes)
        {
            IoResult result = await DocumentFiles.WriteAsync(io, home.System, BucketDocument.Kind, json);
            written += result.Ok ? 1 : 0;
            if (!result.Ok)
            {
                fault = (home.Path, result.Error);
                log.LogError("mountpath {Mountpath}: the bucket metadata could not be written: {Error}", home.Path, result.Error);
            }
        }

        if (written <= homes.Count / 2)
        {
            throw new StorageException($"mountpath {fault.Path}, .sluice/{BucketDocument.Kind}", "write", fault.Error);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<DamagedDocument>> CheckAsync(long version)
    {
        using MountpathUse use = disks.EnterMountpaths();
        List<DamagedDocument> damaged = [];
        foreach (Mountpath home in HomesOf(use))
        {
            (BucketDocument? document, string? problem) = await ReadAsync(home);
            problem = document is null ? problem ?? "it is missing"
                : document.Version != version ? $"it is of version {document.Version}, and {version} is the newest"
                : null;
            if (problem is not null)
            {
                damaged.Add(new DamagedDocument(home.Path, BucketDocument.Kind, problem));
            }
        }

        return damaged;
    }

    /// <inheritdoc/>
    public async ValueTask TrashAsync(BucketRecord bucket)
    {
        using DiskUse use = disks.Enter();
        var gone = new Bucket(bucket);
        foreach (ObjectDisk disk in use.Set.Open)
        {
            await disk.Attachment!.Trash.ThrowAwayAsync(gone);
        }
    }

    /// <summary>Those that keep the document, in order.</summary>
    private static List<Mountpath> HomesOf(MountpathUse use) =>
        [.. use.Mountpaths.OrderBy(mountpath => mountpath.Uuid, StringComparer.Ordinal).Take(Limits.BucketDocumentCopies)];

    private async ValueTask<(BucketDocument? Document, string? Problem)> ReadAsync(Mountpath mountpath)
    {
        (ReadOnlyMemory<byte>? json, string? problem) = await DocumentFiles.ReadAsync(io, mountpath.System, BucketDocument.Kind);
        return json is { } bytes ? BucketDocument.Parse(bytes.Span) : (null, problem);
    }
}

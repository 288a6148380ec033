using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Pooling;
using Sluice.Native;

namespace Sluice.Engine.Objects;

/// <summary>What one file under a name is.</summary>
public sealed partial class ObjectLookup
{
    /// <summary>The file of a name on one mountpath, at its plain place or its leaf; null when there is none.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private static async ValueTask<(FileHandle? File, ObjectPath Path)> OpenOnAsync(ObjectDisk disk, ObjectPath plain)
    {
        ObjectPath path = plain;
        IoResult<FileHandle> opened = await disk.Io.OpenAsync(disk.Root, path.Whole, OpenIntent.Read);
        if (opened.Error == Errno.EISDIR)
        {
            path = path.AsLeaf();
            opened = await disk.Io.OpenAsync(disk.Root, path.Whole, OpenIntent.Read);
        }

        if (!opened.Ok && opened.Error is not (Errno.ENOENT or Errno.ENOTDIR))
        {
            throw disk.Fault("open", opened.Error, path.Whole.Span);
        }

        return (opened.Ok ? opened.Value : null, path);
    }

    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<(StoredObject? Stored, bool OfThisBucket, string? Problem, ulong DamagedSidecar)> ReadRecordAsync(
        ObjectDisk disk, Bucket bucket, ObjectName name, ObjectPath path, FileHandle file)
    {
        FileStatus status = disk.Check(await disk.Io.StatAsync(file), "statx", path.Whole.Span);
        (ObjectMetadata? metadata, string? problem) = await RecordFiles.ReadAsync(disk, file, path.Whole);
        if (metadata is null)
        {
            return (null, true, problem, 0);
        }

        if (metadata.Bid != bucket.Bid)
        {
            return (null, false, "it belongs to an earlier bucket of this name", 0);
        }

        if (metadata.Kind is not (RecordKind.Object or RecordKind.Stripe) || metadata.FileBytes != status.SizeBytes)
        {
            return (null, true, $"the file has {status.SizeBytes} bytes, its record says {metadata.FileBytes}, kind {metadata.Kind}", 0);
        }

        if (!metadata.HasSidecar)
        {
            return (new StoredObject(metadata, disk, path, status.AccessedNs), true, null, 0);
        }

        (ObjectMetadata? whole, problem) = await SidecarFiles.CompleteAsync(disk, bucket, name, metadata);
        return whole is null ? (null, true, problem, metadata.Generation) : (new StoredObject(whole, disk, path, status.AccessedNs), true, null, 0);
    }

    private Failure Damage(ObjectDisk disk, Bucket bucket, ObjectName name, ObjectPath path, string? problem)
    {
        Interlocked.Increment(ref _damaged);
        _log.LogError("mountpath {Mountpath}, {Path}: damaged object: {Problem}", disk.Path, Encoding.UTF8.GetString(path.Whole.Span), problem);
        return new Failure(ErrorCode.Damaged, $"{bucket.Name}/{name} is damaged and has no other copy");
    }
}

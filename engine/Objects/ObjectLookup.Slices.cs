using System.Runtime.CompilerServices;
using Sluice.Engine.Buckets;
using Sluice.Engine.ErasureCoding;
using Sluice.Engine.Io;
using Sluice.Engine.Pooling;

namespace Sluice.Engine.Objects;

/// <summary>Opens what stands on one mountpath, and the slices of an erasure-coded object with its head.</summary>
public sealed partial class ObjectLookup
{
    /// <summary>How slices are opened.</summary>
    internal ErasureContext? Erasure { get; init; }

    /// <summary>The object as it is on disk, open for the caller alone, who closes it; the caches are not asked and not filled.</summary>
    internal async ValueTask<Result<OpenObject>> OpenFreshAsync(Bucket bucket, ObjectName name, ulong digest)
    {
        await _locks.AcquireReaderAsync(digest);
        try
        {
            Result<OpenObject> found = await FindAsync(bucket, name, digest);
            return found is { Ok: true, Value.Stored.Metadata.Slices: not null } ? await OpenSlicesAsync(bucket, name, digest, found.Value) : found;
        }
        finally
        {
            _locks.ReleaseReader(digest);
        }
    }

    /// <summary>
    /// What readers have open of that name, with all its slices, parity too: held, so that the files may be removed and whoever reads has what he would rebuild a lost slice from. Null when it
    /// is not in the cache, or has no slices. The name's writer calls, before readers are shown anything else, and ends the hold when the files are gone.
    /// </summary>
    internal async ValueTask<OpenObject?> HoldSlicesAsync(Bucket bucket, ObjectName name, ulong digest)
    {
        if (_open.Find(digest, bucket.Bid, name.Utf8.Span, s_hold) is not { } open)
        {
            return null;
        }

        if (open.Striped is not { } striped)
        {
            open.Release();
            return null;
        }

        await striped.OpenAllAsync();
        return open;
    }

    /// <summary>What stands under the name on one mountpath: open, or damaged, or neither.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<(OpenObject? Open, Failure? Damage)> FindOnAsync(ObjectDisk disk, Bucket bucket, ObjectName name, ObjectPath plain)
    {
        (FileHandle? file, ObjectPath path) = await OpenOnAsync(disk, plain);
        if (file is null)
        {
            return default;
        }

        StoredObject? stored = null;
        try
        {
            (stored, bool ofThisBucket, string? problem, _) = await ReadRecordAsync(disk, bucket, name, path, file);
            return stored is not null ? (new OpenObject(stored, file) { Bucket = bucket }, null) : (null, ofThisBucket ? Damage(disk, bucket, name, path, problem) : null);
        }
        finally
        {
            if (stored is null)
            {
                file.Dispose();
            }
        }
    }

    /// <summary>The head with its slices, which are closed with it, and its replica behind it; without either there is nothing to read.</summary>
    private async ValueTask<Result<OpenObject>> OpenSlicesAsync(Bucket bucket, ObjectName name, ulong digest, OpenObject head)
    {
        head.Next?.Dispose(); // of further heads of the same slices
        Result<StripedObject> slices = await StripedObject.OpenAsync(Erasure!, bucket, name, digest, head.Stored);
        if (!slices.Ok)
        {
            head.File.Dispose();
            return slices.Error!;
        }

        slices.Value.HangOn(head.File);
        OpenObject? replica = slices.Value.Replica;
        head.Stored.Replica = replica?.Stored;
        return new OpenObject(head.Stored, head.File, replica) { Striped = slices.Value };
    }
}

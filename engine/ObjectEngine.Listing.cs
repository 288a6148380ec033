using Sluice.Engine.Buckets;
using Sluice.Engine.ErasureCoding;
using Sluice.Engine.Io;
using Sluice.Engine.Listing;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Names;
using Sluice.Engine.Objects;

namespace Sluice.Engine;

/// <summary>Listings, from the indexes of names.</summary>
public sealed partial class ObjectEngine
{
    /// <summary>One page of names; a page already contains every change that was acknowledged before it was asked for.</summary>
    public async ValueTask<Result<ListPage>> ListObjectsAsync(Caller caller, ListRequest request, CancellationToken cancellation)
    {
        Result<Bucket> allowed = Enter(caller, request.Bucket, AccessBits.ListObjects, "LIST");
        if (!allowed.Ok)
        {
            return allowed.Error!;
        }

        try
        {
            return await ListAsync(allowed.Value, request, cancellation);
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
    }

    private async ValueTask<ListPage> ListAsync(Bucket bucket, ListRequest request, CancellationToken cancellation)
    {
        ReadOnlyMemory<byte> after = request.After;
        if (request.NonRecursive && after.Length > request.Prefix.Length && after.Span[^1] == (byte)'/' && after.Span.StartsWith(request.Prefix.Span))
        {
            // The last page ended with a virtual directory: everything below it is behind us. 0xff is in no UTF-8 text.
            after = (byte[])[.. after.Span, 0xff];
        }

        using DiskUse use = _disks.Enter();
        try
        {
            return await PageAsync(walksAll: false);
        }
        catch (IndexLostException)
        {
            return await PageAsync(walksAll: true);
        }

        async ValueTask<ListPage> PageAsync(bool walksAll)
        {
            using MergedNames names = await MergedNames.OpenAsync(use.Set.Readable, bucket, request.Prefix, after, request.PageSize, walksAll);
            return await Lister.ListAsync(names, request, request.WithAttributes || request.WithSizes ? AttributesAsync : null, cancellation);
        }

        async ValueTask<ObjectAttributes?> AttributesAsync(ObjectName name)
        {
            Result<StoredObject> stored = await _lookup.StatAsync(bucket, name, bucket.DigestOf(name));
            return stored.Ok ? stored.Value.Attributes() with { Erasure = ErasureLayout.Of(bucket.Properties.Ec, stored.Value.Metadata) } : null;
        }
    }

    /// <summary>The bucket is gone, and its indexes with it.</summary>
    private async ValueTask ForgetNamesAsync(ulong bid)
    {
        using DiskUse use = _disks.Enter();
        foreach (ObjectDisk disk in use.Set.Open)
        {
            await (disk.Names?.ForgetAsync(bid) ?? default);
        }
    }
}

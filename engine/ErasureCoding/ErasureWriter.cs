using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;

namespace Sluice.Engine.ErasureCoding;

/// <summary>
/// Stores objects of buckets with erasure coding: in slices that are encoded while the body comes, or, when they are smaller than the bucket's limit, as P+1
/// whole copies. Either is one commit of a wide set.
/// </summary>
internal sealed class ErasureWriter(ErasureContext context, ObjectLookup lookup, ObjectCommit commit)
{
    /// <summary>True when an object of that size, null when it is not known, is cut into slices.</summary>
    public static bool IsSliced(EcProperties ec, long? sizeBytes) => ec.SizeLimitBytes switch
    {
        0 => true,
        < 0 => false,
        long limit => sizeBytes is null || sizeBytes >= limit,
    };

    /// <summary>Stores an object, as <see cref="ObjectEngine.PutObjectAsync"/> says; the bucket has erasure coding.</summary>
    public async ValueTask<Result<StoredObject>> PutAsync(Bucket bucket, PutRequest request, ulong digest, int readBytes, CancellationToken cancellation)
    {
        EcProperties ec = bucket.Properties.Ec;
        if (ec.SizeLimitBytes > 0)
        {
            request = await BodyReceiver.MeasuredAsync(request, (int)Math.Min(ec.SizeLimitBytes, readBytes), cancellation);
        }

        await using ReplicaSet set = ReplicaSet.Rent(bucket, request, digest);
        bool isSliced = IsSliced(ec, request.LengthBytes);
        Result<ReceivedBody> body = isSliced
            ? await ReceiveSlicesAsync(set, request, ec, readBytes, cancellation)
            : await ReceiveCopiesAsync(set, request, ec, readBytes, cancellation);
        if (!body.Ok)
        {
            return body.Error!;
        }

        Result<StoredObject> stored = await commit.CommitAsync(set, body.Value, request.Custom);
        if (stored.Ok && isSliced)
        {
            context.Encoded.Add();
            if (stored.Value.Metadata.Slices!.Mountpaths.Contains(Guid.Empty))
            {
                context.RepairWanted(bucket, request.Name, digest);
            }
        }

        return stored;
    }

    /// <summary>
    /// Gives a sliced object other custom metadata: new heads, on its first P+1 mountpaths, speak of the same slices. Refuses with Busy when it is not the
    /// present object any more.
    /// </summary>
    public async ValueTask<Result<StoredObject>> SetCustomAsync(
        Bucket bucket, ObjectName name, ulong digest, StoredObject stored, IReadOnlyList<KeyValuePair<string, string>> custom)
    {
        if (CustomMetadata.Problem(custom) is { } problem)
        {
            return new Failure(ErrorCode.MetadataTooLarge, problem);
        }

        await using ReplicaSet set = ReplicaSet.Rent(bucket, name, digest);
        set.Map = stored.Metadata.Slices;
        foreach (ObjectDisk disk in lookup.Ranked(digest).Take(set.Map!.Geometry.ParitySlices + 1))
        {
            set.Add(ReplicaMember.Head(await WorkFile.CreateAsync(disk, bucket, digest)));
        }

        return await commit.ConvertAsync(set, stored, custom);
    }

    private async ValueTask<Result<ReceivedBody>> ReceiveSlicesAsync(
        ReplicaSet set, PutRequest request, EcProperties ec, int readBytes, CancellationToken cancellation)
    {
        Result<SliceSet> made = await SliceSet.CreateAsync(context, set, lookup.Ranked(set.Digest), ec, request.LengthBytes);
        if (!made.Ok)
        {
            return made.Error!;
        }

        using SliceSet slices = made.Value;
        Result<ReceivedBody> body = await BodyReceiver.ReceiveAsync(slices, request, request.KeptIn(set.Bucket), readBytes, cancellation);
        if (body.Ok)
        {
            await slices.FinishAsync(body.Value.SizeBytes);
        }

        return body;
    }

    private async ValueTask<Result<ReceivedBody>> ReceiveCopiesAsync(
        ReplicaSet set, PutRequest request, EcProperties ec, int readBytes, CancellationToken cancellation)
    {
        IReadOnlyList<ObjectDisk> order = lookup.Ranked(set.Digest);
        if (order.Count <= ec.ParitySlices)
        {
            return ErasureRefusals.TooFewForCopies(ec, order.Count);
        }

        foreach (ObjectDisk disk in order.Take(ec.ParitySlices + 1))
        {
            set.Add(ReplicaMember.Head(await WorkFile.CreateAsync(disk, set.Bucket, set.Digest)));
        }

        var copies = new ReplicaSink([.. set.Members.Select(static member => member.Work)]);
        return await BodyReceiver.ReceiveAsync(copies, request, request.KeptIn(set.Bucket), readBytes, cancellation);
    }
}

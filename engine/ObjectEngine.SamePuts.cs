using System.Buffers;
using System.Runtime.CompilerServices;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;
using Sluice.Engine.Pooling;

namespace Sluice.Engine;

/// <summary>A PUT that says by its digest that it brings what the object is already (contract: objects §4) leaves the object as it is.</summary>
public sealed partial class ObjectEngine
{
    private static readonly Nowhere s_nowhere = new();

    /// <summary>
    /// Answers what the object is, when its digest and size are those that the client declares, it brings no other custom metadata, and the object is whole: read, and compared with its own digests,
    /// since a client may send it because it is damaged. Null, with nothing taken of the body, when the object is to be stored. The body is compared with its digest as that of any PUT; it is
    /// refused when it differs. What is answered has the durability of its bucket: a commit that was on its way has ended.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<Result<StoredObject>?> TryPutSameAsync(Bucket bucket, PutRequest request, CancellationToken cancellation)
    {
        StoredObject? same = await FindSameAsync(bucket, request);
        if (same is null)
        {
            return null;
        }

        Result<ReceivedBody> body = await BodyReceiver.ReceiveAsync(s_nowhere, request, request.Expected.Type, _bodyReadBytes, cancellation);
        return body.Ok ? same : body.Error!;
    }

    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<StoredObject?> FindSameAsync(Bucket bucket, PutRequest request)
    {
        if (request.LengthBytes is null or > Limits.SamePutBytesMax)
        {
            return null;
        }

        try
        {
            ulong digest = bucket.DigestOf(request.Name);
            Result<StoredObject> known = await _lookup.StatAsync(bucket, request.Name, digest);
            if (!known.Ok || !IsSame(known.Value.Metadata, request) || !await IsWholeAsync(bucket, request.Name, digest, known.Value))
            {
                return null;
            }

            await _locks.AcquireReaderAsync(digest); // whoever has just made it visible answers for its durability first
            _locks.ReleaseReader(digest);
            return HasFailedFlush() ? null : known.Value;
        }
        catch (StorageException)
        {
            return null; // told where the object is stored, if it concerns that
        }
    }

    private static bool IsSame(ObjectMetadata known, PutRequest request) =>
        known.Chunked is null && known.SizeBytes == request.LengthBytes && known.Checksum == request.Expected
        && (request.Custom.Count == 0 || IsSame(known.Custom, request.Custom));

    private static bool IsSame(IReadOnlyList<KeyValuePair<string, string>> known, IReadOnlyList<KeyValuePair<string, string>> sent) =>
        known.Count == sent.Count && sent.All(pair => known.Contains(pair));

    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<bool> IsWholeAsync(Bucket bucket, ObjectName name, ulong digest, StoredObject known)
    {
        using DiskUse use = _disks.Enter();
        Result<OpenObject> opened = await _lookup.OpenAsync(bucket, name, digest);
        if (!opened.Ok)
        {
            return false;
        }

        using var reader = new ObjectReader(opened.Value, bucket);
        return reader.Stored.Metadata.Generation == known.Metadata.Generation && (await reader.VerifyAsync(0, reader.SizeBytes)).Ok;
    }

    /// <summary>A flush or an fsync has failed since the start: nobody can say then that what is to be seen is durable.</summary>
    private bool HasFailedFlush()
    {
        IReadOnlyList<ObjectDisk> open = _disks.Current.Open;
        for (int i = 0; i < open.Count; i++)
        {
            if (open[i].Attachment!.Flusher.HasFailed)
            {
                return true;
            }
        }

        return Mountpaths.HasLeftUnflushed;
    }

    /// <summary>Takes a body that is hashed and not kept.</summary>
    private sealed class Nowhere : IBodySink
    {
        public ValueTask WriteAsync(ReadOnlySequence<byte> data, long offset) => default;
    }
}

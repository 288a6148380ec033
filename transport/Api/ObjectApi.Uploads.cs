using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Primitives;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Chunks;
using Sluice.Engine.Objects;
using Sluice.Transport.Http;

namespace Sluice.Transport.Api;

/// <summary>Uploads in parts, and the objects that they become (contract: objects §8).</summary>
internal sealed partial class ObjectApi
{
    /// <summary>GET of a chunked object, whole or one range.</summary>
    private async ValueTask<Failure?> GetChunkedAsync(RequestContext context, BucketName bucket, ObjectName name)
    {
        Result<ChunkedReader> opened = await engine.OpenChunkedAsync(s_caller, bucket, name);
        if (!opened.Ok)
        {
            return opened.Error;
        }

        using ChunkedReader reader = opened.Value;
        StringValues asked = context.RequestHeaders.Range;
        if (!TryRange(context, asked, reader.SizeBytes, out ByteRange range, out Failure? refusal))
        {
            return refusal;
        }

        ChecksumType type = reader.Manifest.Checksum.Type;
        Checksum ofRange = default;
        Result ready = Result.Done;
        if (asked.Count > 0 && reader.BucketProperties.EnableReadRange && type != ChecksumType.None)
        {
            Result<Checksum> digest = await reader.DigestOfRangeAsync(type, range.Offset, range.Count);
            (ready, ofRange) = (new Result(digest.Error), digest.Ok ? digest.Value : default);
        }
        else if (reader.BucketProperties.ValidateWarmGet)
        {
            ready = await reader.VerifyAsync(range.Offset, range.Count);
        }

        context.Headers.ContentLength = range.Count;
        Failure? failed = ready.Ok ? await _sender.SendChunksAsync(context, reader, range, ofRange) : ready.Error;
        if (failed is not null)
        {
            context.Headers.ContentRange = StringValues.Empty;
        }

        return failed;
    }

    /// <summary>GET with what=manifest: what a chunked object is made of. Ours; the contract has none.</summary>
    private async ValueTask<Failure?> GetManifestAsync(RequestContext context, BucketName bucket, ObjectName name)
    {
        Result<StoredObject> stored = await engine.StatObjectAsync(s_caller, bucket, name);
        if (!stored.Ok)
        {
            return stored.Error;
        }

        if (stored.Value.Metadata.Chunked is null)
        {
            return new Failure(ErrorCode.ObjectNotFound, $"{bucket}/{Answers.Printable(name.ToString())} has no manifest: it is not a chunked object");
        }

        Result<ChunkedReader> opened = await engine.OpenChunkedAsync(s_caller, bucket, name);
        if (!opened.Ok)
        {
            return opened.Error;
        }

        using ChunkedReader reader = opened.Value;
        await Answers.JsonAsync(context, writer => ChunkJson.Write(writer, reader.Manifest));
        return null;
    }

    /// <summary>GET with uploadId: how far an upload in progress is. Ours; the contract has none.</summary>
    private async ValueTask<Failure?> GetUploadAsync(RequestContext context, BucketName bucket, ObjectName name, string uploadId)
    {
        Result<UploadProgress> progress = await engine.ReadUploadAsync(s_caller, bucket, name, uploadId);
        if (progress.Ok)
        {
            await Answers.JsonAsync(context, writer => ChunkJson.Write(writer, progress.Value));
        }

        return progress.Error;
    }

    private async ValueTask<Result<ObjectAttributes>> PutPartAsync(PutRequest request, string uploadId, string part) =>
        int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? await engine.PutPartAsync(s_caller, request, uploadId, number, CancellationToken.None)
            : new Failure(ErrorCode.BadRequest, $"partNumber \"{Answers.Printable(part)}\" is no number");

    private async ValueTask<Failure?> PostUploadAsync(RequestContext context, BucketName bucket, ReadOnlyMemory<byte> key, ActionMessage message)
    {
        if (!TryName(key, out ObjectName name, out Failure? refusal))
        {
            return refusal;
        }

        if (message.Action == Actions.BeginUpload)
        {
            if (!ObjectHeaders.TryReadCustom(context.RequestHeaders, out IReadOnlyList<KeyValuePair<string, string>> custom, out refusal))
            {
                return refusal;
            }

            Result<string> begun = await engine.BeginUploadAsync(s_caller, bucket, name, custom, CancellationToken.None);
            if (begun.Ok)
            {
                await Answers.TextAsync(context, begun.Value);
            }

            return begun.Error;
        }

        if (!TryReadParts(message.Value, out List<int> numbers))
        {
            return new Failure(ErrorCode.BadRequest, "\"value\" must be an array of the parts, {\"part-number\":N,\"etag\":TEXT} each");
        }

        Result<ObjectAttributes> stored = await engine.CompleteUploadAsync(
            s_caller, bucket, name, context.Target.Parameter("uploadId") ?? "", numbers, CancellationToken.None);
        if (stored.Ok)
        {
            ObjectHeaders.WriteAttributes(context.Headers, stored.Value);
            await Answers.EmptyAsync(context);
        }

        return stored.Error;
    }

    /// <summary>The numbers of the parts that a client lists; null stands for none.</summary>
    private static bool TryReadParts(JsonElement value, out List<int> numbers)
    {
        numbers = [];
        if (value.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null)
        {
            return true;
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            return false;
        }

        foreach (JsonElement part in value.EnumerateArray())
        {
            if (part.ValueKind != JsonValueKind.Object || !part.TryGetProperty("part-number", out JsonElement number) || !number.TryGetInt32(out int read))
            {
                return false;
            }

            numbers.Add(read);
        }

        return true;
    }
}

using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.Primitives;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.ErasureCoding;
using Sluice.Engine.Objects;
using Sluice.Engine.Pooling;
using Sluice.Transport.Cold;
using Sluice.Transport.Http;

namespace Sluice.Transport.Api;

/// <summary>/v1/objects (contract: objects §1–5). Names come as bytes, decoded once.</summary>
internal sealed partial class ObjectApi(ObjectEngine engine, NodeIdentity node, ColdReads cold)
{
    private readonly ObjectSender _sender = new(cold);
    private static readonly Caller s_caller = Caller.Anonymous;
    private static readonly string[] s_unbuiltGet = ["archpath", "archregx", "archmode", "etl_name", "etl_pipeline"];
    private static readonly string[] s_unbuiltPut = ["archpath", "etl_name", "etl_pipeline"];

    /// <summary>A part goes before an append (contract: objects §4): a writer that appends to one stores it.</summary>
    private static readonly string[] s_unbuiltPart = ["archpath"];

    /// <summary>GET, whole or one range; or what is known of its parts.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public async ValueTask<Failure?> GetAsync(RequestContext context, BucketName bucket, ReadOnlyMemory<byte> key)
    {
        if (Unbuilt(context, s_unbuiltGet) is { } unbuilt)
        {
            return unbuilt;
        }

        if (!TryName(key, out ObjectName name, out Failure? refusal))
        {
            return refusal;
        }

        if (context.Target.Parameter("what") is { Length: > 0 } what)
        {
            return what == "manifest"
                ? await GetManifestAsync(context, bucket, name)
                : new Failure(ErrorCode.BadRequest, $"what=\"{Answers.Printable(what)}\" is not known of an object: expecting manifest");
        }

        if (context.Target.Parameter("uploadId") is { Length: > 0 } uploadId)
        {
            return await GetUploadAsync(context, bucket, name, uploadId);
        }

        Result<ObjectReader> opened = await engine.OpenObjectAsync(s_caller, bucket, name);
        if (!opened.Ok)
        {
            return opened.Error;
        }

        using ObjectReader reader = opened.Value;
        if (reader.Stored.Metadata.Chunked is not null)
        {
            return await GetChunkedAsync(context, bucket, name);
        }

        StringValues asked = context.RequestHeaders.Range;
        if (!TryRange(context, asked, reader.SizeBytes, out ByteRange range, out refusal))
        {
            return refusal;
        }

        if (reader.BucketProperties.ValidateWarmGet)
        {
            Result verified = await reader.VerifyAsync(range.Offset, range.Count);
            if (!verified.Ok)
            {
                context.Headers.ContentRange = StringValues.Empty;
                return verified.Error;
            }
        }

        context.Headers.ContentLength = range.Count;
        Failure? failed = asked.Count > 0 && reader.BucketProperties.EnableReadRange
            ? await SendWithDigestAsync(context, reader, range)
            : await _sender.SendAsync(context, reader, range);
        if (failed is not null)
        {
            context.Headers.ContentRange = StringValues.Empty;
        }

        return failed;
    }

    /// <summary>The range that was asked for, which is said in the answer; all of it when none was.</summary>
    private static bool TryRange(RequestContext context, StringValues asked, long sizeBytes, out ByteRange range, out Failure? refusal)
    {
        range = new ByteRange(0, sizeBytes);
        refusal = null;
        if (asked.Count == 0)
        {
            return true;
        }

        if (asked.Count > 1 || !RangeHeader.TryParse(asked.ToString(), sizeBytes, out range))
        {
            context.Headers.ContentRange = $"bytes */{sizeBytes}";
            refusal = new Failure(ErrorCode.RangeNotSatisfiable, $"range \"{Answers.Printable(asked.ToString())}\" cannot be had of {sizeBytes} bytes");
            return false;
        }

        context.Status = 206;
        context.Headers.ContentRange = $"bytes {range.Offset}-{range.Offset + range.Count - 1}/{sizeBytes}";
        return true;
    }

    /// <summary>The digest that goes out is that of the range.</summary>
    private async ValueTask<Failure?> SendWithDigestAsync(RequestContext context, ObjectReader reader, ByteRange range)
    {
        ChecksumType type = reader.Stored.Metadata.Checksum.Type;
        Result<Checksum> ofRange = type == ChecksumType.None ? Checksum.None : await reader.DigestOfRangeAsync(type, range.Offset, range.Count);
        return ofRange.Ok ? await _sender.SendAsync(context, reader, range, ofRange.Value) : ofRange.Error;
    }

    /// <summary>HEAD, in the dialect that the query asks for.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public async ValueTask<Failure?> HeadAsync(RequestContext context, BucketName bucket, ReadOnlyMemory<byte> key)
    {
        string? props = context.Target.Parameter("props");
        if (!string.IsNullOrEmpty(props) && ObjectHeaders.UnknownProperty(props) is { } unknown)
        {
            return new Failure(ErrorCode.BadRequest, $"unknown object property \"{Answers.Printable(unknown)}\": expecting {ObjectHeaders.PropertyNames}");
        }

        if (!TryName(key, out ObjectName name, out Failure? refusal))
        {
            return refusal;
        }

        Result<StoredObject> stored = await engine.StatObjectAsync(s_caller, bucket, name);
        if (!stored.Ok)
        {
            return stored.Error;
        }

        ErasureLayout? kept = engine.ErasureOf(bucket, stored.Value);
        if (!string.IsNullOrEmpty(props))
        {
            ObjectHeaders.WriteHeadV2(context.Headers, stored.Value.Attributes() with { Erasure = kept }, bucket, name, props, node);
        }
        else if (context.Target.Parameter("presence") is "1" or "3")
        {
            context.Headers[HeaderNames.Present] = "true";
        }
        else
        {
            HeaderTexts.WriteHead(context.Headers, stored.Value, bucket, name, node);
            ObjectHeaders.WriteErasure(context.Headers, kept);
            if (stored.Value.Metadata.Chunked is { } chunked)
            {
                ObjectHeaders.WriteChunks(context.Headers, chunked.ChunkCount, chunked.LargestChunkBytes);
            }
        }

        return null;
    }

    /// <summary>PUT: the request's body becomes the object, or is appended to it; or the object is copied.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public async ValueTask<Failure?> PutAsync(RequestContext context, BucketName bucket, ReadOnlyMemory<byte> key)
    {
        string? part = context.Target.Parameter("partNumber");
        if (Unbuilt(context, string.IsNullOrEmpty(part) ? s_unbuiltPut : s_unbuiltPart) is { } unbuilt)
        {
            return unbuilt;
        }

        string? uploadId = context.Target.Parameter("uploadId");
        if (string.IsNullOrEmpty(part) && string.IsNullOrEmpty(uploadId))
        {
            if (IsAppend(context))
            {
                return await AppendAsync(context, bucket, key);
            }

            if (context.Target.ParameterBytes(QueryNames.CopyTo) is { } target)
            {
                return await CopyAsync(context, bucket, key, target);
            }
        }

        if (!TryName(key, out ObjectName name, out Failure? refusal)
            || !ObjectHeaders.TryReadChecksum(context.RequestHeaders, out Checksum expected, out refusal)
            || !ObjectHeaders.TryReadCustom(context.RequestHeaders, out IReadOnlyList<KeyValuePair<string, string>> custom, out refusal))
        {
            return refusal;
        }

        if (string.IsNullOrEmpty(part) != string.IsNullOrEmpty(uploadId))
        {
            return new Failure(ErrorCode.BadRequest, "uploadId and partNumber go together");
        }

        if (context is { HasBody: true, ContentLength: { } length })
        {
            context.Bodies?.BeginBody(length);
        }

        var request = new PutRequest
        {
            Bucket = bucket,
            Name = name,
            Body = context.Body,
            LengthBytes = context.HasBody ? context.ContentLength : 0,
            Expected = expected,
            IsStoredAnyway = expected.Type != ChecksumType.None && context.Target.IsOn(QueryNames.SkipVersionCheck),
            Custom = custom,
        };
        Result<ObjectAttributes> stored = string.IsNullOrEmpty(part)
            ? await engine.PutObjectAsync(s_caller, request, CancellationToken.None)
            : await PutPartAsync(request, uploadId!, part);
        if (!stored.Ok)
        {
            return stored.Error;
        }

        ObjectHeaders.WriteAttributes(context.Headers, stored.Value);
        await Answers.EmptyAsync(context);
        return null;
    }

    /// <summary>DELETE; a body, if there is one, may ask for something else that is not built.</summary>
    public ValueTask<Failure?> DeleteAsync(RequestContext context, BucketName bucket, ReadOnlyMemory<byte> key) => ActionMessage.HandleAsync(context, async message =>
    {
        string? uploadId = context.Target.Parameter("uploadId");
        bool isAbort = !string.IsNullOrEmpty(uploadId) && message.Action is "" or Actions.AbortUpload;
        if (message.Action.Length > 0 && !isAbort)
        {
            return BucketApi.Unbuilt(message.Action, "DELETE of an object");
        }

        if (!TryName(key, out ObjectName name, out Failure? refusal))
        {
            return refusal;
        }

        Result deleted = isAbort
            ? await engine.AbortUploadAsync(s_caller, bucket, name, uploadId ?? "")
            : await engine.DeleteObjectAsync(s_caller, bucket, name);
        if (deleted.Ok)
        {
            await Answers.EmptyAsync(context);
        }

        return deleted.Error;
    });

    /// <summary>PATCH: custom metadata, merged or replaced.</summary>
    public ValueTask<Failure?> PatchAsync(RequestContext context, BucketName bucket, ReadOnlyMemory<byte> key) => ActionMessage.HandleAsync(context, async message =>
    {
        if (message.Action.Length > 0)
        {
            return BucketApi.Unbuilt(message.Action, "PATCH of an object");
        }

        if (message.Value.ValueKind != JsonValueKind.Object)
        {
            return new Failure(ErrorCode.BadRequest, "\"value\" must be a JSON object of custom metadata, text to text");
        }

        var custom = new List<KeyValuePair<string, string>>();
        foreach (JsonProperty pair in message.Value.EnumerateObject())
        {
            if (pair.Value.ValueKind != JsonValueKind.String)
            {
                return new Failure(ErrorCode.BadRequest, $"custom metadata \"{Answers.Printable(pair.Name)}\" must be a JSON string");
            }

            custom.Add(new(pair.Name, pair.Value.GetString()!));
        }

        if (!TryName(key, out ObjectName name, out Failure? refusal))
        {
            return refusal;
        }

        Result<ObjectAttributes> changed = await engine.SetCustomAsync(s_caller, bucket, name, custom, context.Target.IsOn("set-new-custom"));
        if (changed.Ok)
        {
            await Answers.EmptyAsync(context);
        }

        return changed.Error;
    });

    /// <summary>POST to an object: check-lock, another name, and the ends of an upload.</summary>
    public ValueTask<Failure?> PostAsync(RequestContext context, BucketName bucket, ReadOnlyMemory<byte> key) => ActionMessage.HandleAsync(context, async message =>
    {
        if (message.Action is Actions.BeginUpload or Actions.CompleteUpload)
        {
            return await PostUploadAsync(context, bucket, key, message);
        }

        if (message.Action == Actions.RenameObject)
        {
            return await RenameAsync(context, bucket, key, message.Name);
        }

        if (message.Action != Actions.CheckLock)
        {
            return BucketApi.Unbuilt(message.Action, "POST to an object");
        }

        if (!TryName(key, out ObjectName name, out Failure? refusal))
        {
            return refusal;
        }

        Result<LockState> state = engine.CheckLock(s_caller, bucket, name);
        if (state.Ok)
        {
            await Answers.EmptyAsync(context, state.Value switch { LockState.WriteLocked => 423, LockState.ReadLocked => 202, _ => 200 });
        }

        return state.Error;
    });

    private static bool TryName(ReadOnlyMemory<byte> key, out ObjectName name, out Failure? refusal)
    {
        bool ok = ObjectName.TryCreateNative(key, out name, out string? problem);
        refusal = ok ? null : new Failure(ErrorCode.InvalidObjectName, problem!);
        return ok;
    }

    private static Failure? Unbuilt(RequestContext context, string[] parameters)
    {
        foreach (string parameter in parameters)
        {
            if (!string.IsNullOrEmpty(context.Target.Parameter(parameter)))
            {
                return new Failure(ErrorCode.NotImplemented, $"the query parameter \"{parameter}\" is not built yet");
            }
        }

        return null;
    }
}

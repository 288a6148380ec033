using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Objects;
using Sluice.Transport.Http;

namespace Sluice.Transport.Api;

/// <summary>Appends and their flush (contract: objects §4).</summary>
internal sealed partial class ObjectApi
{
    private static bool IsAppend(RequestContext context) =>
        !string.IsNullOrEmpty(context.Target.Parameter(QueryNames.AppendType)) || !string.IsNullOrEmpty(context.Target.Parameter(QueryNames.AppendHandle));

    /// <summary>PUT with append_type: a piece, which answers the handle of the next one, or the flush, which has the last handle and no body.</summary>
    private async ValueTask<Failure?> AppendAsync(RequestContext context, BucketName bucket, ReadOnlyMemory<byte> key)
    {
        string type = context.Target.Parameter(QueryNames.AppendType) ?? "";
        string handle = context.Target.Parameter(QueryNames.AppendHandle) ?? "";
        if (type is not ("append" or "flush"))
        {
            return new Failure(ErrorCode.BadRequest, $"{QueryNames.AppendType}=\"{Answers.Printable(type)}\" is not known: expecting append or flush");
        }

        if (type == "flush" && handle.Length == 0)
        {
            return new Failure(ErrorCode.BadRequest, $"a flush needs {QueryNames.AppendHandle}, what the last append has answered as {HeaderNames.AppendHandle}");
        }

        if (!TryName(key, out ObjectName name, out Failure? refusal)
            || !ObjectHeaders.TryReadChecksum(context.RequestHeaders, out Checksum sent, out refusal)
            || !ObjectHeaders.TryReadCustom(context.RequestHeaders, out IReadOnlyList<KeyValuePair<string, string>> custom, out refusal))
        {
            return refusal;
        }

        long? length = context.HasBody ? context.ContentLength : 0;
        if (type == "append")
        {
            if (length is > 0)
            {
                context.Bodies?.BeginBody(length.Value);
            }

            var piece = new PutRequest { Bucket = bucket, Name = name, Body = context.Body, LengthBytes = length, Expected = sent };
            Result<string> next = await engine.AppendObjectAsync(s_caller, piece, handle, CancellationToken.None);
            if (next.Ok)
            {
                context.Headers[HeaderNames.AppendHandle] = next.Value;
                await Answers.EmptyAsync(context);
            }

            return next.Error;
        }

        if (length != 0)
        {
            return new Failure(ErrorCode.BadRequest, "a flush has no body: what belongs to the object is appended before");
        }

        Result<ObjectAttributes> stored = await engine.FlushAppendAsync(s_caller, bucket, name, handle, sent, custom, CancellationToken.None);
        if (stored.Ok)
        {
            ObjectHeaders.WriteAttributes(context.Headers, stored.Value);
            await Answers.EmptyAsync(context);
        }

        return stored.Error;
    }
}

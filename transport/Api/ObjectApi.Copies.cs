using System.Text;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Objects;
using Sluice.Transport.Http;

namespace Sluice.Transport.Api;

/// <summary>Objects that become other objects without their bytes going to a client and back (contract: objects §4).</summary>
internal sealed partial class ObjectApi
{
    /// <summary>
    /// PUT with object_to: a copy under the unified name <paramref name="target"/>. What latest-ver and synchronize ask for is so of every bucket without a backend. It ends when its client has gone.
    /// </summary>
    private async ValueTask<Failure?> CopyAsync(RequestContext context, BucketName bucket, ReadOnlyMemory<byte> key, byte[] target)
    {
        if (!TryName(key, out ObjectName name, out Failure? refusal))
        {
            return refusal;
        }

        if (!UnifiedName.TryParse(target, out BucketName? toBucket, out ReadOnlyMemory<byte> toKey, out string? problem))
        {
            return new Failure(ErrorCode.BadRequest, $"{QueryNames.CopyTo}: {problem}");
        }

        if (!TryName(toKey, out ObjectName toName, out refusal))
        {
            return new Failure(refusal!.Code, $"{QueryNames.CopyTo}: {refusal.Message}");
        }

        Result<ObjectAttributes> copied = await engine.CopyObjectAsync(s_caller, bucket, name, toBucket, toName, context.Aborted);
        if (copied.Ok)
        {
            ObjectHeaders.WriteAttributes(context.Headers, copied.Value);
            await Answers.EmptyAsync(context);
        }

        return copied.Error;
    }

    /// <summary>POST rename-obj: the message's name is the new one.</summary>
    private async ValueTask<Failure?> RenameAsync(RequestContext context, BucketName bucket, ReadOnlyMemory<byte> key, string to)
    {
        if (!TryName(key, out ObjectName name, out Failure? refusal))
        {
            return refusal;
        }

        if (!TryName(Encoding.UTF8.GetBytes(to), out ObjectName toName, out refusal))
        {
            return new Failure(refusal!.Code, $"\"name\", the new one: {refusal.Message}");
        }

        Result<ObjectAttributes> moved = await engine.RenameObjectAsync(s_caller, bucket, name, toName, context.Aborted);
        if (moved.Ok)
        {
            await Answers.EmptyAsync(context);
        }

        return moved.Error;
    }
}

using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Transport.Http;

namespace Sluice.Transport.Api;

/// <summary>Files of the server that become objects (contract: objects §5).</summary>
internal sealed partial class ObjectApi
{
    /// <summary>
    /// POST to a bucket below /v1/objects: promote. The answer is the id of its job; of a file that was promoted at once it is empty and has the object's attributes as a PUT's has, and has none
    /// of them when the object that was there stays.
    /// </summary>
    public ValueTask<Failure?> PostToBucketAsync(RequestContext context, BucketName bucket) => ActionMessage.HandleAsync(context, async message =>
    {
        if (message.Action != Actions.Promote)
        {
            return BucketApi.Unbuilt(message.Action, "POST to a bucket's objects");
        }

        Result<PromotionRequest> request = PromoteMessage.Read(bucket, message, node);
        Result<Promotion> promoted = request.Ok ? await engine.PromoteAsync(s_caller, request.Value, context.Aborted) : request.Error!;
        if (!promoted.Ok)
        {
            return promoted.Error;
        }

        if (promoted.Value.Job is { } job)
        {
            await Answers.TextAsync(context, job.Id);
            return null;
        }

        if (promoted.Value.Stored is { } stored)
        {
            ObjectHeaders.WriteAttributes(context.Headers, stored);
        }

        await Answers.EmptyAsync(context);
        return null;
    });
}

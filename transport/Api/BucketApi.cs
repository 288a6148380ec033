using System.Buffers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Chunks;
using Sluice.Engine.Jobs;
using Sluice.Transport.Http;

namespace Sluice.Transport.Api;

/// <summary>/v1/buckets (contract: native API §5, buckets).</summary>
internal sealed class BucketApi(ObjectEngine engine, ListApi lists)
{
    private readonly SummaryApi _summaries = new(engine);

    private static readonly Caller s_caller = Caller.Anonymous;

    /// <summary>GET /v1/buckets: the buckets, as a JSON array; with summary-bck what they hold.</summary>
    public ValueTask<Failure?> ListAllAsync(RequestContext context, string provider, bool isEasy) => ActionMessage.HandleAsync(context, async message =>
    {
        if (!isEasy && message.Action == Actions.Summary)
        {
            return await _summaries.GetAsync(context, null, provider, message.Value);
        }

        if (!isEasy && message.Action.Length > 0 && message.Action != Actions.List)
        {
            return Unbuilt(message.Action);
        }

        string? canonical = BucketName.CanonicalProvider(provider);
        if (canonical is null)
        {
            return new Failure(ErrorCode.InvalidBucketName, "invalid backend provider: expecting ais, aws, gcp, azure or oci");
        }

        Result<IReadOnlyList<BucketRecord>> listed = engine.ListBuckets(s_caller, provider.Length == 0 ? null : canonical);
        if (!listed.Ok)
        {
            return listed.Error;
        }

        await Answers.JsonAsync(context, writer =>
        {
            writer.WriteStartArray();
            foreach (BucketRecord record in listed.Value)
            {
                WriteIdentity(writer, record.Name);
            }

            writer.WriteEndArray();
        });
        return null;
    });

    /// <summary>
    /// GET of a bucket: list its objects, with the defaults when no message says more; with summary-bck what it holds; with what=uploads its uploads in progress.
    /// </summary>
    public ValueTask<Failure?> GetAsync(RequestContext context, BucketName bucket) => ActionMessage.HandleAsync(context, async message =>
    {
        if (context.Target.Parameter("what") is { Length: > 0 } what)
        {
            return what == "uploads"
                ? await ListUploadsAsync(context, bucket)
                : new Failure(ErrorCode.BadRequest, $"what=\"{Answers.Printable(what)}\" is not known of a bucket: expecting uploads");
        }

        return message.Action switch
        {
            "" or Actions.List => await lists.ListAsync(context, bucket, message.Value),
            Actions.Summary => await _summaries.GetAsync(context, bucket, "", message.Value),
            _ => Unbuilt(message.Action, "GET"),
        };
    });

    /// <summary>The uploads in progress as a JSON array, oldest first. Ours; the contract has none.</summary>
    private async ValueTask<Failure?> ListUploadsAsync(RequestContext context, BucketName bucket)
    {
        Result<IReadOnlyList<Manifest>> uploads = await engine.ListUploadsAsync(s_caller, bucket);
        if (!uploads.Ok)
        {
            return uploads.Error;
        }

        await Answers.JsonAsync(context, writer =>
        {
            writer.WriteStartArray();
            foreach (Manifest note in uploads.Value)
            {
                writer.WriteStartObject();
                ChunkJson.WriteUpload(writer, note);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        });
        return null;
    }

    /// <summary>HEAD of a bucket: its properties in a header; with bsumm_remote, what it holds, too, of the objects whose names begin with the path's rest.</summary>
    public async ValueTask<Failure?> HeadAsync(RequestContext context, BucketName bucket, int position)
    {
        bool isSummary = !string.IsNullOrEmpty(context.Target.Parameter("bsumm_remote"));
        if (!context.Target.TryRest(position, out ReadOnlyMemory<byte> prefix))
        {
            return new Failure(ErrorCode.BadRequest, "the prefix has a '%' that is not followed by two hexadecimal digits");
        }

        if (!isSummary && !prefix.IsEmpty)
        {
            return NativeApi.HasMore(context);
        }

        Result<BucketRecord> record = engine.HeadBucket(s_caller, bucket);
        if (!record.Ok)
        {
            // A remote bucket that is not known here is not present, which is an answer and no error (contract: buckets §6).
            bool isAskedForPresence = record.Error!.Code == ErrorCode.BucketNotFound && !isSummary && context.Target.Parameter("presence") is ("2" or "3" or "4");
            return isAskedForPresence && bucket is not { Provider: "ais", NamespaceUuid: "" } ? await DoneAsync(context) : record.Error;
        }

        var bytes = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(bytes, Answers.WriterOptions))
        {
            record.Value.Properties.WriteJson(writer, bucket.Provider);
        }

        context.Headers[HeaderNames.BucketProperties] = Encoding.UTF8.GetString(bytes.WrittenSpan);
        if (isSummary)
        {
            return await _summaries.HeadAsync(context, bucket, prefix);
        }

        await Answers.EmptyAsync(context);
        return null;
    }

    /// <summary>POST: create-bck, ec-encode, make-n-copies, rechunk, copy-bck, copy-listrange, move-bck.</summary>
    public ValueTask<Failure?> PostAsync(RequestContext context, BucketName bucket) => ActionMessage.HandleAsync(context, async message =>
    {
        if (message.Action == Actions.EcEncode)
        {
            Result<Job> job = await engine.StartErasureCodingAsync(s_caller, bucket);
            return job.Ok ? await JobAsync(context, job.Value) : job.Error;
        }

        if (message.Action == Actions.Rechunk)
        {
            Result<RechunkRequest> request = RechunkMessage.Read(bucket, message.Value);
            Result<Job> job = request.Ok ? await engine.StartRechunkAsync(s_caller, request.Value) : request.Error!;
            return job.Ok ? await JobAsync(context, job.Value) : job.Error;
        }

        if (message.Action is Actions.CopyBucket or Actions.CopyObjects)
        {
            Result<BucketCopyRequest> request = message.Action == Actions.CopyObjects ? CopyMessage.ReadList(bucket, message.Value)
                : CopyMessage.ReadBucket(bucket, context.Target.ParameterBytes(QueryNames.BucketTo), message.Value);
            Result<Job> job = request.Ok ? await engine.StartCopyAsync(s_caller, request.Value) : request.Error!;
            return job.Ok ? await JobAsync(context, job.Value) : job.Error;
        }

        if (message.Action == Actions.RenameBucket)
        {
            Result<BucketName> to = CopyMessage.Destination(context.Target.ParameterBytes(QueryNames.BucketTo));
            Result<Job> job = to.Ok ? await engine.RenameBucketAsync(s_caller, bucket, to.Value) : to.Error!;
            return job.Ok ? await JobAsync(context, job.Value) : job.Error;
        }

        if (message.Action == Actions.MakeCopies)
        {
            return PropertyValues.TryInteger(message.Value, out long copies) && copies is >= 1 and <= MirrorProperties.CopiesMax
                ? await ChangedAsync(context, await engine.MakeCopiesAsync(s_caller, bucket, (int)copies))
                : new Failure(ErrorCode.BadRequest, $"the value of {Actions.MakeCopies} must be a number of copies from 1 to {MirrorProperties.CopiesMax}");
        }

        if (message.Action != Actions.CreateBucket)
        {
            return Unbuilt(message.Action, "POST");
        }

        if (bucket.Provider != "ais" || bucket.NamespaceUuid.Length > 0)
        {
            return new Failure(ErrorCode.NotImplemented, $"bucket \"{bucket}\": remote backends are not built yet; make an ais bucket");
        }

        Result<BucketRecord> made = await engine.CreateBucketAsync(s_caller, bucket, message.Value);
        return made.Ok ? await DoneAsync(context) : made.Error;
    });

    /// <summary>DELETE: destroy-bck, delete-listrange; evict-listrange where a bucket has nothing to evict.</summary>
    public ValueTask<Failure?> DeleteAsync(RequestContext context, BucketName bucket) => ActionMessage.HandleAsync(context, async message =>
    {
        if (message.Action == Actions.DeleteObjects)
        {
            Result<DeletionRequest> request = DeletionMessage.Read(bucket, message.Value);
            Result<Job> job = request.Ok ? await engine.StartDeletionAsync(s_caller, request.Value) : request.Error!;
            return job.Ok ? await JobAsync(context, job.Value) : job.Error;
        }

        if (message.Action == Actions.EvictObjects && bucket is { Provider: "ais", NamespaceUuid: "" })
        {
            Result<BucketRecord> record = engine.HeadBucket(s_caller, bucket);
            return record.Ok ? new Failure(ErrorCode.BadRequest, $"{Actions.EvictObjects}: bucket \"{bucket}\" is not a remote one, and has nothing to evict") : record.Error;
        }

        if (message.Action != Actions.DestroyBucket)
        {
            return Unbuilt(message.Action, "DELETE");
        }

        Result destroyed = await engine.DestroyBucketAsync(s_caller, bucket);
        return destroyed.Ok ? await DoneAsync(context) : destroyed.Error;
    });

    /// <summary>PATCH: set-bprops, reset-bprops. An empty body changes nothing.</summary>
    public ValueTask<Failure?> PatchAsync(RequestContext context, BucketName bucket) => ActionMessage.HandleAsync(context, async message =>
    {
        bool isReset = message.Action == Actions.ResetBucketProperties;
        if (!isReset && message.Action != Actions.SetBucketProperties && message.Root.ValueKind != JsonValueKind.Undefined)
        {
            return Unbuilt(message.Action, "PATCH");
        }

        Result<BucketRecord> before = engine.HeadBucket(s_caller, bucket);
        Result<BucketChange> changed = await engine.ChangeBucketAsync(s_caller, bucket, isReset ? engine.Defaults.Properties.ToPatch() : message.Value);
        if (!changed.Ok)
        {
            return changed.Error;
        }

        if (!before.Ok || before.Value.Properties.Ec == changed.Value.Record.Properties.Ec)
        {
            return await ChangedAsync(context, changed);
        }

        // What is there already is brought to the new properties in the background; the answer says by which job.
        Result<Job> job = await engine.StartErasureCodingAsync(s_caller, bucket);
        return job.Ok ? await JobAsync(context, job.Value) : await DoneAsync(context);
    });

    /// <summary>PUT: nothing yet.</summary>
    public ValueTask<Failure?> PutAsync(RequestContext context) =>
        ActionMessage.HandleAsync(context, message => NativeApi.Refused(Unbuilt(message.Action, "PUT")));

    /// <summary>Why an action is not carried out: it is missing, unknown, not built, or belongs to another method.</summary>
    internal static Failure Unbuilt(string action, string? method = null) =>
        action.Length == 0 ? new Failure(ErrorCode.BadRequest, "the body has no \"action\"")
        : !Actions.IsKnown(action) ? new Failure(ErrorCode.UnknownAction, $"unknown action \"{Answers.Printable(action)}\"")
        : Actions.IsBuilt(action) ? new Failure(ErrorCode.BadRequest, $"action \"{action}\" does not go with {method ?? "this method and path"}")
        : new Failure(ErrorCode.NotImplemented, $"action \"{action}\" is not built yet");

    /// <summary>A bucket as JSON; none is one of empty texts.</summary>
    internal static void WriteIdentity(Utf8JsonWriter writer, BucketName? name)
    {
        writer.WriteStartObject();
        WriteIdentityMembers(writer, name);
        writer.WriteEndObject();
    }

    /// <summary>The members of it, within an object that says more.</summary>
    internal static void WriteIdentityMembers(Utf8JsonWriter writer, BucketName? name)
    {
        writer.WriteString("name", name?.Name ?? "");
        writer.WriteString("provider", name?.Provider ?? "");
        writer.WriteStartObject("namespace");
        writer.WriteString("uuid", name?.NamespaceUuid ?? "");
        writer.WriteString("name", name?.NamespaceName ?? "");
        writer.WriteEndObject();
    }

    /// <summary>The answer is the id of the job that the change has started, as bare text; empty when there is none.</summary>
    private static async ValueTask<Failure?> ChangedAsync(RequestContext context, Result<BucketChange> changed)
    {
        if (!changed.Ok)
        {
            return changed.Error;
        }

        if (changed.Value.Job is not { } job)
        {
            return await DoneAsync(context);
        }

        return await JobAsync(context, job);
    }

    /// <summary>The id of a job, as text.</summary>
    private static async ValueTask<Failure?> JobAsync(RequestContext context, Job job)
    {
        await Answers.TextAsync(context, job.Id);
        return null;
    }

    private static async ValueTask<Failure?> DoneAsync(RequestContext context)
    {
        await Answers.EmptyAsync(context);
        return null;
    }
}

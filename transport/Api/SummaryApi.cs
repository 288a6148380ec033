using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Jobs;
using Sluice.Engine.Summaries;
using Sluice.Transport.Http;

namespace Sluice.Transport.Api;

/// <summary>
/// What buckets hold (contract: buckets §6, §7): a first call starts a job and answers 202 with its id; calls with that id answer 202 while nothing is counted, 206
/// with what is counted so far, and 200 when all is. What the job was started with, its prefix above all, need not be repeated.
/// </summary>
internal sealed class SummaryApi(ObjectEngine engine)
{
    private static readonly Caller s_caller = Caller.Anonymous;

    /// <summary>GET with summary-bck: of one bucket, or of all of a provider; an empty one is every provider.</summary>
    public async ValueTask<Failure?> GetAsync(RequestContext context, BucketName? bucket, string provider, JsonElement value)
    {
        if (value.ValueKind is not (JsonValueKind.Object or JsonValueKind.Null or JsonValueKind.Undefined))
        {
            return new Failure(ErrorCode.BadRequest, $"\"value\" of {Actions.Summary} must be a JSON object: {{\"uuid\":…,\"prefix\":…}}");
        }

        if (BucketName.CanonicalProvider(provider) is not { } canonical)
        {
            return new Failure(ErrorCode.InvalidBucketName, "invalid backend provider: expecting ais, aws, gcp, azure or oci");
        }

        if (!MessageValues.TryText(value, "uuid", out string id, out Failure? refusal) || !MessageValues.TryText(value, "prefix", out string prefix, out refusal))
        {
            return refusal;
        }

        if (id.Length > 0)
        {
            Result<SummaryAnswer> answer = await engine.SummariseAsync(s_caller, id, bucket);
            return answer.Ok ? await ShowAsync(context, answer.Value) : answer.Error;
        }

        Result<Job> job = await engine.StartSummaryAsync(s_caller, new SummaryRequest
        {
            Bucket = bucket,
            Provider = provider.Length == 0 ? null : canonical,
            Prefix = Encoding.UTF8.GetBytes(prefix),
        });
        if (!job.Ok)
        {
            return job.Error;
        }

        context.Status = StatusCodes.Status202Accepted;
        await Answers.TextAsync(context, job.Value.Id);
        return null;
    }

    /// <summary>HEAD with bsumm_remote, behind the bucket's properties, which are in their header already.</summary>
    public async ValueTask<Failure?> HeadAsync(RequestContext context, BucketName bucket, ReadOnlyMemory<byte> prefix)
    {
        if (context.Target.Parameter("uuid") is not { Length: > 0 } id)
        {
            Result<Job> job = await engine.StartSummaryAsync(s_caller, new SummaryRequest { Bucket = bucket, Prefix = prefix.ToArray() });
            if (!job.Ok)
            {
                return job.Error;
            }

            context.Headers[HeaderNames.JobId] = job.Value.Id;
            await Answers.EmptyAsync(context, StatusCodes.Status202Accepted);
            return null;
        }

        Result<SummaryAnswer> answer = await engine.SummariseAsync(s_caller, id, bucket);
        if (!answer.Ok)
        {
            return answer.Error;
        }

        int status = StatusOf(answer.Value);
        if (status != StatusCodes.Status202Accepted)
        {
            var bytes = new ArrayBufferWriter<byte>(512);
            using (var writer = new Utf8JsonWriter(bytes, Answers.WriterOptions))
            {
                Write(writer, answer.Value.Buckets[0], answer.Value.CapacityBytes);
            }

            context.Headers[HeaderNames.BucketSummary] = Encoding.UTF8.GetString(bytes.WrittenSpan);
        }

        await Answers.EmptyAsync(context, status);
        return null;
    }

    private static async ValueTask<Failure?> ShowAsync(RequestContext context, SummaryAnswer answer)
    {
        context.Status = StatusOf(answer);
        bool isEmpty = context.Status == StatusCodes.Status202Accepted;
        await Answers.JsonAsync(context, writer =>
        {
            writer.WriteStartArray();
            foreach (BucketSummary bucket in isEmpty ? [] : answer.Buckets)
            {
                Write(writer, bucket, answer.CapacityBytes);
            }

            writer.WriteEndArray();
        });
        return null;
    }

    private static int StatusOf(SummaryAnswer answer) =>
        answer.IsComplete ? StatusCodes.Status200OK : answer.HasBegun ? StatusCodes.Status206PartialContent : StatusCodes.Status202Accepted;

    private static void Write(Utf8JsonWriter writer, BucketSummary summary, long capacityBytes)
    {
        writer.WriteStartObject();
        BucketApi.WriteIdentityMembers(writer, summary.Bucket);
        writer.WriteStartObject("ObjCount");
        writer.WriteString("obj_count_present", Decimal(summary.ObjectCount));
        writer.WriteString("obj_count_remote", "0");
        writer.WriteEndObject();
        writer.WriteStartObject("ObjSize");
        writer.WriteNumber("obj_min_size", summary.SmallestBytes);
        writer.WriteNumber("obj_avg_size", summary.AverageBytes);
        writer.WriteNumber("obj_max_size", summary.LargestBytes);
        writer.WriteEndObject();
        writer.WriteStartObject("TotalSize");
        writer.WriteString("size_on_disk", Decimal(summary.DiskBytes));
        writer.WriteString("size_all_present_objs", Decimal(summary.ContentBytes));
        writer.WriteString("size_all_remote_objs", "0");
        writer.WriteString("total_disks_size", Decimal(capacityBytes));
        writer.WriteEndObject();
        writer.WriteNumber("used_pct", capacityBytes == 0 ? 0 : (long)Math.Round(summary.DiskBytes * 100.0 / capacityBytes));
        writer.WriteBoolean("is_present", true);
        writer.WriteEndObject();
    }

    private static string Decimal(long value) => value.ToString(CultureInfo.InvariantCulture);
}

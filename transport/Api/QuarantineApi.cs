using System.Text.Json;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Integrity;
using Sluice.Transport.Http;

namespace Sluice.Transport.Api;

/// <summary>What the node has set aside: <c>what=quarantine</c> and the action <c>drop-quarantine</c> of /v1/daemon. Ours; the contract has none.</summary>
internal sealed class QuarantineApi(ObjectEngine engine)
{
    /// <summary>GET: the files as a JSON array.</summary>
    public async ValueTask<Failure?> ListAsync(RequestContext context)
    {
        Result<IReadOnlyList<QuarantinedFile>> files = await engine.ListQuarantineAsync(Caller.Anonymous);
        if (!files.Ok)
        {
            return files.Error;
        }

        await Answers.JsonAsync(context, writer =>
        {
            writer.WriteStartArray();
            foreach (QuarantinedFile file in files.Value)
            {
                writer.WriteStartObject();
                writer.WriteString("mountpath", file.Mountpath);
                writer.WriteString("file", file.File);
                writer.WriteNumber("size", file.SizeBytes);
                writer.WriteString("since", DateTimeOffset.UnixEpoch.AddTicks(file.SinceNs / 100).UtcDateTime);
                writer.WriteString("reason", file.Note.Reason);
                writer.WriteString("bucket", file.Note.Bucket);
                writer.WriteString("object", file.Note.Object);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        });
        return null;
    }

    /// <summary>PUT: removes one file, or all of a mountpath, and says how many.</summary>
    public async ValueTask<Failure?> DropAsync(RequestContext context, ActionMessage message)
    {
        JsonElement mountpath = ActionMessage.Member(message.Value, "mountpath");
        JsonElement file = ActionMessage.Member(message.Value, "file");
        if (mountpath.ValueKind != JsonValueKind.String || file.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null or JsonValueKind.String))
        {
            return new Failure(ErrorCode.BadRequest, $"\"{Actions.DropQuarantine}\" takes {{\"mountpath\": PATH}} and, for one file of it, \"file\": NAME");
        }

        string? name = file.ValueKind == JsonValueKind.String ? file.GetString() : null;
        Result<int> dropped = await engine.DropQuarantinedAsync(Caller.Anonymous, mountpath.GetString()!, name);
        if (!dropped.Ok)
        {
            return dropped.Error;
        }

        await Answers.JsonAsync(context, writer =>
        {
            writer.WriteStartObject();
            writer.WriteNumber("dropped", dropped.Value);
            writer.WriteEndObject();
        });
        return null;
    }
}

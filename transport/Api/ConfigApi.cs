using System.Buffers;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Transport.Http;

namespace Sluice.Transport.Api;

/// <summary>
/// The cluster's configuration (contract: native API ext §5), as far as it is built: what buckets have when they are made without properties. A node's is the cluster's. What is not built is
/// refused by its name.
/// </summary>
internal sealed class ConfigApi(ObjectEngine engine)
{
    private static readonly string[] s_notSections = ["provider", "bid", "created", "Renamed", "backend_bck", "access", "extra"];

    /// <summary>GET what=cluster_config and what=config.</summary>
    public async ValueTask<Failure?> ShowAsync(RequestContext context)
    {
        EngineStatus status = await engine.StatusAsync();
        await Answers.JsonAsync(context, writer => Write(writer, status));
        return null;
    }

    /// <summary>PUT of the action set-config, with a partial tree, and of reset-config; <c>transient</c> in the query is until the next start.</summary>
    public async ValueTask<Failure?> ActAsync(RequestContext context, ActionMessage message)
    {
        bool isReset = message.Action == Actions.ResetConfig;
        return !isReset && message.Value.ValueKind != JsonValueKind.Object
            ? new Failure(ErrorCode.BadRequest, $"\"value\" of {Actions.SetConfig} must be a JSON object, such as {{\"checksum\":{{\"type\":\"md5\"}}}}")
            : await ChangeAsync(context, isReset ? default : message.Value);
    }

    /// <summary>PUT .../set-config?NAME=VALUE&amp;…, where a name is a dotted path.</summary>
    public async ValueTask<Failure?> SetByQueryAsync(RequestContext context)
    {
        var tree = new JsonObject();
        foreach ((string path, string value) in context.Target.Parameters().Where(static pair => pair.Name != QueryNames.Transient))
        {
            if (!DottedPath.TryAdd(tree, path, JsonValue.Create(value), out bool isBelowValue))
            {
                return new Failure(ErrorCode.BadRequest, $"\"{Answers.Printable(path)}\" {(isBelowValue ? "lies below a name that has a value already" : "is given twice")}");
            }
        }

        if (tree.Count == 0)
        {
            return new Failure(ErrorCode.BadRequest, "the query names nothing to set, such as set-config?checksum.type=md5");
        }

        using JsonDocument document = JsonDocument.Parse(tree.ToJsonString());
        return await ChangeAsync(context, document.RootElement);
    }

    private async ValueTask<Failure?> ChangeAsync(RequestContext context, JsonElement patch)
    {
        Result<BucketDefaults> changed = await engine.ChangeDefaultsAsync(patch, context.Target.IsOn(QueryNames.Transient));
        if (!changed.Ok)
        {
            return changed.Error;
        }

        await Answers.EmptyAsync(context);
        return null;
    }

    private void Write(Utf8JsonWriter writer, EngineStatus status)
    {
        BucketDefaults defaults = engine.Defaults;
        var bytes = new ArrayBufferWriter<byte>();
        using (var tree = new Utf8JsonWriter(bytes))
        {
            defaults.Properties.WriteJson(tree, "");
        }

        using JsonDocument properties = JsonDocument.Parse(bytes.WrittenMemory);
        writer.WriteStartObject();
        foreach (JsonProperty section in properties.RootElement.EnumerateObject().Where(static section => !s_notSections.Contains(section.Name)))
        {
            section.WriteTo(writer);
        }

        writer.WriteStartObject("backend");
        writer.WriteEndObject();
        writer.WriteStartObject("auth");
        writer.WriteBoolean("enabled", false);
        writer.WriteStartObject("intra_cluster");
        writer.WriteBoolean("enabled", false);
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteString("uuid", status.ClusterUuid);
        writer.WriteString("config_version", (defaults.Version + 1).ToString(CultureInfo.InvariantCulture));
        DateTimeOffset changed = defaults.ChangedNs == 0 ? status.CreatedAt : DateTimeOffset.UnixEpoch.AddTicks(defaults.ChangedNs / 100);
        writer.WriteString("lastupdate_time", changed.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture));
        writer.WriteEndObject();
    }
}

using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Mountpaths;
using Sluice.Transport.Http;

namespace Sluice.Transport.Api;

/// <summary>The mountpaths over the wire: which there are, and the calls by which they come and go (contract: native API §7, ext).</summary>
internal sealed class MountpathApi(ObjectEngine engine, NodeIdentity node)
{
    /// <summary>GET <c>what=mountpaths</c>: of a daemon the three lists, of the cluster those of each target.</summary>
    public async ValueTask<Failure?> ListAsync(RequestContext context, bool ofCluster)
    {
        IReadOnlyList<MountpathRow> rows = engine.Mountpaths.Rows();
        await Answers.JsonAsync(context, writer =>
        {
            if (!ofCluster)
            {
                WriteLists(writer, rows);
                return;
            }

            writer.WriteStartObject();
            writer.WriteStartObject("targets");
            writer.WritePropertyName(node.TargetId);
            WriteLists(writer, rows);
            writer.WriteEndObject();
            writer.WriteEndObject();
        });
        return null;
    }

    /// <summary>
    /// PUT …/mountpaths: attach, enable, disable, detach; rescan, fshc. Answered when the change is in force, or the mountpath has been looked at and is out
    /// of service if it is unfit; what follows is the resilver's.
    /// </summary>
    public async ValueTask<Failure?> ChangeAsync(RequestContext context)
    {
        if (HttpMethods.IsGet(context.Method))
        {
            return await ListAsync(context, ofCluster: false);
        }

        return HttpMethods.IsPut(context.Method)
            ? await ActionMessage.HandleAsync(context, message => ActAsync(context, message))
            : await NativeApi.NotAllowed(context, "GET, PUT");
    }

    private async ValueTask<Failure?> ActAsync(RequestContext context, ActionMessage message)
    {
        if (!Actions.IsOfMountpath(message.Action))
        {
            return BucketApi.Unbuilt(message.Action, context.Method);
        }

        string path = message.Value.ValueKind == JsonValueKind.String ? message.Value.GetString()! : message.Name;
        if (path.Length is 0 or > 255 || path[0] != '/' || path.Contains('\0', StringComparison.Ordinal))
        {
            return new Failure(ErrorCode.BadRequest, "the value is no mountpath: expecting an absolute path of at most 255 characters");
        }

        bool force = context.Target.IsOn("frc") || context.Target.IsOn("dntres");
        MountpathKeeper keeper = engine.Mountpaths;
        Result done = await (message.Action switch
        {
            Actions.AttachMountpath => keeper.AttachAsync(path),
            Actions.EnableMountpath => keeper.EnableAsync(path),
            Actions.DisableMountpath => keeper.DisableAsync(path, force),
            Actions.RescanMountpath => engine.RescanMountpathAsync(path),
            Actions.TestMountpath => engine.TestMountpathAsync(path),
            _ => keeper.DetachAsync(path, force),
        });
        if (!done.Ok)
        {
            return done.Error;
        }

        await Answers.EmptyAsync(context);
        return null;
    }

    private static void WriteLists(Utf8JsonWriter writer, IReadOnlyList<MountpathRow> rows)
    {
        writer.WriteStartObject();
        WriteList("available", ServingState.Serving, ServingState.Joining);
        WriteList("waiting_dd", ServingState.Draining);
        WriteList("disabled", ServingState.Disabled, ServingState.Faulted);
        writer.WriteStartArray("details"); // ours
        foreach (MountpathRow row in rows)
        {
            writer.WriteStartObject();
            writer.WriteString("path", row.Path);
            writer.WriteString("uuid", row.Uuid);
            writer.WriteString("state", NameOf(row.State));
            writer.WriteString("reason", row.Reason);
            writer.WriteBoolean("stale", row.IsStale);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();

        void WriteList(string name, params ServingState[] states)
        {
            writer.WriteStartArray(name);
            foreach (MountpathRow row in rows)
            {
                if (Array.IndexOf(states, row.State) >= 0)
                {
                    writer.WriteStringValue(row.Path);
                }
            }

            writer.WriteEndArray();
        }
    }

    /// <summary>As it is written on the wire.</summary>
    public static string NameOf(ServingState state) => state switch
    {
        ServingState.Serving => "serving",
        ServingState.Joining => "joining",
        ServingState.Draining => "draining",
        ServingState.Disabled => "disabled",
        ServingState.Detached => "detached",
        _ => "faulted",
    };
}

// Mountpath calls (contract: native API §7, ext).
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Sluice.Contract;

/// <summary>One mountpath of a server.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Uuid">Its identity.</param>
/// <param name="State">serving, joining, draining, disabled or faulted.</param>
/// <param name="Reason">Why it is out of service; empty when it is in it.</param>
/// <param name="IsStale">It holds objects that are not compared with the others.</param>
public sealed record MountpathView(string Path, string Uuid, string State, string Reason, bool IsStale);

public sealed partial class SluiceClient
{
    private const string MountpathsTarget = $"/{Routes.Version}/{Routes.Daemon}/{Routes.Mountpaths}";

    /// <summary>All mountpaths of the server, those that are out of service too.</summary>
    public async Task<IReadOnlyList<MountpathView>> MountpathsAsync(CancellationToken token)
    {
        using HttpResponseMessage response = await SendAsync(Request(HttpMethod.Get, $"/{Routes.Version}/{Routes.Daemon}?what=mountpaths"), token);
        try
        {
            string text = await response.Content.ReadAsStringAsync(token);
            JsonArray rows = JsonNode.Parse(text)?["details"] as JsonArray ?? throw new JsonException("no \"details\" in the list of mountpaths");
            return
            [
                .. rows.Select(row => new MountpathView(
                    (string?)row?["path"] ?? "", (string?)row?["uuid"] ?? "", (string?)row?["state"] ?? "", (string?)row?["reason"] ?? "", (bool?)row?["stale"] ?? false)),
            ];
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException or FormatException or IOException or HttpRequestException)
        {
            throw BrokenAnswer(failure);
        }
    }

    /// <summary>
    /// Changes a mountpath: <paramref name="action"/> is one of <see cref="Actions"/>. By <paramref name="force"/> nothing is moved off first.
    /// Returns when the change is in force, or the mountpath has been looked at; what is moved, is moved in the background.
    /// </summary>
    public Task ChangeMountpathAsync(string action, string path, bool force, CancellationToken token) =>
        RunAsync(Request(HttpMethod.Put, MountpathsTarget + (force ? "?frc=true" : ""), ControlBody.Write(action, writer => writer.WriteStringValue(path))), token);
}

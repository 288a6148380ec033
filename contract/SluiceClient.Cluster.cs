// Cluster calls (contract: native API §6).
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Sluice.Contract;

public sealed partial class SluiceClient
{
    /// <summary>Bits of a node's flags with which it takes no requests: maintenance and decommission.</summary>
    private const long NodeIsAway = 4 | 8;

    /// <summary>The cluster's configuration.</summary>
    public async Task<JsonObject> ConfigAsync(CancellationToken token)
    {
        string text = await TextAsync(Request(HttpMethod.Get, $"/{Routes.Version}/{Routes.Cluster}?what=cluster_config"), token);
        try
        {
            return JsonNode.Parse(text) as JsonObject ?? throw new JsonException("the configuration is no JSON object");
        }
        catch (JsonException failure)
        {
            throw BrokenAnswer(failure);
        }
    }

    /// <summary>Changes it: what is in the tree; until the next start of the server when <paramref name="isTransient"/>.</summary>
    public Task SetConfigAsync(JsonObject tree, bool isTransient, CancellationToken token) => ChangeConfigAsync(ControlBody.Write(Actions.SetConfig, Tree(tree)), isTransient, token);

    /// <summary>Makes all of it the built-in again.</summary>
    public Task ResetConfigAsync(bool isTransient, CancellationToken token) => ChangeConfigAsync(ControlBody.Write(Actions.ResetConfig, Null), isTransient, token);

    private Task ChangeConfigAsync(byte[] message, bool isTransient, CancellationToken token) =>
        TextAsync(Request(HttpMethod.Put, $"/{Routes.Version}/{Routes.Cluster}{(isTransient ? $"?{QueryNames.Transient}=true" : "")}", message), token);

    /// <summary>The gateways of the cluster that take requests, as <c>http://HOST:PORT</c>, sorted.</summary>
    public async Task<IReadOnlyList<string>> GatewaysAsync(CancellationToken token)
    {
        using HttpResponseMessage response = await SendAsync(Request(HttpMethod.Get, $"/{Routes.Version}/{Routes.Daemon}?what=smap"), token);
        try
        {
            string text = await response.Content.ReadAsStringAsync(token);
            JsonObject nodes = JsonNode.Parse(text)?["pmap"] as JsonObject ?? throw new JsonException("no \"pmap\" in the cluster map");
            return
            [
                .. nodes.Select(node => node.Value)
                    .Where(node => ((long?)node?["flags"] & NodeIsAway) is null or 0)
                    .Select(node => (string?)node?["public_net"]?["direct_url"] ?? throw new JsonException("a gateway without \"direct_url\""))
                    .Order(StringComparer.Ordinal),
            ];
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException or FormatException or IOException or HttpRequestException)
        {
            throw BrokenAnswer(failure);
        }
    }
}

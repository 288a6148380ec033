// Cluster calls (contract: native API §6).
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Sluice.Contract;

public sealed partial class SluiceClient
{
    /// <summary>Bits of a node's flags with which it takes no requests: maintenance and decommission.</summary>
    private const long NodeIsAway = 4 | 8;

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

// The summary of buckets (contract: buckets §7).
using System.Net;
using System.Text.Json;

namespace Sluice.Contract;

public sealed partial class SluiceClient
{
    /// <summary>
    /// Starts the counting of a bucket, or of all when it is null, of the objects whose names begin with <paramref name="prefix"/>; answers the id by which <see cref="SummaryAsync"/> knows it.
    /// </summary>
    public Task<string> StartSummaryAsync(BucketAddress? bucket, string prefix, CancellationToken token) =>
        TextAsync(Request(HttpMethod.Get, SummaryTarget(bucket), SummaryMessage("", prefix)), token);

    /// <summary>What it has counted: all of it when <c>IsComplete</c>, else what it has so far.</summary>
    public async Task<(bool IsComplete, IReadOnlyList<SummaryView> Buckets)> SummaryAsync(BucketAddress? bucket, string id, CancellationToken token)
    {
        using HttpResponseMessage response = await SendAsync(Request(HttpMethod.Get, SummaryTarget(bucket), SummaryMessage(id, "")), token);
        WireSummary[] wire = await ReadJsonAsync(response, SluiceClientJson.Default.WireSummaryArray, token) ?? [];
        return (response.StatusCode == HttpStatusCode.OK,
            [.. wire.Select(each => each.ToView() ?? throw BrokenAnswer(new JsonException("a summary lacks the bucket's name, or numbers")))]);
    }

    private static string SummaryTarget(BucketAddress? bucket) => bucket is null ? $"/{Routes.Version}/{Routes.Buckets}" : BucketTarget(bucket);

    private static byte[] SummaryMessage(string id, string prefix) => ControlBody.Write(Actions.Summary, writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("uuid", id);
        writer.WriteString("prefix", prefix);
        writer.WriteEndObject();
    });
}

// The quarantine, which is ours: the contract has no such call.
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sluice.Contract;

/// <summary>A file that a node set aside, since it was not what it should be.</summary>
/// <param name="Mountpath">Its mountpath, as the server has it configured.</param>
/// <param name="File">Its name in the quarantine.</param>
/// <param name="SizeBytes">Bytes.</param>
/// <param name="Since">When it was put there.</param>
/// <param name="Reason">Why, in one sentence; empty when that is not known.</param>
/// <param name="Bucket">The bucket as it is written, <c>ais://b</c>; empty when it was nobody's.</param>
/// <param name="Object">The object; empty likewise.</param>
public sealed record QuarantinedFileView(string Mountpath, string File, long SizeBytes, DateTimeOffset Since, string Reason, string Bucket, string Object);

public sealed partial class SluiceClient
{
    private const string DaemonTarget = $"/{Routes.Version}/{Routes.Daemon}";

    /// <summary>What is in quarantine on the node, by mountpath and name.</summary>
    public async Task<IReadOnlyList<QuarantinedFileView>> QuarantineAsync(CancellationToken token)
    {
        using HttpResponseMessage response = await SendAsync(Request(HttpMethod.Get, $"{DaemonTarget}?what=quarantine"), token);
        WireQuarantined[]? files = await ReadJsonAsync(response, SluiceClientJson.Default.WireQuarantinedArray, token);
        return [.. (files ?? []).Select(file => file.ToView())];
    }

    /// <summary>Removes a file from quarantine for good, or all of a mountpath when <paramref name="file"/> is null. Answers how many; 404 for a file that is not there.</summary>
    public async Task<int> DropQuarantinedAsync(string mountpath, string? file, CancellationToken token)
    {
        byte[] body = ControlBody.Write(Actions.DropQuarantine, writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("mountpath", mountpath);
            if (file is not null)
            {
                writer.WriteString("file", file);
            }

            writer.WriteEndObject();
        });
        using HttpResponseMessage response = await SendAsync(Request(HttpMethod.Put, DaemonTarget, body), token);
        return (await ReadJsonAsync(response, SluiceClientJson.Default.WireDropped, token))?.Count ?? 0;
    }
}

/// <summary>A file in quarantine on the wire.</summary>
internal sealed class WireQuarantined
{
    [JsonPropertyName("mountpath")]
    public string? Mountpath { get; set; }

    [JsonPropertyName("file")]
    public string? File { get; set; }

    [JsonPropertyName("size")]
    public long SizeBytes { get; set; }

    [JsonPropertyName("since")]
    public DateTimeOffset Since { get; set; }

    [JsonPropertyName("reason")]
    public string? Reason { get; set; }

    [JsonPropertyName("bucket")]
    public string? Bucket { get; set; }

    [JsonPropertyName("object")]
    public string? Object { get; set; }

    public QuarantinedFileView ToView() => new(Mountpath ?? "", File ?? "", SizeBytes, Since, Reason ?? "", Bucket ?? "", Object ?? "");
}

/// <summary>How many files were dropped, on the wire.</summary>
internal sealed class WireDropped
{
    [JsonPropertyName("dropped")]
    public int Count { get; set; }
}

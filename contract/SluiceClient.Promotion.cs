// Files of the server that become objects (contract: objects §5).
using System.Text.Json;

namespace Sluice.Contract;

/// <summary>What is promoted, and how.</summary>
public sealed record PromotionQuery
{
    /// <summary>Absolute path of a file or directory of the server.</summary>
    public required string Source { get; init; }

    /// <summary>Put before each file's path below the directory; the name of a file's object.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>Files of the directories below, too.</summary>
    public bool IsRecursive { get; init; }

    /// <summary>Replaces objects that are there.</summary>
    public bool Overwrites { get; init; }

    /// <summary>Removes each file when its object is durable.</summary>
    public bool DeletesSource { get; init; }
}

/// <summary>What became of it.</summary>
/// <param name="JobId">The job; empty when it is done.</param>
/// <param name="IsStored">It is done, and the file is an object now; else an object was there, and stays.</param>
public readonly record struct PromotionView(string JobId, bool IsStored);

public sealed partial class SluiceClient
{
    /// <summary>Has files of the server become objects of a bucket; 403 where the server does not allow it, 404 if there is no such bucket or file.</summary>
    public async Task<PromotionView> PromoteAsync(BucketAddress bucket, PromotionQuery query, CancellationToken token)
    {
        string target = $"/{Routes.Version}/{Routes.Objects}/{PercentEncoding.Escape(bucket.Name, keepSlash: false)}?{bucket.Query}";
        HttpRequestMessage request = Request(HttpMethod.Post, target, ControlBody.Write(Actions.Promote, query.Source, writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("src", query.Source);
            writer.WriteString("obj", query.Prefix);
            writer.WriteBoolean("rcr", query.IsRecursive);
            writer.WriteBoolean("ovw", query.Overwrites);
            writer.WriteBoolean("dls", query.DeletesSource);
            writer.WriteEndObject();
        }));
        using HttpResponseMessage response = await SendAsync(request, token);
        return new PromotionView(await TextOfAsync(response, token), response.Headers.Contains(HeaderNames.AccessTime));
    }
}

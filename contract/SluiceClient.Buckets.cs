// Bucket calls (contract: buckets §2, §6, §8).
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Sluice.Contract;

public sealed partial class SluiceClient
{
    /// <summary>Bits of a listed entry's flags: its status; the cluster has it; it is a virtual directory; it is kept in chunks.</summary>
    private const int EntryStatus = (1 << 5) - 1, EntryIsCached = 1 << 6, EntryIsDirectory = 1 << 8, EntryIsChunked = 1 << 13;

    /// <summary>Makes a bucket; 409 if it exists. <paramref name="properties"/> is a partial property tree, null for the defaults.</summary>
    public Task CreateBucketAsync(BucketAddress bucket, JsonObject? properties, CancellationToken token) =>
        RunAsync(Request(HttpMethod.Post, BucketTarget(bucket), ControlBody.Write(Actions.CreateBucket, Tree(properties))), token);

    /// <summary>Destroys a bucket and all that is in it; 404 if there is none.</summary>
    public Task DestroyBucketAsync(BucketAddress bucket, CancellationToken token) =>
        RunAsync(Request(HttpMethod.Delete, BucketTarget(bucket), ControlBody.Write(Actions.DestroyBucket, Null)), token);

    /// <summary>
    /// Changes the leaves that <paramref name="properties"/> holds, and nothing else. Answers the id of the job that brings the objects to them; empty
    /// when none is needed.
    /// </summary>
    public Task<string> SetBucketPropertiesAsync(BucketAddress bucket, JsonObject properties, CancellationToken token) =>
        TextAsync(Request(HttpMethod.Patch, BucketTarget(bucket), ControlBody.Write(Actions.SetBucketProperties, Tree(properties))), token);

    /// <summary>Makes all properties the defaults again; answers as <see cref="SetBucketPropertiesAsync"/>.</summary>
    public Task<string> ResetBucketPropertiesAsync(BucketAddress bucket, CancellationToken token) =>
        TextAsync(Request(HttpMethod.Patch, BucketTarget(bucket), ControlBody.Write(Actions.ResetBucketProperties, Null)), token);

    /// <summary>Sets the number of copies, 1 for no mirror, and answers the id of the job that brings all objects to it.</summary>
    public Task<string> MakeCopiesAsync(BucketAddress bucket, int copies, CancellationToken token) =>
        TextAsync(Request(HttpMethod.Post, BucketTarget(bucket), ControlBody.Write(Actions.MakeCopies, writer => writer.WriteNumberValue(copies))), token);

    /// <summary>
    /// Starts the job that splits the objects of a bucket, or those that begin with <paramref name="prefix"/>, and answers its id. Sizes are in bytes, null for the bucket's own; a limit of 0
    /// puts every object together again.
    /// </summary>
    public Task<string> RechunkAsync(BucketAddress bucket, string prefix, long? sizeLimitBytes, long? chunkBytes, CancellationToken token) =>
        TextAsync(Request(HttpMethod.Post, BucketTarget(bucket), ControlBody.Write(Actions.Rechunk, writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("prefix", prefix);
            if (sizeLimitBytes is { } limit)
            {
                writer.WriteNumber("objsize-limit", limit);
            }

            if (chunkBytes is { } chunk)
            {
                writer.WriteNumber("chunk-size", chunk);
            }

            writer.WriteEndObject();
        })), token);

    /// <summary>The bucket's property tree; 404 if there is none.</summary>
    public async Task<JsonObject> HeadBucketAsync(BucketAddress bucket, CancellationToken token)
    {
        using HttpResponseMessage response = await SendAsync(Request(HttpMethod.Head, BucketTarget(bucket)), token);
        string text = Header(response, HeaderNames.BucketProperties);
        try
        {
            return (text.Length == 0 ? null : JsonNode.Parse(text)) as JsonObject
                ?? throw new JsonException($"no property tree in {HeaderNames.BucketProperties}");
        }
        catch (JsonException failure)
        {
            throw BrokenAnswer(failure);
        }
    }

    /// <summary>The buckets of a provider, sorted; an empty provider means all that are registered.</summary>
    public async Task<IReadOnlyList<BucketAddress>> ListBucketsAsync(string provider, CancellationToken token)
    {
        string query = provider.Length == 0 ? "" : $"?provider={PercentEncoding.Escape(provider, keepSlash: false)}";
        HttpRequestMessage request =
            Request(HttpMethod.Get, $"/{Routes.Version}/{Routes.Buckets}{query}", ControlBody.Write(Actions.List, Null));
        using HttpResponseMessage response = await SendAsync(request, token);
        WireBucket[] wire = await ReadJsonAsync(response, SluiceClientJson.Default.WireBucketArray, token) ?? [];
        var buckets = new List<BucketAddress>(wire.Length);
        foreach (WireBucket each in wire)
        {
            if (!BucketAddress.TryCreate(
                each.Provider ?? "", each.Namespace?.Uuid ?? "", each.Namespace?.Name ?? "", each.Name ?? "", out BucketAddress? bucket, out string? problem))
            {
                throw BrokenAnswer(new JsonException(problem));
            }

            buckets.Add(bucket);
        }

        return buckets;
    }

    /// <summary>One page; <paramref name="after"/> is the page before it, null for the first.</summary>
    public async Task<ListedPage> ListPageAsync(BucketAddress bucket, ListQuery query, ListedPage? after, CancellationToken token)
    {
        byte[] body = ControlBody.Write(Actions.List, writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("uuid", after?.Uuid ?? "");
            writer.WriteString("props", query.Properties);
            writer.WriteString("prefix", query.Prefix);
            writer.WriteString("continuation_token", after?.ContinuationToken ?? "");
            writer.WriteString("flags", ((long)query.Flags).ToString(CultureInfo.InvariantCulture));
            writer.WriteNumber("pagesize", query.PageSize);
            writer.WriteEndObject();
        });
        HttpRequestMessage request = Request(HttpMethod.Get, BucketTarget(bucket), body);
        request.Headers.Accept.ParseAdd("application/json");
        using HttpResponseMessage response = await SendAsync(request, token);
        WireListPage? page = await ReadJsonAsync(response, SluiceClientJson.Default.WireListPage, token);
        var entries = new List<ListedObject>(page?.Entries?.Length ?? 0);
        foreach (WireListEntry entry in page?.Entries ?? [])
        {
            entries.Add(new ListedObject(
                entry.Name ?? throw BrokenAnswer(new JsonException("an entry without a name")),
                entry.SizeBytes,
                (entry.Flags & EntryIsDirectory) != 0,
                entry.Checksum ?? "",
                entry.Version ?? "",
                entry.AccessTime ?? "",
                (entry.Flags & EntryIsChunked) != 0)
            {
                IsCached = (entry.Flags & EntryIsCached) != 0,
                Status = (ListedStatus)(entry.Flags & EntryStatus),
                Copies = entry.Copies,
                Erasure = entry.Erasure ?? "",
                Custom = entry.Custom ?? "",
                Location = entry.Location ?? "",
            });
        }

        return new ListedPage(entries, page?.Uuid ?? "", page?.ContinuationToken ?? "");
    }

    /// <summary>All entries, page by page as they are consumed. A server whose token does not move on is an error, not a loop.</summary>
    public async IAsyncEnumerable<ListedObject> ListAsync(
        BucketAddress bucket, ListQuery query, [EnumeratorCancellation] CancellationToken token)
    {
        await foreach (ListedPage page in ListPagesAsync(bucket, query, token))
        {
            foreach (ListedObject entry in page.Entries)
            {
                yield return entry;
            }
        }
    }

    /// <summary>All pages, each asked for when the one before is consumed; otherwise as <see cref="ListAsync"/>.</summary>
    public async IAsyncEnumerable<ListedPage> ListPagesAsync(
        BucketAddress bucket, ListQuery query, [EnumeratorCancellation] CancellationToken token)
    {
        ListedPage? page = null;
        do
        {
            string before = page?.ContinuationToken ?? "";
            page = await ListPageAsync(bucket, query, page, token);
            yield return page;
            if (before.Length > 0 && page.ContinuationToken == before)
            {
                throw BrokenAnswer(new JsonException($"the listing of {bucket} does not move past \"{before}\""));
            }
        }
        while (page.ContinuationToken.Length > 0);
    }

    private static void Null(Utf8JsonWriter writer) => writer.WriteNullValue();

    private static Action<Utf8JsonWriter> Tree(JsonObject? tree) => tree is null ? Null : writer => tree.WriteTo(writer);

    private async Task<T?> ReadJsonAsync<T>(
        HttpResponseMessage response, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, CancellationToken token)
    {
        try
        {
            using Stream body = await response.Content.ReadAsStreamAsync(token);
            return await JsonSerializer.DeserializeAsync(body, type, token);
        }
        catch (Exception failure) when (failure is JsonException or IOException or HttpRequestException)
        {
            throw BrokenAnswer(failure);
        }
    }
}

using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Sluice.Cli.Transfers;

namespace Sluice.Cli.Tests.Support;

/// <summary>A request as it arrived: the target byte for byte, before anything decoded or normalised it.</summary>
public sealed record SeenRequest(string Method, string RawTarget, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    /// <summary>The target up to the question mark.</summary>
    public string RawPath => RawTarget.Split('?')[0];

    /// <summary>The body as JSON.</summary>
    public JsonObject Json => JsonNode.Parse(Body)!.AsObject();
}

/// <summary>
/// A server in memory that speaks as much of the native API as the client asks for, on a port of its own, and remembers every request.
/// One bucket, <c>b</c>. A test bends it by <see cref="Intercept"/>.
/// </summary>
public sealed class StubServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private StubServer(WebApplication app)
    {
        _app = app;
    }

    public string Endpoint => _app.Urls.Single();

    public ConcurrentQueue<SeenRequest> Seen { get; } = new();

    public ConcurrentDictionary<string, byte[]> Objects { get; } = new();

    public string ChecksumType { get; set; } = "xxhash2";

    public int PageSizeMax { get; set; } = 1000;

    /// <summary>Answers a request in the server's place; false to let the server do it.</summary>
    public Func<HttpContext, SeenRequest, Task<bool>>? Intercept { get; set; }

    public static async Task<StubServer> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.ResponseHeaderEncodingSelector = _ => Encoding.UTF8;
        });
        WebApplication app = builder.Build();
        var server = new StubServer(app);
        app.Run(server.AnswerAsync);
        await app.StartAsync();
        return server;
    }

    /// <summary>The only request of that method so far.</summary>
    public SeenRequest Only(string method) => Seen.Single(each => each.Method == method);

    public static Task RefuseAsync(HttpContext context, int status, string code, string message)
    {
        string json = new JsonObject { ["tcode"] = code, ["message"] = message, ["method"] = context.Request.Method, ["status"] = status }.ToJsonString();
        context.Response.StatusCode = status;
        if (context.Request.Method == "HEAD")
        {
            context.Response.Headers["Hdr-Error"] = json;
            return Task.CompletedTask;
        }

        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(json + "\n");
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var headers = context.Request.Headers.ToDictionary(each => each.Key, each => each.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        string target = context.Features.Get<IHttpRequestFeature>()!.RawTarget;
        var seen = new SeenRequest(context.Request.Method, target, headers, body.ToArray());
        Seen.Enqueue(seen);
        if (Intercept is not null && await Intercept(context, seen))
        {
            return;
        }

        string[] segments = seen.RawPath.Split('/', 5);
        await (segments switch
        {
            ["", "v1", "buckets"] => context.Response.WriteAsync("""[{"name":"b","provider":"ais","namespace":{"uuid":"","name":""}}]"""),
            ["", "v1", "buckets", "b"] => BucketAsync(context, seen),
            ["", "v1", "objects", "b", var name] => ObjectAsync(context, seen, Uri.UnescapeDataString(name)),
            _ => RefuseAsync(context, 404, "ErrBckNotFound", $"bucket \"ais://{segments.ElementAtOrDefault(3)}\" does not exist"),
        });
    }

    private Task BucketAsync(HttpContext context, SeenRequest seen)
    {
        switch (seen.Method)
        {
            case "POST":
                return RefuseAsync(context, 409, "ErrBckAlreadyExists", "bucket \"ais://b\" already exists");
            case "HEAD":
                context.Response.Headers["Ais-Bucket-Props"] = $$"""{"provider":"ais","checksum":{"type":"{{ChecksumType}}"},"access":"831"}""";
                return Task.CompletedTask;
            case "GET":
                return ListAsync(context, seen.Json["value"]!.AsObject());
            default:
                return Task.CompletedTask;
        }
    }

    private Task ListAsync(HttpContext context, JsonObject query)
    {
        string prefix = (string?)query["prefix"] ?? "";
        string token = (string?)query["continuation_token"] ?? "";
        bool flat = (long.Parse((string)query["flags"]!) & (1 << 11)) != 0;
        int asked = (int?)query["pagesize"] ?? 0;
        int size = asked == 0 ? PageSizeMax : Math.Min(asked, PageSizeMax);
        var names = new SortedSet<string>(StringComparer.Ordinal);
        foreach (string name in Objects.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)))
        {
            int slash = name.IndexOf('/', prefix.Length);
            names.Add(flat && slash >= 0 ? name[..(slash + 1)] : name);
        }

        string[] page = [.. names.Where(name => string.CompareOrdinal(name, token) > 0).Take(size)];
        var entries = new JsonArray();
        foreach (string name in page)
        {
            entries.Add((JsonNode)(name.EndsWith('/') && flat
                ? new JsonObject { ["name"] = name, ["flags"] = 256 }
                : new JsonObject { ["name"] = name, ["size"] = Objects[name].Length.ToString(), ["flags"] = 64, ["version"] = "1" }));
        }

        var answer = new JsonObject
        {
            ["uuid"] = "listing-1",
            ["continuation_token"] = page.Length == size ? page[^1] : "",
            ["entries"] = entries,
            ["flags"] = 0,
        };
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(answer.ToJsonString());
    }

    private async Task ObjectAsync(HttpContext context, SeenRequest seen, string name)
    {
        if (seen.Method == "PUT")
        {
            Objects[name] = seen.Body;
            Describe(context, seen.Body);
            return;
        }

        if (!Objects.TryGetValue(name, out byte[]? content))
        {
            await RefuseAsync(context, 404, "ErrObjNotFound", $"ais://b/{name} does not exist");
            return;
        }

        switch (seen.Method)
        {
            case "DELETE":
                Objects.TryRemove(name, out _);
                break;
            case "HEAD":
                Describe(context, content);
                context.Response.ContentLength = content.Length;
                context.Response.Headers["Ais-Custom-Md"] = new[] { "color=blåbær", "k=a=b" };
                break;
            case "GET" when seen.Headers.TryGetValue("Range", out string? range):
                string[] ends = range["bytes=".Length..].Split('-');
                int first = ends[0].Length == 0 ? content.Length - int.Parse(ends[1]) : int.Parse(ends[0]);
                int last = ends[0].Length == 0 || ends[1].Length == 0 ? content.Length - 1 : int.Parse(ends[1]);
                Describe(context, content);
                context.Response.StatusCode = 206;
                context.Response.ContentLength = last - first + 1;
                context.Response.Headers.ContentRange = $"bytes {first}-{last}/{content.Length}";
                await context.Response.Body.WriteAsync(content.AsMemory(first, last - first + 1));
                break;
            case "GET":
                Describe(context, content);
                context.Response.ContentLength = content.Length;
                await context.Response.Body.WriteAsync(content);
                break;
            default:
                break;
        }
    }

    private void Describe(HttpContext context, byte[] content)
    {
        using ContentDigest? digest = ContentDigest.TryCreate(ChecksumType);
        digest?.Append(content);
        if (ChecksumType != "none")
        {
            context.Response.Headers["Ais-Checksum-Type"] = ChecksumType;
            context.Response.Headers["Ais-Checksum-Value"] = digest?.Value() ?? "00000000";
        }

        context.Response.Headers["Ais-Version"] = "1";
        context.Response.Headers["Ais-Atime"] = "1764000000000000000";
    }
}

using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Sluice.Cli.Transfers;

namespace Sluice.Cli.Tests.Support;

/// <summary>Makes a stub take one upload at a time, <c>u1</c>, <c>u2</c> and so on. A test bends it by the functions.</summary>
public sealed class UploadStub
{
    private readonly StubServer _server;
    private int _begun;

    public UploadStub(StubServer server)
    {
        _server = server;
        server.Intercept = AnswerAsync;
    }

    /// <summary>The parts of the upload in progress.</summary>
    public ConcurrentDictionary<int, byte[]> Parts { get; } = new();

    /// <summary>The numbers that were sent, as they came.</summary>
    public ConcurrentQueue<int> Sent { get; } = new();

    /// <summary>The upload in progress; null when there is none.</summary>
    public string? Current { get; private set; }

    /// <summary>The status that a part is refused with; 0 to take it.</summary>
    public Func<int, int> Refuse { get; set; } = _ => 0;

    /// <summary>What becomes of a part on its way.</summary>
    public Func<byte[], byte[]> Damage { get; set; } = bytes => bytes;

    /// <summary>What becomes of the object when it is put together.</summary>
    public Func<byte[], byte[]> DamageWhole { get; set; } = bytes => bytes;

    private string Type => _server.ChecksumType == "crc64nvme" ? "crc64nvme" : "crc32c";

    /// <summary>Begins an upload as another run of the client did.</summary>
    public string Begin()
    {
        Parts.Clear();
        return Current = $"u{++_begun}";
    }

    private async Task<bool> AnswerAsync(HttpContext context, SeenRequest seen)
    {
        Dictionary<string, Microsoft.Extensions.Primitives.StringValues> query = QueryHelpers.ParseQuery(seen.RawTarget.Split('?')[1]);
        if (query.TryGetValue("what", out Microsoft.Extensions.Primitives.StringValues what))
        {
            return what == "uploads" && await AnswerAsync(context, new JsonArray(Current is null ? [] : [Upload()]));
        }

        if (seen.Method == "POST" && (string?)seen.Json["action"] == "mpt-upload")
        {
            await context.Response.WriteAsync(Begin());
            return true;
        }

        if (!query.TryGetValue("uploadId", out Microsoft.Extensions.Primitives.StringValues id))
        {
            return false;
        }

        await (id != Current
            ? StubServer.RefuseAsync(context, 404, "ErrObjNotFound", $"upload \"{id}\" does not exist")
            : seen.Method switch
            {
                "PUT" => TakeAsync(context, seen, int.Parse(query["partNumber"]!)),
                "POST" => CompleteAsync(context, seen),
                "GET" => AnswerAsync(context, Progress()),
                _ => Abort(),
            });
        return true;
    }

    private async Task TakeAsync(HttpContext context, SeenRequest seen, int number)
    {
        Sent.Enqueue(number);
        if (Refuse(number) is not 0 and int status)
        {
            await StubServer.RefuseAsync(context, status, "", $"part {number} is not wanted");
            return;
        }

        Assert.Equal((Type, DigestOf(seen.Body)), (seen.Headers["Ais-Checksum-Type"], seen.Headers["Ais-Checksum-Value"]));
        Parts[number] = Damage(seen.Body);
        Describe(context, Parts[number]);
    }

    private async Task CompleteAsync(HttpContext context, SeenRequest seen)
    {
        int[] listed = [.. seen.Json["value"]!.AsArray().Select(part => (int)part!["part-number"]!)];
        Assert.Equal(Enumerable.Range(1, Parts.Count), listed);
        Assert.Equal(listed, Parts.Keys.Order());
        byte[] whole = DamageWhole([.. Parts.OrderBy(part => part.Key).SelectMany(part => part.Value)]);
        _server.Objects[Uri.UnescapeDataString(seen.RawPath.Split('/', 5)[4])] = whole;
        Current = null;
        Describe(context, whole);
        await context.Response.CompleteAsync();
    }

    private Task Abort()
    {
        Current = null;
        Parts.Clear();
        return Task.CompletedTask;
    }

    private JsonObject Upload() => new() { ["upload_id"] = Current, ["name"] = "x", ["created"] = "2026-01-02T03:04:05Z" };

    private JsonObject Progress()
    {
        JsonObject upload = Upload();
        upload["parts"] = new JsonArray([.. Parts.OrderBy(part => part.Key).Select(part => new JsonObject
        {
            ["number"] = part.Key, ["size"] = part.Value.Length, ["checksum_type"] = Type, ["checksum"] = DigestOf(part.Value),
        })]);
        return upload;
    }

    private static async Task<bool> AnswerAsync(HttpContext context, JsonNode answer)
    {
        await context.Response.WriteAsync(answer.ToJsonString());
        return true;
    }

    private void Describe(HttpContext context, byte[] content)
    {
        context.Response.Headers["Ais-Checksum-Type"] = Type;
        context.Response.Headers["Ais-Checksum-Value"] = DigestOf(content);
    }

    private string DigestOf(byte[] content)
    {
        using ContentDigest digest = ContentDigest.TryCreate(Type)!;
        digest.Append(content);
        return digest.Value();
    }
}

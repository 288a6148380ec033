using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests.ApiModel;

/// <summary>
/// The calls of a plan over HTTP, and what their answers say. A body is told by its bytes, and must be what size, digest and range in the head of the same
/// answer say it is.
/// </summary>
public sealed class ObjectCalls(HttpClient http, string bucket, string folder, Plan plan)
{
    private const string Tag = "tag";

    private readonly Dictionary<int, SentContent> _sent = plan.Sent().ToDictionary(sent => sent.Number, sent => new SentContent(sent.Number, sent.SizeBytes));

    /// <summary>Sends a step's call; what its answer says of each name is to be had from the function behind it, which takes its time.</summary>
    public async Task<Func<IEnumerable<(int Name, Effect Effect)>>> MakeAsync(Step step, int number)
    {
        if (step.Verb == Verb.List)
        {
            List<JsonDocument> pages = await ListAsync();
            return () => Listed(pages);
        }

        if (step.Verb == Verb.PutCutShort)
        {
            await Assert.ThrowsAsync<HttpRequestException>(() => http.SendAsync(Request(step, number)));
            return () => [];
        }

        HttpResponseMessage answer = await http.SendAsync(Request(step, number)); // its content with it
        byte[] body = await answer.Content.ReadAsByteArrayAsync();
        return () =>
        {
            using (answer)
            {
                return [(step.Name, EffectOf(step, number, answer, body))];
            }
        };
    }

    /// <summary>Removes what a history left.</summary>
    public async Task RemoveAllAsync()
    {
        for (int name = 0; name < Plan.Names.Count; name++)
        {
            using HttpResponseMessage answer = await http.SendAsync(Request(new Step(Verb.Delete, name), 0));
        }
    }

    private HttpRequestMessage Request(Step step, int number)
    {
        HttpMethod method = step.Verb switch
        {
            Verb.Put or Verb.PutCutShort => HttpMethod.Put,
            Verb.Head => HttpMethod.Head,
            Verb.Delete => HttpMethod.Delete,
            Verb.Tag => HttpMethod.Patch,
            _ => HttpMethod.Get,
        };
        var request = new HttpRequestMessage(method, Store.Target(bucket, $"{folder}/{Plan.Names[step.Name]}"));
        switch (step.Verb)
        {
            case Verb.Put or Verb.PutCutShort:
                request.Content = new SentBody(_sent[number].Content, isCutShort: step.Verb == Verb.PutCutShort);
                if (step.IsTagged)
                {
                    request.Headers.Add("Ais-Custom-Md", $"{Tag}={number}");
                }

                break;
            case Verb.GetRange:
                request.Headers.Add("Range", step.Range.ToString());
                break;
            case Verb.Tag:
                request.Content = Json($$$"""{"value":{"{{{Tag}}}":"{{{number}}}"}}""");
                break;
            default:
                break;
        }

        return request;
    }

    private Effect EffectOf(Step step, int number, HttpResponseMessage answer, byte[] body) => (step.Verb, (int)answer.StatusCode) switch
    {
        (Verb.Put, 200) => new Stored(new Held(number, step.IsTagged ? number : 0)),
        (Verb.Delete, 200) => new Removed(),
        (Verb.Tag, 200) => new Tagged(number),
        (Verb.Tag, 409) => new Refused(), // others changed the object again and again meanwhile
        (Verb.Get, 200) => new Saw(Matching(answer, sent => sent.Content.SizeBytes == body.Length && sent.Content.FirstDifference(0, body) is null), TagOf(answer)),
        (Verb.GetRange, 206) => new Saw(Matching(answer, sent => IsRange(step.Range, sent, answer.Content.Headers.ContentRange!, body)), TagOf(answer)),
        (Verb.GetRange, 416) => new Saw(
            [.. _sent.Values.Where(sent => step.Range.Of(sent.Content.SizeBytes) is null && sent.Content.SizeBytes == answer.Content.Headers.ContentRange!.Length).Select(sent => sent.Number)],
            Custom: null),
        (Verb.Head, 200) => new Saw(Matching(answer, sent => sent.Content.SizeBytes == answer.Content.Headers.ContentLength), TagOf(answer)),
        (not Verb.Put, 404) => new SawNothing(),
        _ => throw new InvalidOperationException($"{step} was answered with {(int)answer.StatusCode} {Encoding.UTF8.GetString(body)}"),
    };

    /// <summary>The contents that fit, of those that the digest in the answer's head is right for.</summary>
    private List<int> Matching(HttpResponseMessage answer, Func<SentContent, bool> fits)
    {
        string digest = answer.Headers.GetValues("Ais-Checksum-Value").Single();
        return [.. _sent.Values.Where(sent => sent.Digest == digest && fits(sent)).Select(sent => sent.Number)];
    }

    private static bool IsRange(AskedRange range, SentContent sent, ContentRangeHeaderValue told, byte[] body) =>
        told.Length == sent.Content.SizeBytes
        && range.Of(sent.Content.SizeBytes) is { } right && (right.First, right.Last) == (told.From, told.To)
        && body.Length == right.Last - right.First + 1 && sent.Content.FirstDifference(right.First, body) is null;

    private static int TagOf(HttpResponseMessage answer) =>
        answer.Headers.TryGetValues("Ais-Custom-Md", out IEnumerable<string>? lines) ? Number(lines.Single(), Tag + "=") : 0;

    private async Task<List<JsonDocument>> ListAsync()
    {
        var pages = new List<JsonDocument>();
        string token = "";
        do
        {
            string value = $$"""{"prefix":"{{folder}}/","props":"name,size,checksum,custom","pagesize":2,"continuation_token":"{{token}}"}""";
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/buckets/{bucket}") { Content = Json($$"""{"action":"list","value":{{value}}}""") };
            using HttpResponseMessage answer = await http.SendAsync(request);
            string text = await answer.Content.ReadAsStringAsync();
            Assert.True(answer.StatusCode == HttpStatusCode.OK, text);
            pages.Add(JsonDocument.Parse(text));
            token = pages[^1].RootElement.GetProperty("continuation_token").GetString()!;
        }
        while (token.Length > 0);
        return pages;
    }

    private List<(int Name, Effect Effect)> Listed(List<JsonDocument> pages)
    {
        var entries = new Dictionary<string, JsonElement>();
        foreach (JsonElement entry in pages.SelectMany(page => page.RootElement.GetProperty("entries").EnumerateArray()))
        {
            string name = entry.GetProperty("name").GetString()!;
            Assert.True(entries.TryAdd(name, entry), $"\"{name}\" is listed twice");
            Assert.Contains(name, Plan.Names.Select(one => $"{folder}/{one}"));
        }

        Assert.Equal(entries.Keys.Order(StringComparer.Ordinal), entries.Keys);
        List<(int, Effect)> effects =
            [.. Plan.Names.Select((name, i) => (i, entries.TryGetValue($"{folder}/{name}", out JsonElement entry) ? EffectOf(entry) : (Effect)new SawNothing()))];
        pages.ForEach(page => page.Dispose());
        return effects;
    }

    private Saw EffectOf(JsonElement entry)
    {
        (string digest, string size) = (Text(entry, "checksum"), Text(entry, "size"));
        long sizeBytes = size.Length == 0 ? 0 : long.Parse(size, CultureInfo.InvariantCulture);
        string custom = Text(entry, "custom-md").Trim('[', ']');
        return new Saw(
            [.. _sent.Values.Where(sent => sent.Digest == digest && sent.Content.SizeBytes == sizeBytes).Select(sent => sent.Number)],
            custom.Length == 0 ? 0 : Number(custom, Tag + ":"));
    }

    private static string Text(JsonElement entry, string name) => entry.TryGetProperty(name, out JsonElement text) ? text.GetString()! : "";

    private static int Number(string text, string prefix)
    {
        Assert.StartsWith(prefix, text, StringComparison.Ordinal);
        return int.Parse(text.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture);
    }

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    /// <summary>What a step sends, with its digest.</summary>
    private sealed class SentContent(int number, int sizeBytes)
    {
        public int Number => number;

        public Content Content { get; } = new(number, sizeBytes);

        public string Digest { get; } = new Content(number, sizeBytes).Digest;
    }

    /// <summary>A content as a body, or the first half of it and then a broken connection.</summary>
    private sealed class SentBody(Content content, bool isCutShort) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            long end = isCutShort ? content.SizeBytes / 2 : content.SizeBytes;
            for (long at = 0; at < end; at += Content.PieceBytesMax)
            {
                await stream.WriteAsync(content.Piece(at, end - at));
            }

            if (isCutShort)
            {
                await stream.FlushAsync();
                throw new IOException("cut short, as the plan has it");
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = content.SizeBytes;
            return true;
        }
    }
}

using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Sluice.Bench.Machine;
using Sluice.Bench.Servers;

namespace Sluice.Bench.Clients;

/// <summary>How an object is sent.</summary>
/// <param name="Parts">1 to 9999; 1 is a PUT of the whole.</param>
/// <param name="AtOnce">Parts that are on their way at a time, each on a connection of its own; 1 to <paramref name="Parts"/>.</param>
internal sealed record UploadShape(int Parts, int AtOnce)
{
    /// <summary>One PUT.</summary>
    public static readonly UploadShape Whole = new(1, 1);

    /// <summary>Bytes of each part of an object, in order: as even as can be, none empty.</summary>
    public IReadOnlyList<long> Cut(long sizeBytes) => sizeBytes >= Parts
        ? [.. Enumerable.Range(0, Parts).Select(i => (sizeBytes * (i + 1) / Parts) - (sizeBytes * i / Parts))]
        : throw new BenchException(string.Create(CultureInfo.InvariantCulture, $"{sizeBytes} bytes are not {Parts} parts"));
}

/// <summary>
/// Stores large objects by the native API (docs/ARCHITECTURE.md), whole or in parts that go over several connections. The bytes are one mebibyte of noise over
/// and over, the same for all that one client sends, and none of them is copied here: the server is to be the one that is busy.
/// </summary>
internal sealed class UploadClient(Uri endpoint, string bucket) : IDisposable
{
    private readonly HttpClient _http = Connecting.Client(endpoint);
    private readonly byte[] _noise = RandomNumberGenerator.GetBytes(1 << 20);

    /// <summary>Stores an object; its time is from the first request to the answer of the last.</summary>
    /// <exception cref="BenchException">The server refused a request.</exception>
    public async Task<ClientResult> PutAsync(string name, long sizeBytes, UploadShape shape, CancellationToken token)
    {
        long started = Stopwatch.GetTimestamp();
        if (shape.Parts == 1)
        {
            await SentAsync(HttpMethod.Put, name, "", new NoiseContent(_noise, sizeBytes), token);
        }
        else
        {
            await PutPartsAsync(name, shape.Cut(sizeBytes), shape.AtOnce, token);
        }

        return new ClientResult(1, sizeBytes, Stopwatch.GetElapsedTime(started).TotalSeconds, double.NaN, double.NaN, double.NaN);
    }

    /// <summary>Fails when an object is not made of so many parts, 1 for one file.</summary>
    /// <exception cref="BenchException">It is made of others: then what is compared is not what the row says.</exception>
    public async Task RequirePartsAsync(string name, int parts, CancellationToken token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Head, Target(name, "?props=chunked"));
        using HttpResponseMessage answer = await _http.SendAsync(request, token);
        string found = answer.Headers.TryGetValues("Ais-Chunks-Count", out IEnumerable<string>? counts) ? counts.First() : "1";
        if (answer.StatusCode != HttpStatusCode.OK || found != parts.ToString(CultureInfo.InvariantCulture))
        {
            throw new BenchException(string.Create(
                CultureInfo.InvariantCulture, $"{bucket}/{name}: status {(int)answer.StatusCode}, {found} files in place of {parts}"));
        }
    }

    public Task DeleteAsync(string name, CancellationToken token) => SentAsync(HttpMethod.Delete, name, "", null, token);

    public void Dispose() => _http.Dispose();

    /// <summary>The body that completes an upload of parts 1 to <paramref name="parts"/>.</summary>
    internal static string Completion(int parts)
    {
        IEnumerable<string> each = Enumerable.Range(1, parts)
            .Select(number => string.Create(CultureInfo.InvariantCulture, $$"""{"part-number":{{number}},"etag":""}"""));
        return $$"""{"action":"mpt-complete","value":[{{string.Join(',', each)}}]}""";
    }

    private async Task PutPartsAsync(string name, IReadOnlyList<long> sizes, int atOnce, CancellationToken token)
    {
        string upload = await SentAsync(HttpMethod.Post, name, "", Json("""{"action":"mpt-upload"}"""), token);
        var options = new ParallelOptions { MaxDegreeOfParallelism = atOnce, CancellationToken = token };
        await Parallel.ForEachAsync(Enumerable.Range(1, sizes.Count), options, async (number, stop) =>
        {
            string query = string.Create(CultureInfo.InvariantCulture, $"?uploadId={upload}&partNumber={number}");
            await SentAsync(HttpMethod.Put, name, query, new NoiseContent(_noise, sizes[number - 1]), stop);
        });
        await SentAsync(HttpMethod.Post, name, $"?uploadId={upload}", Json(Completion(sizes.Count)), token);
    }

    /// <summary>Sends a request and answers the text that came back.</summary>
    private async Task<string> SentAsync(HttpMethod method, string name, string query, HttpContent? body, CancellationToken token)
    {
        using var request = new HttpRequestMessage(method, Target(name, query)) { Content = body };
        using HttpResponseMessage answer = await _http.SendAsync(request, token);
        string text = await answer.Content.ReadAsStringAsync(token);
        return answer.StatusCode == HttpStatusCode.OK
            ? text
            : throw new BenchException($"{method} {request.RequestUri}: {(int)answer.StatusCode} {text}");
    }

    private Uri Target(string name, string query) => new($"/v1/objects/{bucket}/{name}{query}", UriKind.Relative);

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    /// <summary>A body of known length that is written from one array.</summary>
    private sealed class NoiseContent(byte[] noise, long sizeBytes) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            for (long left = sizeBytes; left > 0; left -= noise.Length)
            {
                await stream.WriteAsync(noise.AsMemory(0, (int)Math.Min(left, noise.Length)));
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = sizeBytes;
            return true;
        }
    }
}

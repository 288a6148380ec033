using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;
using Sluice.Endurance.Tests.Soak;
using Sluice.Engine.Tests.Support;

namespace Sluice.Endurance.Tests.Large;

/// <summary>One object that is larger than anything should be held of: sent in parts, listed and read at its borders.</summary>
public sealed class LargeObjectTests
{
    private const long PartBytes = 1L << 30;
    private const int Together = 3; // parts on their way
    private const long GrowthMax = 64 << 20; // of memory: windows and pieces of three parts, the chunks' table, the collector's slack; a part is sixteen times that
    private const string Name = "big";
    private const string Bucket = "large";

    /// <summary>make large-object GIB=100; without it what CI has ten seconds for. The parts are zeros behind their number, and the file system compresses.</summary>
    [Fact]
    public async Task AnObjectOfManyLargePartsIsListedAndReadInFlatMemory()
    {
        int parts = int.Parse(Environment.GetEnvironmentVariable("LARGE_GIB") is { Length: > 0 } text ? text : "4", CultureInfo.InvariantCulture);
        using LoopMount disk = LoopMount.NewCompressing((parts + 20L) << 30);
        using SluiceProcess server = await SluiceProcess.StartAsync([disk.MountPoint], "--memory", "256MiB");
        using var store = new Store(server.Endpoint);
        using var http = new HttpClient { BaseAddress = server.Endpoint, Timeout = TimeSpan.FromMinutes(10) };
        await store.CreateAsync(Bucket, """{"durability":"relaxed"}""");
        await SendAsync(store, http, parts: 1); // what a first object makes is there
        long before = Resident(server);

        string upload = await SendAsync(store, http, parts);
        long sent = Resident(server);
        await ListedAsync(store, parts * PartBytes);
        foreach (long border in Enumerable.Range(0, parts).Select(part => part * PartBytes))
        {
            await IsAsync(http, Math.Max(0, border - 5), border + 20);
        }

        await IsAsync(http, (parts * PartBytes) - 100, parts * PartBytes);
        long read = await ReadAsync(http, PartBytes / 2, Math.Min(3 * PartBytes, parts * PartBytes) - 1);
        long after = Resident(server);
        Say(string.Create(CultureInfo.InvariantCulture,
            $"{parts} GiB in parts of 1 GiB, upload {upload}: {before >> 20} MiB resident before, {sent >> 20} when all parts were sent, {after >> 20} behind {parts + 1} ranges and {read >> 20} MiB read"));
        Assert.True(Math.Max(sent, after) < before + GrowthMax, $"{before}, {sent}, {after} bytes resident");
        Assert.Equal(0, await server.StopAsync());
    }

    private static long Resident(SluiceProcess server) => (long)SoakSample.AnonymousBytes(server.Id);

    private static async Task<string> SendAsync(Store store, HttpClient http, int parts)
    {
        string target = Store.Target(Bucket, Name);
        string upload = await store.ControlAsync(HttpMethod.Post, target, """{"action":"mpt-upload"}""");
        await Parallel.ForEachAsync(Enumerable.Range(1, parts), new ParallelOptions { MaxDegreeOfParallelism = Together }, async (part, cancellation) =>
        {
            using var body = new StreamContent(new PartStream(part), 1 << 20);
            body.Headers.ContentLength = PartBytes;
            using HttpResponseMessage answer = await http.PutAsync(new Uri(string.Create(CultureInfo.InvariantCulture, $"{target}?uploadId={upload}&partNumber={part}"), UriKind.Relative), body, cancellation);
            Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(cancellation));
        });
        string listed = string.Join(',', Enumerable.Range(1, parts).Select(part => string.Create(CultureInfo.InvariantCulture, $$"""{"part-number":{{part}},"etag":""}""")));
        await store.ControlAsync(HttpMethod.Post, $"{target}?uploadId={upload}", $$"""{"action":"mpt-complete","value":[{{listed}}]}""");
        return upload;
    }

    private static async Task ListedAsync(Store store, long bytes)
    {
        using JsonDocument page = JsonDocument.Parse(await store.ControlAsync(HttpMethod.Get, $"/v1/buckets/{Bucket}", """{"action":"list","value":{"props":"name,size"}}"""));
        JsonElement entry = Assert.Single(page.RootElement.GetProperty("entries").EnumerateArray());
        Assert.Equal((Name, bytes.ToString(CultureInfo.InvariantCulture)), (entry.GetProperty("name").GetString(), entry.GetProperty("size").GetString()));
    }

    /// <summary>The bytes from one place to another, which a part's border may lie between.</summary>
    private static async Task IsAsync(HttpClient http, long from, long to)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Store.Target(Bucket, Name)) { Headers = { Range = new RangeHeaderValue(from, to - 1) } };
        using HttpResponseMessage answer = await http.SendAsync(request);
        Assert.Equal(HttpStatusCode.PartialContent, answer.StatusCode);
        byte[] expected = new byte[to - from];
        for (int i = 0; i < expected.Length; i++)
        {
            expected[i] = PartStream.ByteAt((int)((from + i) / PartBytes) + 1, (from + i) % PartBytes);
        }

        Assert.Equal(expected, await answer.Content.ReadAsByteArrayAsync());
    }

    private static async Task<long> ReadAsync(HttpClient http, long from, long last)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Store.Target(Bucket, Name)) { Headers = { Range = new RangeHeaderValue(from, last) } };
        using HttpResponseMessage answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await using Stream body = await answer.Content.ReadAsStreamAsync();
        byte[] buffer = new byte[1 << 20];
        long read = 0;
        for (int bytes; (bytes = await body.ReadAsync(buffer)) > 0; read += bytes)
        {
            // It is the length that counts; the borders are compared.
        }

        Assert.Equal(last + 1 - from, read);
        return read;
    }

    private static void Say(string line) => TestContext.Current.TestOutputHelper!.WriteLine(line);

    /// <summary>A part: its number in eight bytes, and zeros.</summary>
    private sealed class PartStream(int part) : Stream
    {
        private long _at;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => PartBytes;

        public override long Position { get => _at; set => throw new NotSupportedException(); }

        public static byte ByteAt(int part, long offset) => offset < sizeof(long) ? (byte)((long)part >> (int)(8 * offset)) : (byte)0;

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            int bytes = (int)Math.Min(buffer.Length, PartBytes - _at);
            buffer[..bytes].Clear();
            for (long at = _at; at < Math.Min(sizeof(long), _at + bytes); at++)
            {
                buffer[(int)(at - _at)] = ByteAt(part, at);
            }

            _at += bytes;
            return bytes;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}

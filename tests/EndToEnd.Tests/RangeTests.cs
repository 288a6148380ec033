// Ranges of every shape (RFC 9110 §14): exactly the bytes that were asked for, or 416 and the size.
using System.Globalization;
using System.Text;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

[Collection(BackendCollection.Name)]
public sealed class RangeTests(BackendServers servers)
{
    private const long Size = (3 << 20) + 17; // three blocks and a piece

    /// <summary>Range and where it begins and ends; the end is the offset behind the last byte.</summary>
    private static readonly (string Range, long Start, long End)[] s_good =
    [
        ("bytes=0-0", 0, 1),
        ("bytes=1-1", 1, 2),
        ("bytes=3145744-3145744", Size - 1, Size),
        ("bytes=-1", Size - 1, Size),
        ("bytes=3145744-", Size - 1, Size),
        ("bytes=0-", 0, Size),
        ("bytes=1-", 1, Size),
        ("bytes=-3145745", 0, Size),
        ("bytes=-3145744", 1, Size),
        ("bytes=-99999999999", 0, Size),
        ("bytes=0-3145744", 0, Size),
        ("bytes=0-3145745", 0, Size),
        ("bytes=3145740-9223372036854775807", Size - 5, Size),
        ("bytes=4095-4096", 4095, 4097),
        ("bytes=4096-8191", 4096, 8192),
        ("bytes=32767-32768", 32_767, 32_769),
        ("bytes=1-32768", 1, 32_769),
        ("bytes=1-32769", 1, 32_770),
        ("bytes=1048575-1048576", 1_048_575, 1_048_577),
        ("bytes=1048576-2097151", 1_048_576, 2_097_152),
        ("bytes=1048575-2097152", 1_048_575, 2_097_153),
        ("bytes=777-2999999", 777, 3_000_000),
        ("bytes=-1048577", Size - 1_048_577, Size),
        ("bytes= 5 - 9 ", 5, 10),
        ("BYTES=5-9", 5, 10),
    ];

    private static readonly string[] s_bad =
    [
        "bytes=3145745-", "bytes=3145745-3145745", "bytes=9223372036854775807-",
        "bytes=5-2", "bytes=-0", "bytes=-", "bytes=", "bytes", "bytes=a-b", "bytes=1-2-3",
        "bytes=0-0,2-2", "bytes=0-1,", "bytes=--5", "bytes=+1-2", "bytes=0x1-2", "lines=0-1",
        "bytes=99999999999999999999-", "bytes=0-99999999999999999999",
    ];

    public static MatrixTheoryData<string, string, long> Refused => new(IoBackends.All, s_bad, [0, 1, Size]);

    public static TheoryData<string, string, long, long> Served => Cross(s_good);

    [Theory]
    [MemberData(nameof(Served))]
    public async Task ARangeIsExact(string backend, string range, long start, long end)
    {
        BackendServer server = await servers.GetAsync(backend);
        Content content = await server.StoredAsync(Size);
        using RawClient client = await server.ConnectAsync($"{range} of {Size} bytes");
        string name = BackendServer.Stored(Size);
        await client.SendAsync(BackendServer.Get(name, $"Range: {range}\r\n") + BackendServer.Head("HEAD", name, $"Range: {range}\r\n"));
        RawHead head = await client.ContentAsync(206, content, start, end - start);
        Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"bytes {start}-{end - 1}/{Size}"), head["Content-Range"]);
        head = await client.HeadAsync(); // RFC 9110 §14.2: Range means something for GET alone
        Assert.Equal((200, Size, null), (head.Status, head.ContentLength, head["Content-Range"]));
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task ARangeThatCannotBeHadIsRefusedWithTheSize(string backend, string range, long size)
    {
        BackendServer server = await servers.GetAsync(backend);
        Content content = await server.StoredAsync(size);
        using RawClient client = await server.ConnectAsync($"{range} of {size} bytes");
        await client.SendAsync(BackendServer.Get(BackendServer.Stored(size), $"Range: {range}\r\n") + BackendServer.Get(BackendServer.Stored(size)));
        (RawHead head, byte[] body) = await client.AnswerAsync(416);
        Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"bytes */{size}"), head["Content-Range"]);
        Assert.Contains("range", Encoding.UTF8.GetString(body), StringComparison.Ordinal);
        await client.ContentAsync(200, content, 0, size); // the connection goes on
    }

    [Theory]
    [MemberData(nameof(IoBackends.Each), MemberType = typeof(IoBackends))]
    public async Task RandomRangesOfALargeObjectAreExact(string backend)
    {
        BackendServer server = await servers.GetAsync(backend);
        Content content = await server.StoredAsync(64 << 20);
        using RawClient client = await server.ConnectAsync($"random ranges of {content.SizeBytes} bytes");
        var random = new Random(8123);
        (long Start, int Count)[] ranges =
            [.. Enumerable.Range(0, 200).Select(_ => (random.NextInt64(60 << 20), 1 + random.Next(random.Next(4 << 20))))];
        await client.SendAsync(string.Concat(ranges.Select(range => BackendServer.Get(
            BackendServer.Stored(content.SizeBytes), string.Create(CultureInfo.InvariantCulture, $"Range: bytes={range.Start}-{range.Start + range.Count - 1}\r\n")))));
        foreach ((long start, int count) in ranges)
        {
            await client.ContentAsync(206, content, start, count);
        }
    }

    private static TheoryData<string, string, long, long> Cross((string Range, long Start, long End)[] ranges)
    {
        var data = new TheoryData<string, string, long, long>();
        foreach (string backend in IoBackends.All)
        {
            foreach ((string range, long start, long end) in ranges)
            {
                data.Add(backend, range, start, end);
            }
        }

        return data;
    }
}

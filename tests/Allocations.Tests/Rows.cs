using System.Globalization;
using Sluice.Allocations.Tests.Support;
using Sluice.Engine.Objects;

namespace Sluice.Allocations.Tests;

/// <summary>
/// The requests that the gate counts. What a GET reads was put there by the rows above it. Versions from 300 are texts that are made anew (the
/// runtime keeps those of smaller numbers), so a PUT to one name is warmed up past that.
/// </summary>
internal static class Rows
{
    private const string Strict = "/v1/objects/s/";
    private const string Relaxed = "/v1/objects/r/";
    private const string NewName = Relaxed + "new/00000000";
    private const int RotatingCount = 64;

    private static readonly byte[] s_4K = Content(4 << 10);
    private static readonly byte[] s_other4K = [.. s_4K.Reverse()];
    private static readonly byte[] s_64K = Content(64 << 10);
    private static readonly byte[] s_1M = Content(1 << 20);

    public static IReadOnlyList<Row> All { get; } =
    [
        // Each PUT goes the whole way: work file, commit and, for relaxed buckets, the flush that lets the old generation go.
        new("put_4k_relaxed", Row.Put(Relaxed + "a4k", s_4K)),
        new("put_4k_relaxed_rotating", [.. Names(Relaxed + "rotating").Select(name => Row.Put(name, s_4K))]),
        new("put_4k_relaxed_new", Row.Put(NewName, s_4K)) { NumberAt = "PUT ".Length + NewName.Length - Row.NumberDigits, WarmUpCount = 3000, Count = 500 },
        new("put_4k_relaxed_checksum", [.. new[] { s_4K, s_other4K }.Select(content => Row.Put(Relaxed + "a4k", content, ChecksumOf(content)))]), // in turn, so that each is another object
        new("put_4k_relaxed_same", Row.Put(Relaxed + "a4k", s_4K, ChecksumOf(s_4K))),
        new("put_64k_relaxed", Row.Put(Relaxed + "a64k", s_64K)) { Count = 500 },
        new("put_1m_relaxed", Row.Put(Relaxed + "a1m", s_1M)) { WarmUpCount = 400, Count = 100 },
        new("put_4k_strict", Row.Put(Strict + "a4k", s_4K)) { WarmUpCount = 400, Count = 200 },
        new("put_1m_strict", Row.Put(Strict + "a4k", s_1M)) { WarmUpCount = 50, Count = 50 },
        new("get_4k", Row.Request("GET", Relaxed + "a4k")),
        new("get_4k_rotating", [.. Names(Relaxed + "rotating").Select(name => Row.Request("GET", name))]),
        new("get_4k_provider", Row.Request("GET", Relaxed + "a4k?provider=ais")),
        new("get_64k", Row.Request("GET", Relaxed + "a64k")),
        new("get_1m", Row.Request("GET", Relaxed + "a1m")) { WarmUpCount = 400, Count = 200 },
        new("get_range", Row.Request("GET", Relaxed + "a1m", "Range: bytes=65536-69631\r\n")) { Status = 206 },
        new("head", Row.Request("HEAD", Relaxed + "a4k")) { IsHead = true },
        new("get_missing", Row.Request("GET", Relaxed + "nothing")) { Status = 404 },
    ];

    private static IEnumerable<string> Names(string stem) =>
        Enumerable.Range(0, RotatingCount).Select(i => string.Create(CultureInfo.InvariantCulture, $"{stem}/{i:d3}"));

    private static string ChecksumOf(byte[] content) =>
        $"Ais-Checksum-Type: xxhash2\r\nAis-Checksum-Value: {Digest.Of(ChecksumType.XxHash2, content).Hex}\r\n";

    private static byte[] Content(int bytes)
    {
        var content = new byte[bytes];
        new Random(bytes).NextBytes(content);
        return content;
    }
}

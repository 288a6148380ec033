// What is persisted or computed by clients too, as this binary does it: names on disk, metadata records, manifests, placement. A difference here would
// make another build's data unreadable.
using System.Globalization;
using System.Text;
using System.Text.Json;
using Sluice.Engine.Chunks;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;

namespace Sluice.Server.SelfTest;

/// <summary>Checks of formats and placement.</summary>
public static class FormatChecks
{
    /// <summary>
    /// The record of <see cref="GoldenMetadata"/>, by the table of <see cref="MetadataRecord"/>: fixed part; digest; version; block
    /// digests; custom pairs; checksum. Frozen: it may never change.
    /// </summary>
    public const string GoldenRecord =
        "01010000015b000005001000000000001817161514131211" + "2827262524232221"
        + "3132333435363738"
        + "01020000" + "0203"
        + "02100000" + "4847464544434241" + "5857565554535251"
        + "030d0000" + "01006b02007631" + "0200c3a40000"
        + "c01d09b5305acb76";

    /// <summary>
    /// The manifest of <see cref="GoldenChunks"/>, by the tables of <see cref="ManifestRecord"/> and <see cref="ChunkTable"/>: fixed part; digest; name, entity
    /// tag, custom pairs; two chunks, the first with an MD5; checksum. Frozen: it may never change.
    /// </summary>
    public const string GoldenManifest =
        "010200009b0000001817161514131211" + "28272625242322212f2e2d2c2b2a2928" + "09000010000000000200000001030000"
        + "3132333435363738"
        + "0400612fc3a4" + "05" + "6162632d32" + "0d000000" + "01006b02007631" + "0200c3a40000"
        + "0100010000001000000000" + "4847464544434241" + "deadbeef" + "505152535455565758595a5b5c5d5e5f"
        + "0400000900000000000000" + "6867666564636261" + "01020304"
        + "6fc561d248adc251";

    private const int RandomNames = 2000;
    private const int Seed = 8123;

    private static readonly string[] s_oddNames =
    [
        "a", "a/b", "/", "//", "a/", "/a", "a//b", ".", "..", "../..", "a/./b", "a/../b", "%", "%e", "%o", "%.", "%..", "%%", "%+", "%=",
        "%=x", "a%b",
        " ", "\n", "\u0001", "ä/ö", "日本語", "😀/😀", "...", ".sluice", "con", "a\\b", "*?<>|\"",
    ];

    /// <summary>All of them.</summary>
    public static IReadOnlyList<SelfCheck> All { get; } =
    [
        new("name-codec", Names),
        new("metadata-record", RecordRoundTrip),
        new("metadata-golden", () => Golden(MetadataRecord.Format)),
        new("manifest-golden", () => GoldenOf(ManifestRecord.Format)),
        new("hrw-vectors", () => Placement(Hrw.Weight)),
    ];

    /// <summary>What <see cref="GoldenRecord"/> describes.</summary>
    internal static ObjectMetadata GoldenMetadata { get; } = new()
    {
        Kind = RecordKind.Object,
        SizeBytes = (1 << 20) + 5,
        Bid = 0x1112131415161718,
        Generation = 0x2122232425262728,
        Version = 0x0302,
        Checksum = new Checksum(ChecksumType.XxHash2, [0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38]),
        BlockDigests = new ulong[] { 0x4142434445464748, 0x5152535455565758 },
        Custom = [new("k", "v1"), new("ä", "")],
    };

    /// <summary>What <see cref="GoldenManifest"/> describes.</summary>
    internal static Manifest GoldenChunks
    {
        get
        {
            var chunks = new ChunkTableBuilder(ChecksumType.Crc32C);
            byte[] md5 = [.. Enumerable.Range(0x50, 16).Select(value => (byte)value)];
            chunks.Add(new ManifestChunk(1, 1 << 28, 0x4142434445464748), [0xde, 0xad, 0xbe, 0xef], md5);
            chunks.Add(new ManifestChunk(4, 9, 0x6162636465666768), [1, 2, 3, 4], []);
            return new Manifest
            {
                State = ManifestState.Complete,
                UploadId = 0x1112131415161718,
                Generation = 0x2122232425262728,
                CreatedNs = 0x28292a2b2c2d2e2f,
                Name = ObjectName.From("a/ä"),
                Custom = GoldenMetadata.Custom,
                Checksum = GoldenMetadata.Checksum,
                ETag = "abc-2",
                Chunks = chunks.Build(),
            };
        }
    }

    /// <summary>Fails unless <paramref name="format"/> writes the golden bytes and they read back.</summary>
    public static string Golden(Func<ObjectMetadata, byte[]> format)
    {
        SelfTestRun.Same(GoldenRecord, Convert.ToHexStringLower(format(GoldenMetadata)), "the golden record");
        byte[] golden = Convert.FromHexString(GoldenRecord);
        bool accepted = MetadataRecord.TryParse(golden, out ObjectMetadata? read, out string? problem);
        SelfTestRun.That(accepted, $"the golden record is refused: {problem}");
        SameMetadata(GoldenMetadata, read!);
        return $"{GoldenRecord.Length / 2} golden bytes";
    }

    /// <summary>Fails unless <paramref name="format"/> writes the golden manifest, and it reads back as one that is written the same.</summary>
    public static string GoldenOf(Func<Manifest, byte[]> format)
    {
        SelfTestRun.Same(GoldenManifest, Convert.ToHexStringLower(format(GoldenChunks)), "the golden manifest");
        byte[] golden = Convert.FromHexString(GoldenManifest);
        bool accepted = ManifestRecord.TryParse(golden, out Manifest? read, out string? problem);
        SelfTestRun.That(accepted, $"the golden manifest is refused: {problem}");
        SelfTestRun.Same(GoldenManifest, Convert.ToHexStringLower(format(read!)), "the golden manifest that was read");
        for (int at = 0; at < golden.Length; at++)
        {
            golden[at] ^= 0x10;
            SelfTestRun.That(!ManifestRecord.TryParse(golden, out _, out _), $"a manifest with a damaged byte {at} is accepted");
            golden[at] ^= 0x10;
        }

        return $"{golden.Length} golden bytes, each damaged byte noticed";
    }

    /// <summary>Fails unless <paramref name="weight"/> gives the contract's weights and owners.</summary>
    public static string Placement(Func<ulong, ulong, ulong> weight)
    {
        using Stream stream = typeof(FormatChecks).Assembly.GetManifestResourceStream("hrw-vectors.json")
            ?? throw new SelfTestException("the placement vectors are not in this binary");
        using JsonDocument document = JsonDocument.Parse(stream);
        foreach (JsonElement row in document.RootElement.GetProperty("x").EnumerateArray())
        {
            SelfTestRun.Same(Number(row, "x"), Hrw.Mix(Number(row, "seed")), "the contract's X of " + row.GetProperty("seed").GetString());
        }

        var nodes = new Dictionary<string, ulong>();
        foreach (JsonElement row in document.RootElement.GetProperty("nodes").EnumerateArray())
        {
            string id = row.GetProperty("id").GetString()!;
            nodes.Add(id, Hrw.IdDigest(Encoding.UTF8.GetBytes(id)));
            SelfTestRun.Same(Number(row, "id_digest"), nodes[id], "the digest of " + id);
        }

        int objects = 0;
        foreach (JsonElement row in document.RootElement.GetProperty("objects").EnumerateArray())
        {
            Place(row, nodes, weight);
            objects++;
        }

        SelfTestRun.That(objects > 0 && nodes.Count > 1, "the placement vectors are empty");
        return $"{objects} objects on {nodes.Count} nodes";
    }

    private static void Place(JsonElement row, Dictionary<string, ulong> nodes, Func<ulong, ulong, ulong> weight)
    {
        string uname = row.GetProperty("uname").GetString()!;
        byte[] utf8 = Encoding.UTF8.GetBytes(uname);
        ulong digest = Hrw.Digest(utf8.AsSpan(0, utf8.Length / 2), utf8.AsSpan(utf8.Length / 2));
        SelfTestRun.Same(Number(row, "digest"), digest, "the digest of " + uname);
        foreach (JsonProperty expected in row.GetProperty("weights").EnumerateObject())
        {
            ulong number = ulong.Parse(expected.Value.GetString()!, NumberStyles.None, CultureInfo.InvariantCulture);
            SelfTestRun.Same(number, weight(digest, nodes[expected.Name]), $"the weight of {uname} on {expected.Name}");
        }

        int best = Hrw.BestNode(digest, [.. nodes.Values]);
        SelfTestRun.Same(row.GetProperty("owner").GetString(), nodes.Keys.ElementAt(best), "the owner of " + uname);
    }

    private static string Names()
    {
        var random = new Random(Seed);
        var names = s_oddNames.Select(Encoding.UTF8.GetBytes).ToList();
        foreach (int length in (ReadOnlySpan<int>)[252, 253, 254, 255, 256, 506, 507, 1023, 1024])
        {
            names.Add(Encoding.ASCII.GetBytes(new string('x', length)));
            names.Add(Encoding.ASCII.GetBytes(new string('%', length)));
            names.Add(Encoding.ASCII.GetBytes(new string('/', length)));
        }

        for (int i = 0; i < RandomNames; i++)
        {
            var name = new byte[random.Next(1, ObjectName.BytesMax + 1)];
            random.GetItems("abx%/.+=eo "u8, name);
            names.Add(name);
        }

        var seen = new HashSet<string>();
        foreach (byte[] name in names)
        {
            NameRoundTrip(name, seen);
        }

        SelfTestRun.Same(names.Select(Convert.ToHexString).Distinct().Count(), seen.Count, "the number of different paths");
        return $"{names.Count} odd names there and back";
    }

    private static void NameRoundTrip(byte[] name, HashSet<string> seen)
    {
        Span<byte> path = stackalloc byte[NameCodec.EncodedBytesMax];
        Span<byte> back = stackalloc byte[ObjectName.BytesMax];
        int length = NameCodec.Encode(name, path);
        seen.Add(Convert.ToHexString(path[..length]));
        string shown = $"the name {Convert.ToHexStringLower(name)}";
        foreach (Range range in ((ReadOnlySpan<byte>)path[..length]).Split((byte)'/'))
        {
            ComponentKind kind = NameCodec.ReadComponent(path[..length][range], out _);
            bool ours = kind is ComponentKind.Element or ComponentKind.Piece or ComponentKind.LastPiece;
            SelfTestRun.That(ours, $"{shown} has a component that no file system may see");
        }

        SelfTestRun.That(NameCodec.TryDecode(path[..length], back, out int bytes), $"the path of {shown} does not read back");
        SelfTestRun.That(back[..bytes].SequenceEqual(name), $"{shown} comes back as {Convert.ToHexStringLower(back[..bytes])}");
    }

    private static string RecordRoundTrip()
    {
        int records = 0;
        foreach (ChecksumType type in Enum.GetValues<ChecksumType>())
        {
            foreach (ulong version in (ReadOnlySpan<ulong>)[0, 1, 255, 256, ulong.MaxValue])
            {
                RoundTrip(Sample(type, version));
                records++;
            }
        }

        return $"{records} records there and back, each damaged byte noticed";
    }

    private static ObjectMetadata Sample(ChecksumType type, ulong version)
    {
        var digest = new byte[Checksum.SizeBytes(type)];
        digest.AsSpan().Fill(0xa5);
        return new ObjectMetadata
        {
            Kind = RecordKind.Object,
            SizeBytes = version == 0 ? 0 : 7,
            Bid = 3,
            Generation = ulong.MaxValue,
            Version = version,
            Checksum = type == ChecksumType.None ? Checksum.None : new Checksum(type, digest),
            BlockDigests = version == 0 ? default(ReadOnlyMemory<ulong>) : new ulong[] { 0x0102030405060708 },
            Custom = version == 1 ? [new("key", "värde")] : [],
        };
    }

    private static void RoundTrip(ObjectMetadata metadata)
    {
        byte[] record = MetadataRecord.Format(metadata);
        SelfTestRun.That(MetadataRecord.TryParse(record, out ObjectMetadata? read, out string? problem), $"a record is refused: {problem}");
        SameMetadata(metadata, read!);
        for (int at = 0; at < record.Length; at++)
        {
            record[at] ^= 0x10;
            SelfTestRun.That(!MetadataRecord.TryParse(record, out _, out _), $"a record with a damaged byte {at} is accepted");
            record[at] ^= 0x10;
        }
    }

    private static void SameMetadata(ObjectMetadata expected, ObjectMetadata actual)
    {
        SelfTestRun.Same(expected.Kind, actual.Kind, "the kind read back");
        SelfTestRun.Same(expected.SizeBytes, actual.SizeBytes, "the size read back");
        SelfTestRun.Same(expected.Bid, actual.Bid, "the bucket's generation read back");
        SelfTestRun.Same(expected.Generation, actual.Generation, "the generation read back");
        SelfTestRun.Same(expected.Version, actual.Version, "the version read back");
        SelfTestRun.Same(expected.Checksum, actual.Checksum, "the checksum read back");
        SelfTestRun.That(expected.BlockDigests.Span.SequenceEqual(actual.BlockDigests.Span), "the block digests do not read back");
        SelfTestRun.That(expected.Custom.SequenceEqual(actual.Custom), "the custom pairs do not read back");
    }

    private static ulong Number(JsonElement row, string name) =>
        ulong.Parse(row.GetProperty(name).GetString()!, NumberStyles.None, CultureInfo.InvariantCulture);
}

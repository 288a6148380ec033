using BenchmarkDotNet.Attributes;
using Sluice.Bench.Rows;
using Sluice.Engine.Objects;

namespace Sluice.Bench.Kernels;

/// <summary>The record that an object's file has in an attribute.</summary>
public class RecordBenchmark
{
    private readonly ObjectMetadata _plain = Metadata(1, []);
    private readonly byte[] _plainRecord = MetadataRecord.Format(Metadata(1, []));
    private readonly byte[] _largeRecord = MetadataRecord.Format(Metadata(64, [new("content-type", "image/jpeg"), new("label", "42")]));
    private readonly byte[] _written = new byte[MetadataRecord.Format(Metadata(1, [])).Length];

    /// <summary>Of an object of 64 MiB.</summary>
    [Benchmark(Description = "parse, 64 blocks and 2 pairs")]
    public bool ParseLarge() => MetadataRecord.TryParse(_largeRecord, out _, out _);

    /// <summary>Into bytes that are there.</summary>
    [Benchmark(Description = "format, plain")]
    public byte Format()
    {
        MetadataRecord.Format(_plain, _written);
        return _written[0];
    }

    /// <summary>Of an object of 1 MiB.</summary>
    [Benchmark(Description = "parse, plain")]
    public bool ParsePlain() => MetadataRecord.TryParse(_plainRecord, out _, out _);

    private static ObjectMetadata Metadata(int blocks, KeyValuePair<string, string>[] custom) => new()
    {
        Kind = RecordKind.Object,
        SizeBytes = blocks * Sizes.MiB,
        Bid = 7,
        Generation = 1_700_000_000_000_000_000,
        Version = 3,
        Checksum = new Checksum(ChecksumType.XxHash2, [1, 2, 3, 4, 5, 6, 7, 8]),
        BlockDigests = Enumerable.Range(1, blocks).Select(i => (ulong)i * 0x9e3779b97f4a7c15).ToArray(),
        Custom = custom,
    };
}

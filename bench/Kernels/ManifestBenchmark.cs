using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using Sluice.Bench.Rows;
using Sluice.Engine;
using Sluice.Engine.Chunks;
using Sluice.Engine.Objects;

namespace Sluice.Bench.Kernels;

/// <summary>The manifest of an object of 10,000 chunks, with a digest of the bucket's kind and an MD5 for each: what its first read waits for.</summary>
public class ManifestBenchmark
{
    private readonly Manifest _manifest;
    private readonly Manifest _uneven;
    private readonly byte[] _record;
    private readonly byte[] _written;

    public ManifestBenchmark()
    {
        _manifest = Of(_ => 8 * Sizes.MiB);
        _uneven = Of(number => (8 * Sizes.MiB) - 1 - (number * 0x9e37 % 0xffff));
        _record = ManifestRecord.Format(_manifest);
        _written = new byte[_record.Length];
    }

    /// <summary>Of bytes in memory, as after one read of the file.</summary>
    [Benchmark(Description = "parse, 10,000 chunks")]
    public bool Parse() => ManifestRecord.TryParse(_record, out _, out _);

    /// <summary>Into bytes that are there.</summary>
    [Benchmark(Description = "format, 10,000 chunks")]
    public byte Format()
    {
        ManifestRecord.Format(_manifest, _written);
        return _written[0];
    }

    /// <summary>As when an upload is completed.</summary>
    [Benchmark(Description = "crc64 of 10,000 chunks of 8 MiB")]
    public ulong Combine() => _manifest.CombinedCrc64();

    /// <summary>Of sizes with many bits set.</summary>
    [Benchmark(Description = "crc64 of 10,000 uneven chunks")]
    public ulong CombineUneven() => _uneven.CombinedCrc64();

    private static Manifest Of(Func<int, long> sizeOf)
    {
        var random = new Random(1);
        var chunks = new ChunkTableBuilder(ChecksumType.XxHash2);
        var digest = new byte[Checksum.SizeBytes(ChecksumType.XxHash2)];
        var md5 = new byte[MD5.HashSizeInBytes];
        for (int number = 1; number <= Limits.ChunksMax; number++)
        {
            random.NextBytes(digest);
            random.NextBytes(md5);
            chunks.Add(new ManifestChunk(number, sizeOf(number), (ulong)random.NextInt64()), digest, md5);
        }

        return new Manifest
        {
            State = ManifestState.Complete,
            UploadId = 1_700_000_000_000_000_000,
            Generation = 1_700_000_000_000_000_001,
            CreatedNs = 1_700_000_000_000_000_000,
            Name = ObjectName.From("train/shard-000042.tar"),
            Custom = [new("content-type", "application/x-tar"), new("label", "42")],
            Checksum = new Checksum(ChecksumType.XxHash2, digest),
            ETag = Convert.ToHexStringLower(md5) + "-10000",
            Chunks = chunks.Build(),
        };
    }
}

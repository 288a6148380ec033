using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using Sluice.Bench.Rows;
using Sluice.Native.Codecs;

namespace Sluice.Bench.Kernels;

/// <summary>Content digests over bytes that are in the processor's cache as far as they fit. The default is the last, and what the others are compared with.</summary>
public class DigestBenchmark
{
    private readonly byte[] _digest = new byte[SHA256.HashSizeInBytes];
    private byte[] _bytes = [];

    /// <summary>Bytes that are hashed at once.</summary>
    [Params((int)Sizes.KiB, 4 * (int)Sizes.KiB, 64 * (int)Sizes.KiB, (int)Sizes.MiB)]
    public int SizeBytes { get; set; }

    /// <summary>Makes the bytes.</summary>
    [GlobalSetup]
    public void Fill() => _bytes = RandomNumberGenerator.GetBytes(SizeBytes);

    /// <summary>The runtime's, which is OpenSSL's.</summary>
    [Benchmark(Description = "md5")]
#pragma warning disable CA5351 // a content digest of the contract
    public int Md5() => MD5.HashData(_bytes, _digest);
#pragma warning restore CA5351

    /// <summary>The runtime's, which is OpenSSL's.</summary>
    [Benchmark(Description = "sha256")]
    public int Sha256() => SHA256.HashData(_bytes, _digest);

    /// <summary>Ours.</summary>
    [Benchmark(Description = "crc32c")]
    public uint Crc() => Crc32C.Hash(_bytes);

    /// <summary>Ours; what blocks are told by.</summary>
    [Benchmark(Description = "crc64nvme")]
    public ulong CrcOfBlocks() => Crc64Nvme.Hash(_bytes);

    /// <summary>libxxhash's.</summary>
    [Benchmark(Description = "xxh3")]
    public ulong Xxh3() => XxHash3.Hash(_bytes);

    /// <summary>libxxhash's.</summary>
    [Benchmark(Description = "xxhash2")]
    public ulong Xxh64() => XxHash64.Hash(_bytes);
}

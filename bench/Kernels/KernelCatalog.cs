using System.Security.Cryptography;
using System.Text;
using Sluice.Bench.Rows;
using Sluice.Bench.Run;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;
using Sluice.Native.Codecs;

namespace Sluice.Bench.Kernels;

/// <summary>The pieces of work that a request is made of, as far as they are computing alone.</summary>
internal static class KernelCatalog
{
    /// <summary>Names of the kind that data sets have.</summary>
    private static readonly byte[] s_name = "train/shard-000123/sample-00045678.jpg"u8.ToArray();

    public static IEnumerable<IRow> All()
    {
        foreach (long size in (long[])[Sizes.KiB, 4 * Sizes.KiB, 64 * Sizes.KiB, Sizes.MiB])
        {
            yield return new KernelRow($"digest/{Sizes.Text(size)}", areRivals: true, (_, _) => Of(Digests((int)size)));
        }

        yield return new KernelRow("hrw", areRivals: false, (_, _) => Of([.. new[] { 1, 4, 16, 64 }.Select(Hrws)]));
        yield return new KernelRow("record", areRivals: false, (_, _) => Of(Records()));
        yield return new KernelRow("name", areRivals: false, (_, _) => Of(Names()));
        yield return new KernelRow("list", areRivals: false, ListMerge.MakeAsync);
    }

    private static Task<IReadOnlyList<Kernel>> Of(IReadOnlyList<Kernel> kernels) => Task.FromResult(kernels);

    /// <summary>The default last, so that the others are compared with it.</summary>
    private static List<Kernel> Digests(int size)
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(size);
        var sha = new byte[SHA256.HashSizeInBytes];
        return
        [
            Repeated("md5", size, () =>
            {
#pragma warning disable CA5351 // a content digest of the contract
                MD5.HashData(bytes, sha);
#pragma warning restore CA5351
                return sha[0];
            }),
            Repeated("sha256", size, () =>
            {
                SHA256.HashData(bytes, sha);
                return sha[0];
            }),
            Repeated("crc32c", size, () => Crc32C.Hash(bytes)),
            Repeated("crc64nvme", size, () => Crc64Nvme.Hash(bytes)),
            Repeated("xxh3", size, () => XxHash3.Hash(bytes)),
            Repeated("xxhash2", size, () => XxHash64.Hash(bytes)),
        ];
    }

    /// <summary>From a name to the best of so many mountpaths.</summary>
    private static Kernel Hrws(int mountpaths)
    {
        ulong[] ids = [.. Enumerable.Range(0, mountpaths).Select(i => Hrw.IdDigest(Encoding.ASCII.GetBytes($"mountpath-{i}")))];
        byte[] prefix = "ais/@#/bucket/"u8.ToArray();
        return Repeated($"of {mountpaths}", 0, () => (ulong)Hrw.BestNode(Hrw.Digest(prefix, s_name), ids));
    }

    private static List<Kernel> Records()
    {
        ObjectMetadata plain = Metadata(1, []), large = Metadata(64, [new("content-type", "image/jpeg"), new("label", "42")]);
        byte[] plainRecord = MetadataRecord.Format(plain), largeRecord = MetadataRecord.Format(large);
        var buffer = new byte[largeRecord.Length];
        return
        [
            Repeated("parse, 64 blocks and 2 pairs", 0, () => MetadataRecord.TryParse(largeRecord, out ObjectMetadata? read, out _) ? read.Generation : 0),
            Repeated("format, plain", 0, () =>
            {
                MetadataRecord.Format(plain, buffer.AsSpan(0, plainRecord.Length));
                return buffer[0];
            }),
            Repeated("parse, plain", 0, () => MetadataRecord.TryParse(plainRecord, out ObjectMetadata? read, out _) ? read.Generation : 0),
        ];
    }

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

    private static List<Kernel> Names()
    {
        var path = new byte[4096];
        byte[] odd = Encoding.UTF8.GetBytes($"a//%b/{new string('x', 300)}/..");
        return
        [
            Repeated("encode, odd", 0, () => (ulong)NameCodec.Encode(odd, path)),
            Repeated("encode, readable", 0, () => (ulong)NameCodec.Encode(s_name, path)),
        ];
    }

    private static Kernel Repeated(string name, long bytes, Func<ulong> once) => new(name, bytes, times =>
    {
        ulong results = 0;
        for (int i = 0; i < times; i++)
        {
            results ^= once();
        }

        return results;
    });
}

using System.Text;
using Sluice.Engine.Chunks;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Tests.Chunks;

/// <summary>Manifests for tests, drawn or at a limit.</summary>
internal static class ManifestSamples
{
    /// <summary>One of so many chunks, everything else drawn; numbers are dense in one of two.</summary>
    public static Manifest Any(Random random, int chunks)
    {
        bool isComplete = random.Next(2) == 0;
        var types = Enum.GetValues<ChecksumType>();
        ChecksumType whole = isComplete ? types[random.Next(types.Length)] : ChecksumType.None;
        return new Manifest
        {
            State = isComplete ? ManifestState.Complete : ManifestState.Partial,
            UploadId = (ulong)random.NextInt64(1, long.MaxValue) << random.Next(2),
            Generation = isComplete ? (ulong)random.NextInt64(1, long.MaxValue) : 0,
            CreatedNs = random.NextInt64(),
            Name = ObjectName.From(Text(random, random.Next(1, 300))),
            Custom = [.. Enumerable.Range(0, random.Next(5)).Select(_ => new KeyValuePair<string, string>(Text(random, random.Next(1, 20)), Text(random, random.Next(50))))],
            Checksum = new Checksum(whole, Bytes(random, Checksum.SizeBytes(whole))),
            ETag = isComplete && random.Next(2) == 0 ? $"{Convert.ToHexStringLower(Bytes(random, 16))}-{chunks}" : "",
            Chunks = Table(random, chunks, types[random.Next(types.Length)], (byte)random.Next(3)),
        };
    }

    /// <summary>With the longest of everything.</summary>
    public static Manifest Longest()
    {
        var builder = new ChunkTableBuilder(ChecksumType.Sha512);
        for (int number = 1; number <= Limits.ChunksMax; number++)
        {
            builder.Add(new ManifestChunk(number, Limits.ObjectBytesMax / Limits.ChunksMax, ulong.MaxValue), new byte[64], new byte[16]);
        }

        return new Manifest
        {
            State = ManifestState.Complete,
            UploadId = ulong.MaxValue,
            Generation = ulong.MaxValue,
            CreatedNs = long.MaxValue,
            Name = ObjectName.From(new string('n', ObjectName.BytesMax)),
            Custom = [.. Enumerable.Repeat(new KeyValuePair<string, string>("k", ""), Limits.CustomBytesMax)],
            Checksum = new Checksum(ChecksumType.Sha512, new byte[64]),
            ETag = new string('e', Manifest.ETagBytesMax),
            Chunks = builder.Build(),
        };
    }

    /// <summary>The same but for what is given.</summary>
    public static Manifest Changed(
        Manifest manifest,
        ManifestState? state = null,
        ulong? uploadId = null,
        ulong? generation = null,
        long? createdNs = null,
        ObjectName? name = null,
        string? eTag = null,
        Checksum? checksum = null) => new()
        {
            State = state ?? manifest.State,
            UploadId = uploadId ?? manifest.UploadId,
            Generation = generation ?? manifest.Generation,
            CreatedNs = createdNs ?? manifest.CreatedNs,
            Name = name ?? manifest.Name,
            Custom = manifest.Custom,
            Checksum = checksum ?? manifest.Checksum,
            ETag = eTag ?? manifest.ETag,
            Chunks = manifest.Chunks,
        };

    public static void Same(Manifest expected, Manifest actual)
    {
        Assert.Equal(
            (expected.State, expected.UploadId, expected.Generation, expected.CreatedNs, expected.Name, expected.Checksum, expected.ETag),
            (actual.State, actual.UploadId, actual.Generation, actual.CreatedNs, actual.Name, actual.Checksum, actual.ETag));
        Assert.Equal(expected.Custom, actual.Custom);
        Assert.Equal((expected.SizeBytes, expected.LargestChunkBytes), (actual.SizeBytes, actual.LargestChunkBytes));
        Assert.Equal((expected.Chunks.Count, expected.Chunks.ChecksumType), (actual.Chunks.Count, actual.Chunks.ChecksumType));
        for (int i = 0; i < expected.Chunks.Count; i++)
        {
            Assert.Equal(expected.Chunks[i], actual.Chunks[i]);
            Assert.True(expected.Chunks.DigestOf(i).SequenceEqual(actual.Chunks.DigestOf(i)));
            Assert.True(expected.Chunks.Md5Of(i).SequenceEqual(actual.Chunks.Md5Of(i)));
        }
    }

    public static byte[] Bytes(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    private static ChunkTable Table(Random random, int chunks, ChecksumType type, byte md5Kind)
    {
        var builder = new ChunkTableBuilder(type);
        int gapMax = random.Next(2) == 0 || chunks == 0 ? 1 : Limits.ChunksMax / chunks;
        int number = 0;
        for (int i = 0; i < chunks; i++)
        {
            number += random.Next(1, gapMax + 1);
            long size = random.NextInt64(1, 1 + (Limits.ObjectBytesMax / chunks >> random.Next(40 - (int)Math.Log2(chunks))));
            byte[] md5 = md5Kind == 0 || (md5Kind == 1 && random.Next(2) == 0) ? [] : Bytes(random, 16);
            builder.Add(new ManifestChunk(number, size, (ulong)random.NextInt64() << random.Next(2)), Bytes(random, Checksum.SizeBytes(type)), md5);
        }

        return builder.Build();
    }

    private static string Text(Random random, int length)
    {
        var text = new StringBuilder();
        for (int i = 0; i < length; i++)
        {
            text.Append(random.GetItems(["a", "/", " ", "é", "日", "😀"], 1)[0]);
        }

        return text.ToString();
    }
}

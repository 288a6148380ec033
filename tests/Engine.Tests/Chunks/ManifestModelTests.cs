using Sluice.Engine.Chunks;
using Sluice.Engine.Objects;
using Sluice.Native.Codecs;

namespace Sluice.Engine.Tests.Chunks;

/// <summary>Random manifests: what is written is read, and offsets are those of a flat list of sizes.</summary>
public sealed class ManifestModelTests
{
    [Fact]
    public void ARandomManifestIsReadAsItWasWritten()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            Manifest written = ManifestSamples.Any(random, seed % 3 == 0 ? random.Next(3) : random.Next(200));
            RoundTrip(written);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(Limits.ChunksMax)]
    public void AManifestOfAnyNumberOfChunksIsReadAsItWasWritten(int chunks)
    {
        for (int seed = 0; seed < 8; seed++)
        {
            RoundTrip(ManifestSamples.Any(new Random(seed), chunks));
        }
    }

    [Fact]
    public void OffsetsAreThoseOfAFlatListOfSizes()
    {
        for (int seed = 0; seed < 100; seed++)
        {
            var random = new Random(seed);
            Manifest manifest = ManifestSamples.Any(random, random.Next(1, 60));
            long offset = 0;
            for (int i = 0; i < manifest.Chunks.Count; i++)
            {
                long size = manifest.Chunks[i].SizeBytes;
                Assert.Equal(offset, manifest.OffsetOf(i));
                Assert.All((long[])[0, size / 2, size - 1], within => Assert.Equal(i, manifest.IndexAt(offset + within)));
                offset += size;
            }

            Assert.Equal((offset, offset), (manifest.SizeBytes, manifest.OffsetOf(manifest.Chunks.Count)));
            Assert.Equal(Enumerable.Range(0, manifest.Chunks.Count).Max(i => manifest.Chunks[i].SizeBytes), manifest.LargestChunkBytes);
        }
    }

    [Fact]
    public void EveryByteOfAShortObjectLiesInItsChunk()
    {
        for (int seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            var builder = new ChunkTableBuilder(ChecksumType.None);
            var flat = new List<int>(); // for each byte the place of its chunk
            for (int i = 0; i < 20; i++)
            {
                int size = random.Next(1, 6);
                builder.Add(new ManifestChunk(i + 1, size, 0), [], []);
                flat.AddRange(Enumerable.Repeat(i, size));
            }

            Manifest manifest = Of(builder.Build());
            Assert.Equal(flat, Enumerable.Range(0, flat.Count).Select(offset => manifest.IndexAt(offset)));
            Assert.Throws<InvariantException>(() => manifest.IndexAt(flat.Count));
            Assert.Throws<InvariantException>(() => manifest.IndexAt(-1));
        }
    }

    [Fact]
    public void AnObjectOfNoChunksHasNoBytes()
    {
        Manifest manifest = Of(new ChunkTableBuilder(ChecksumType.Md5).Build());
        Assert.Equal((0L, 0L, 0L, 0UL), (manifest.SizeBytes, manifest.LargestChunkBytes, manifest.OffsetOf(0), manifest.CombinedCrc64()));
        Assert.Throws<InvariantException>(() => manifest.IndexAt(0));
    }

    [Fact]
    public void TheDigestsOfTheChunksMakeThatOfTheObject()
    {
        var random = new Random(1);
        byte[] content = ManifestSamples.Bytes(random, 300_000);
        var builder = new ChunkTableBuilder(ChecksumType.None);
        int number = 0;
        for (int at = 0; at < content.Length;)
        {
            ReadOnlySpan<byte> chunk = content.AsSpan(at, Math.Min(content.Length - at, random.Next(1, 20_000)));
            builder.Add(new ManifestChunk(++number, chunk.Length, Crc64Nvme.Hash(chunk)), [], []);
            at += chunk.Length;
        }

        Assert.Equal(Crc64Nvme.Hash(content), Of(builder.Build()).CombinedCrc64());
    }

    /// <summary>However many chunks there are, they are a few arrays; and the memory that a manifest was read from may be used again.</summary>
    [Fact]
    public void ReadingAllocatesTheTableAndItsOffsetsAndKeepsNothingOfTheInput()
    {
        Manifest written = ManifestSamples.Longest();
        byte[] record = ManifestRecord.Format(written);
        _ = ManifestRecord.TryParse(record, out _, out _);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.True(ManifestRecord.TryParse(record, out Manifest? read, out string? problem), problem);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        long table = Limits.ChunksMax * (19L + 64 + 16 + sizeof(int) + sizeof(long));
        long custom = Limits.CustomBytesMax * 96L; // of each pair: its text and its place in a list that grows
        Assert.InRange(allocated, table, table + custom + 16_384);
        Array.Clear(record);
        ManifestSamples.Same(written, read);
    }

    [Fact]
    public void ATableIsNotMadeOfWhatCannotBeRead()
    {
        Wrong(ChecksumType.None, (2, 5), (2, 5));
        Wrong(ChecksumType.None, (2, 5), (1, 5));
        Wrong(ChecksumType.None, (0, 5));
        Wrong(ChecksumType.None, (Limits.ChunksMax + 1, 5));
        Wrong(ChecksumType.None, (1, 0));
        Wrong(ChecksumType.None, (1, -1));
        Wrong(ChecksumType.None, (1, Limits.ObjectBytesMax), (2, 1));
        Assert.Throws<InvariantException>(() => new ChunkTableBuilder(ChecksumType.Crc32C).Add(new ManifestChunk(1, 1, 1), [], []));
        Assert.Throws<InvariantException>(() => new ChunkTableBuilder(ChecksumType.None).Add(new ManifestChunk(1, 1, 1), [], new byte[15]));
    }

    private static void Wrong(ChecksumType type, params (int Number, long SizeBytes)[] chunks)
    {
        var builder = new ChunkTableBuilder(type);
        Array.ForEach(chunks, chunk => builder.Add(new ManifestChunk(chunk.Number, chunk.SizeBytes, 0), [], []));
        Assert.Throws<InvariantException>(builder.Build);
    }

    private static Manifest Of(ChunkTable chunks) =>
        new() { State = ManifestState.Partial, UploadId = 1, CreatedNs = 0, Name = ObjectName.From("n"), Chunks = chunks };

    private static void RoundTrip(Manifest written)
    {
        byte[] record = ManifestRecord.Format(written);
        Assert.True(ManifestRecord.TryParse(record, out Manifest? read, out string? problem), problem);
        ManifestSamples.Same(written, read);
        Assert.Equal(record, ManifestRecord.Format(read));
    }
}

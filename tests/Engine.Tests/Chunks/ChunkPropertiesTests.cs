using Sluice.Engine.Buckets;

namespace Sluice.Engine.Tests.Chunks;

/// <summary>Which objects are split, and into what.</summary>
public sealed class ChunkPropertiesTests
{
    private const long Mib = 1 << 20, Gib = 1 << 30;

    [Theory]
    [InlineData(64 * Mib, 64 * Mib, 1024 * Gib, 64 * Mib)]
    [InlineData(10 * Mib, 64 * Mib, 1024 * Gib, 64 * Mib)] // one chunk is no reason
    [InlineData(100 * Mib, 64 * Mib, 1024 * Gib, 100 * Mib)]
    [InlineData(0, 64 * Mib, 2 * Gib, 2 * Gib)]
    [InlineData(3 * Gib, 64 * Mib, 2 * Gib, 2 * Gib)] // as a job may ask for
    public void TheLargestObjectThatIsOneFile(long limit, long chunk, long monolithic, long expected) =>
        Assert.Equal(expected, new ChunkProperties { SizeLimitBytes = limit, ChunkBytes = chunk, MonolithicBytesMax = monolithic }.WholeBytesMax);

    [Theory]
    [InlineData(64 * Mib)]
    [InlineData(1024)]
    public void NoObjectHasMoreChunksThanAManifestHolds(long chunk)
    {
        var chunks = new ChunkProperties { ChunkBytes = chunk };
        foreach (long size in (long[])[1, chunk, (chunk * Limits.ChunksMax) - 1, chunk * Limits.ChunksMax, (chunk * Limits.ChunksMax) + 1, Limits.ObjectBytesMax])
        {
            long bytes = chunks.BytesOf(size, 1);
            Assert.InRange(bytes, chunk, ChunkProperties.ChunkBytesMax);
            Assert.InRange(((size - 1) / bytes) + 1, 1, Limits.ChunksMax);
        }

        long sum = 0;
        int number = 0;
        while (sum < Limits.ObjectBytesMax)
        {
            long bytes = chunks.BytesOf(null, ++number);
            Assert.InRange(bytes, chunk, ChunkProperties.ChunkBytesMax);
            sum += bytes;
        }

        Assert.InRange(number, 1, Limits.ChunksMax); // also of a body whose length is not known
    }
}

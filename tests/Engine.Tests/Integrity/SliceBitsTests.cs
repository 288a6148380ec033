using Sluice.Engine.Tests.Scrub;

namespace Sluice.Engine.Tests.Integrity;

/// <summary>
/// Ten thousand random bits of slices, with their digests in the record and in a trailer, one in a unit, as many units of each stripe as may be lost. The seed is fixed, and told in a
/// failure.
/// </summary>
public sealed class SliceBitsTests
{
    private const int Unit = 64 << 10;

    /// <summary>Four units of every stripe have a changed bit, data or parity, and are repaired when the reader has told of them: again and again.</summary>
    [Theory]
    [InlineData(64, 20)] // 5,120 bits
    [InlineData(70, 18)] // 5,040 bits
    public async Task AFlippedBitOfASliceIsNeverAnsweredAndRepaired(int stripes, int rounds)
    {
        const int Seed = 2;
        FileKind kind = FileKind.Of("slice") with
        {
            Mountpaths = 6,
            More = ",\"ec\":{\"enabled\":true,\"data_slices\":2,\"parity_slices\":4,\"unit\":\"64KiB\",\"objsize_limit\":0}",
        };
        await using DamageBench bench = await DamageBench.NewAsync(kind, objects: 1, size: stripes * 2 * Unit);
        string[] files = kind.FilesOf(bench.Fixture, "o000");
        byte[][] before = [.. files.Select(File.ReadAllBytes)];
        int trailer = stripes > 64 ? 8 * stripes : 0;
        Assert.All(before, bytes => Assert.Equal((stripes * Unit) + trailer, bytes.Length));
        var random = new Random(Seed);
        for (int round = 0; round < rounds; round++)
        {
            for (int stripe = 0; stripe < stripes; stripe++)
            {
                int[] slices = [0, 1, 2, 3, 4, 5];
                random.Shuffle(slices);
                foreach (int slice in slices[..4])
                {
                    ScrubBench.Flip(files[slice], (stripe * Unit) + random.Next(Unit), (byte)(1 << random.Next(8)));
                }
            }

            await bench.AllAreExactAsync($"{stripes} stripes, seed {Seed}, round {round}");
            await bench.Fixture.RepairedAsync();
            for (int slice = 0; round % 6 == 5 && slice < files.Length; slice++)
            {
                byte[] after = await File.ReadAllBytesAsync(files[slice]);
                Assert.True(before[slice].AsSpan().SequenceEqual(after), $"{stripes} stripes, seed {Seed}, round {round}: slice {slice} is not as it was");
            }
        }

        Assert.Empty(await bench.Scrubs.FindingsAsync());
    }
}

using Sluice.Engine.Jobs;
using Sluice.Engine.Tests.Support;

namespace Sluice.Engine.Tests.Scrub;

/// <summary>
/// Damage of every kind is found, all of it: each byte of small files, random bits of larger ones, in the bytes, in the record and in the sidecar;
/// and a scrubber that does not compare blocks does not find what only blocks tell.
/// </summary>
public sealed class ScrubDamageTests
{
    [Fact]
    public async Task EveryFlippedByteOfASmallObjectIsFound()
    {
        const int Bytes = 150;
        await using ScrubBench bench = await ScrubBench.NewAsync(2);
        for (int i = 0; i < Bytes; i++)
        {
            await bench.PutAsync($"o{i:d3}", ScrubBench.Content(Bytes, seed: 1));
        }

        Assert.Empty(await bench.FindingsAsync());
        for (int i = 0; i < Bytes; i++)
        {
            ScrubBench.Flip(bench.FileOf($"o{i:d3}"), i, (byte)(1 << (i % 8)));
        }

        string[] found = await bench.FindingsAsync();
        Assert.Equal([.. Enumerable.Range(0, Bytes).Select(i => $"block o{i:d3}")], found);
    }

    [Fact]
    public async Task EveryFlippedByteOfARecordIsFound()
    {
        await using ScrubBench bench = await ScrubBench.NewAsync();
        await bench.PutAsync("o", [1, 2, 3]);
        int bytes = 0;
        await bench.ChangeRecordAsync(bench.FileOf("o"), record => record[..(bytes = record.Length)]);
        for (int i = 0; i < bytes; i++)
        {
            await bench.PutAsync($"o{i:d3}", [1, 2, 3]);
            await bench.ChangeRecordAsync(bench.FileOf($"o{i:d3}"), record => [.. record.Select((value, at) => at == i ? (byte)(value ^ (1 << (i % 8))) : value)]);
        }

        string[] found = await bench.FindingsAsync();
        Assert.Equal([.. Enumerable.Range(0, bytes).Select(i => $"record o{i:d3}")], found);
        await bench.ChangeRecordAsync(bench.FileOf("o"), record => record[..^1]);
        Assert.Contains("record o", await bench.FindingsAsync());
    }

    [Fact]
    public async Task EveryFlippedByteOfASidecarIsFound()
    {
        await using ScrubBench bench = await ScrubBench.NewAsync();
        await bench.PutAsync("o000", [1], ScrubBench.Pairs(900));
        int bytes = File.ReadAllBytes(bench.Sidecars().Single()).Length;
        for (int i = 1; i < bytes; i++)
        {
            await bench.PutAsync($"o{i:d3}", [1], ScrubBench.Pairs(900));
        }

        Assert.Empty(await bench.FindingsAsync());
        string[] sidecars = bench.Sidecars();
        Assert.Equal(bytes, sidecars.Length);
        for (int i = 0; i < bytes; i++)
        {
            ScrubBench.Flip(sidecars[i], i, (byte)(1 << (i % 8)));
        }

        string[] found = await bench.FindingsAsync();
        Assert.Equal([.. Enumerable.Range(0, bytes).Select(i => $"sidecar o{i:d3}")], found);
    }

    /// <summary>1,080 flips in bytes, records and sidecars, 24 at a time, each undone before the next.</summary>
    [Fact]
    public async Task RandomFlippedBitsOfLargerObjectsAreFound()
    {
        const int Objects = 24, Rounds = 45;
        await using ScrubBench bench = await ScrubBench.NewAsync(2);
        for (int i = 0; i < Objects; i++)
        {
            await bench.PutAsync($"o{i:d2}", ScrubBench.Content(SizeOf(i), i), i % 4 == 0 ? ScrubBench.Pairs(2000) : null);
        }

        var random = new Random(7);
        string[] sidecars = bench.Sidecars();
        string[] all = [.. Enumerable.Range(0, Objects).Select(i => $"o{i:d2}")];
        for (int round = 0; round < Rounds; round++)
        {
            List<Func<Task>> flips = [];
            for (int i = 0; i < Objects; i++)
            {
                string file = bench.FileOf(all[i]);
                (long place, byte bits) = (random.NextInt64(SizeOf(i)), (byte)(1 << random.Next(8)));
                Func<Task> flip = random.Next(3) == 0
                    ? () => bench.ChangeRecordAsync(file, record => [.. record.Select((value, at) => at == place % record.Length ? (byte)(value ^ bits) : value)])
                    : () => Task.Run(() => ScrubBench.Flip(file, place, bits));
                flips.Add(flip);
            }

            foreach (Func<Task> flip in flips)
            {
                await flip();
            }

            int sidecar = round % sidecars.Length;
            long at = random.NextInt64(new FileInfo(sidecars[sidecar]).Length);
            ScrubBench.Flip(sidecars[sidecar], at, 1);
            Job job = await bench.ScrubAsync();
            // A sidecar whose head cannot be read is told of by itself.
            Assert.Equal(all, job.Findings.Where(finding => finding.Kind != "part").Select(finding => finding.Name).Order(StringComparer.Ordinal));
            ScrubBench.Flip(sidecars[sidecar], at, 1);
            foreach (Func<Task> flip in flips)
            {
                await flip();
            }
        }

        Assert.Empty(await bench.FindingsAsync());

        static int SizeOf(int i) => i % 6 == 0 ? (1 << 20) + 200_000 : 150_000;
    }

    [Fact]
    public async Task TruncatedExtendedZeroedAndSwappedFilesAreFound()
    {
        const int Block = 1 << 20;
        await using ScrubBench bench = await ScrubBench.NewAsync();
        (string Name, string Kind, Action<FileStream> Damage)[] cases =
        [
            ("less-one", "size", file => file.SetLength(file.Length - 1)),
            ("less-half", "size", file => file.SetLength(file.Length / 2)),
            ("less-all", "size", file => file.SetLength(0)),
            ("more-one", "size", file => file.SetLength(file.Length + 1)),
            ("more-block", "size", file => file.SetLength(file.Length + Block)),
            ("zero-first", "block", file => Overwrite(file, 0, new byte[Block])),
            ("zero-last", "block", file => Overwrite(file, 2 * Block, new byte[Block / 2])),
            ("zero-page", "block", file => Overwrite(file, Block + 8192, new byte[4096])),
            ("swap-blocks", "block", SwapBlocks),
        ];
        foreach ((string name, _, _) in cases)
        {
            await bench.PutAsync(name, ScrubBench.Content((2 * Block) + (Block / 2), seed: name.Length));
        }

        Assert.Empty(await bench.FindingsAsync());
        foreach ((string name, _, Action<FileStream> damage) in cases)
        {
            using FileStream file = File.Open(bench.FileOf(name), FileMode.Open, FileAccess.ReadWrite);
            damage(file);
        }

        string[] found = await bench.FindingsAsync();
        Assert.Equal([.. cases.Select(one => $"{one.Kind} {one.Name}").Order(StringComparer.Ordinal)], found);

        void SwapBlocks(FileStream file)
        {
            var both = new byte[2 * Block];
            file.ReadExactly(both);
            Overwrite(file, 0, [.. both[Block..], .. both[..Block]]);
        }
    }

    /// <summary>The known-bad twin: without the comparison of blocks, and no digest of the whole, changed bytes pass.</summary>
    [Fact]
    public async Task AScrubberThatDoesNotCompareBlocksFindsNoChangedByte()
    {
        await using ScrubBench bench = await ScrubBench.NewAsync(1, """{"durability":"relaxed","checksum":{"type":"none"}}""");
        for (int i = 0; i < 20; i++)
        {
            await bench.PutAsync($"o{i:d2}", ScrubBench.Content(100_000 * i + 1, i));
            ScrubBench.Flip(bench.FileOf($"o{i:d2}"), 100_000 * i, 16);
        }

        Job twin = await bench.ScrubOtherwiseAsync(matches: static (_, _) => true);
        Assert.Equal(("", 0L), (twin.Error, twin.FindingCount));
        Assert.Equal(20, (await bench.ScrubAsync()).FindingCount);
        Assert.Equal(20, (await bench.ScrubOtherwiseAsync()).FindingCount);
    }

    [Fact]
    public async Task TheDigestOfTheWholeIsComparedToo()
    {
        await using ScrubBench bench = await ScrubBench.NewAsync();
        await bench.PutAsync("o", ScrubBench.Content(3_000_000, 1));
        ScrubBench.Flip(bench.FileOf("o"), 2_000_000, 1);
        Job twin = await bench.ScrubOtherwiseAsync(matches: static (_, _) => true);
        Assert.Equal(["digest o"], ScrubBench.Texts(twin));
    }

    private static void Overwrite(FileStream file, long offset, byte[] bytes)
    {
        file.Position = offset;
        file.Write(bytes);
    }
}

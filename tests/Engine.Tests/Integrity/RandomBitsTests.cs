using Sluice.Contract;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Scrub;

namespace Sluice.Engine.Tests.Integrity;

/// <summary>
/// Random bits of larger files: ten thousand of a plain object are read, each by itself, as many of mirror copies are read and repaired, and several hundred files with one
/// changed bit each are scrubbed at once. Slices' are in <see cref="SliceBitsTests"/>. Seeds are fixed, and told in a failure.
/// </summary>
public sealed class RandomBitsTests
{
    private const int Unit = 64 << 10;
    private const string Repair = """{"repair":true}""";

    /// <summary>Each of ten thousand bits alone has its block refused, while the other block is answered; undone, it is answered again.</summary>
    [Fact]
    public async Task AFlippedBitOfAPlainObjectIsNeverAnswered()
    {
        const int Bits = 10_000, Seed = 1, Size = (1 << 20) + 100_000;
        await using DamageBench bench = await DamageBench.NewAsync(FileKind.Of("plain object") with { Mountpaths = 1 }, objects: 1, size: Size);
        byte[] content = bench.Contents["o000"];
        string file = bench.Scrubs.FileOf("o000");
        int refused = await bench.Fixture.Io.OnItsThreadAsync(async ValueTask<int> () =>
        {
            using FileStream raw = new(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
            using ObjectReader reader = (await bench.Fixture.Engine.OpenObjectAsync(Caller.Anonymous, bench.Fixture.Bucket, ObjectName.From("o000"))).Value;
            var random = new Random(Seed);
            var buffer = new byte[Limits.BlockBytes];
            int count = 0;
            for (int i = 0; i < Bits; i++)
            {
                // Most of them in the smaller block, which is quick to read; every tenth anywhere.
                int place = i % 10 == 0 ? random.Next(Size) : random.Next(1 << 20, Size);
                int block = place >> 20;
                Write(raw, place, (byte)(content[place] ^ (1 << random.Next(8))));
                Result<BlockSource> read = await reader.ReadBlockAsync(block, buffer);
                Assert.True(read.Error?.Code == ErrorCode.Damaged, $"seed {Seed}, bit {i}, byte {place}: answered");
                count++;
                Write(raw, place, content[place]);
                if (i % 100 == 0)
                {
                    Assert.True((await reader.ReadBlockAsync(block, buffer)).Ok, $"seed {Seed}, bit {i}, byte {place}: undone and refused");
                    Assert.True(content.AsSpan(block << 20, reader.BlockBytes(block)).SequenceEqual(buffer.AsSpan(0, reader.BlockBytes(block))));
                }
            }

            return count;
        });
        Assert.Equal(Bits, refused);
        await bench.AllAreExactAsync("undone");
        Assert.Empty(await bench.Scrubs.FindingsAsync());

        static void Write(FileStream raw, long place, byte value)
        {
            raw.Position = place;
            raw.WriteByte(value);
        }
    }

    /// <summary>A copy of each of five hundred objects has a changed bit, and is repaired from the other: twenty times over, ten thousand bits.</summary>
    [Fact]
    public async Task AFlippedBitOfAMirrorCopyIsNeverAnsweredAndRepaired()
    {
        const int Objects = 500, Rounds = 20, Seed = 3, Size = 5000;
        FileKind kind = FileKind.Of("mirror copy");
        await using DamageBench bench = await DamageBench.NewAsync(kind, Objects, Size);
        var random = new Random(Seed);
        for (int round = 0; round < Rounds; round++)
        {
            foreach (string name in bench.Contents.Keys)
            {
                string[] copies = kind.FilesOf(bench.Fixture, name);
                Assert.Equal(2, copies.Length);
                ScrubBench.Flip(copies[random.Next(2)], random.Next(Size), (byte)(1 << random.Next(8)));
            }

            await bench.AllAreExactAsync($"seed {Seed}, round {round}");
            await bench.Fixture.RepairedAsync();
            Job rest = await bench.Scrubs.ScrubAsync(Repair); // copies that no reader needed
            Assert.All(rest.Findings, finding => Assert.Equal(("block", "repaired"), (finding.Kind, finding.Action)));
            Assert.Empty(await bench.Scrubs.FindingsAsync());
        }

        Assert.True((await bench.Fixture.Engine.ListQuarantineAsync(Caller.Anonymous)).Value.Count >= Objects * Rounds, "a copy was overwritten that was to be kept for a look");
    }

    /// <summary>Hundreds of files at once, a bit in each: one scrub finds each of them; then one of each object, and one scrub repairs them.</summary>
    [Theory]
    [InlineData("plain object", 300, 100_000)]
    [InlineData("mirror copy", 120, 100_000)]
    [InlineData("slice", 60, 300_000)]
    [InlineData("trailer of a slice", 8, (64 * Unit) + 5000)]
    public async Task OneScrubFindsAFlippedBitInEachOfHundredsOfFiles(string name, int objects, int size)
    {
        const int Seed = 4;
        FileKind kind = FileKind.Of(name);
        await using DamageBench bench = await DamageBench.NewAsync(kind, objects, size);
        var random = new Random(Seed);
        (string Object, Damage Damage)[] all = [.. bench.Contents.Keys.SelectMany(one => kind.FilesOf(bench.Fixture, one).Select(file => (one, BitOf(file))))];
        await DoAsync(all);
        await bench.FindsAsync(all.Select(one => $"{kind.Finding} {one.Object}"), $"{name}, seed {Seed}");
        foreach ((_, Damage damage) in all)
        {
            await damage.UndoAsync();
        }

        await bench.FindsAsync([], $"{name}, undone");
        (string Object, Damage Damage)[] single = [.. all.GroupBy(one => one.Object).Select(group => group.ElementAt(random.Next(group.Count())))];
        await DoAsync(single);
        string[] found = [.. single.Select(one => $"{kind.Finding} {one.Object}")];
        await bench.FindsAsync(found, $"{name}, seed {Seed}, repair", Repair, kind.HasRedundancy ? "repaired" : "reported");
        await bench.FindsAsync(kind.HasRedundancy ? [] : found, $"{name}, seed {Seed}, repaired");
        if (kind.HasRedundancy)
        {
            await bench.AllAreExactAsync($"{name}, repaired");
        }

        Damage BitOf(string file) => Damage.OfBit(file, random.NextInt64(new FileInfo(file).Length), random.Next(8));

        static async Task DoAsync((string Object, Damage Damage)[] damages)
        {
            foreach ((_, Damage damage) in damages)
            {
                await damage.DoAsync();
            }
        }
    }
}

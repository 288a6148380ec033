using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Sluice.Contract;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;
using Sluice.Engine.Tests.Scrub;
using Sluice.Engine.Tests.Support;
using Sluice.Native.Codecs;

namespace Sluice.Engine.Tests.Integrity;

/// <summary>
/// Tombstones on real files: their bytes, damage of each of these, and strays. What was deleted while a mountpath was away does not come back as long as one of its two
/// tombstones is whole.
/// </summary>
public sealed class TombstoneDamageTests
{
    private const string Repair = """{"repair":true}""";
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task TheBytesOfATombstoneAreThese()
    {
        await using ScrubBench bench = await WithOneAwayAsync(names: 4);
        ulong bid = bench.Fixture.Engine.HeadBucket(Caller.Anonymous, bench.Fixture.Bucket).Value.Properties.Bid;
        ulong before = (ulong)(DateTime.UtcNow - DateTime.UnixEpoch).Ticks * 100;
        await bench.PutAsync("n000", [2]);
        Assert.True((await bench.Fixture.DeleteAsync("n001")).Ok);
        foreach ((string name, string version) in ((string, string)[])[("n000", ""), ("n001", "01 010000 01")])
        {
            ulong digest = Hrw.Digest(bench.Fixture.Bucket.UnamePrefix.Span, Encoding.UTF8.GetBytes(name));
            string file = string.Create(CultureInfo.InvariantCulture, $"{digest:x16}.{XxHash64.Hash(Encoding.UTF8.GetBytes(name)):x16}");
            string[] copies = [.. TombstonesOf(bench).Where(one => Path.GetFileName(one) == file)];
            Assert.Equal(2, copies.Length);
            byte[] bytes = await File.ReadAllBytesAsync(copies[0]);
            Assert.Equal(bytes, await File.ReadAllBytesAsync(copies[1]));
            ulong generation = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(24));
            Assert.InRange(generation, before - 1_000_000_000, before + 60_000_000_000);
            int length = version.Length == 0 ? 48 : 53;
            byte[] golden = Convert.FromHexString(string.Concat(
                "01 07 0000 00", length.ToString("x2", CultureInfo.InvariantCulture), "0000 0000000000000000 ",
                Hex(bid), Hex(generation), version, "05 040000", Convert.ToHexString(Encoding.ASCII.GetBytes(name))).Replace(" ", "", StringComparison.Ordinal));
            Assert.Equal(Convert.ToHexStringLower([.. golden, .. Number(XxHash64.Hash(golden))]), Convert.ToHexStringLower(bytes));
        }

        static byte[] Number(ulong value) => BitConverter.GetBytes(value);
        static string Hex(ulong value) => Convert.ToHexString(Number(value));
    }

    [Fact]
    public async Task EachDamagedByteAndShapeIsFoundByNameAndRepairedFromTheOtherTombstone()
    {
        const int Names = 20;
        await using ScrubBench bench = await WithOneAwayAsync(Names);
        await DeleteAllAsync(bench, Names);
        string[][] pairs = [.. TombstonesOf(bench).GroupBy(Path.GetFileName).Select(group => group.ToArray())];
        Assert.Equal(Names, pairs.Length);
        Assert.Empty(await bench.FindingsAsync());
        byte[] bytes = await File.ReadAllBytesAsync(pairs[0][0]);
        string[] all = [.. Enumerable.Range(0, Names).Select(i => $"tombstone n{i:d3}")];
        List<Damage[]> rounds = [];
        for (int first = 0; first < bytes.Length; first += Names)
        {
            rounds.Add([.. pairs.Select((pair, i) => Damage.OfBit(pair[i % 2], (first + i) % bytes.Length, (first + i) % 8))]);
        }

        foreach ((string what, Func<byte[], byte[]> change) in Damage.Shapes(isEmpty: false))
        {
            rounds.Add([.. pairs.Select((pair, i) => Damage.OfFile(pair[(i + 1) % 2], what, change))]);
        }

        Dictionary<string, byte[]> before = TombstonesOf(bench).ToDictionary(file => file, File.ReadAllBytes);
        for (int round = 0; round < rounds.Count; round++)
        {
            foreach (Damage damage in rounds[round])
            {
                await damage.DoAsync();
            }

            Assert.Equal(all, await bench.FindingsAsync());
            if (round % 4 == 0)
            {
                Job job = await bench.ScrubAsync(Repair);
                Assert.Equal(all, ScrubBench.Texts(job));
                Assert.All(job.Findings, finding => Assert.Equal("repaired", finding.Action));
                Assert.Empty(await bench.FindingsAsync());
                Assert.All(before, file => Assert.Equal(file.Value, File.ReadAllBytes(file.Key)));
                continue;
            }

            foreach (Damage damage in rounds[round])
            {
                await damage.UndoAsync();
            }
        }
    }

    [Fact]
    public async Task WithBothDamagedTheyAreToldOfByTheirPathsAndStrayFilesToo()
    {
        await using ScrubBench bench = await WithOneAwayAsync(names: 2);
        await DeleteAllAsync(bench, 2);
        string[][] pairs = [.. TombstonesOf(bench).GroupBy(Path.GetFileName).Select(group => group.ToArray())];
        string home = Path.GetDirectoryName(pairs[1][0])!;
        Array.ForEach(pairs[0], file => ScrubBench.Flip(file, 10, 1));
        string other = new string('0', 16) + "." + new string('f', 16);
        File.Copy(pairs[1][0], Path.Combine(home, other));
        await File.WriteAllTextAsync(Path.Combine(home, "strange"), "no tombstone");
        Directory.CreateDirectory(Path.Combine(home, "below"));
        await File.WriteAllTextAsync(Path.Combine(home, "below", Path.GetFileName(pairs[1][0])), "not here");
        string lost = Path.GetFileName(pairs[0][0]);
        string[] expected =
        [
            "stray @ais/b/%tb/below/" + Path.GetFileName(pairs[1][0]), "stray @ais/b/%tb/strange", $"tombstone @ais/b/%tb/{lost}", $"tombstone @ais/b/%tb/{lost}",
            $"tombstone @ais/b/%tb/{other}",
        ];
        foreach (string settings in (string[])["", Repair, ""])
        {
            Job job = await bench.ScrubAsync(settings);
            Assert.Equal(expected.Order(StringComparer.Ordinal), ScrubBench.Texts(job));
            Assert.All(job.Findings, finding => Assert.Equal("reported", finding.Action));
        }

        Directory.Delete(Path.Combine(home, "below"), recursive: true);
    }

    /// <summary>The copy that is read first and the other one, each damaged for half of the names.</summary>
    [Fact]
    public async Task WithOneOfTwoDamagedADeletedObjectDoesNotComeBack()
    {
        const int Names = 30;
        await using ScrubBench bench = await WithOneAwayAsync(Names);
        await DeleteAllAsync(bench, Names);
        int i = 0;
        foreach (IGrouping<string?, string> pair in TombstonesOf(bench).GroupBy(Path.GetFileName))
        {
            ScrubBench.Flip(pair.ElementAt(i % 2), 3 * i++ % 50, 2);
        }

        string away = bench.Fixture.Paths[^1];
        Assert.NotEmpty(Directory.EnumerateFiles(Path.Combine(away, "@ais/b/%ob")));
        Result enabled = await bench.Fixture.Engine.Mountpaths.EnableAsync(away).WaitAsync(s_deadline);
        Assert.True(enabled.Ok, enabled.Error?.Message);
        await bench.Fixture.Engine.Jobs.All.Last(job => job.Kind == JobKinds.Resilver).Ended.WaitAsync(s_deadline);
        for (int name = 0; name < Names; name++)
        {
            Assert.Null(await bench.Fixture.GetAsync($"n{name:d3}"));
        }

        Assert.Empty(await bench.FindingsAsync());
    }

    /// <summary>Three mountpaths with objects, of which one has left.</summary>
    private static async Task<ScrubBench> WithOneAwayAsync(int names)
    {
        ScrubBench bench = await ScrubBench.NewAsync(3);
        for (int i = 0; i < names; i++)
        {
            await bench.PutAsync($"n{i:d3}", [1]);
        }

        await bench.Fixture.Engine.FlushAsync();
        Result disabled = await bench.Fixture.Engine.Mountpaths.DisableAsync(bench.Fixture.Paths[^1], force: true).WaitAsync(s_deadline);
        Assert.True(disabled.Ok, disabled.Error?.Message);
        return bench;
    }

    private static async Task DeleteAllAsync(ScrubBench bench, int names)
    {
        for (int i = 0; i < names; i++)
        {
            Result deleted = await bench.Fixture.DeleteAsync($"n{i:d3}");
            if (!deleted.Ok)
            {
                // What lies on the mountpath that is away cannot be seen: it is made anew, and deleted then.
                Assert.Equal(ErrorCode.Unavailable, deleted.Error!.Code);
                await bench.PutAsync($"n{i:d3}", [2]);
                Assert.True((await bench.Fixture.DeleteAsync($"n{i:d3}")).Ok);
            }
        }

        await bench.Fixture.Engine.FlushAsync();
    }

    private static string[] TombstonesOf(ScrubBench bench) => [.. bench.Fixture.Paths.Select(path => Path.Combine(path, "@ais/b/%tb"))
        .Where(Directory.Exists).SelectMany(Directory.EnumerateFiles).Order(StringComparer.Ordinal)];
}

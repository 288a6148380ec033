using Sluice.Contract;
using Sluice.Engine.Jobs;
using Sluice.Engine.Tests.Scrub;
using Sluice.Engine.Tests.Support;

namespace Sluice.Engine.Tests.Integrity;

/// <summary>
/// Documents of a mountpath, each byte and shape. A running engine knows what they should say: a scrub finds what was changed and writes it anew. At a start
/// an identity that is damaged is refused with a sentence, and so are the buckets when no copy of theirs is left: nothing is guessed.
/// </summary>
public sealed class DocumentDamageTests
{
    private const string Repair = """{"repair":true}""";

    [Theory]
    [InlineData("identity", 4)]
    [InlineData("bmd", 3)]
    public async Task EachDamagedByteAndShapeIsFoundAndRepaired(string kind, int count)
    {
        await using ScrubBench bench = await ScrubBench.NewAsync(4);
        await bench.PutAsync("o", [1, 2, 3]);
        string[] files = [.. bench.Fixture.Paths.Select(path => Path.Combine(path, ".sluice", kind)).Where(File.Exists)];
        Assert.Equal(count, files.Length);
        Assert.Empty(await bench.FindingsAsync());
        List<Damage[]> rounds = [];
        int bytes = (int)files.Min(file => new FileInfo(file).Length);
        for (int first = 0; first < bytes; first += count)
        {
            rounds.Add([.. files.Select((file, i) => Damage.OfBit(file, Math.Min(first + i, bytes - 1), (first + i) % 8))]);
        }

        foreach ((string what, Func<byte[], byte[]> change) in Damage.Shapes(isEmpty: false))
        {
            rounds.Add([.. files.Select(file => Damage.OfFile(file, what, change))]);
        }

        string[] expected = [.. files.Select(file => $"{Path.GetDirectoryName(Path.GetDirectoryName(file))} document .sluice/{kind}").Order(StringComparer.Ordinal)];
        for (int round = 0; round < rounds.Count; round++)
        {
            foreach (Damage damage in rounds[round])
            {
                await damage.DoAsync();
            }

            string context = string.Join("; ", rounds[round].Select(damage => damage.What));
            string[] found = Texts(await bench.ScrubAsync());
            Assert.True(expected.SequenceEqual(found), $"{context}: found [{string.Join(", ", found)}]");
            if (round % 40 == 0 || round > rounds.Count - 4)
            {
                Job job = await bench.ScrubAsync(Repair);
                Assert.True(expected.SequenceEqual(Texts(job)), context);
                Assert.All(job.Findings, finding => Assert.Equal(("", "repaired"), (finding.Bucket, finding.Action)));
            }
            else
            {
                foreach (Damage damage in rounds[round])
                {
                    await damage.UndoAsync();
                }
            }

            Assert.Empty(await bench.FindingsAsync());
        }

        await bench.Fixture.CloseAsync();
        await bench.Fixture.OpenAsync();
        Assert.Equal([1, 2, 3], await bench.Fixture.GetAsync("o"));
    }

    /// <summary>One that is missing, of an earlier version or of another mountpath is whole in itself, and wrong where it is.</summary>
    [Fact]
    public async Task ADocumentThatIsNotTheOneThatShouldBeThereIsFoundAndRepaired()
    {
        await using ScrubBench bench = await ScrubBench.NewAsync(3);
        string[] identities = [.. bench.Fixture.Paths.Select(path => Path.Combine(path, ".sluice/identity"))];
        string[] buckets = [.. bench.Fixture.Paths.Select(path => Path.Combine(path, ".sluice/bmd"))];
        byte[] identity = await File.ReadAllBytesAsync(identities[0]);
        byte[] old = await File.ReadAllBytesAsync(buckets[1]);
        Assert.True((await bench.Fixture.Engine.CreateBucketAsync(Caller.Anonymous, EngineFixture.Name("newer"), default)).Ok);
        await File.WriteAllBytesAsync(identities[0], await File.ReadAllBytesAsync(identities[1]));
        File.Delete(identities[2]);
        File.Delete(buckets[0]);
        await File.WriteAllBytesAsync(buckets[1], old);
        Job job = await bench.ScrubAsync(Repair);
        Assert.Equal(
            ["document .sluice/bmd", "document .sluice/bmd", "document .sluice/identity", "document .sluice/identity"], ScrubBench.Texts(job));
        Assert.All(job.Findings, finding => Assert.Equal("repaired", finding.Action));
        Assert.Equal(["it is missing", "it is missing"], job.Findings.Select(finding => finding.Detail).Where(detail => detail == "it is missing"));
        Assert.Equal(identity, await File.ReadAllBytesAsync(identities[0]));
        Assert.Single(buckets.Select(File.ReadAllText).Distinct());
        Assert.Empty(await bench.FindingsAsync());
        File.Delete(buckets[2]);
        Assert.Empty(ScrubBench.Texts(await bench.ScrubAsync(target: JobTarget.Of(bench.Fixture.Bucket)))); // who asks for a bucket is told of it alone
        Assert.Equal(["document .sluice/bmd"], ScrubBench.Texts(await bench.ScrubAsync(target: JobTarget.On(bench.Fixture.Paths[2]))));
        await bench.ScrubAsync(Repair);
    }

    [Theory]
    [InlineData("identity")]
    [InlineData("bmd")]
    public async Task WithEachByteDamagedAStartIsRefusedWithASentence(string kind)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        await fixture.PutAsync("o", "content");
        await fixture.CloseAsync();
        string file = Path.Combine(fixture.Paths[0], ".sluice", kind);
        byte[] good = await File.ReadAllBytesAsync(file);
        List<Damage> damages = [.. Enumerable.Range(0, good.Length).Select(place => Damage.OfBit(file, place, place % 8))];
        damages.AddRange(Damage.Shapes(isEmpty: false).Select(shape => Damage.OfFile(file, shape.What, shape.Change)));
        foreach (Damage damage in damages)
        {
            await damage.DoAsync();
            Result<ObjectEngine> opened = await fixture.TryOpenAsync();
            Assert.True(opened.Error?.Code == ErrorCode.StorageFailed, $"{damage.What}: the engine started");
            Assert.StartsWith($"mountpath {fixture.Paths[0]}: .sluice/{kind} cannot be used: ", opened.Error!.Message, StringComparison.Ordinal);
            await damage.UndoAsync();
        }

        await fixture.OpenAsync();
        Assert.Equal("content", await fixture.GetTextAsync("o"));
    }

    /// <summary>How a mountpath was left has no copy and needs none: one that cannot be read counts as left by a crash, and what it holds is compared before it is served.</summary>
    [Fact]
    public async Task ADamagedStateCostsAComparison()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        await fixture.PutAsync("o", "content");
        await fixture.CloseAsync();
        string file = Path.Combine(fixture.Paths[0], ".sluice/state");
        int bytes = (int)new FileInfo(file).Length;
        for (int place = 0; place < bytes; place += 7)
        {
            ScrubBench.Flip(file, place, (byte)(1 << (place % 8)));
            await fixture.OpenAsync();
            Assert.Equal("content", await fixture.GetTextAsync("o"));
            await fixture.CloseAsync();
        }
    }

    private static string[] Texts(Job job) => [.. job.Findings.Select(finding => $"{finding.Mountpath} {finding.Kind} {finding.Name}").Order(StringComparer.Ordinal)];
}

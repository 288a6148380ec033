using Sluice.Engine.Jobs;

namespace Sluice.Engine.Tests.Integrity;

/// <summary>
/// Every kind of file and record, each byte of it, and cut, extended, zeroed and swapped: a scrub finds all of it, by name, and nothing else; what is damaged and alone is
/// refused, never answered wrong; what has redundancy is answered exactly, and is whole after a repair.
/// </summary>
public sealed class EveryKindTests
{
    private const string Repair = """{"repair":true}""";

    public static TheoryData<string> Kinds => [.. FileKind.All.Select(kind => kind.Name)];

    public static TheoryData<string> WithRedundancy => [.. FileKind.All.Where(kind => kind.HasRedundancy).Select(kind => kind.Name)];

    /// <summary>All files of all objects are damaged at the same time, in another byte each, until every byte has been; then in all shapes.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task EveryDamageIsFoundByNameAndNothingElse(string name)
    {
        FileKind kind = FileKind.Of(name);
        await using DamageBench bench = await DamageBench.NewAsync(kind);
        (string Object, string File)[] files = [.. bench.Contents.Keys.SelectMany(one => kind.FilesOf(bench.Fixture, one).Select(file => (one, file)))];
        foreach (Damage[] round in await RoundsAsync(bench, kind, [.. files.Select(one => one.File)]))
        {
            string context = $"{name}: {string.Join("; ", round.Take(3).Select(one => one.What))}…";
            foreach (Damage damage in round)
            {
                await damage.DoAsync();
            }

            string[] found = [.. (await bench.Scrubs.ScrubAsync()).Findings.Select(finding => $"{finding.Name} {KindOf(kind, finding.Kind)}").Order(StringComparer.Ordinal)];
            string[] wanted = [.. files.Take(round.Length).Select(one => $"{one.Object} {kind.Finding}").Order(StringComparer.Ordinal)];
            Assert.True(wanted.SequenceEqual(found), $"{context} missed [{string.Join(", ", wanted.Except(found))}], besides [{string.Join(", ", found.Except(wanted))}]");
            if (!kind.HasRedundancy)
            {
                await bench.ReopenAsync();
                foreach (string one in files.Take(round.Length).Select(one => one.Object))
                {
                    Assert.True(await bench.ReadAsync(one) is null, $"{context}: {one} is answered");
                }
            }

            foreach (Damage damage in round)
            {
                await damage.UndoAsync();
            }
        }

        await bench.ReopenAsync();
        Assert.Empty(await bench.Scrubs.FindingsAsync());
        await bench.AllAreExactAsync($"{name}, undone");
    }

    /// <summary>One file of each object is damaged, each in another way. First a scrub repairs, then readers and a scrub.</summary>
    [Theory]
    [MemberData(nameof(WithRedundancy))]
    public async Task WhatHasRedundancyIsAnsweredExactlyAndRepaired(string name)
    {
        const int Seed = 11;
        FileKind kind = FileKind.Of(name);
        await using DamageBench bench = await DamageBench.NewAsync(kind);
        var random = new Random(Seed);
        foreach (bool byReaders in (bool[])[false, true])
        {
            List<Damage> damages = await OneEachAsync(bench, kind, random);
            string context = $"{name}, seed {Seed}, {(byReaders ? "by readers" : "by a scrub")}: {string.Join("; ", damages.Select(one => one.What))}";
            foreach (Damage damage in damages)
            {
                await damage.DoAsync();
            }

            if (byReaders)
            {
                await bench.ReopenAsync();
                await bench.AllAreExactAsync(context);
                await bench.Fixture.RepairedAsync();
                await bench.Scrubs.ScrubAsync(Repair); // what no reader needs, a parity slice or a second head, none of them meets
            }
            else
            {
                Job job = await bench.Scrubs.ScrubAsync(Repair);
                Assert.Equal(bench.Contents.Keys.Order(), job.Findings.Select(finding => finding.Name).Order());
                Assert.All(job.Findings, finding => Assert.True(finding.Action == "repaired", $"{context}: {finding}"));
            }

            Assert.Equal([], (await bench.Scrubs.ScrubAsync()).Findings.Select(finding => $"{context}: {finding}"));
            await bench.ReopenAsync();
            await bench.AllAreExactAsync($"{context}, repaired");
        }
    }

    /// <summary>A file that is cut or extended is told by its length, whatever else it has: that is no other damage.</summary>
    private static string KindOf(FileKind kind, string found) => found == "size" && kind.Finding == "block" ? "block" : found;

    private static async Task<List<Damage[]>> RoundsAsync(DamageBench bench, FileKind kind, string[] files)
    {
        int bytes = await LengthAsync(bench, kind, files[0]);
        List<Damage[]> rounds = [];
        for (int first = 0; first < bytes; first += files.Length)
        {
            rounds.Add([.. files.Take(bytes - first).Select((file, i) => BitOf(bench, kind, file, first + i, (first + i) % 8))]);
        }

        foreach ((string what, Func<byte[], byte[]> change) in Damage.Shapes(kind.IsEmpty))
        {
            rounds.Add([.. files.Select(file => ShapeOf(bench, kind, file, what, change))]);
        }

        return rounds;
    }

    private static async Task<List<Damage>> OneEachAsync(DamageBench bench, FileKind kind, Random random)
    {
        (string What, Func<byte[], byte[]> Change)[] shapes = [.. Damage.Shapes(kind.IsEmpty)];
        List<Damage> damages = [];
        int i = 0;
        foreach (string one in bench.Contents.Keys)
        {
            string[] files = kind.FilesOf(bench.Fixture, one);
            string file = files[random.Next(files.Length)];
            int bytes = await LengthAsync(bench, kind, file);
            (string what, Func<byte[], byte[]> change) = shapes[i / 2 % shapes.Length];
            damages.Add(i++ % 2 == 0 && bytes > 0 ? BitOf(bench, kind, file, random.Next(bytes), random.Next(8)) : ShapeOf(bench, kind, file, what, change));
        }

        return damages;
    }

    private static async Task<int> LengthAsync(DamageBench bench, FileKind kind, string file)
    {
        int bytes = (int)new FileInfo(file).Length - kind.From;
        if (kind.Attribute is { } attribute)
        {
            await bench.Scrubs.ChangeAttributeAsync(file, attribute, value => value[..(bytes = value.Length)]);
        }

        Assert.Equal(kind.IsEmpty, bytes == 0);
        return bytes;
    }

    private static Damage BitOf(DamageBench bench, FileKind kind, string file, int place, int bit) => kind.Attribute is { } attribute
        ? Damage.OfBit(bench.Scrubs, file, attribute, place, bit)
        : Damage.OfBit(file, kind.From + place, bit);

    private static Damage ShapeOf(DamageBench bench, FileKind kind, string file, string what, Func<byte[], byte[]> change) => kind.Attribute is { } attribute
        ? Damage.OfAttribute(bench.Scrubs, file, attribute, what, what == "a page more" ? static value => [.. value, .. new byte[100]] : change) // a page has no room in an attribute
        : Damage.OfFile(file, what, bytes => [.. bytes[..kind.From], .. change(bytes[kind.From..])]);
}

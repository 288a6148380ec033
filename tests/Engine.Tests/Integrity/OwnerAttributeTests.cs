using System.Text;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Tests.Scrub;

namespace Sluice.Engine.Tests.Integrity;

/// <summary>
/// The attribute <c>user.slt</c>, "name of the work file / name of the object", of the members of wide sets. In a slice the object's name says whose it is, which recovery needs: damage
/// of it is found and repaired. The rest of it is asked for nowhere but in a work directory, so that its damage is harmless, and no finding, where these files stand.
/// </summary>
public sealed class OwnerAttributeTests
{
    private const string Repair = """{"repair":true}""";

    [Fact]
    public async Task EachDamagedByteOfASlicesOwnerIsFoundByNameAndRepaired()
    {
        FileKind kind = FileKind.Of("slice");
        await using DamageBench bench = await DamageBench.NewAsync(kind, objects: 6);
        (string Object, string File)[] files = [.. bench.Contents.Keys.SelectMany(one => kind.FilesOf(bench.Fixture, one).Select(file => (one, file)))];
        byte[] value = await ValueAsync(bench, files[0].File);
        (int harmless, int harmful) = (0, 0);
        for (int first = 0; first < value.Length; first += files.Length)
        {
            List<string> expected = [];
            List<Damage> round = [];
            foreach ((string name, string file) in files.Take(value.Length - first))
            {
                int place = first + round.Count;
                round.Add(Damage.OfBit(bench.Scrubs, file, XattrName.Target, place, place % 8));
                await round[^1].DoAsync();

                // What lies before the first slash is the work file's name: harmless, unless a changed byte is a slash itself.
                string after = Encoding.Latin1.GetString(await ValueAsync(bench, file));
                bool isHarmful = after[(after.IndexOf('/', StringComparison.Ordinal) + 1)..] != name;
                (harmless, harmful) = (harmless + (isHarmful ? 0 : 1), harmful + (isHarmful ? 1 : 0));
                expected.AddRange(isHarmful ? [$"slice {name}"] : []);
            }

            await bench.FindsAsync(expected, $"bytes from {first} of {value.Length}");
            foreach (Damage damage in round)
            {
                await damage.UndoAsync();
            }
        }

        Assert.InRange(harmful, 5, value.Length / 2); // the slash and four bytes of the name, and what became a slash before them
        Assert.Equal(value.Length, harmful + harmless);
        foreach ((string what, Func<byte[], byte[]> change) in Damage.Shapes(isEmpty: false).Where(shape => shape.What != "a page more"))
        {
            Damage[] round = [.. bench.Contents.Keys.Select((name, i) => Damage.OfAttribute(bench.Scrubs, kind.FilesOf(bench.Fixture, name)[i % 4], XattrName.Target, what, change))];
            foreach (Damage damage in round)
            {
                await damage.DoAsync();
            }

            // The first half is all of the work file's name: zeros there are as harmless as single bytes.
            bool isHarmless = what == "the first half zeroed";
            Assert.True(value.Length / 2 < value.AsSpan().IndexOf((byte)'/'));
            string[] expected = isHarmless ? [] : [.. bench.Contents.Keys.Select(name => $"slice {name}")];
            await bench.FindsAsync(expected, what);
            await bench.FindsAsync(expected, what, Repair, "repaired");
            await bench.FindsAsync([], $"{what}, repaired");
            await bench.AllAreExactAsync(what);
        }
    }

    /// <summary>A slice that nobody speaks of and that does not say whose it was is told of by its path, and kept.</summary>
    [Fact]
    public async Task ASliceWithoutOwnerAndHeadIsToldOfByItsPath()
    {
        FileKind kind = FileKind.Of("slice");
        await using DamageBench bench = await DamageBench.NewAsync(kind, objects: 2);
        string[] slices = kind.FilesOf(bench.Fixture, "o000");
        await bench.Scrubs.ChangeAttributeAsync(slices[0], XattrName.Target, _ => [1]);
        await bench.Scrubs.ChangeAttributeAsync(slices[1], XattrName.Target, _ => [1]);
        string[] kept = [.. slices[..2].Select(file => file + ".kept")];
        File.Move(slices[0], kept[0]);
        File.Move(slices[1], kept[1]);
        Assert.True((await bench.Fixture.DeleteAsync("o000")).Ok);
        File.Move(kept[0], slices[0]);
        File.Move(kept[1], slices[1]);
        string[] expected = [.. slices[..2].Select(file => "part " + file[file.IndexOf("@ais/", StringComparison.Ordinal)..])];
        await bench.FindsAsync(expected, "without repair");
        await bench.FindsAsync(expected, "with repair", Repair, "reported");
        Assert.True(File.Exists(slices[0]) && File.Exists(slices[1]));
        File.Delete(slices[0]);
        File.Delete(slices[1]);
    }

    /// <summary>Of heads and copies nobody asks it: whatever becomes of it, they are what their record says, also after a start.</summary>
    [Theory]
    [InlineData("head")]
    [InlineData("mirror copy")]
    public async Task OfAHeadOrCopyItIsHarmless(string name)
    {
        FileKind kind = FileKind.Of(name);
        await using DamageBench bench = await DamageBench.NewAsync(kind, objects: 12);
        string[] files = [.. bench.Contents.Keys.SelectMany(one => kind.FilesOf(bench.Fixture, one))];
        byte[] value = await ValueAsync(bench, files[0]);
        Assert.Contains("/o000", Encoding.ASCII.GetString(value), StringComparison.Ordinal);
        for (int first = 0; first < value.Length; first += files.Length)
        {
            foreach ((string file, int i) in files.Select((file, i) => (file, i)))
            {
                int bytes = (await ValueAsync(bench, file)).Length; // a work file's number may have a digit less
                await Damage.OfBit(bench.Scrubs, file, XattrName.Target, (first + i) % bytes, i % 8).DoAsync();
            }

            await bench.FindsAsync([], $"{name}: bytes from {first}");
        }

        await bench.ReopenAsync();
        await bench.AllAreExactAsync(name);
        Job job = await bench.Scrubs.ScrubAsync(Repair);
        Assert.Empty(ScrubBench.Texts(job));
    }

    private static async Task<byte[]> ValueAsync(DamageBench bench, string file)
    {
        byte[] value = [];
        await bench.Scrubs.ChangeAttributeAsync(file, XattrName.Target, now => value = now);
        return value;
    }
}

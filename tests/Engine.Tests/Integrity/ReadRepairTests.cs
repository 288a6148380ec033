using Sluice.Engine.Buckets;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Tests.Integrity;

/// <summary>Who reads an object and meets a damaged file of it gets it from the others; the damaged one goes to quarantine and is made anew, without a scrub.</summary>
public sealed class ReadRepairTests
{
    public static TheoryData<string> Kinds => [.. FileKind.All.Where(kind => kind is { HasRedundancy: true, Directory: "%ob" or "%sc" }).Select(kind => kind.Name)];

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task TheHeadThatIsReadFirstIsRepaired(string name)
    {
        FileKind kind = FileKind.Of(name);
        await using DamageBench bench = await DamageBench.NewAsync(kind, objects: 6);
        foreach (string one in bench.Contents.Keys)
        {
            string mountpath = await ReadFirstAsync(bench, one);
            string file = Assert.Single(kind.FilesOf(bench.Fixture, one), file => file.StartsWith(mountpath + "/", StringComparison.Ordinal));
            Damage damage = kind.Attribute is { } attribute ? Damage.OfBit(bench.Scrubs, file, attribute, 20, 3)
                : kind.IsEmpty ? Damage.OfFile(file, "one byte more", static bytes => [.. bytes, 0])
                : Damage.OfBit(file, 20, 3);
            await damage.DoAsync();
        }

        await bench.ReopenAsync();
        await bench.AllAreExactAsync(name);
        await bench.Fixture.RepairedAsync();
        await bench.FindsAsync([], name);
        string[] quarantined = [.. bench.Fixture.Paths.Select(path => Path.Combine(path, ".sluice/quarantine")).Where(Directory.Exists).SelectMany(Directory.GetFiles)];
        Assert.Equal(bench.Contents.Count * (kind.Directory == "%sc" ? 2 : 1), quarantined.Length); // a head and its sidecar
    }

    private static async Task<string> ReadFirstAsync(DamageBench bench, string name)
    {
        await bench.ReopenAsync(); // else the one that is less busy may be cached
        return await bench.Fixture.Io.OnItsThreadAsync(async ValueTask<string> () =>
        {
            using ObjectReader reader = (await bench.Fixture.Engine.OpenObjectAsync(Caller.Anonymous, bench.Fixture.Bucket, ObjectName.From(name))).Value;
            return reader.Stored.Disk.Path;
        });
    }
}

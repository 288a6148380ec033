using System.Text;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;
using Sluice.Engine.Tests.Support;

namespace Sluice.Engine.Tests.Jobs;

/// <summary>A walk meets every name of a bucket once, wherever its files lie and however many there are.</summary>
public sealed class ObjectWalkTests
{
    private static readonly Bucket s_bucket = new(new BucketRecord(EngineFixture.Name("b"), BucketProperties.Default with { Bid = 1UL << 63 }));

    [Fact]
    public async Task EveryNameIsMetOnceInOrder()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3);
        string[] names = ["a", "a/b", "a/b/c", "d/", "..", "e//f", "%o", new string('x', 600), "sub/é", "z"];
        foreach (string name in names)
        {
            await fixture.PutAsync(name, name);
        }

        string objects = Directory.CreateDirectory(Path.Combine(fixture.Paths[0], "@ais/b/%ob")).FullName; // in one run of sixty no name falls there
        File.WriteAllText(Path.Combine(objects, "%strange"), "no name of ours");
        Assert.Equal([.. names.Order(StringComparer.Ordinal)], await WalkAsync(fixture));
    }

    [Fact]
    public async Task ANameOnSeveralMountpathsIsMetOnce()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3);
        foreach (string path in fixture.Paths)
        {
            string directory = Directory.CreateDirectory(Path.Combine(path, "@ais/b/%ob/sub")).FullName;
            File.WriteAllText(Path.Combine(directory, "twice"), "a file without a record is a name all the same");
        }

        Assert.Equal(["sub/twice"], await WalkAsync(fixture));
    }

    [Fact]
    public async Task ACancelledWalkEnds()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        await fixture.PutAsync("a", "a");
        await fixture.PutAsync("b", "b");
        using var cancellation = new CancellationTokenSource();
        int met = 0;
        await WithDisksAsync(fixture, disks => Assert.ThrowsAsync<OperationCanceledException>(async () =>
        {
            await foreach (WalkedName _ in new ObjectWalk(new DiskTable(new DiskSet(disks, searchAll: false))).NamesAsync(s_bucket, cancellation.Token))
            {
                met++;
                await cancellation.CancelAsync();
            }
        }));
        Assert.Equal(1, met);
    }

    [Fact]
    public async Task AWalkGoesOnOverASetThatChanges()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3);
        for (int i = 0; i < 60; i++)
        {
            await fixture.PutAsync($"n{i:d2}", "x");
        }

        await WithDisksAsync(fixture, async disks =>
        {
            var table = new DiskTable(new DiskSet([disks[0], disks[1]], searchAll: false));
            List<string> names = [];
            await foreach (WalkedName walked in new ObjectWalk(table).NamesAsync(s_bucket, CancellationToken.None))
            {
                names.Add(walked.Name.ToString());
                if (names.Count == 10)
                {
                    table.Replace([disks[1], disks[2]], searchAll: true);
                }
            }

            string[] last = [.. NamesOn(fixture, 1), .. NamesOn(fixture, 2)];
            Assert.Equal(names.Distinct(), names);
            Assert.Equal([.. last.Where(name => string.CompareOrdinal(name, names[9]) > 0).Order(StringComparer.Ordinal)], names.Skip(10));
        });

        static IEnumerable<string> NamesOn(EngineFixture fixture, int mountpath) =>
            Directory.EnumerateFiles(Path.Combine(fixture.Paths[mountpath], "@ais/b/%ob")).Select(file => Path.GetFileName(file));
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("d", false)]
    [InlineData("d/", false)]
    [InlineData("d/1", false)]
    [InlineData("", true)]
    [InlineData("d", true)]
    [InlineData("d/", true)]
    [InlineData("d/1", true)]
    [InlineData("d/1/", true)]
    [InlineData("nothing", true)]
    public async Task APrefixIsWalkedInPagesOfAnySize(string prefix, bool isFlat)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2);
        string[] names = ["a", "d", "d/1", "d/1/x", "d/1/y", "d/10", "d/2/x", "d/3", "d0", "da/x", "da/y/z", "e"];
        foreach (string name in names)
        {
            await fixture.PutAsync(name, "x");
        }

        string[] expected = [.. names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal) && !(isFlat && name.AsSpan(prefix.Length).Contains('/')))];
        foreach (int pageNames in (int[])[1, 2, 3, 100])
        {
            Assert.Equal(expected.Order(StringComparer.Ordinal), await WalkAsync(fixture, prefix, isFlat, pageNames));
        }
    }

    [Fact]
    public async Task MoreDirectoriesThanAPagePassesOverArePassedOver()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        for (int i = 0; i < Limits.WalkSkipsMax + 10; i++)
        {
            string directory = Directory.CreateDirectory(Path.Combine(fixture.Paths[0], $"@ais/b/%ob/d{i:d4}")).FullName;
            File.WriteAllText(Path.Combine(directory, "x"), "");
        }

        File.WriteAllText(Path.Combine(fixture.Paths[0], "@ais/b/%ob/d9999"), "");
        Assert.Equal(["d9999"], await WalkAsync(fixture, "d", isFlat: true, pageNames: 100));
    }

    private static async Task<List<string>> WalkAsync(EngineFixture fixture, string prefix, bool isFlat, int pageNames)
    {
        List<string> names = [];
        await WithDisksAsync(fixture, async disks =>
        {
            var walk = new ObjectWalk(new DiskTable(new DiskSet(disks, searchAll: false))) { PageNamesMax = pageNames };
            await foreach (WalkedName walked in walk.NamesAsync(s_bucket, Encoding.UTF8.GetBytes(prefix), isFlat, CancellationToken.None))
            {
                names.Add(walked.Name.ToString());
            }
        });
        return names;
    }

    private static async Task<List<string>> WalkAsync(EngineFixture fixture)
    {
        List<string> names = [];
        await WithDisksAsync(fixture, async disks =>
        {
            await foreach (WalkedName walked in new ObjectWalk(new DiskTable(new DiskSet(disks, searchAll: false))).NamesAsync(s_bucket, CancellationToken.None))
            {
                Assert.Equal(Hrw.Digest(s_bucket.Name.UnamePrefix.Span, walked.Name.Utf8.Span), walked.Digest);
                names.Add(Encoding.UTF8.GetString(walked.Name.Utf8.Span));
            }
        });
        return names;
    }

    private static async Task WithDisksAsync(EngineFixture fixture, Func<IReadOnlyList<ObjectDisk>, Task> work)
    {
        List<ObjectDisk> disks = [];
        foreach (string path in fixture.Paths)
        {
            IoResult<FileHandle> root = await fixture.Io.Io.OpenRootAsync(path);
            Assert.True(root.Ok, root.Error.ToString());
            disks.Add(new ObjectDisk(disks.Count, path, root.Value, fixture.Io.Io, instance: 1));
        }

        try
        {
            await work(disks);
        }
        finally
        {
            disks.ForEach(disk => disk.Root.Dispose());
            disks.ForEach(disk => disk.Dispose());
        }
    }
}

using System.Text;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;

namespace Sluice.Engine.Tests;

/// <summary>Buckets with a mirror over real files: where the copies lie, that all of them follow every verb, and that any one of them will do.</summary>
public sealed class MirrorTests
{
    private const string TwoCopies = """{"mirror":{"enabled":true}}""";
    private const string ThreeCopies = """{"mirror":{"enabled":true,"copies":3}}""";

    [Theory]
    [InlineData(0)]
    [InlineData(4096)]
    [InlineData(3_000_001)]
    public async Task APutHasItsCopiesWhenItIsAnswered(int size)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(5, ThreeCopies);
        byte[] content = new byte[size];
        new Random(size).NextBytes(content);
        ObjectAttributes put = await fixture.PutAsync("dir/x", content);
        string[] copies = Copies(fixture, "dir/x");
        Assert.Equal(3, copies.Length);
        Assert.All(copies, copy => Assert.Equal(content, File.ReadAllBytes(copy)));
        Assert.Equal(copies.Order(), ((string[])[put.Mountpath, .. put.CopyMountpaths]).Select(path => Path.Combine(path, "@ais/b/%ob/dir/x")).Order());
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        Assert.Equal(content, await fixture.GetAsync("dir/x"));
        Assert.Equal(put.CopyMountpaths, (await HeadAsync(fixture, "dir/x")).CopyMountpaths);
    }

    [Fact]
    public async Task OverwritesPatchesAndDeletesAreOfAllCopies()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(4, ThreeCopies);
        await fixture.PutAsync("x", "one");
        await fixture.PutAsync("x", "the second");
        Assert.All(Copies(fixture, "x"), copy => Assert.Equal("the second", File.ReadAllText(copy)));
        Assert.Equal(3, Copies(fixture, "x").Length);
        await PatchAsync(fixture, "x", new string('v', 100));
        await PatchAsync(fixture, "x", new string('w', 2000)); // a sidecar beside each copy
        Assert.Equal(3, Files(fixture, "%sc").Length);
        foreach (string lost in Copies(fixture, "x")[..2])
        {
            await fixture.CloseAsync();
            File.Delete(lost);
            await fixture.OpenAsync();
            ObjectAttributes known = await HeadAsync(fixture, "x");
            Assert.Equal(("2", new string('w', 2000)), (known.Version, known.Custom.Single().Value));
            Assert.Equal("the second", await fixture.GetTextAsync("x"));
            await RepairedAsync(fixture);
        }

        Assert.True((await fixture.DeleteAsync("x")).Ok);
        Assert.Empty(Copies(fixture, "x"));
        Assert.Empty(Files(fixture, "%sc"));
        Assert.Null(await fixture.GetAsync("x"));
    }

    [Theory]
    [InlineData("removed")]
    [InlineData("cut")]
    [InlineData("long")]
    [InlineData("flipped")]
    [InlineData("without a record")]
    [InlineData("replaced by a directory")]
    public async Task AnyCopyWillDoAndABadOneIsMadeAnew(string harm)
    {
        await using EngineFixture fixture =
            await EngineFixture.NewAsync(3, """{"mirror":{"enabled":true},"checksum":{"validate_warm_get":true}}""");
        byte[] content = new byte[2_500_000];
        new Random(1).NextBytes(content);
        await fixture.PutAsync("x", content);
        foreach (bool isOpen in (bool[])[false, true])
        {
            foreach (string copy in Copies(fixture, "x"))
            {
                if (isOpen)
                {
                    Assert.Equal(content, await fixture.GetAsync("x")); // the file stays in the cache of open files
                }
                else
                {
                    await fixture.CloseAsync();
                    await fixture.OpenAsync();
                }

                await HarmAsync(copy, harm);
                Assert.Equal(content, await GetVerifiedAsync(fixture, "x"));
                Assert.Equal(content, await GetVerifiedAsync(fixture, "x"));
                await RepairedAsync(fixture);
                if (harm is "cut" or "long" or "flipped")
                {
                    await File.WriteAllBytesAsync(copy, content); // nobody need have read this one
                }

                if (isOpen && harm is "removed" or "without a record" or "replaced by a directory")
                {
                    await fixture.CloseAsync(); // an open file is as good as ever: only who opens it anew finds out
                    await fixture.OpenAsync();
                    Assert.Equal(content, await fixture.GetAsync("x"));
                    await RepairedAsync(fixture);
                }
            }
        }

        Assert.Equal(2, Copies(fixture, "x").Length);
        Assert.All(Copies(fixture, "x"), copy => Assert.Equal(content, File.ReadAllBytes(copy)));
    }

    [Fact]
    public async Task TheLastCopyThatIsBadIsRefused()
    {
        await using EngineFixture fixture =
            await EngineFixture.NewAsync(3, """{"mirror":{"enabled":true},"checksum":{"validate_warm_get":true}}""");
        await fixture.PutAsync("x", new byte[100]);
        foreach (string copy in Copies(fixture, "x"))
        {
            await HarmAsync(copy, "flipped");
        }

        Result<ObjectReader> open = await fixture.Engine.OpenObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From("x"));
        using ObjectReader reader = open.Value;
        Assert.Equal(ErrorCode.Damaged, (await reader.VerifyAsync(0, 100)).Error?.Code);
        await RepairedAsync(fixture);
        Assert.Equal(2, Copies(fixture, "x").Length); // nothing better is there
    }

    [Fact]
    public async Task AMountpathThatFailsIsPassedOverAndItsCopyGoesToTheNext()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(4, TwoCopies);
        ObjectAttributes probe = await fixture.PutAsync("x", "probe");
        await fixture.DeleteAsync("x");
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        Directory.Delete(Path.Combine(probe.Mountpath, "@ais"), recursive: true);
        await File.WriteAllTextAsync(Path.Combine(probe.Mountpath, "@ais"), "in the way");
        ObjectAttributes put = await fixture.PutAsync("x", "content");
        Assert.Equal(probe.CopyMountpaths[0], put.Mountpath);
        Assert.Single(put.CopyMountpaths);
        Assert.Equal("content", await fixture.GetTextAsync("x"));
        await RepairedAsync(fixture);
        File.Delete(Path.Combine(probe.Mountpath, "@ais"));
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        Assert.Equal("content", await fixture.GetTextAsync("x"));
        await RepairedAsync(fixture);
        Assert.Equal(
            new HashSet<string> { probe.Mountpath, probe.CopyMountpaths[0] },
            [.. Copies(fixture, "x").Select(copy => copy[..copy.IndexOf("/@ais/", StringComparison.Ordinal)])]);
    }

    [Fact]
    public async Task WithTooFewMountpathsLeftAPutIsRefused()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3, ThreeCopies);
        foreach (string path in fixture.Paths[..2])
        {
            await File.WriteAllTextAsync(Path.Combine(path, "@ais"), "in the way");
        }

        Result<ObjectAttributes> put = await fixture.TryPutAsync("x", [1, 2, 3]);
        Assert.Equal(ErrorCode.Unavailable, put.Error?.Code);
        Assert.Equal("not enough mountpaths: 1 of 3 copies can be stored now, 2 are the fewest", put.Error!.Message);
        File.Delete(Path.Combine(fixture.Paths[0], "@ais"));
        Assert.True((await fixture.TryPutAsync("x", [1, 2, 3])).Ok);
        File.Delete(Path.Combine(fixture.Paths[1], "@ais"));
        await RepairedAsync(fixture);
        Assert.Equal([1, 2, 3], await fixture.GetAsync("x"));
    }

    [Fact]
    public async Task MoreCopiesThanMountpathsAreRefused()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2);
        Result<BucketRecord> made = await fixture.Engine.CreateBucketAsync(Caller.Anonymous, EngineFixture.Name("c"), EngineFixture.Json(ThreeCopies));
        Assert.Equal((ErrorCode.InvalidProperty, "not enough mountpaths: 3 copies need 3, there are 2"), (made.Error!.Code, made.Error.Message));
        Result<BucketRecord> changed = await fixture.Engine.SetBucketPropertiesAsync(Caller.Anonymous, fixture.Bucket, EngineFixture.Json(ThreeCopies));
        Assert.Equal(ErrorCode.InvalidProperty, changed.Error?.Code);
    }

    [Fact]
    public async Task AListingHasEachNameOnceAndItsCopies()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(4, ThreeCopies);
        string[] names = [.. Enumerable.Range(0, 40).Select(i => $"n{i:d2}")];
        foreach (string name in names)
        {
            await fixture.PutAsync(name, name);
        }

        Listing.ListPage page = await fixture.ListAsync();
        Assert.Equal(names, page.Entries.Select(entry => Encoding.UTF8.GetString(entry.Name.Span)));
        Assert.All(page.Entries, entry => Assert.Equal(2, entry.Attributes!.Value.CopyMountpaths.Count));
    }

    private static string[] Copies(EngineFixture fixture, string name) =>
        [.. fixture.Paths.Select(path => Path.Combine(path, "@ais/b/%ob", name)).SelectMany(path => (string[])[path, Path.Combine(path, "%o")]).Where(File.Exists)];

    /// <summary>Waits until nothing waits for its repair.</summary>
    private static async Task RepairedAsync(EngineFixture fixture)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (fixture.Engine.Repairs.Count > 0)
        {
            deadline.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    /// <summary>As a GET with validate_warm_get does: verified, then read.</summary>
    private static Task<byte[]> GetVerifiedAsync(EngineFixture fixture, string name) => fixture.Io.OnItsThreadAsync(async () =>
    {
        Result<ObjectReader> open = await fixture.Engine.OpenObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From(name));
        Assert.True(open.Ok, open.Error?.Message);
        using ObjectReader reader = open.Value;
        var content = new byte[reader.SizeBytes];
        Result verified = await reader.VerifyAsync(0, content.Length);
        Assert.True(verified.Ok, verified.Error?.Message);
        Assert.True((await reader.ReadAsync(content, 0)).Ok);
        return content;
    });

    private static string[] Files(EngineFixture fixture, string content) =>
        [.. fixture.Paths.Select(path => Path.Combine(path, "@ais/b", content)).Where(Directory.Exists).SelectMany(Directory.GetFiles)];

    private static async Task<ObjectAttributes> HeadAsync(EngineFixture fixture, string name) => (await fixture.Io.OnItsThreadAsync(
        () => fixture.Engine.HeadObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From(name)))).Value;

    private static async Task PatchAsync(EngineFixture fixture, string name, string value) => Assert.True((await fixture.Io.OnItsThreadAsync(
        () => fixture.Engine.SetCustomAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From(name), [new("key", value)], replaceAll: true))).Ok);

    /// <summary>In place: whoever has the file open has the harm too, as with a drive that fails.</summary>
    private static async Task HarmAsync(string file, string harm)
    {
        await using (FileStream stream = new(file, FileMode.Open, FileAccess.ReadWrite))
        {
            switch (harm)
            {
                case "cut":
                    stream.SetLength(stream.Length - 1);
                    return;
                case "long":
                    stream.SetLength(stream.Length + 1);
                    return;
                case "flipped":
                    stream.Position = stream.Length / 2;
                    int value = stream.ReadByte();
                    stream.Position--;
                    stream.WriteByte((byte)(value ^ 1));
                    return;
            }
        }

        byte[] content = await File.ReadAllBytesAsync(file);
        File.Delete(file);
        if (harm == "without a record")
        {
            await File.WriteAllBytesAsync(file, content);
        }
        else if (harm == "replaced by a directory" && !file.EndsWith("/%o", StringComparison.Ordinal))
        {
            Directory.CreateDirectory(file);
        }
    }
}

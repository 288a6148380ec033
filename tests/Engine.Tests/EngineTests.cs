using System.Text;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Listing;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;

namespace Sluice.Engine.Tests;

/// <summary>The engine's verbs over real files: what a client sees, and what lies on the disk afterwards.</summary>
public sealed class EngineTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4095)]
    [InlineData(4096)]
    [InlineData(1 << 20)]
    [InlineData((1 << 20) + 1)]
    [InlineData(5_000_003)]
    public async Task WhatIsPutIsReadBackAndSurvivesARestart(int size)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3);
        byte[] content = new byte[size];
        new Random(size).NextBytes(content);
        ObjectAttributes put = await fixture.PutAsync("dir/name", content);
        Assert.Equal(size, put.SizeBytes);
        Assert.Equal("1", put.Version);
        Assert.Equal(Digest.Of(ChecksumType.XxHash2, content), put.Checksum);
        Assert.Equal(content, await fixture.GetAsync("dir/name"));
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        Assert.Equal(content, await fixture.GetAsync("dir/name"));
        Assert.Equal(0, fixture.WorkFileCount());
    }

    [Fact]
    public async Task AnObjectIsAnOrdinaryFileUnderItsOwnName()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        await fixture.PutAsync("photos/2024/cat.jpg", "meow");
        Assert.Equal("meow", await File.ReadAllTextAsync(Path.Combine(fixture.Paths[0], "@ais/b/%ob/photos/2024/cat.jpg")));
    }

    [Fact]
    public async Task OverwritingCountsVersionsAndDeletingStartsAnew()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2);
        await fixture.PutAsync("x", "one");
        Assert.Equal("2", (await fixture.PutAsync("x", "two")).Version);
        Assert.Equal("two", await fixture.GetTextAsync("x"));
        Assert.True((await fixture.DeleteAsync("x")).Ok);
        Assert.Null(await fixture.GetAsync("x"));
        Assert.Equal(ErrorCode.ObjectNotFound, (await fixture.DeleteAsync("x")).Error!.Code);
        Assert.Equal("1", (await fixture.PutAsync("x", "three")).Version);
    }

    [Fact]
    public async Task AnObjectThatIsBeingReadStaysAsItWasWhenItIsOverwrittenAndDeleted()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        await fixture.PutAsync("x", "old");
        Result<ObjectReader> open = await fixture.Engine.OpenObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From("x"));
        await fixture.PutAsync("x", "new");
        await fixture.DeleteAsync("x");
        var content = new byte[3];
        Assert.Equal(3, (await open.Value.ReadAsync(content, 0)).Value);
        Assert.Equal("old", Encoding.UTF8.GetString(content));
        open.Value.Dispose();
    }

    [Fact]
    public async Task AWrongDigestOrLengthChangesNothing()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        await fixture.PutAsync("x", "good");
        Checksum wrong = Digest.Of(ChecksumType.Md5, "other"u8);
        Assert.Equal(ErrorCode.BadDigest, (await fixture.TryPutAsync("x", "evil"u8.ToArray(), wrong)).Error!.Code);
        Assert.Equal(ErrorCode.BadBody, (await fixture.TryPutAsync("x", "evil"u8.ToArray(), length: 3)).Error!.Code);
        Assert.Equal(ErrorCode.BadBody, (await fixture.TryPutAsync("x", "evil"u8.ToArray(), length: 5)).Error!.Code);
        Assert.Equal("good", await fixture.GetTextAsync("x"));
        Assert.Equal(0, fixture.WorkFileCount());
    }

    [Theory]
    [InlineData("a", "a/b", "a/b/c")]
    [InlineData("a/b/c", "a/b", "a")]
    [InlineData("a/b", "a", "a/")]
    [InlineData("a//b", "a/", "a")]
    public async Task ANameAndNamesBelowItCanAllExist(string first, string second, string third)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        foreach (string name in (string[])[first, second, third])
        {
            await fixture.PutAsync(name, name + " is here");
        }

        string[] sorted = [first, second, third];
        Array.Sort(sorted, StringComparer.Ordinal);
        Assert.Equal(sorted, await fixture.NamesAsync());
        await fixture.PutAsync(second, "again");
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        Assert.Equal(first + " is here", await fixture.GetTextAsync(first));
        Assert.Equal("again", await fixture.GetTextAsync(second));
        Assert.Equal(third + " is here", await fixture.GetTextAsync(third));
        foreach (string name in sorted)
        {
            Assert.True((await fixture.DeleteAsync(name)).Ok);
            Assert.Null(await fixture.GetAsync(name));
        }

        Assert.Empty(await fixture.NamesAsync());
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(fixture.Paths[0], "@ais/b/%ob")));
    }

    [Fact]
    public async Task ListingIsOrderedAndPaged()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3);
        string[] names = [.. Enumerable.Range(0, 57).Select(i => $"d{i % 5}/n{i:d3}")];
        foreach (string name in names)
        {
            await fixture.PutAsync(name, name);
        }

        Array.Sort(names, StringComparer.Ordinal);
        var seen = new List<string>();
        string after = "";
        do
        {
            ListPage page = await fixture.ListAsync(after: after, pageSize: 10);
            seen.AddRange(page.Entries.Select(entry => Encoding.UTF8.GetString(entry.Name.Span)));
            after = Encoding.UTF8.GetString(page.ContinuationToken.Span);
        }
        while (after.Length > 0);
        Assert.Equal(names, seen);
        Assert.Equal(["d0/", "d1/", "d2/", "d3/", "d4/"], await fixture.NamesAsync(flat: true));
        Assert.Equal(names.Where(name => name.StartsWith("d3/n01", StringComparison.Ordinal)), await fixture.NamesAsync("d3/n01"));
    }

    [Fact]
    public async Task ALargeRecordGetsASidecarWhichGoesWithTheObject()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2);
        await fixture.PutAsync("x", "content");
        KeyValuePair<string, string>[] custom = [.. Enumerable.Range(0, 40).Select(i => KeyValuePair.Create($"key{i}", new string('v', 100)))];
        Result<ObjectAttributes> patched = await fixture.Engine.SetCustomAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From("x"), custom, replaceAll: false);
        Assert.True(patched.Ok, patched.Error?.Message);
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        Result<ObjectAttributes> head = await fixture.Engine.HeadObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From("x"));
        Assert.Equal(custom, head.Value.Custom);
        Assert.Equal("content", await fixture.GetTextAsync("x"));
        Assert.Single(Sidecars(fixture));
        await fixture.PutAsync("x", "small again");
        Assert.Empty(Sidecars(fixture));
    }

    [Fact]
    public async Task ADestroyedBucketIsEmptyWhenItIsMadeAgain()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2);
        await fixture.PutAsync("x", "old");
        Assert.True((await fixture.Engine.DestroyBucketAsync(Caller.Anonymous, fixture.Bucket)).Ok);
        Assert.Equal(ErrorCode.BucketNotFound, (await fixture.TryPutAsync("x", [])).Error!.Code);
        Assert.True((await fixture.Engine.CreateBucketAsync(Caller.Anonymous, fixture.Bucket, default)).Ok);
        Assert.Null(await fixture.GetAsync("x"));
        Assert.Empty(await fixture.NamesAsync());
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        Assert.Null(await fixture.GetAsync("x"));
    }

    [Fact]
    public async Task ARelaxedOverwriteKeepsTheOldFileUntilItIsFlushed()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(1, """{"durability":"relaxed"}""");
        await fixture.PutAsync("x", "old");
        await fixture.Engine.FlushAsync();
        Assert.Equal(0, fixture.WorkFileCount());
        await fixture.PutAsync("x", "new");
        Assert.Equal(1, fixture.WorkFileCount());
        Assert.Equal("new", await fixture.GetTextAsync("x"));
        await fixture.Engine.FlushAsync();
        Assert.Equal(0, fixture.WorkFileCount());
        Assert.Equal("new", await fixture.GetTextAsync("x"));
    }

    [Fact]
    public async Task ConcurrentWritersAndReadersOfOneNameSeeWholeObjects()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2);
        byte[][] contents = [.. Enumerable.Range(1, 8).Select(i => Enumerable.Repeat((byte)i, 10_000 * i).ToArray())];
        await fixture.PutAsync("x", contents[0]);
        Task[] writers = [.. contents.Select(content => Task.Run(async () =>
        {
            for (int i = 0; i < 10; i++)
            {
                await fixture.PutAsync("x", content);
            }
        }))];
        Task[] readers = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            for (int i = 0; i < 50; i++)
            {
                byte[]? content = await fixture.GetAsync("x");
                Assert.Contains(contents, known => known.AsSpan().SequenceEqual(content));
            }
        }))];
        await Task.WhenAll([.. writers, .. readers]);
        Result<ObjectAttributes> head = await fixture.Engine.HeadObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From("x"));
        Assert.Equal("81", head.Value.Version);
    }

    private static string[] Sidecars(EngineFixture fixture) =>
        [.. fixture.Paths.SelectMany(path => Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories)).Where(file => file.Contains("/%sc/", StringComparison.Ordinal))];
}

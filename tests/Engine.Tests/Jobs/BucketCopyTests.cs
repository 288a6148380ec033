using System.Text;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;

namespace Sluice.Engine.Tests.Jobs;

/// <summary>
/// A job copies a bucket, or some of its objects, under the names that it is told. A dry run counts and writes nothing; a synchronising one removes what the source does not have, and nothing
/// that it has or may have.
/// </summary>
public sealed class BucketCopyTests
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(60);
    private static readonly BucketName s_to = EngineFixture.Name("to");

    [Theory]
    [InlineData("", "", "", "a b.txt d/x.jpeg d/y")]
    [InlineData("d/", "", "", "d/x.jpeg d/y")]
    [InlineData("", "new-", "", "new-a new-b.txt new-d/x.jpeg new-d/y")]
    [InlineData("d/", "p/", "jpeg=jpg", "p/d/x.jpg p/d/y")]
    [InlineData("", "", "txt=,jpeg=tar.gz", "a b d/x.tar.gz d/y")]
    [InlineData("nothing", "", "", "")]
    public async Task NamesAreChosenAndChanged(string prefix, string prepend, string extensions, string expected)
    {
        await using EngineFixture fixture = await FilledAsync();
        string[] names = expected.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Job job = await EndedAsync(fixture, Request(prefix) with { Prepend = Encoding.UTF8.GetBytes(prepend), Extensions = Map(extensions), Workers = 3 });
        Assert.Equal((names.Length, 10L * names.Length, ""), (job.Objects, job.Bytes, job.Error));
        Assert.Equal((JobKinds.CopyBucket, fixture.Bucket, s_to, 3), (job.Kind, job.Target.Bucket, job.Target.To, job.Workers));
        Assert.Equal(names, await NamesAsync(fixture, s_to));
        Assert.Equal(["a", "b.txt", "d/x.jpeg", "d/y"], await fixture.NamesAsync());
    }

    [Fact]
    public async Task ListsAndTemplatesAreCopiedByAJobOfTheirOwn()
    {
        await using EngineFixture fixture = await FilledAsync("s-1", "s-2", "s-9");
        Job template = await EndedAsync(fixture, Of(NameSelection.OfTemplate("s-{1..5}", isFlat: false)));
        Assert.Equal((JobKinds.CopyObjects, 2, 5, ""), (template.Kind, template.Objects, template.ObjectsExpected, template.Error));
        Assert.StartsWith("tco-j", template.Id, StringComparison.Ordinal);
        Assert.Equal(["s-1", "s-2"], await NamesAsync(fixture, s_to));
        Job list = await EndedAsync(fixture, Of(NameSelection.OfList(["a", "nosuch", "d/y"])) with { Workers = -1 });
        Assert.Equal((2, "1 object could not be done; the first: ais://b/nosuch does not exist"), (list.Objects, list.Error));
        Job filtered = await EndedAsync(fixture, Of(NameSelection.OfList(["d/x.jpeg", "s-9", "nosuch"])) with { Filter = "d/"u8.ToArray(), ContinuesOnError = true });
        Assert.Equal((1, ""), (filtered.Objects, filtered.Error));
        Assert.Equal(["a", "d/x.jpeg", "d/y", "s-1", "s-2"], await NamesAsync(fixture, s_to));
    }

    [Fact]
    public async Task ADestinationThatIsNotThereIsMadeLikeTheSource()
    {
        await using EngineFixture fixture = await FilledAsync("""{"mirror":{"enabled":true,"copies":2},"checksum":{"type":"sha256"}}""");
        Assert.True((await fixture.Engine.SetBucketPropertiesAsync(Caller.Anonymous, fixture.Bucket, EngineFixture.Json("""{"access":"ro"}"""))).Ok);
        Job job = await EndedAsync(fixture, Request());
        Assert.Equal((4, ""), (job.Objects, job.Error));
        BucketProperties source = fixture.Engine.HeadBucket(Caller.Anonymous, fixture.Bucket).Value.Properties;
        BucketProperties made = fixture.Engine.HeadBucket(Caller.Anonymous, s_to).Value.Properties;
        Assert.NotEqual(source.Bid, made.Bid);
        Assert.Equal(source with { Bid = made.Bid, CreatedNs = made.CreatedNs }, made);
        ObjectAttributes copy = (await fixture.Io.OnItsThreadAsync(() => fixture.Engine.HeadObjectAsync(Caller.Anonymous, s_to, ObjectName.From("a")))).Value;
        Assert.Equal((ChecksumType.Sha256, 1, "1"), (copy.Checksum.Type, copy.CopyMountpaths.Count, copy.Version));
        await EndedAsync(fixture, Request(), ErrorCode.AccessDenied); // it is there now, and forbids it
    }

    [Fact]
    public async Task ADryRunCountsAndWritesNothing()
    {
        await using EngineFixture fixture = await FilledAsync();
        Job job = await EndedAsync(fixture, Request("d/") with { IsDryRun = true });
        Assert.Equal((2, 20, ""), (job.Objects, job.Bytes, job.Error));
        Assert.Equal(ErrorCode.BucketNotFound, fixture.Engine.HeadBucket(Caller.Anonymous, s_to).Error!.Code);
        Job onto = await EndedAsync(fixture, Request() with { To = fixture.Bucket, IsDryRun = true });
        Assert.Equal((4, 40, ""), (onto.Objects, onto.Bytes, onto.Error));
        Assert.Equal(4, (await fixture.NamesAsync()).Length);
    }

    [Theory]
    [InlineData("", "", "a b.txt d/x.jpeg d/y")]
    [InlineData("d/", "", "a b.txt d/x.jpeg d/y z.jpg")]
    [InlineData("", "jpeg=jpg", "a b.txt d/x.jpg d/y")]
    public async Task SynchronisingRemovesWhatTheSourceDoesNotHave(string prefix, string extensions, string expected)
    {
        await using EngineFixture fixture = await FilledAsync("gone", "d/gone", "z.jpg");
        await EndedAsync(fixture, Request());
        foreach (string name in new[] { "gone", "d/gone", "z.jpg" })
        {
            Assert.True((await fixture.DeleteAsync(name)).Ok);
        }

        Job job = await EndedAsync(fixture, Request(prefix) with { Synchronises = true, Extensions = Map(extensions) });
        Assert.Equal("", job.Error);
        string[] left = await NamesAsync(fixture, s_to);
        Assert.Equal(prefix.Length > 0 ? [.. expected.Split(' ').Append("gone").Order(StringComparer.Ordinal)] : expected.Split(' '), left);
    }

    [Fact]
    public async Task OfAListASynchronisingJobRemovesTheCopiesOfWhatIsGone()
    {
        await using EngineFixture fixture = await FilledAsync("one.jpeg", "two.jpeg");
        BucketCopyRequest request = Of(NameSelection.OfList(["one.jpeg", "two.jpeg"])) with { Extensions = Map("jpeg=jpg") };
        await EndedAsync(fixture, request);
        Assert.True((await fixture.DeleteAsync("two.jpeg")).Ok);
        Job job = await EndedAsync(fixture, request with { Synchronises = true });
        Assert.Equal((1, ""), (job.Objects, job.Error));
        Assert.Equal(["one.jpg"], await NamesAsync(fixture, s_to));
    }

    [Fact]
    public async Task WithinOneBucketTheJobDoesNotCopyItsOwnCopies()
    {
        await using EngineFixture fixture = await FilledAsync();
        Job job = await EndedAsync(fixture, Of(NameSelection.OfPrefix("", isFlat: false)) with { To = fixture.Bucket, Prepend = "copy-"u8.ToArray() });
        Assert.Equal((4, ""), (job.Objects, job.Error));
        Assert.Equal(["a", "b.txt", "copy-a", "copy-b.txt", "copy-d/x.jpeg", "copy-d/y", "d/x.jpeg", "d/y"], await fixture.NamesAsync());
    }

    [Fact]
    public async Task ADamagedObjectEndsTheJobUnlessItGoesOn()
    {
        await using EngineFixture fixture = await FilledAsync();
        await fixture.CloseAsync();
        string file = fixture.Paths.Select(path => Path.Combine(path, "@ais/b/%ob/a")).Single(File.Exists);
        File.WriteAllText(file, "is damaged");
        await fixture.OpenAsync();
        Job job = await EndedAsync(fixture, Request() with { ContinuesOnError = true });
        Assert.Equal((3, 1), (job.Objects, job.Failed));
        Assert.StartsWith("1 object could not be done; the first: ais://b/a: ", job.Error, StringComparison.Ordinal);
        Job ended = await EndedAsync(fixture, Request() with { Workers = -1 });
        Assert.Equal((0, 1), (ended.Objects, ended.Failed));
    }

    [Fact]
    public async Task WhatMakesNoSenseIsRefused()
    {
        await using EngineFixture fixture = await FilledAsync();
        await EndedAsync(fixture, Request() with { To = fixture.Bucket }, ErrorCode.BadRequest);
        await EndedAsync(fixture, Of(NameSelection.OfList(["a"])) with { To = fixture.Bucket }, ErrorCode.BadRequest);
        await EndedAsync(fixture, Request() with { Synchronises = true, Prepend = "x"u8.ToArray() }, ErrorCode.BadRequest);
        await EndedAsync(fixture, Request() with { Prepend = "../"u8.ToArray() }, ErrorCode.InvalidObjectName);
        await EndedAsync(fixture, Request() with { Workers = 129 }, ErrorCode.BadRequest);
        await EndedAsync(fixture, Request() with { Bucket = EngineFixture.Name("nosuch") }, ErrorCode.BucketNotFound);
        Assert.Equal(ErrorCode.BucketNotFound, fixture.Engine.HeadBucket(Caller.Anonymous, s_to).Error!.Code);
    }

    [Fact]
    public async Task ADestinationThatIsDestroyedEndsTheJob()
    {
        await using EngineFixture fixture = await FilledAsync([.. Enumerable.Range(0, 300).Select(i => $"n{i:d3}")]);
        Job job = (await fixture.Engine.StartCopyAsync(Caller.Anonymous, Request() with { Bucket = fixture.Bucket, Workers = -1 })).Value;
        Assert.True((await fixture.Engine.DestroyBucketAsync(Caller.Anonymous, s_to)).Ok);
        await job.Ended.WaitAsync(s_deadline);
        Assert.Equal(ErrorCode.BucketNotFound, fixture.Engine.HeadBucket(Caller.Anonymous, s_to).Error!.Code);
        Assert.Equal(304, (await fixture.NamesAsync()).Length);
    }

    private static BucketCopyRequest Request(string prefix = "") =>
        new() { Bucket = EngineFixture.Name("b"), To = s_to, Objects = NameSelection.OfPrefix(prefix, isFlat: false).Value };

    private static BucketCopyRequest Of(Result<NameSelection> objects) => Request() with { Objects = objects.Value, IsOfList = true };

    private static Dictionary<string, string> Map(string pairs) =>
        pairs.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]);

    private static async Task<EngineFixture> FilledAsync(params string[] more)
    {
        bool isProperties = more is [['{', ..]];
        EngineFixture fixture = await EngineFixture.NewAsync(2, isProperties ? more[0] : "null");
        foreach (string name in (string[])["a", "b.txt", "d/x.jpeg", "d/y", .. isProperties ? [] : more])
        {
            await fixture.PutAsync(name, new byte[10]);
        }

        return fixture;
    }

    private static async Task<Job> EndedAsync(EngineFixture fixture, BucketCopyRequest request, ErrorCode? isRefused = null)
    {
        Result<Job> started = await fixture.Engine.StartCopyAsync(Caller.Anonymous, request);
        if (isRefused is { } code)
        {
            Assert.Equal(code, started.Error!.Code);
            return null!;
        }

        Assert.True(started.Ok, started.Error?.Message);
        await started.Value.Ended.WaitAsync(s_deadline);
        return started.Value;
    }

    private static async Task<string[]> NamesAsync(EngineFixture fixture, BucketName bucket)
    {
        Result<Sluice.Engine.Listing.ListPage> page = await fixture.Io.OnItsThreadAsync(() => fixture.Engine.ListObjectsAsync(
            Caller.Anonymous, new Sluice.Engine.Listing.ListRequest { Bucket = bucket, PageSize = 1000 }, CancellationToken.None));
        Assert.True(page.Ok, page.Error?.Message);
        return [.. page.Value.Entries.Select(entry => Encoding.UTF8.GetString(entry.Name.Span))];
    }
}

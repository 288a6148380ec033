using System.Text;
using Sluice.Engine.Buckets;
using Sluice.Engine.ErasureCoding;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;
using static Sluice.Engine.Tests.ErasureTests;

namespace Sluice.Engine.Tests;

/// <summary>Objects of a bucket with erasure coding tell how they are kept: in slices, or as copies when they are small.</summary>
public sealed class ErasureLayoutTests
{
    private const int Small = 1000, Large = 300 << 10;

    [Theory]
    [InlineData(256 << 10, true, false)]
    [InlineData(0, false, false)]
    [InlineData(-1, true, true)]
    public async Task AnObjectTellsWhetherItIsSlicedOrCopied(long limit, bool isSmallCopied, bool isLargeCopied)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(
            6, $$$"""{"ec":{"enabled":true,"data_slices":4,"parity_slices":2,"objsize_limit":{{{limit}}}}}""");
        await fixture.PutAsync("small", Content(Small));
        await fixture.PutAsync("large", Content(Large));
        foreach (bool reopened in (bool[])[false, true])
        {
            if (reopened)
            {
                await fixture.CloseAsync();
                await fixture.OpenAsync();
            }

            foreach ((string name, bool isCopied) in ((string, bool)[])[("small", isSmallCopied), ("large", isLargeCopied)])
            {
                ObjectAttributes known = await HeadAsync(fixture, name);
                var expected = new ErasureLayout((ulong)known.ModifiedNs, DataSlices: 4, ParitySlices: 2, isCopied);
                Assert.Equal(expected, known.Erasure);
                Assert.Equal(expected, await ListedAsync(fixture, name));
            }
        }
    }

    /// <summary>Heads and whole copies that erasure coding makes are no copies of a mirror: clients are told of one, and of the same, from the answer to the PUT on.</summary>
    [Theory]
    [InlineData("small")]
    [InlineData("large")]
    public async Task ACodedObjectHasOneCopyAtEveryMoment(string name)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6, "{\"mirror\":{\"enabled\":true,\"copies\":3}}");
        await fixture.PutAsync("mirrored", Content(Small));
        Assert.Equal(2, (await HeadAsync(fixture, "mirrored")).CopyMountpaths.Count);
        await SetAsync(fixture, "{\"mirror\":{\"enabled\":false}}");
        await SetAsync(fixture, "{\"ec\":{\"enabled\":true,\"data_slices\":4,\"parity_slices\":2,\"keep_replica\":true}}"); // it is searched for copies as yet
        ObjectAttributes put = await fixture.PutAsync(name, Content(name == "small" ? Small : Large));
        string home = put.Mountpath;
        IsOne(put);
        IsOne(await HeadAsync(fixture, name));
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        IsOne(await HeadAsync(fixture, name));
        IsOne((await fixture.ListAsync()).Entries.Single(entry => Encoding.UTF8.GetString(entry.Name.Span) == name).Attributes!.Value);
        using (ObjectReader reader = (await fixture.Engine.OpenObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From(name))).Value)
        {
            IsOne(reader.Attributes);
        }

        Result<ObjectAttributes> patched =
            await fixture.Engine.SetCustomAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From(name), [new("color", "red")], replaceAll: false);
        IsOne(patched.Value);
        await Task.WhenAll(fixture.Engine.Jobs.All.Select(job => job.Ended)).WaitAsync(TimeSpan.FromMinutes(2));
        await EncodeAsync(fixture);
        IsOne(await HeadAsync(fixture, name));
        IsOne(await fixture.PutAsync(name, Content(name == "small" ? Large : Small)));
        IsOne(await HeadAsync(fixture, name));

        void IsOne(ObjectAttributes known)
        {
            Assert.Empty(known.CopyMountpaths);
            Assert.Equal(home, known.Mountpath);
        }
    }

    [Fact]
    public async Task AnObjectThatIsNotInSlicesYetTellsNothing()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6);
        await fixture.PutAsync("o", Content(Large));
        Assert.Null((await HeadAsync(fixture, "o")).Erasure);
        await SetAsync(fixture, Properties(4, 2));
        Assert.Null((await HeadAsync(fixture, "o")).Erasure);
        Assert.Null(await ListedAsync(fixture, "o"));
        await EncodeAsync(fixture);
        Assert.False((await HeadAsync(fixture, "o")).Erasure!.Value.IsReplicated);
        await SetAsync(fixture, """{"ec":{"enabled":false}}""");
        Assert.Equal(4, (await HeadAsync(fixture, "o")).Erasure!.Value.DataSlices); // they are there still
        await EncodeAsync(fixture);
        Assert.Null((await HeadAsync(fixture, "o")).Erasure);
    }

    private static async Task<ObjectAttributes> HeadAsync(EngineFixture fixture, string name)
    {
        Result<ObjectAttributes> known = await fixture.Engine.HeadObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From(name));
        Assert.True(known.Ok, known.Error?.Message);
        return known.Value;
    }

    private static async Task<ErasureLayout?> ListedAsync(EngineFixture fixture, string name) =>
        (await fixture.ListAsync()).Entries.Single(entry => Encoding.UTF8.GetString(entry.Name.Span) == name).Attributes!.Value.Erasure;

    internal static async Task SetAsync(EngineFixture fixture, string properties)
    {
        Result<BucketRecord> set = await fixture.Engine.SetBucketPropertiesAsync(Caller.Anonymous, fixture.Bucket, EngineFixture.Json(properties));
        Assert.True(set.Ok, set.Error?.Message);
    }

    /// <summary>Runs the job, to its end.</summary>
    internal static async Task EncodeAsync(EngineFixture fixture)
    {
        Result<Job> job = await fixture.Engine.StartErasureCodingAsync(Caller.Anonymous, fixture.Bucket);
        Assert.True(job.Ok, job.Error?.Message);
        await job.Value.Ended.WaitAsync(TimeSpan.FromMinutes(2));
        Assert.Equal("", job.Value.Error);
    }
}

using System.Text.Json;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;

namespace Sluice.Engine.Tests;

/// <summary>What buckets have when they are made without properties can be changed, for good or until the next start; those that are there stay as they are.</summary>
public sealed class BucketDefaultsTests
{
    private static JsonElement BuiltIn => default; // undefined

    [Fact]
    public async Task ABucketHasTheDefaultsOfItsMakingUnlessItIsToldOtherwise()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2);
        BucketProperties before = Of(fixture, "b");
        await ChangeAsync(fixture, """{"checksum":{"type":"md5"},"durability":"relaxed","mirror":{"enabled":true,"copies":2},"features":16,"versioning":{"enabled":false}}""");
        Assert.Equal(before, Of(fixture, "b"));
        BucketProperties made = await MakeAsync(fixture, "c", "null");
        Assert.Equal(
            (ChecksumType.Md5, Durability.Relaxed, true, 2, 2, false, BucketFeatures.FsyncPut),
            (made.ChecksumType, made.Durability, made.WasRelaxed, made.Mirror.Wanted, made.Spread, made.Versioning, made.Features));
        BucketProperties told = await MakeAsync(fixture, "d", """{"durability":"strict","mirror":{"enabled":false}}""");
        Assert.Equal((ChecksumType.Md5, Durability.Strict, false, 1, false), (told.ChecksumType, told.Durability, told.WasRelaxed, told.Spread, told.HasCopies));
        fixture.Bucket = EngineFixture.Name("c");
        await fixture.PutAsync("x", "content");
        Assert.Equal(ChecksumType.Md5, (await fixture.ListAsync()).Entries[0].Attributes!.Value.Checksum.Type);
    }

    [Fact]
    public async Task TheyAreKeptOverARestartUnlessTheyAreTransient()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2);
        await ChangeAsync(fixture, """{"checksum":{"type":"md5"},"lru":{"dont_evict_time":"3h"}}""");
        await ChangeAsync(fixture, """{"checksum":{"type":"sha256"},"durability":"relaxed"}""", isTransient: true);
        await ChangeAsync(fixture, """{"features":16}""");
        Assert.Equal((ChecksumType.Sha256, Durability.Relaxed, BucketFeatures.FsyncPut, 2), Shown(fixture));
        await ReopenAsync(fixture);
        Assert.Equal((ChecksumType.Md5, Durability.Strict, BucketFeatures.FsyncPut, 2), Shown(fixture));
        Assert.Equal(TimeSpan.FromHours(3), fixture.Engine.Defaults.Properties.Lru.DontEvictTime);
        await ChangeAsync(fixture, BuiltIn, isTransient: true);
        Assert.Equal((ChecksumType.XxHash2, Durability.Strict, BucketFeatures.None, 2), Shown(fixture));
        await ReopenAsync(fixture);
        Assert.Equal((ChecksumType.Md5, Durability.Strict, BucketFeatures.FsyncPut, 2), Shown(fixture));
        await ChangeAsync(fixture, BuiltIn);
        await ReopenAsync(fixture);
        Assert.Equal((ChecksumType.XxHash2, Durability.Strict, BucketFeatures.None, 3), Shown(fixture));
        Assert.Equal(BucketProperties.Default, fixture.Engine.Defaults.Properties);
    }

    [Theory]
    [InlineData("""{"access":"ro"}""", "\"access\" is a property of one bucket, not of the cluster's configuration")]
    [InlineData("""{"extra":{"custom":"x"}}""", "\"extra\" is a property of one bucket")]
    [InlineData("""{"log":{"level":4}}""", "property \"log\" is not supported by this version")]
    [InlineData("""{"checksum":{"type":"md6"}}""", "property \"checksum.type\" must be one of")]
    [InlineData("[]", "must be a JSON object")]
    public async Task WhatIsNoDefaultIsRefusedAndChangesNothing(string patch, string sentence)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        Result<BucketDefaults> changed = await fixture.Engine.ChangeDefaultsAsync(EngineFixture.Json(patch), isTransient: false);
        Assert.Equal(ErrorCode.InvalidProperty, changed.Error?.Code);
        Assert.Contains(sentence, changed.Error!.Message, StringComparison.Ordinal);
        Assert.Equal(BucketDefaults.BuiltIn, fixture.Engine.Defaults);
    }

    /// <summary>What the mountpaths of now cannot give is told when a bucket is made.</summary>
    [Fact]
    public async Task ADefaultThatABucketCannotHaveRefusesTheBucket()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        await ChangeAsync(fixture, """{"mirror":{"enabled":true,"copies":2}}""");
        Result<BucketRecord> made = await fixture.Engine.CreateBucketAsync(Caller.Anonymous, EngineFixture.Name("c"), EngineFixture.Json("null"));
        Assert.Equal("not enough mountpaths: 2 copies need 2, there are 1", made.Error?.Message);
        await MakeAsync(fixture, "c", """{"mirror":{"enabled":false}}""");
    }

    private static (ChecksumType, Durability, BucketFeatures, long) Shown(EngineFixture fixture)
    {
        BucketDefaults defaults = fixture.Engine.Defaults;
        return (defaults.Properties.ChecksumType, defaults.Properties.Durability, defaults.Properties.Features, defaults.Version);
    }

    private static BucketProperties Of(EngineFixture fixture, string name) => fixture.Engine.HeadBucket(Caller.Anonymous, EngineFixture.Name(name)).Value.Properties;

    private static async Task<BucketProperties> MakeAsync(EngineFixture fixture, string name, string properties)
    {
        Result<BucketRecord> made = await fixture.Engine.CreateBucketAsync(Caller.Anonymous, EngineFixture.Name(name), EngineFixture.Json(properties));
        Assert.True(made.Ok, made.Error?.Message);
        return made.Value.Properties;
    }

    private static async Task ChangeAsync(EngineFixture fixture, string patch, bool isTransient = false) => await ChangeAsync(fixture, EngineFixture.Json(patch), isTransient);

    private static async Task ChangeAsync(EngineFixture fixture, JsonElement patch, bool isTransient = false)
    {
        Result<BucketDefaults> changed = await fixture.Engine.ChangeDefaultsAsync(patch, isTransient);
        Assert.True(changed.Ok, changed.Error?.Message);
    }

    private static async Task ReopenAsync(EngineFixture fixture)
    {
        await fixture.CloseAsync();
        await fixture.OpenAsync();
    }
}

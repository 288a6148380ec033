using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;
using static Sluice.Engine.Tests.ErasureTests;

namespace Sluice.Engine.Tests;

/// <summary>Slices and heads that are lost come back, and what is there is brought to what the bucket wants by now, while it stays readable.</summary>
public sealed class ErasureRepairTests
{
    private const int PlainBytes = (2 * Unit) + 9;

    [Fact]
    public async Task WhatIsLostIsRebuiltWhereItWas()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6, Properties(4, 2));
        byte[] content = Content((9 * Unit) + 77);
        await fixture.PutAsync("o", content);
        Dictionary<string, byte[]> before = Slices(fixture).ToDictionary(file => file, File.ReadAllBytes);
        await fixture.CloseAsync();
        File.Delete(Slices(fixture).Single(file => NumberOf(file) == 2));
        await FlipAsync(Slices(fixture).Single(file => NumberOf(file) == 6), Unit + 1);
        File.Delete(Heads(fixture, "o")[0]);
        await fixture.OpenAsync();
        Assert.Equal(content, await fixture.GetAsync("o"));
        await EncodeAsync(fixture);
        Assert.Equal(before.Keys, Slices(fixture));
        Assert.Equal(3, Heads(fixture, "o").Length);
        await fixture.CloseAsync();
        Slices(fixture).Where(file => NumberOf(file) is 1 or 3).ToList().ForEach(File.Delete);
        await fixture.OpenAsync();
        Assert.Equal(content, await fixture.GetAsync("o"));
    }

    [Fact]
    public async Task DamageThatAReaderMeetsIsRepaired()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6, Properties(4, 2));
        byte[] content = Content((9 * Unit) + 77);
        await fixture.PutAsync("o", content);
        Dictionary<string, byte[]> before = Slices(fixture).ToDictionary(file => file, File.ReadAllBytes);
        await fixture.CloseAsync();
        await FlipAsync(Slices(fixture).Single(file => NumberOf(file) == 2), 17); // a reader meets data, not parity,
        await FlipAsync(Slices(fixture).Single(file => NumberOf(file) == 5), Unit + 4); // which the repair finds with it
        await fixture.OpenAsync();
        Assert.Equal(content, await fixture.GetAsync("o"));
        await fixture.RepairedAsync();
        IReadOnlyDictionary<string, long> counters = (await fixture.Engine.StatusAsync()).Counters;
        Assert.True(
            counters["ec.repaired_slices"] == 2,
            string.Join(", ", counters.Where(counter => counter.Value != 0).Select(counter => $"{counter.Key} {counter.Value}")));
        Assert.All(Slices(fixture), file => Assert.Equal(before[file], File.ReadAllBytes(file)));
    }

    /// <summary>There and back: plain objects are sliced, sliced ones laid out anew, and put together again, and readers see the same object all the time.</summary>
    [Fact]
    public async Task ABucketsObjectsFollowItsProperties()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6);
        int[] sizes = [0, 1, Unit, (5 * Unit) + 3, (2 << 20) + 5];
        foreach (int size in sizes)
        {
            await fixture.PutAsync($"o{size}", Content(size));
        }

        foreach ((string properties, int slices) in ((string, int)[])
        [
            (Properties(4, 2), 6), (Properties(2, 1), 3), ("""{"ec":{"objsize_limit":-1}}""", 0), ("""{"ec":{"enabled":false}}""", 0), (Properties(3, 3), 6),
        ])
        {
            Result<Buckets.BucketRecord> set = await fixture.Engine.SetBucketPropertiesAsync(Caller.Anonymous, fixture.Bucket, EngineFixture.Json(properties));
            Assert.True(set.Ok, set.Error?.Message);
            await EncodeAsync(fixture);
            Assert.Equal(slices * sizes.Length, Slices(fixture).Length);
            int heads = set.Value.Properties.Ec.Enabled ? set.Value.Properties.Ec.ParitySlices + 1 : 1;
            foreach (int size in sizes)
            {
                Assert.Equal(heads, Heads(fixture, $"o{size}").Length);
                Assert.Equal(Content(size), await fixture.GetAsync($"o{size}"));
                Result<ObjectAttributes> known = await fixture.Engine.HeadObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From($"o{size}"));
                Assert.Equal("1", known.Value.Version);
            }
        }

        await fixture.CloseAsync();
        await fixture.OpenAsync();
        Assert.Equal(sizes.Length, (await fixture.NamesAsync()).Length);
        foreach (int size in sizes)
        {
            Assert.Equal(Content(size), await fixture.GetAsync($"o{size}"));
        }
    }

    /// <summary>Each of four objects is read when all of them have been asked for.</summary>
    [Fact]
    public async Task SeveralObjectsAreEncodedAtOnce()
    {
        await using EngineFixture fixture = await PlainAsync(objects: 10);
        await fixture.CloseAsync();
        fixture.Over = io => new GatheredReads(io, PlainBytes, 4);
        await fixture.OpenAsync();
        await EncodeAsync(fixture);
        await AreEncodedAsync(fixture, objects: 10);
    }

    [Fact]
    public async Task AnEncodingThatTheEndCutShortGoesOnAfterwards()
    {
        const int Objects = 30;
        await using EngineFixture fixture = await PlainAsync(Objects);
        await fixture.CloseAsync();
        GatheredReads? reads = null;
        fixture.Over = io => reads = new GatheredReads(io, PlainBytes, 4);
        await fixture.OpenAsync();
        Result<Job> job = await fixture.Engine.StartErasureCodingAsync(Caller.Anonymous, fixture.Bucket);
        Assert.True(job.Ok, job.Error?.Message);
        await reads!.Gathered.WaitAsync(TimeSpan.FromMinutes(1)); // it has four of them in its hands
        await fixture.CloseAsync(); // which aborts it
        fixture.Over = static io => io;
        await fixture.OpenAsync();
        await Task.WhenAll(fixture.Engine.Jobs.All.Select(resumed => resumed.Ended)).WaitAsync(TimeSpan.FromMinutes(2));
        await AreEncodedAsync(fixture, Objects);
    }

    /// <summary>Objects in a bucket that has got erasure coding since.</summary>
    private static async Task<EngineFixture> PlainAsync(int objects)
    {
        EngineFixture fixture = await EngineFixture.NewAsync(6);
        for (int i = 0; i < objects; i++)
        {
            await fixture.PutAsync($"o{i}", Content(PlainBytes, seed: i));
        }

        Result<Buckets.BucketRecord> set = await fixture.Engine.SetBucketPropertiesAsync(Caller.Anonymous, fixture.Bucket, EngineFixture.Json(Properties(4, 2)));
        Assert.True(set.Ok, set.Error?.Message);
        return fixture;
    }

    private static async Task AreEncodedAsync(EngineFixture fixture, int objects)
    {
        Assert.Equal(6 * objects, Slices(fixture).Length);
        for (int i = 0; i < objects; i++)
        {
            Assert.Equal(3, Heads(fixture, $"o{i}").Length);
            Assert.Equal(Content(PlainBytes, seed: i), await fixture.GetAsync($"o{i}"));
        }
    }

    private static async Task FlipAsync(string file, int at)
    {
        byte[] bytes = await File.ReadAllBytesAsync(file);
        bytes[at] ^= 8;
        await using FileStream stream = File.OpenWrite(file); // in place: the record stays
        await stream.WriteAsync(bytes);
    }

    /// <summary>Runs the job, to its end.</summary>
    private static async Task EncodeAsync(EngineFixture fixture)
    {
        bool wasOff = !fixture.Engine.HeadBucket(Caller.Anonymous, fixture.Bucket).Value.Properties.WasSpread;
        Assert.False(wasOff, "there is nothing to encode");
        Result<Job> job = await fixture.Engine.StartErasureCodingAsync(Caller.Anonymous, fixture.Bucket);
        Assert.True(job.Ok, job.Error?.Message);
        await job.Value.Ended.WaitAsync(TimeSpan.FromMinutes(2));
        Assert.Equal("", job.Value.Error);
    }
}

using Sluice.Engine.Objects;

namespace Sluice.Engine.Tests;

/// <summary>The map under both caches: bounded, exact about what leaves, and never giving one name's value to another.</summary>
public sealed class BoundedCacheTests
{
    private const ulong Bid = 7;

    [Fact]
    public void TheBoundIsKeptAndEveryValueThatGoesIsToldOnce()
    {
        var gone = new List<string>();
        using var cache = new BoundedCache<string>(Limits.Shards * 4, gone.Add);
        for (ulong i = 0; i < 10_000; i++)
        {
            cache.Put(Digest(i), Bid, Name(i), $"v{i}");
            Assert.True(cache.Count <= Limits.Shards * 4);
        }

        Assert.Equal(Limits.Shards * 4, cache.Count);
        Assert.Equal(10_000 - cache.Count, gone.Count);
        cache.Dispose();
        Assert.Equal(10_000, gone.Count);
        Assert.Equal(10_000, gone.Distinct().Count());
        Assert.Equal(0, cache.Count);
    }

    [Fact]
    public void TheBoundCountsWhatEntriesWeigh()
    {
        var gone = new List<string>();
        using var cache = new BoundedCache<string>(Limits.Shards * 8, gone.Add, value => value.Length);
        var random = new Random(11);
        var present = new Dictionary<ulong, string>();
        for (int i = 0; i < 10_000; i++)
        {
            ulong key = (ulong)random.Next(2_000);
            string value = new('x', random.Next(1, 9));
            gone.Clear();
            cache.Put(Digest(key), Bid, Name(key), value);
            present[key] = value;
            foreach (ulong absent in present.Keys.Where(known => cache.Find(Digest(known), Bid, Name(known)) is null).ToArray())
            {
                present.Remove(absent);
            }

            Assert.Equal(value, cache.Find(Digest(key), Bid, Name(key))); // what just came stays
            Assert.True(present.Values.Sum(held => held.Length) <= Limits.Shards * 8);
        }
    }

    [Fact]
    public void WhatIsTooHeavyForAShardLeavesAtOnceAndPushesNothingElseOut()
    {
        var gone = new List<string>();
        using var cache = new BoundedCache<string>(Limits.Shards * 4, gone.Add, value => value.Length);
        cache.Put(5, Bid, "x"u8, "old");
        cache.Put(6, Bid, "y"u8, "n");
        cache.Put(5, Bid, "x"u8, "heavy");
        Assert.Equal(["old", "heavy"], gone); // the old value is not the name's any more
        Assert.Null(cache.Find(5, Bid, "x"u8));
        Assert.Equal("n", cache.Find(6, Bid, "y"u8));
    }

    [Fact]
    public void AnEntryIsFoundOnlyByItsOwnBucketAndName()
    {
        using var cache = new BoundedCache<string>(Limits.Shards);
        cache.Put(5, Bid, "x"u8, "value");
        Assert.Equal("value", cache.Find(5, Bid, "x"u8));
        Assert.Null(cache.Find(5, Bid, "y"u8)); // another name of that digest
        Assert.Null(cache.Find(5, Bid + 1, "x"u8)); // the bucket was made again
        Assert.Null(cache.Find(6, Bid, "x"u8));
        Assert.Null(cache.Find(5, Bid, "x"u8, _ => false));
    }

    [Fact]
    public void TheNameIsCopied()
    {
        using var cache = new BoundedCache<string>(Limits.Shards);
        byte[] name = "x"u8.ToArray();
        cache.Put(5, Bid, name, "value");
        name[0] = (byte)'y';
        Assert.Equal("value", cache.Find(5, Bid, "x"u8));
    }

    [Fact]
    public void PuttingAgainAndRemovingLetTheOldValueGo()
    {
        var gone = new List<string>();
        using var cache = new BoundedCache<string>(Limits.Shards, gone.Add);
        cache.Put(5, Bid, "x"u8, "one");
        cache.Put(5, Bid, "x"u8, "two");
        Assert.Equal(["one"], gone);
        cache.Remove(5);
        cache.Remove(5);
        Assert.Equal(["one", "two"], gone);
        Assert.Equal(0, cache.Count);
    }

    [Fact]
    public void WhatIsUsedOutlivesWhatIsNot()
    {
        using var cache = new BoundedCache<string>(Limits.Shards * 4);
        cache.Put(0, Bid, "kept"u8, "kept");
        for (ulong i = 1; i < 100; i++)
        {
            Assert.NotNull(cache.Find(0, Bid, "kept"u8)); // its second chance
            cache.Put(i, Bid, Name(i), "passing"); // small digests share the first shard
        }

        Assert.Equal(4, cache.Count);
        Assert.Equal("kept", cache.Find(0, Bid, "kept"u8));
    }

    [Fact]
    public void ABucketsEntriesGoTogether()
    {
        var gone = new List<string>();
        using var cache = new BoundedCache<string>(Limits.Shards * 4, gone.Add);
        for (ulong i = 0; i < 100; i++)
        {
            cache.Put(Digest(i), i % 2, Name(i), i % 2 == 0 ? "even" : "odd");
        }

        cache.RemoveBucket(0);
        Assert.Equal(50, gone.Count);
        Assert.DoesNotContain("odd", gone);
        Assert.Equal(50, cache.Count);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void RandomUseAgreesWithAModelThatForgetsWhatLeft(int seed)
    {
        var random = new Random(seed);
        var model = new Dictionary<ulong, string>();
        using var cache = new BoundedCache<string>(Limits.Shards * 3, value => Assert.True(model.Remove(ulong.Parse(value.Split('.')[0]))));
        for (int step = 0; step < 20_000; step++)
        {
            ulong digest = Digest((ulong)random.Next(400));
            switch (random.Next(4))
            {
                case 0:
                    cache.Remove(digest);
                    Assert.False(model.ContainsKey(digest));
                    break;
                case 1:
                    string value = $"{digest}.{step}";
                    cache.Remove(digest);
                    cache.Put(digest, Bid, Name(digest), value);
                    model.Add(digest, value);
                    break;
                default:
                    Assert.Equal(model.GetValueOrDefault(digest), cache.Find(digest, Bid, Name(digest)));
                    break;
            }

            Assert.Equal(model.Count, cache.Count);
        }
    }

    // Spreads small numbers over the shards, which are chosen by the upper half.
    private static ulong Digest(ulong number) => number * 0x9e3779b97f4a7c15;

    private static byte[] Name(ulong number) => BitConverter.GetBytes(number);
}

using Sluice.Engine.Chunks;

namespace Sluice.Engine.Tests.Chunks;

public sealed class StandingUploadsTests
{
    [Fact]
    public void WhatANameHadBeforeDoesNotEndWhatItHasNow()
    {
        var standing = new StandingUploads();
        Assert.Null(standing.Find(1, 7));
        standing.Set(1, 7, 100);
        standing.Set(1, 7, 200);
        standing.Forget(7, 100);
        Assert.Equal(200UL, standing.Find(1, 7));
        Assert.Null(standing.Find(2, 7)); // a bucket of the same name that is gone
        standing.Forget(7, 200);
        Assert.Null(standing.Find(1, 7));
        standing.Set(1, 7, 300);
        standing.Forget(7);
        Assert.Null(standing.Find(1, 7));
    }

    [Fact]
    public void ABucketThatGoesTakesItsOwnAlong()
    {
        var standing = new StandingUploads();
        standing.Set(1, 7, 100);
        standing.Set(2, 8, 200);
        standing.ForgetBucket(1);
        Assert.Equal(((ulong?)null, 200UL), (standing.Find(1, 7), standing.Find(2, 8)));
    }

    /// <summary>Beyond its bound it knows no further names, and goes on with those that it has.</summary>
    [Fact]
    public void ItIsBounded()
    {
        var standing = new StandingUploads();
        for (ulong digest = 0; digest <= StandingUploads.CountMax; digest++)
        {
            standing.Set(1, digest, digest + 1);
        }

        Assert.Equal((1UL, (ulong?)null), (standing.Find(1, 0), standing.Find(1, StandingUploads.CountMax)));
        standing.Set(1, 0, 5);
        standing.Forget(1);
        standing.Set(1, StandingUploads.CountMax, 9);
        Assert.Equal((5UL, 9UL), (standing.Find(1, 0), standing.Find(1, StandingUploads.CountMax)));
    }
}

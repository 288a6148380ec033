using Sluice.Transport.Cold;

namespace Sluice.Transport.Tests.Cold;

public sealed class ReuseTableTests
{
    private const long Distance = 1000;

    private readonly ReuseTable _table = new(Distance);

    [Fact]
    public void TheFirstReadOfAnObjectIsNoRepetitionAndTheSecondIs()
    {
        Assert.False(_table.IsReadAgain(7, 0, 100));
        Assert.True(_table.IsReadAgain(7, 0, 100));
        Assert.True(_table.IsReadAgain(7, 50, 60));
    }

    [Fact]
    public void RangesOneBehindTheOtherAreOnePass()
    {
        Assert.False(_table.IsReadAgain(7, 0, 100));
        Assert.False(_table.IsReadAgain(7, 100, 200));
        Assert.False(_table.IsReadAgain(7, 350, 400));
        Assert.True(_table.IsReadAgain(7, 0, 100));
    }

    [Theory]
    [InlineData(Distance, true)]
    [InlineData(Distance + 1, false)]
    public void ARepetitionCountsWhileACacheWouldHaveKeptTheObject(long between, bool again)
    {
        Assert.False(_table.IsReadAgain(7, 0, 100));
        Assert.False(_table.IsReadAgain(8, 0, between));
        Assert.Equal(again, _table.IsReadAgain(7, 0, 100));
    }

    [Fact]
    public void WhatComesLaterTakesThePlaceOfWhatIsForgotten()
    {
        var table = new ReuseTable(long.MaxValue);
        for (ulong i = 1; i <= 1 << 18; i++)
        {
            Assert.False(table.IsReadAgain(i, 0, 1));
        }

        int known = 0;
        for (ulong i = 1; i <= 1 << 18; i++)
        {
            known += table.IsReadAgain(i, 0, 1) ? 1 : 0;
        }

        Assert.InRange(known, 0, 1 << 15);
    }
}

using Sluice.Transport.Cold;

namespace Sluice.Transport.Tests.Cold;

public sealed class ReuseTableTests
{
    private const long Distance = 1000;

    private readonly ReuseTable _table = new(Distance);

    [Fact]
    public void TheFirstReadOfAnObjectIsNoRepetitionAndTheSecondIs()
    {
        Assert.Equal(Reuse.First, _table.Look(7, 0, 100));
        Assert.Equal(Reuse.Again, _table.Look(7, 0, 100));
        Assert.Equal(Reuse.Again, _table.Look(7, 50, 60));
    }

    [Fact]
    public void RangesOneBehindTheOtherAreOnePass()
    {
        Assert.Equal(Reuse.First, _table.Look(7, 0, 100));
        Assert.Equal(Reuse.First, _table.Look(7, 100, 200));
        Assert.Equal(Reuse.First, _table.Look(7, 350, 400));
        Assert.Equal(Reuse.Again, _table.Look(7, 0, 100));
    }

    [Theory]
    [InlineData(Distance, true)]
    [InlineData(Distance + 1, false)]
    public void ARepetitionCountsWhileACacheWouldHaveKeptTheObject(long between, bool again)
    {
        Assert.Equal(Reuse.First, _table.Look(7, 0, 100));
        Assert.Equal(Reuse.First, _table.Look(8, 0, between));
        Assert.Equal(again ? Reuse.Again : Reuse.First, _table.Look(7, 0, 100));
    }

    /// <summary>Four times as many objects as there are places: most places are taken when an object comes, and then it cannot be told.</summary>
    [Fact]
    public void WhereAnotherHasThePlaceItCannotBeTold()
    {
        const int Objects = 1 << 18, Places = 1 << 16;
        var table = new ReuseTable(long.MaxValue);
        int[] first = Told(table);
        Assert.Equal((Places, 0, Objects - Places), (first[(int)Reuse.First], first[(int)Reuse.Again], first[(int)Reuse.Unknown]));
        int[] second = Told(table);
        Assert.Equal(0, second[(int)Reuse.First]);
        Assert.InRange(second[(int)Reuse.Again], 0, Places);

        static int[] Told(ReuseTable table)
        {
            int[] counts = new int[3];
            for (ulong i = 1; i <= Objects; i++)
            {
                counts[(int)table.Look(i, 0, 1)]++;
            }

            return counts;
        }
    }

    [Fact]
    public void WhoeverWasForgottenLeavesThePlaceFree()
    {
        var table = new ReuseTable(distanceMax: 0);
        for (ulong i = 1; i <= 1 << 18; i++)
        {
            Assert.Equal(Reuse.First, table.Look(i, 0, 1));
        }
    }
}

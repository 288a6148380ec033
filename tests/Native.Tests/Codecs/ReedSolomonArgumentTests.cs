using Sluice.Native.Codecs;

namespace Sluice.Native.Tests.Codecs;

/// <summary>What would read or write beside the units, or give units that mean nothing, is refused before a byte is touched.</summary>
public sealed class ReedSolomonArgumentTests
{
    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    [InlineData(33, 1)]
    [InlineData(1, 33)]
    [InlineData(-1, 2)]
    public void AGeometryOutOfRangeIsRefused(int dataUnits, int parityUnits) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new ReedSolomon(dataUnits, parityUnits));

    [Theory]
    [InlineData(2, 2, 8, 8, 8, 8, true)]
    [InlineData(1, 2, 8, 8, 8, 8, false)]
    [InlineData(3, 2, 8, 8, 8, 8, false)]
    [InlineData(2, 1, 8, 8, 8, 8, false)]
    [InlineData(2, 3, 8, 8, 8, 8, false)]
    [InlineData(2, 2, 8, 7, 8, 8, false)]
    [InlineData(2, 2, 8, 8, 8, 9, false)]
    [InlineData(2, 2, 7, 8, 8, 8, false)]
    public void OtherCountsAndLengthsAreRefused(int data, int parity, int first, int second, int third, int fourth, bool good)
    {
        int[] lengths = [first, second, third, fourth];
        ReadOnlyMemory<byte>[] sources = [.. Enumerable.Range(0, data).Select(i => (ReadOnlyMemory<byte>)new byte[lengths[i % 2]])];
        Memory<byte>[] outputs = [.. Enumerable.Range(0, parity).Select(i => (Memory<byte>)new byte[lengths[2 + (i % 2)]])];
        var codec = new ReedSolomon(2, 2);
        if (good)
        {
            codec.Encode(sources, outputs);
        }
        else
        {
            Assert.Throws<ArgumentException>(() => codec.Encode(sources, outputs));
            Assert.All(outputs, output => Assert.False(output.Span.ContainsAnyExcept((byte)0)));
        }
    }

    [Fact]
    public void WhatIsWrittenOverlapsNothing()
    {
        var codec = new ReedSolomon(1, 2);
        Memory<byte> all = new byte[100];
        Assert.Throws<ArgumentException>(() => codec.Encode([all[..10]], [all[9..19], all[20..30]]));
        Assert.Throws<ArgumentException>(() => codec.Encode([all[..10]], [all[20..30], all[29..39]]));
        Assert.Throws<ArgumentException>(() => codec.Accumulate(0, all[5..15], [all[20..30], all[5..15]]));
        codec.Encode([all[..10]], [all[10..20], all[20..30]]);
    }

    [Fact]
    public void AnIndexOutOfRangeIsRefused()
    {
        var codec = new ReedSolomon(2, 1);
        Memory<byte>[] parity = [new byte[4]];
        Assert.Throws<ArgumentOutOfRangeException>(() => codec.Accumulate(2, new byte[4], parity));
        Assert.Throws<ArgumentOutOfRangeException>(() => codec.Begin(-1, new byte[4], parity));
        Assert.Throws<ArgumentException>(() => codec.Begin(0, new byte[5], parity));
        Assert.Throws<ArgumentOutOfRangeException>(() => ReedSolomon.Coefficient(32, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => ReedSolomon.Coefficient(0, -1));
    }

    [Theory]
    [InlineData(new[] { 0, 1, 2 }, new[] { 3 })] // too few to read
    [InlineData(new[] { 0, 1, 2, 3, 4 }, new[] { 5 })] // more than are read
    [InlineData(new[] { 0, 1, 2, 3 }, new int[0])]
    [InlineData(new[] { 0, 1, 2, 3 }, new[] { 4, 5, 6 })]
    [InlineData(new[] { 0, 1, 2, 2 }, new[] { 3 })]
    [InlineData(new[] { 0, 1, 2, 3 }, new[] { 3 })]
    [InlineData(new[] { 0, 1, 2, 3 }, new[] { 6 })]
    [InlineData(new[] { 0, 1, 2, -1 }, new[] { 3 })]
    [InlineData(new[] { 0, 1, 2, 4 }, new[] { 67 })]
    public void APlanOfOtherUnitsIsRefused(int[] available, int[] missing) =>
        Assert.Throws<ArgumentException>(() => new ReedSolomon(4, 2).PlanRecovery(available, missing));

    [Fact]
    public void APlanRefusesOtherCountsAndPlaces()
    {
        RecoveryPlan plan = new ReedSolomon(2, 2).PlanRecovery([0, 2], [1]);
        Assert.Throws<ArgumentException>(() => plan.Reconstruct([new byte[4]], [new byte[4]]));
        Assert.Throws<ArgumentException>(() => plan.Reconstruct([new byte[4], new byte[4]], [new byte[4], new byte[4]]));
        Assert.Throws<ArgumentOutOfRangeException>(() => plan.Accumulate(2, new byte[4], [new byte[4]]));
    }
}

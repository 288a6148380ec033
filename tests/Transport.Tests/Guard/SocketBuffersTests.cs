using Sluice.Transport.Guard;

namespace Sluice.Transport.Tests.Guard;

/// <summary>A few sockets are the kernel's to tune, and never more than that; the others share what there is.</summary>
public sealed class SocketBuffersTests
{
    private const int LeastBytes = 64 << 10;
    private const long SharedBytes = 384L << 20;

    [Fact]
    public void AFewAreTunedAndAPlaceIsFreeAgainWhenOneEnds()
    {
        var buffers = new SocketBuffers(tunedMax: 2, LeastBytes);
        SocketGrant first = buffers.Take();
        Assert.True(first.IsTuned && buffers.Take().IsTuned);
        Assert.False(buffers.Take().IsTuned);
        buffers.Release(first);
        Assert.Equal(1, buffers.TunedCount);
        Assert.True(buffers.Take().IsTuned);
        Assert.False(buffers.Take().IsTuned);
    }

    [Fact]
    public void NoneIsTunedWhenNoneMayBe() => Assert.False(new SocketBuffers(tunedMax: 0, LeastBytes).Take().IsTuned);

    [Fact]
    public void HundredsHaveRoomForMuchAtOnceAndThousandsHaveTheLeast()
    {
        var buffers = new SocketBuffers(tunedMax: 0, LeastBytes, SharedBytes);
        SocketGrant[] grants = [.. Enumerable.Range(0, 5000).Select(_ => buffers.Take())];
        Assert.True(buffers.BytesOf(grants[0]) >= 768 << 10);
        Assert.True(buffers.BytesOf(grants[199]) >= 384 << 10);
        Assert.True(buffers.BytesOf(grants[^1]) - LeastBytes < 1024);
        Assert.Equal(SharedBytes - buffers.SharedBytesLeft, grants.Sum(grant => grant.SharedBytes));
        Assert.All(grants, buffers.Release);
        Assert.Equal(SharedBytes, buffers.SharedBytesLeft);
    }

    [Fact]
    public void NobodyHasMoreThanTheKernelWouldGive()
    {
        var buffers = new SocketBuffers(tunedMax: 0, LeastBytes, sharedBytes: 1L << 40);
        Assert.Equal(LeastBytes + (4 << 20), buffers.BytesOf(buffers.Take()));
    }

    [Fact]
    public void ManyThreadsGetAndGiveBackNoMoreThanThereIs()
    {
        var buffers = new SocketBuffers(tunedMax: 3, LeastBytes, SharedBytes);
        Parallel.For(0, 2000, _ =>
        {
            SocketGrant grant = buffers.Take();
            Assert.InRange(buffers.TunedCount, 0, 3);
            buffers.Release(grant);
        });
        Assert.Equal((0, SharedBytes), (buffers.TunedCount, buffers.SharedBytesLeft));
    }
}

using Sluice.Transport.Guard;

namespace Sluice.Transport.Tests.Guard;

/// <summary>A few sockets are the kernel's to tune, and never more than that.</summary>
public sealed class SocketBuffersTests
{
    [Fact]
    public void AFewAreTunedAndAPlaceIsFreeAgainWhenOneEnds()
    {
        var buffers = new SocketBuffers(tunedMax: 2, bufferBytes: 64 << 10);
        Assert.True(buffers.TryTune() && buffers.TryTune());
        Assert.False(buffers.TryTune());
        buffers.Release();
        Assert.Equal(1, buffers.TunedCount);
        Assert.True(buffers.TryTune());
        Assert.False(buffers.TryTune());
    }

    [Fact]
    public void NoneIsTunedWhenNoneMayBe() => Assert.False(new SocketBuffers(tunedMax: 0, bufferBytes: 64 << 10).TryTune());
}

using Sluice.Native.Memory;
using Sluice.Transport.Cold;

namespace Sluice.Transport.Tests.Cold;

public sealed class ReadBuffersTests
{
    private static readonly ColdReadOptions s_few = new() { BufferBytes = 64 << 10, BufferCount = 8, ScratchCount = 2 };

    [Fact]
    public void ReadingAheadLeavesHalfOfTheBuffersToFirstReads()
    {
        using var buffers = new ReadBuffers(s_few);
        List<BufferLease> ahead = RentAll(buffers, isFirst: false);
        Assert.Equal(4, ahead.Count);
        Assert.Equal(0, buffers.RefusedCount);
        List<BufferLease> first = RentAll(buffers, isFirst: true);
        Assert.Equal(4, first.Count);
        Assert.Equal(1, buffers.RefusedCount);
        Assert.Equal(8, buffers.RentedCount);
        ahead.ForEach(lease => lease.Dispose());
        Assert.False(buffers.TryRent(isFirst: false, out _)); // half are free again, not more
        first[0].Dispose();
        Assert.True(buffers.TryRent(isFirst: false, out BufferLease again));
        first[0] = again;
        first.ForEach(lease => lease.Dispose());
        Assert.Equal(0, buffers.RentedCount);
    }

    [Fact]
    public async Task WhoWantsAScratchBufferGetsItInTurnThoughAllOthersAreGone()
    {
        using var buffers = new ReadBuffers(s_few);
        List<BufferLease> travelling = RentAll(buffers, isFirst: true);
        ReadBuffers.Scratch one = await buffers.RentScratchAsync();
        ReadBuffers.Scratch two = await buffers.RentScratchAsync();
        ValueTask<ReadBuffers.Scratch> third = buffers.RentScratchAsync();
        Assert.False(third.IsCompleted);
        one.Dispose();
        using (ReadBuffers.Scratch scratch = await third)
        {
            Assert.Equal(64 << 10, scratch.Memory.Length);
        }

        two.Dispose();
        travelling.ForEach(lease => lease.Dispose());
        Assert.Equal(0, buffers.RentedCount);
    }

    private static List<BufferLease> RentAll(ReadBuffers buffers, bool isFirst)
    {
        var leases = new List<BufferLease>();
        while (buffers.TryRent(isFirst, out BufferLease lease))
        {
            leases.Add(lease);
        }

        return leases;
    }
}

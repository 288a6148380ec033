using System.Security.Cryptography;
using Sluice.Native.Memory;
using Sluice.Native.Tests.Support;
using Sluice.Native.Uring;

namespace Sluice.Native.Tests.Uring;

/// <summary>Registered buffers and descriptors: lazily, in pieces, and the plain way where the kernel refuses.</summary>
[Collection(ProcessCollection.Name)]
public sealed class RingRegisteredTests
{
    [Fact]
    public async Task FixedWritesAndReadsAreExactAndRegisterAPieceOnceWhenItIsFirstUsed()
    {
        using var directory = new TempDirectory();
        using var slab = new BufferSlab(64 << 10, 6); // four a piece: two pieces
        using var loop = new RingLoop(new RingLoopOptions { RegisteredBufferCount = 8 });
        int file = directory.Open("file", Libc.OpenMode.CreateNew);
        List<BufferLease> leases = [];
        while (slab.TryRent(out BufferLease lease))
        {
            leases.Add(lease);
        }

        byte[] wanted = RandomNumberGenerator.GetBytes(64 << 10);
        await loop.OnLoop(async () =>
        {
            Assert.True(loop.RegisterBuffers(slab));
            Assert.Equal(0, loop.RegisteredPieceCount);
            wanted.CopyTo(leases[1].Memory);
            Assert.Equal(wanted.Length, await loop.WriteFixedAsync(file, leases[1], .., 100));
            Assert.Equal(1, loop.RegisteredPieceCount);
            Assert.Equal(1000, await loop.ReadFixedAsync(file, leases[0], 24..1024, 100));
            Assert.Equal(1, loop.RegisteredPieceCount);
            Assert.Equal(wanted.Length, await loop.ReadFixedAsync(file, leases[5], .., 100));
            Assert.Equal(2, loop.RegisteredPieceCount);
            Assert.Equal(10, await loop.ReadFixedAsync(file, leases[5], .., 100 + wanted.Length - 10)); // short at the end
            Assert.Equal(0, await loop.ReadFixedAsync(file, leases[5], .., 1 << 20));
            return 0;
        });
        Assert.Equal(wanted[..1000], leases[0].Memory.Span[24..1024].ToArray());
        Assert.Equal(wanted[10..], leases[5].Memory.Span[10..].ToArray());
        Assert.Equal((0, Errno.None), (loop.PlainBufferCount, loop.BufferRefusal));
        leases.ForEach(static lease => lease.Dispose());
    }

    [Fact]
    public async Task ASlabThatIsGoneLeavesItsPlacesToTheNext()
    {
        using var directory = new TempDirectory();
        using var loop = new RingLoop(new RingLoopOptions { RegisteredBufferCount = 4 });
        int file = directory.Open("file", Libc.OpenMode.CreateNew);
        for (int round = 0; round < 20; round++)
        {
            using var slab = new BufferSlab(256 << 10, 3);
            using var tooLarge = new BufferSlab(256 << 10, 2);
            Assert.True(slab.TryRent(out BufferLease lease));
            await loop.OnLoop(async () =>
            {
                Assert.True(loop.RegisterBuffers(slab));
                Assert.False(loop.RegisterBuffers(tooLarge));
                Assert.Throws<InvalidOperationException>(() => loop.RegisterBuffers(slab));
                lease.Memory.Span.Fill((byte)round);
                Assert.Equal(1000, await loop.WriteFixedAsync(file, lease, ..1000, 0));
                lease.Memory.Span.Clear();
                Assert.Equal(1000, await loop.ReadFixedAsync(file, lease, ..1000, 0));
                Assert.Equal(1, loop.RegisteredPieceCount);
                loop.UnregisterBuffers(slab);
                Assert.Equal(0, loop.RegisteredPieceCount);
                return 0;
            });
            Assert.Equal((byte)round, lease.Memory.Span[999]);
            lease.Dispose();
        }
    }

    [Fact]
    public async Task ALeaseOfAnUnknownSlabGoesThePlainWayAndIsCounted()
    {
        using var directory = new TempDirectory();
        using var slab = new BufferSlab(4096, 1);
        using var loop = new RingLoop(new RingLoopOptions());
        int file = directory.Open("file", Libc.OpenMode.CreateNew);
        Assert.True(slab.TryRent(out BufferLease lease));
        await loop.OnLoop(async () =>
        {
            Assert.False(loop.RegisterBuffers(slab)); // the loop has no table
            Assert.Equal(4096, await loop.WriteFixedAsync(file, lease, .., 0));
            Assert.Equal(4096, await loop.ReadFixedAsync(file, lease, .., 0));
            return 0;
        });
        Assert.Equal(2, loop.PlainBufferCount);
        lease.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => loop.OnLoop(async () => await loop.ReadFixedAsync(file, lease, .., 0)));
    }

    /// <summary>RLIMIT_MEMLOCK of 1 MiB without CAP_IPC_LOCK: some pieces fit, then the kernel refuses, and every byte is right all the same.</summary>
    [Fact]
    public void BeyondTheLimitOfLockedMemoryRequestsGoThePlainWay()
    {
        using var directory = new TempDirectory();
        int file = directory.Open("file", Libc.OpenMode.CreateNew);
        Kernel.WithLockedMemoryLimit(1 << 20, () =>
        {
            using var slab = new BufferSlab(256 << 10, 16);
            using var loop = new RingLoop(new RingLoopOptions { RegisteredBufferCount = 16 });
            List<BufferLease> leases = [];
            while (slab.TryRent(out BufferLease lease))
            {
                leases.Add(lease);
            }

            loop.Wait(async () =>
            {
                Assert.True(loop.RegisterBuffers(slab));
                for (int i = 0; i < leases.Count; i++)
                {
                    leases[i].Memory.Span.Fill((byte)i);
                    Assert.Equal(256 << 10, await loop.WriteFixedAsync(file, leases[i], .., (long)i << 18));
                }

                for (int i = 0; i < leases.Count; i++)
                {
                    Assert.Equal(256 << 10, await loop.ReadFixedAsync(file, leases[leases.Count - 1 - i], .., (long)i << 18));
                    Assert.Equal(-1, leases[leases.Count - 1 - i].Memory.Span.IndexOfAnyExcept((byte)i));
                }

                return 0;
            });
            Assert.Equal(Errno.ENOMEM, loop.BufferRefusal);
            Assert.InRange(loop.RegisteredPieceCount, 1, 4);
            Assert.Equal(2 * (16 - loop.RegisteredPieceCount), loop.PlainBufferCount);
            leases.ForEach(static lease => lease.Dispose());
        });
    }

    [Fact]
    public async Task ARegisteredDescriptorReceivesAndSendsAndHoldsItsFile()
    {
        using var loop = new RingLoop(new RingLoopOptions { RegisteredDescriptorCount = 2, ReceiveBufferCount = 2, ReceiveBufferBytes = 64 });
        using var pair = new TcpPair();
        Recorded receive = new(), send = new();
        RegisteredDescriptor socket = default;
        await loop.OnLoop(() =>
        {
            Assert.True(loop.TryRegisterDescriptor(pair.Near, out socket));
            Assert.True(loop.TryRegisterDescriptor(pair.Near, out RegisteredDescriptor twice));
            Assert.False(loop.TryRegisterDescriptor(pair.Near, out _));
            loop.Unregister(twice);
            Assert.False(loop.TryRegisterDescriptor(-1, out _)); // to the kernel an empty place
            loop.ReceiveMultishot(receive, socket);
            loop.Send(send, socket, "ping"u8.ToArray());
        });
        Assert.Equal(4, (await send.Last).Result);
        byte[] buffer = new byte[10];
        Assert.Equal(4, await pair.Far.ReceiveAsync(buffer));
        await pair.Far.SendAsync(buffer.AsMemory(0, 3));
        pair.Far.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        await receive.Last;
        Assert.Equal([3, 0], receive.All.Select(static completion => completion.Result));
        pair.CloseNear();
        Assert.False(pair.Far.Poll(0, System.Net.Sockets.SelectMode.SelectRead)); // not closed: the table has it
        await loop.OnLoop(() => loop.Unregister(socket));
        Assert.Equal(0, await pair.Far.ReceiveAsync(buffer));
    }
}

using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Sluice.Native.Memory;
using Sluice.Native.Tests.Support;

namespace Sluice.Native.Tests.Memory;

/// <summary>
/// Buffers have one owner each: what is rented is nobody else's, what is returned is nobody's, and a lease that is over is told from the
/// next one of the same buffer. The process-wide count is asserted by <see cref="LeakCheck"/>, since other tests rent too.
/// </summary>
public sealed class BufferSlabTests
{
    private const int Bytes = 8192;

    [Theory]
    [InlineData(0, 1)]
    [InlineData(2048, 1)]
    [InlineData(4097, 1)]
    [InlineData(12288, 1)]
    [InlineData(-4096, 1)]
    [InlineData(4096, 0)]
    [InlineData(4096, -1)]
    public void ASizeThatIsNoPowerOfTwoOfAPageOrMoreAndACountOfNothingAreRefused(int bufferBytes, int count) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new BufferSlab(bufferBytes, count));

    [Theory]
    [InlineData(256 << 10, 32, true)]
    [InlineData(1 << 20, 8, true)]
    [InlineData(256 << 10, 31, false)] // of few buffers a first touch would take a large part
    [InlineData(64 << 10, 1024, false)] // of heads and messages: an idle server touches some
    public void OnlyBuffersForBodiesAreOfHugePages(int bufferBytes, int count, bool isHuge)
    {
        using var slab = new BufferSlab(bufferBytes, count);
        Assert.True(slab.TryRent(out BufferLease lease));
        using (lease)
        {
            Assert.Equal(isHuge, FlagsAt(lease.Memory.Span).Contains("hg"));
        }
    }

    [Fact]
    public void EveryBufferIsItsOwnersAndHoldsWhatIsWrittenUntilItIsReturned()
    {
        using var slab = new BufferSlab(Bytes, 16);
        var leases = new BufferLease[16];
        for (int i = 0; i < leases.Length; i++)
        {
            Assert.True(slab.TryRent(out leases[i]));
            Assert.Equal(Bytes, leases[i].Memory.Length);
            Assert.True(leases[i].Memory.Span.IndexOfAnyExcept((byte)0) < 0, "memory that was never used is zero");
            leases[i].Memory.Span.Fill((byte)(i + 1));
        }

        for (int i = 0; i < leases.Length; i++)
        {
            Assert.True(leases[i].Memory.Span.IndexOfAnyExcept((byte)(i + 1)) < 0, $"buffer {i} is shared");
            leases[i].Dispose();
        }

        Assert.Equal(0, slab.OutstandingCount);
    }

    [Fact]
    public void BuffersAreAlignedToPages()
    {
        using var slab = new BufferSlab(4096, 3);
        for (int i = 0; i < 3; i++)
        {
            Assert.True(slab.TryRent(out BufferLease lease));
            Assert.Equal(0, AddressOf(lease.Memory) % 4096);
            lease.Dispose();
        }
    }

    [Fact]
    public void AnExhaustedSlabRefusesUntilOneIsReturned()
    {
        using var slab = new BufferSlab(Bytes, 2);
        Assert.True(slab.TryRent(out BufferLease one));
        Assert.True(slab.TryRent(out BufferLease two));
        Assert.Equal(2, slab.OutstandingCount);
        Assert.False(slab.TryRent(out BufferLease none));
        Assert.Throws<InvalidOperationException>(() => none.Memory);
        Assert.Throws<InvalidOperationException>(none.Dispose);
        Assert.Equal(2, slab.OutstandingCount);
        one.Dispose();
        Assert.True(slab.TryRent(out BufferLease again));
        again.Dispose();
        two.Dispose();
        Assert.Equal(0, slab.OutstandingCount);
    }

    [Fact]
    public void DoubleDisposeOfALeaseIsCaught()
    {
        using var slab = new BufferSlab(Bytes, 1);
        Assert.True(slab.TryRent(out BufferLease lease));
        BufferLease copy = lease;
        lease.Dispose();
        Assert.Throws<InvalidOperationException>(lease.Dispose);
        Assert.Throws<InvalidOperationException>(copy.Dispose);
        Assert.Equal(0, slab.OutstandingCount);
    }

    [Fact]
    public void AStaleLeaseCannotTakeTheBufferFromItsNextOwner()
    {
        using var slab = new BufferSlab(Bytes, 1);
        Assert.True(slab.TryRent(out BufferLease stale));
        Memory<byte> kept = stale.Memory;
        stale.Dispose();
        Assert.Throws<ObjectDisposedException>(() => stale.Memory);
        Assert.Throws<ObjectDisposedException>(() => kept.Span[0]);
        Assert.Throws<ObjectDisposedException>(() => kept.Pin());
        Assert.True(slab.TryRent(out BufferLease next));
        Assert.Throws<InvalidOperationException>(stale.Dispose);
        Assert.Throws<ObjectDisposedException>(() => stale.Memory);
        Assert.Equal(1, slab.OutstandingCount);
        next.Memory.Span[0] = 7;
        next.Dispose();
    }

    [Fact]
    public void ASlabWithALeaseOutstandingStaysAndNamesTheRenter()
    {
        var slab = new BufferSlab(Bytes, 2);
        Assert.True(slab.TryRent(out BufferLease lease));
        InvalidOperationException refusal = Assert.Throws<InvalidOperationException>(slab.Dispose);
        Assert.StartsWith("1 buffers are still rented", refusal.Message, StringComparison.Ordinal);
#if DEBUG
        Assert.Contains(nameof(ASlabWithALeaseOutstandingStaysAndNamesTheRenter), refusal.Message, StringComparison.Ordinal);
#endif
        lease.Memory.Span.Fill(1); // still mapped
        lease.Dispose();
        slab.Dispose();
        slab.Dispose();
        Assert.Throws<ObjectDisposedException>(() => slab.TryRent(out _));
    }

#if !DEBUG
    [Fact]
    public void RentingAndReturningAllocatesNothing()
    {
        using var slab = new BufferSlab(Bytes, 4);
        Assert.Equal(0, AllocatedBy(slab));
    }
#else
    [Fact]
    public void RentingAndReturningAllocatesNothingButTheRentersStack()
    {
        using var slab = new BufferSlab(Bytes, 4);
        Assert.True(slab.TryRent(out BufferLease lease));
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            lease.Memory.Span[i] = 1;
        }

        lease.Dispose();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.True(AllocatedBy(slab) > 0, "a debug build records the stack; if this is 0 the measurement is broken");
    }
#endif

    [Fact]
    public async Task ConcurrentRentersNeverShareABufferAndNeverExceedTheSlab()
    {
        using var slab = new BufferSlab(4096, 3);
        int held = 0;
        int shared = 0;
        int exceeded = 0;
        int rented = 0;
        await Task.WhenAll(Enumerable.Range(1, 4).Select(worker => Task.Run(() =>
        {
            for (int i = 0; i < 5000; i++)
            {
                if (!slab.TryRent(out BufferLease lease))
                {
                    continue;
                }

                Interlocked.Add(ref exceeded, Interlocked.Increment(ref held) > 3 ? 1 : 0);
                lease.Memory.Span.Fill((byte)worker);
                Interlocked.Add(ref shared, lease.Memory.Span.IndexOfAnyExcept((byte)worker) >= 0 ? 1 : 0);
                Interlocked.Increment(ref rented);
                Interlocked.Decrement(ref held);
                lease.Dispose();
            }
        })));
        Assert.Equal((0, 0), (shared, exceeded));
        Assert.True(rented > 0);
        Assert.Equal(0, slab.OutstandingCount);
    }

    [Fact]
    public async Task OfManyWhoDisposeOneLeaseOnlyOneSucceeds()
    {
        using var slab = new BufferSlab(4096, 2);
        for (int round = 0; round < 200; round++)
        {
            Assert.True(slab.TryRent(out BufferLease lease));
            bool[] succeeded = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Run(() =>
            {
                try
                {
                    lease.Dispose();
                    return true;
                }
                catch (InvalidOperationException)
                {
                    return false;
                }
            })));
            Assert.Single(succeeded, true);
        }

        Assert.Equal(0, slab.OutstandingCount);
    }

    [Fact]
    public void TheKernelReadsAndWritesABufferWhereverItIsSliced()
    {
        using var directory = new TempDirectory();
        using var slab = new BufferSlab(4096, 2);
        Assert.True(slab.TryRent(out BufferLease from));
        Assert.True(slab.TryRent(out BufferLease to));
        new Random(1).NextBytes(from.Memory.Span);
        int file = directory.Open("f", Libc.OpenMode.CreateNew);
        Assert.Equal(Errno.None, Libc.Write(file, new ReadOnlySequence<byte>(from.Memory[100..3000]), 0, out int written));
        Assert.Equal(2900, written);
        Assert.Equal(Errno.None, Libc.Read(file, to.Memory.Span[7..], 0, out int read));
        Assert.Equal(2900, read);
        Assert.Equal(from.Memory[100..3000], to.Memory.Slice(7, 2900));
        from.Dispose();
        to.Dispose();
    }

    private static nint AddressOf(Memory<byte> memory) =>
        Unsafe.ByteOffset(ref Unsafe.NullRef<byte>(), ref MemoryMarshal.GetReference(memory.Span));

    private static long AllocatedBy(BufferSlab slab)
    {
        for (int warm = 0; warm < 2; warm++)
        {
            slab.TryRent(out BufferLease first);
            first.Dispose();
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            slab.TryRent(out BufferLease lease);
            lease.Memory.Span[0] = 1;
            lease.Dispose();
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    /// <summary>The kernel's flags of the mapping that has the bytes (VmFlags, proc_pid_smaps(5)).</summary>
    private static string[] FlagsAt(ReadOnlySpan<byte> bytes)
    {
        long address = Unsafe.ByteOffset(ref Unsafe.NullRef<byte>(), ref MemoryMarshal.GetReference(bytes));
        bool isIn = false;
        foreach (string line in File.ReadLines("/proc/self/smaps"))
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            string[] ends = words[0].Split('-');
            if (ends.Length == 2)
            {
                isIn = Parse(ends[0]) <= address && address < Parse(ends[1]);
            }
            else if (isIn && words[0] == "VmFlags:")
            {
                return words[1..];
            }
        }

        throw new InvalidOperationException("no mapping has the bytes");

        static long Parse(string address) => long.Parse(address, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }
}

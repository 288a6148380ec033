using System.Runtime.InteropServices;
using Sluice.Native.Uring;

namespace Sluice.Native.Tests.Uring;

/// <summary>What a ring asks of the kernel, the sentences about what is missing, and the layout of what both sides read.</summary>
public sealed class RingSetupTests
{
    [Theory]
    [InlineData(Errno.ENOSYS, "not in this kernel")]
    [InlineData(Errno.EPERM, "io_uring_disabled")]
    [InlineData(Errno.EACCES, "EACCES")]
    [InlineData(Errno.EINVAL, "Linux 6.1")]
    [InlineData(Errno.ENOMEM, "RLIMIT_MEMLOCK")]
    [InlineData(Errno.EMFILE, "RLIMIT_NOFILE")]
    [InlineData(Errno.EIO, "EIO")]
    public void ARefusedSetupSaysWhy(Errno error, string what) => Assert.Contains(what, RingRefusal.OfSetup(error), StringComparison.Ordinal);

    [Fact]
    public void MissingFeaturesAreNamedAndNoOthers()
    {
        Assert.Null(RingRefusal.OfFeatures(uint.MaxValue));
        string sentence = RingRefusal.OfFeatures(uint.MaxValue & ~UringAbi.IORING_FEAT_NODROP & ~UringAbi.IORING_FEAT_EXT_ARG)!;
        Assert.Equal("io_uring lacks IORING_FEAT_NODROP, IORING_FEAT_EXT_ARG: it needs Linux 6.1 or newer", sentence);
    }

    [Fact]
    public void MissingOpcodesAreNamedAndNoOthers()
    {
        byte[] probe = new byte[RingRefusal.ProbeBytes];
        for (int opcode = 0; opcode < RingRefusal.ProbeOpcodes; opcode++)
        {
            probe[16 + (opcode * 8)] = (byte)opcode;
            probe[16 + (opcode * 8) + 2] = 1;
        }

        Assert.Null(RingRefusal.OfOpcodes(probe));
        probe[16 + ((int)RingOpcode.IORING_OP_RENAMEAT * 8) + 2] = 0;
        Assert.Equal("io_uring lacks IORING_OP_RENAMEAT: it needs Linux 6.1 or newer", RingRefusal.OfOpcodes(probe));
    }

    [Fact]
    public void ThisMachineHasARing()
    {
        bool isAvailable = RingSupport.IsAvailable(out string? problem);
        Assert.True(isAvailable, problem);
        Assert.Null(problem);
    }

    [Fact]
    public void ASizeTheKernelRefusesIsASentence()
    {
        var refused = Assert.Throws<RingUnavailableException>(() => new RingLoop(new RingLoopOptions { SubmissionEntries = 1 << 30 }));
        Assert.Contains("io_uring_setup", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheLayoutIsTheKernels() => UringAbi.CheckLayout();

    [Fact]
    public void AWrongLayoutIsRefused()
    {
        Assert.Contains("of it is not", Assert.Throws<InvalidOperationException>(() => UringAbi.RequireSize<Swapped>(24, "it")).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() =>
        {
            var swapped = default(Swapped);
            UringAbi.RequireOffset(ref swapped, ref swapped.UserTag, 0, "user_data");
        });
        var right = default(CompletionEntry);
        UringAbi.RequireOffset(ref right, ref right.UserTag, 0, "user_data");
    }

    /// <summary>A thread has 16 places for rings that are entered by index. A closed ring that kept its place would live on until its thread ends.</summary>
    [Fact]
    public void AClosedRingGivesItsPlaceBack()
    {
        for (int i = 0; i < 40; i++)
        {
            using var ring = new Ring(8, 16);
            Assert.True(ring.IsDescriptorRegistered, $"ring {i}");
        }
    }

    [Fact]
    public void AnEntryPastTheEndOfTheQueueIsHandedOverEarly()
    {
        using var ring = new Ring(8, 64);
        for (ulong tag = 0; tag < 30; tag++)
        {
            ring.Next().UserTag = tag; // opcode 0: nothing
        }

        Assert.InRange(ring.QueuedCount, 1u, 8u);
        ring.SubmitAndWait(TimeSpan.Zero);
        Assert.Equal(0u, ring.QueuedCount);
        for (ulong tag = 0; tag < 30; tag++)
        {
            Assert.True(ring.TryTake(out CompletionEntry completion));
            Assert.Equal(tag, completion.UserTag);
        }

        Assert.False(ring.TryTake(out _));
    }

    [Fact]
    public void CompletionsThatDoNotFitWaitInTheKernelInOrder()
    {
        using var ring = new Ring(8, 16);
        for (ulong tag = 0; tag < 100; tag++)
        {
            ring.Next().UserTag = tag;
        }

        ring.SubmitAndWait(TimeSpan.Zero);
        Assert.True(ring.Overflowed);
        ulong next = 0;
        while (next < 100)
        {
            while (ring.TryTake(out CompletionEntry completion))
            {
                Assert.Equal(next++, completion.UserTag);
            }

            ring.SubmitAndWait(TimeSpan.Zero);
        }

        Assert.False(ring.Overflowed);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Swapped
    {
        public int Result;
        public uint Flags;
        public ulong UserTag;
    }
}

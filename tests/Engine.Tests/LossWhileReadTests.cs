using Sluice.Contract;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;
using Sluice.Native.Memory;
using static Sluice.Engine.Tests.ErasureTests;

namespace Sluice.Engine.Tests;

/// <summary>Files that fail in the hands of a reader who has them open: he gets his bytes from elsewhere, and so does a connection that sends them.</summary>
public sealed class LossWhileReadTests
{
    private const string Copied = """{"ec":{"enabled":true,"data_slices":4,"parity_slices":2,"objsize_limit":4194304}}""";
    private const int LeftBytes = 4096;
    private const int TwoBlocks = Limits.BlockBytes + 5000;

    [Theory]
    [InlineData("read")]
    [InlineData("cold")]
    [InlineData("verified")]
    [InlineData("sent")]
    public async Task ASmallObjectOfACodedBucketIsReadFromAHeadThatIsNotOpen(string how)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6, Copied);
        byte[] content = Content(TwoBlocks);
        await fixture.PutAsync("o", content);
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        await fixture.Io.OnItsThreadAsync(async ValueTask<bool> () =>
        {
            using ObjectReader reader = await OpenAsync(fixture);
            Cut(HeadOf(fixture, reader));
            foreach (int from in (int[])[LeftBytes, Limits.BlockBytes - 1, Limits.BlockBytes, TwoBlocks - 2])
            {
                Assert.Equal(content[from..(from + 2)], await ReadAsync(reader, how, from, 2));
            }

            Assert.False(reader.Stored.IsVerified(0, TwoBlocks), "of the open file nothing is known");
            return true;
        });
        Assert.True((await fixture.Engine.StatusAsync()).Counters["repair.rescued_blocks"] >= 4);
    }

    [Theory]
    [InlineData("damaged")]
    [InlineData("of another generation")]
    public async Task WhenTheOthersAreAsBadItIsRefused(string others)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6, Copied);
        await fixture.PutAsync("o", Content(TwoBlocks));
        using (ObjectReader reader = await fixture.Io.OnItsThreadAsync(() => OpenAsync(fixture)))
        {
            string[] heads = Heads(fixture, "o");
            Array.ForEach(others == "damaged" ? heads : [HeadOf(fixture, reader)], Cut);
            if (others != "damaged")
            {
                await fixture.PutAsync("o", Content(TwoBlocks, seed: 2));
            }

            Result<int> read = await fixture.Io.OnItsThreadAsync(() => reader.ReadAsync(new byte[TwoBlocks], 0));
            Assert.Equal(ErrorCode.Damaged, read.Error?.Code);
            Assert.False(await fixture.Io.OnItsThreadAsync(() => reader.PieceAt(0, TwoBlocks).Faults!.RebuildAsync(new byte[TwoBlocks], 0)));
        }
    }

    [Fact]
    public async Task APartOfASliceIsRebuiltForWhoSendsItWhileHeHoldsTheObject()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6, Properties(4, 2));
        byte[] content = Content((9 * Unit) + 77);
        await fixture.PutAsync("o", content);
        IReadFaults faults;
        FileHandle head;
        long offset;
        using (ObjectReader reader = await fixture.Io.OnItsThreadAsync(() => OpenAsync(fixture)))
        {
            ObjectPiece piece = reader.PieceAt((5 * Unit) + 4096, Unit);
            Assert.Equal(((long)Unit + 4096, (long)Unit - 4096), (piece.Offset, piece.Count)); // in the second stripe, and up to the end of the unit
            (faults, head, offset) = (piece.Faults!, piece.Faults!.RebuiltWith!, piece.Offset);
            Assert.True(head.TryHold());
        }

        faults.EndsAt(offset);
        Assert.Null(faults.HoldAnother(out _));
        await IsRebuiltAsync(offset, (5 * Unit) + 4096, 1);
        await IsRebuiltAsync(offset + 1, (5 * Unit) + 4097, Unit - 4097);
        await fixture.PutAsync("o", "another"); // and the cache closes what it had open
        await IsRebuiltAsync(17, Unit + 17, 4096); // of the first stripe
        head.DangerousRelease();

        Task<bool> IsRebuiltAsync(long from, int start, int count) => fixture.Io.OnItsThreadAsync(async ValueTask<bool> () =>
        {
            var bytes = new byte[count];
            Assert.True(await faults.RebuildAsync(bytes, from));
            Assert.Equal(content[start..(start + count)], bytes);
            return true;
        });
    }

    /// <summary>A replica goes out as one file; where it ends, the slices go on, which nobody had opened until then, and any of them may end next.</summary>
    [Fact]
    public async Task AReplicaThatFailsWhileItIsSentIsRebuiltFromTheSlices()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6, ReplicaTests.WithReplica(Properties(4, 2)));
        byte[] content = Content((9 * Unit) + 77);
        await fixture.PutAsync("o", content);
        await fixture.Io.OnItsThreadAsync(async ValueTask<bool> () =>
        {
            using ObjectReader reader = await OpenAsync(fixture);
            ObjectPiece replica = reader.PieceAt(0, content.Length);
            Assert.Equal(content.Length, replica.Count);
            Assert.NotNull(replica.Faults!.RebuiltWith);
            replica.Faults.EndsAt(100);
            Assert.Null(replica.Faults.HoldAnother(out _)); // no file has the bytes at those places
            var bytes = new byte[(5 * Unit) + 1];
            Assert.True(await replica.Faults.RebuildAsync(bytes, 100));
            Assert.Equal(content[100..(100 + bytes.Length)], bytes);
            ObjectPiece slice = reader.PieceAt(Unit, Unit);
            Assert.Equal((0L, (long)Unit), (slice.Offset, slice.Count));
            Assert.Same(replica.Faults.RebuiltWith, slice.Faults!.RebuiltWith);
            return true;
        });
    }

    /// <summary>Who reads an object has data slices open; parity is opened when one of them fails, and by then the files may be gone.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhatAReaderWouldRebuildFromIsKeptForHimWhenItsFilesGo(bool overwritten)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6, Properties(4, 2));
        byte[] content = Content((9 * Unit) + 77);
        await KeepOpenAsync(fixture);
        await fixture.PutAsync("o", content);
        using ObjectReader reader = await fixture.Io.OnItsThreadAsync(() => OpenAsync(fixture));
        if (overwritten)
        {
            await fixture.PutAsync("o", "another");
        }
        else
        {
            Assert.True((await fixture.DeleteAsync("o")).Ok);
        }

        reader.PieceAt(0, Unit).Faults!.EndsAt(0);
        reader.PieceAt(Unit, Unit).Faults!.EndsAt(0);
        var bytes = new byte[content.Length];
        Result<int> read = await fixture.Io.OnItsThreadAsync(() => reader.ReadAsync(bytes, 0));
        Assert.True(read.Ok, read.Error?.Message);
        Assert.Equal(content, bytes);
    }

    /// <summary>There is no seventh mountpath, so nothing is repaired, and no head is on the one that leaves.</summary>
    [Fact]
    public async Task WhatHasASliceOnAMountpathThatLeavesIsNotKeptOpen()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6, Properties(4, 2));
        byte[] content = Content((9 * Unit) + 77);
        await KeepOpenAsync(fixture);
        await fixture.PutAsync("o", content);
        Assert.Equal(content, await fixture.GetAsync("o"));
        string leaving = fixture.Paths.First(path =>
            Of(path, Heads(fixture, "o")).Length == 0 && NumberOf(Of(path, Slices(fixture)).Single()) <= 4);
        Assert.Equal(1, (await fixture.Engine.StatusAsync()).Counters["cache.files"]);
        Assert.True((await fixture.Engine.Mountpaths.DisableAsync(leaving, force: true)).Ok);
        Assert.Equal(0, (await fixture.Engine.StatusAsync()).Counters["cache.files"]);
        Assert.Equal(content, await fixture.GetAsync("o"));
    }

    /// <summary>The cache of open files has room for objects with all their slices.</summary>
    private static async Task KeepOpenAsync(EngineFixture fixture)
    {
        await fixture.CloseAsync();
        await fixture.OpenAsync(new EngineOptions
        {
            Mountpaths = fixture.Paths, AllowSharedDisk = true, MemoryBytes = 64 << 20, OpenFilesMax = 4096, FlushInterval = TimeSpan.Zero, Health = new() { Interval = TimeSpan.Zero },
        });
    }

    private static async ValueTask<ObjectReader> OpenAsync(EngineFixture fixture)
    {
        Result<ObjectReader> opened = await fixture.Engine.OpenObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From("o"));
        Assert.True(opened.Ok, opened.Error?.Message);
        return opened.Value;
    }

    private static async ValueTask<byte[]> ReadAsync(ObjectReader reader, string how, int from, int count)
    {
        var bytes = new byte[count];
        if (how == "sent")
        {
            ObjectPiece piece = reader.PieceAt(from, count);
            piece.Faults!.EndsAt(LeftBytes);
            Assert.Null(piece.Faults.HoldAnother(out _));
            Assert.True(await piece.Faults.RebuildAsync(bytes, piece.Offset));
            return bytes;
        }

        if (how == "cold")
        {
            using var slab = new BufferSlab(8192, 1);
            Assert.True(slab.TryRent(out BufferLease lease));
            using BufferLease pages = lease;
            int page = from & -IFileIo.DirectAlignmentBytes;
            Result cold = await reader.ReadColdAsync(pages.Memory, page, Math.Min(pages.Memory.Length, TwoBlocks - page));
            Assert.True(cold.Ok, cold.Error?.Message);
            return pages.Memory.Slice(from - page, count).ToArray();
        }

        if (how == "verified")
        {
            Result verified = await reader.VerifyAsync(from, count);
            Assert.True(verified.Ok, verified.Error?.Message);
        }

        Result<int> read = await reader.ReadAsync(bytes, from);
        Assert.True(read.Ok, read.Error?.Message);
        Assert.Equal(count, read.Value);
        return bytes;
    }

    private static string HeadOf(EngineFixture fixture, ObjectReader reader) => Of(reader.Stored.Disk.Path, Heads(fixture, "o")).Single();

    private static string[] Of(string mountpath, string[] files) => [.. files.Where(file => file.StartsWith(mountpath + "/", StringComparison.Ordinal))];

    private static void Cut(string file)
    {
        using FileStream stream = File.OpenWrite(file); // in place: who has it open sees it
        stream.SetLength(LeftBytes);
    }
}

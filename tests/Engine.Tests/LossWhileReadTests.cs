using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;
using static Sluice.Engine.Tests.ErasureTests;

namespace Sluice.Engine.Tests;

/// <summary>Files that fail in the hands of a reader who has them open: he gets his bytes from elsewhere, and so does a connection that sends them.</summary>
public sealed class LossWhileReadTests
{
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

    private static async ValueTask<ObjectReader> OpenAsync(EngineFixture fixture)
    {
        Result<ObjectReader> opened = await fixture.Engine.OpenObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From("o"));
        Assert.True(opened.Ok, opened.Error?.Message);
        return opened.Value;
    }
}

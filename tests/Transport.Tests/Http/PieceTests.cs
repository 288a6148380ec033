using Microsoft.AspNetCore.Http.Features;
using Sluice.Transport.Guard;
using Sluice.Transport.Http;

namespace Sluice.Transport.Tests.Http;

/// <summary>How much of an object an answer that is copied has in hand: less, the more are answered at once.</summary>
public sealed class PieceTests : IDisposable
{
    private readonly Admission _admission = new(insideMax: 4096, waitingMax: 0, TimeProvider.System);

    [Theory]
    [InlineData(1, 256)]
    [InlineData(32, 256)]
    [InlineData(33, 240)] // whole records
    [InlineData(64, 128)]
    [InlineData(128, 64)]
    [InlineData(4096, 64)]
    public void TogetherTheyHaveWhatACacheHolds(int answers, int pieceKiB)
    {
        RequestContext context = New(256 << 10);
        for (int i = 0; i < answers; i++)
        {
            Assert.True(_admission.TryEnter());
        }

        context.AdmittedBy = _admission;
        Assert.Equal(pieceKiB << 10, context.PieceBytesMax);
    }

    [Fact]
    public void ALittleMemoryIsTheLimit()
    {
        RequestContext context = New(16 << 10);
        Assert.Equal(16 << 10, context.PieceBytesMax); // and who was not admitted anywhere is alone
        Assert.True(_admission.TryEnter());
        context.AdmittedBy = _admission;
        Assert.Equal(16 << 10, context.PieceBytesMax);
    }

    public void Dispose() => _admission.Dispose();

    private static RequestContext New(int pieceBytesMax) => new(new FeatureCollection(), watch: null, pieceBytesMax);
}

using Sluice.Contract;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;
using static Sluice.Engine.Tests.ErasureTests;

namespace Sluice.Engine.Tests;

/// <summary>
/// A unit that is lost is read from D others at the same time. Each of the reads is held until all of them were asked for: whoever waits for one before the
/// next is asked waits for ever.
/// </summary>
public sealed class DegradedReadTests
{
    [Theory]
    [InlineData(4, 2, Unit)]
    [InlineData(4, 2, 12_345)] // the only stripe's units are smaller, and the last of them is not full
    [InlineData(8, 3, Unit)]
    public async Task TheSourcesOfALostUnitAreAskedAtTheSameTime(int data, int parity, int unit)
    {
        byte[] content = Content((data * unit) - 7);
        await using EngineFixture fixture = await WithoutTheFirstSliceAsync(data, parity, content);
        int bytes = (unit + 4095) & ~4095;
        fixture.Over = io => new GatheredReads(io, bytes, data);
        await fixture.OpenAsync();
        Assert.Equal(content[..unit], await ReadAsync(fixture, unit));
    }

    /// <summary>Of four sources, all of which are at work, one fails, and is replaced by another; or two, and there are too few. Nobody is left at work, and no memory.</summary>
    [Theory]
    [InlineData(true, "00003")]
    [InlineData(false, "00003", "00004")]
    public async Task ASourceThatFailsIsReplacedByAnother(bool isThere, params string[] failing)
    {
        byte[] content = Content(8 * Unit);
        await using EngineFixture fixture = await WithoutTheFirstSliceAsync(4, 2, content);
        fixture.Over = io => new GatheredReads(io, Unit, 4, failing);
        await fixture.OpenAsync();
        for (int round = 0; round < 3; round++)
        {
            Assert.Equal(isThere ? content[..Unit] : null, await ReadAsync(fixture, Unit));
        }

        await fixture.RepairedAsync();
        Assert.Equal(isThere ? Unit : 0, (await fixture.Engine.StatusAsync()).Counters["ec.memory.rebuilt"]);
    }

    /// <summary>A source whose unit is damaged is read to its end beside the others, and replaced as well.</summary>
    [Fact]
    public async Task ASourceThatIsDamagedIsReplacedByAnother()
    {
        byte[] content = Content(8 * Unit);
        await using EngineFixture fixture = await WithoutTheFirstSliceAsync(4, 2, content);
        await using (FileStream stream = File.OpenWrite(Slices(fixture).Single(file => NumberOf(file) == 4)))
        {
            stream.Position = 77;
            stream.WriteByte((byte)(content[(3 * Unit) + 77] ^ 1));
        }

        fixture.Over = io => new GatheredReads(io, Unit, 4);
        await fixture.OpenAsync();
        Assert.Equal(content[..Unit], await ReadAsync(fixture, Unit));
        Assert.Equal(content, await fixture.GetAsync("o"));
    }

    /// <summary>The same where a lost slice is written anew, and where a PUT had no memory for parity and computes it at the end.</summary>
    [Theory]
    [InlineData(4, 2)]
    [InlineData(8, 3)]
    public async Task TheSourcesOfASliceAreAskedAtTheSameTime(int data, int parity)
    {
        byte[] content = Content((data * Unit) - 7);
        await using EngineFixture fixture = await WithoutTheFirstSliceAsync(data, parity, content);
        fixture.Over = io => new GatheredReads(io, Unit, data);
        await fixture.OpenAsync();
        await ErasureLayoutTests.EncodeAsync(fixture);
        Assert.Equal(data + parity, Slices(fixture).Length);
        await fixture.CloseAsync();
        await fixture.OpenAsync(fixture.Options with { ErasureBytes = 4 << 20 });
        await fixture.PutAsync("late", content);
        Assert.Equal(1, (await fixture.Engine.StatusAsync()).Counters["ec.late_parity"]);
        await fixture.CloseAsync();
        Slices(fixture).Where(file => NumberOf(file) == 2).ToList().ForEach(File.Delete);
        fixture.Over = static io => io;
        await fixture.OpenAsync();
        Assert.Equal(content, await fixture.GetAsync("o"));
        Assert.Equal(content, await fixture.GetAsync("late"));
    }

    /// <summary>An object whose first slice is gone; the engine is closed.</summary>
    private static async Task<EngineFixture> WithoutTheFirstSliceAsync(int data, int parity, byte[] content)
    {
        EngineFixture fixture = await EngineFixture.NewAsync(data + parity, Properties(data, parity));
        await fixture.PutAsync("o", content);
        await fixture.CloseAsync();
        File.Delete(Slices(fixture).Single(file => NumberOf(file) == 1));
        return fixture;
    }

    /// <summary>The first so many bytes; null when they are refused as damaged.</summary>
    private static async Task<byte[]?> ReadAsync(EngineFixture fixture, int count)
    {
        Result<ObjectReader> opened = await fixture.Io.OnItsThreadAsync(() => fixture.Engine.OpenObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From("o")));
        Assert.True(opened.Ok, opened.Error?.Message);
        using ObjectReader reader = opened.Value;
        var bytes = new byte[count];
        Result<int> read = await fixture.Io.OnItsThreadAsync(() => reader.ReadAsync(bytes, 0));
        Assert.True(read.Ok || read.Error!.Code == ErrorCode.Damaged, read.Error?.Message);
        return read.Ok ? bytes : null;
    }
}

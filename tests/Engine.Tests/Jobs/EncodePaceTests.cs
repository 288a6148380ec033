using System.Collections.Concurrent;
using Sluice.Engine.Tests.Support;
using static Sluice.Engine.Tests.ErasureTests;

namespace Sluice.Engine.Tests.Jobs;

/// <summary>
/// The job <c>ec-encode</c> beside clients waits for what it reads or writes, and not for objects that are as they should be. The clock stands still, so that the
/// budget adds up, and the longest wait tells what was taken of it before.
/// </summary>
public sealed class EncodePaceTests
{
    private const int Objects = 8, Stripes = 16, SliceBytes = Stripes * Unit, Rate = 1 << 20;

    [Fact]
    public async Task OnlyWhatIsMovedIsWaitedFor()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6, Properties(4, 2));
        for (int i = 0; i < Objects; i++)
        {
            await fixture.PutAsync($"o{i}", Content(4 * SliceBytes, seed: i));
        }

        long looks = await EncodedAsync(fixture);
        Assert.InRange(looks, 1, Objects * Unit); // what opening an object counts
        await fixture.CloseAsync();
        Slices(fixture).Where(file => NumberOf(file) == 3).ToList().ForEach(File.Delete);
        long rebuilt = await EncodedAsync(fixture);
        Assert.InRange(rebuilt, ((Objects - 1) * 5L * SliceBytes) - Unit, Objects * ((5L * SliceBytes) + Unit)); // four slices are read for one that is written
        Assert.InRange(await EncodedAsync(fixture), 1, Objects * Unit);
        await ErasureLayoutTests.SetAsync(fixture, """{"ec":{"parity_slices":1}}""");
        Assert.InRange(await EncodedAsync(fixture), ((Objects - 1) * 4L * SliceBytes) - Unit, Objects * ((4L * SliceBytes) + Unit));
    }

    /// <summary>Runs the job beside a client, and answers how many bytes it had taken of the budget when it took the last.</summary>
    private static async Task<long> EncodedAsync(EngineFixture fixture)
    {
        var time = new WaitsAtOnce();
        if (fixture.IsOpen)
        {
            await fixture.CloseAsync();
        }

        fixture.Time = time;
        await fixture.OpenAsync(fixture.Options with { JobBytesPerSecond = Rate / 6 }); // of each mountpath
        Assert.False((await fixture.DeleteAsync("nothing")).Ok); // a client is there
        await ErasureLayoutTests.EncodeAsync(fixture);
        return (long)(time.Waits.Max().TotalSeconds * (Rate / 6 * 6));
    }

    /// <summary>A clock that stands still, whose waits are noted and end at once.</summary>
    private sealed class WaitsAtOnce : TimeProvider
    {
        public ConcurrentBag<TimeSpan> Waits { get; } = [];

        public override long GetTimestamp() => TimestampFrequency;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Waits.Add(dueTime);
            return new Timer(callback, state, dueTime < TimeSpan.Zero ? dueTime : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }
}

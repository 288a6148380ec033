using Sluice.Engine.Tests.Support;
using static Sluice.Engine.Tests.ErasureTests;

namespace Sluice.Engine.Tests;

/// <summary>What a repair cannot write to one drive, which takes an empty file and no byte of it, it writes to another.</summary>
public sealed class FullDriveRepairTests
{
    private const int Bytes = (9 * Unit) + 77;

    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(false)] // of two that could take the slice it is the one that is asked first in one of the two runs
    [InlineData(true)]
    public async Task ASliceThatADriveHasNoRoomForGoesToAnother(bool last)
    {
        (EngineFixture fixture, FullDrives drives) = await FilledAsync();
        await using EngineFixture disposed = fixture;
        string[] free = [.. fixture.Paths.Where(path => !Slices(fixture).Any(file => IsOn(file, path)))];
        Assert.Equal(2, free.Length);
        drives.Full = free[last ? 1 : 0];
        string leaving = fixture.Paths.First(path => !free.Contains(path) && !Heads(fixture, "o").Any(file => IsOn(file, path)));
        await LeavesAsync(fixture, leaving);
        Assert.Contains(Slices(fixture), file => IsOn(file, free[last ? 0 : 1]));
        Assert.DoesNotContain(Slices(fixture), file => IsOn(file, drives.Full));
        await IsWholeAsync(fixture, leaving);
    }

    [Fact]
    public async Task AHeadThatADriveHasNoRoomForGoesToAnother()
    {
        (EngineFixture fixture, FullDrives drives) = await FilledAsync();
        await using EngineFixture disposed = fixture;
        string leaving = fixture.Paths.First(path => Slices(fixture).Any(file => IsOn(file, path)) && !Heads(fixture, "o").Any(file => IsOn(file, path)));
        drives.Full = fixture.Paths.First(path => Heads(fixture, "o").Any(file => IsOn(file, path)));
        await LeavesAsync(fixture, leaving); // a slice goes elsewhere, and so all heads are written anew
        Assert.True(drives.Refused > 0, "something was to be written there");
        Assert.DoesNotContain(Heads(fixture, "o"), file => IsOn(file, drives.Full));
        await IsWholeAsync(fixture, leaving);
    }

    private static async Task<(EngineFixture Fixture, FullDrives Drives)> FilledAsync()
    {
        FullDrives? drives = null;
        EngineFixture fixture = await EngineFixture.NewAsync(8, Properties(4, 2));
        await fixture.CloseAsync();
        fixture.Over = io => drives = new FullDrives(io);
        await fixture.OpenAsync();
        await fixture.PutAsync("o", Content(Bytes));
        return (fixture, drives!);
    }

    private static async Task LeavesAsync(EngineFixture fixture, string path)
    {
        Assert.True((await fixture.Engine.Mountpaths.DisableAsync(path, force: true)).Ok);
        await Task.WhenAll(fixture.Engine.Jobs.All.Select(job => job.Ended)).WaitAsync(s_deadline);
        await fixture.RepairedAsync();
        Assert.False(fixture.Engine.Mountpaths.Map.MisplacedPossible, fixture.Engine.Jobs.All[^1].Detail);
    }

    private static async Task IsWholeAsync(EngineFixture fixture, string away)
    {
        Assert.Equal(3, Heads(fixture, "o").Count(file => !IsOn(file, away)));
        int[] numbers = [.. Slices(fixture).Where(file => !IsOn(file, away)).Select(NumberOf).Order()];
        Assert.Equal([1, 2, 3, 4, 5, 6], numbers);
        Assert.Equal(Content(Bytes), await fixture.GetAsync("o"));
    }

    private static bool IsOn(string file, string path) => file.StartsWith(path + "/", StringComparison.Ordinal);
}

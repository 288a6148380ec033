// What docs/DURABILITY.md promises, by the published binary over real file systems whose power is cut.
using System.Globalization;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.Endurance.Tests.Crash;

public sealed class PowerCutTests
{
    private const int TwinCutsMax = 20;

    /// <summary>make crash-matrix ROUNDS=… SEED=…; without them what CI has two minutes for, from a seed of its own.</summary>
    [Fact]
    public async Task NothingAcknowledgedIsLostNothingIsTornNothingLeaks()
    {
        var options = new CrashOptions { Rounds = Setting("CRASH_ROUNDS", 60), Seed = Setting("CRASH_SEED", Environment.TickCount & 0xFFFF), Progress = Say };
        Tally tally = await CrashRun.RunAsync(options);
        Say($"seed {options.Seed}: {tally}");
        Assert.True(tally.All.Count == 0, $"seed {options.Seed}: {tally}\n{tally.Report()}");
        Assert.True(tally.Acknowledged >= options.Rounds && tally.PowerCuts + tally.Kills == options.Rounds, tally.ToString());
    }

    /// <summary>One writer, because the fsyncs of others hide one that is missing.</summary>
    [Theory]
    [InlineData("directories", "over", "ext4")]
    [InlineData("directories", "over", "xfs")]
    [InlineData("directories", "del", "ext4")]
    [InlineData("directories", "del", "xfs")]
    [InlineData("files", "plain", "ext4")]
    [InlineData("files", "plain", "xfs")]
    public async Task ATwinThatLeavesSomethingOutIsCaught(string omits, string buckets, string kind)
    {
        Tally tally = await TwinAsync(omits, buckets, kind);
        Say($"{omits}, {buckets}, {kind}: {tally}\n{tally.Report()}");
        Assert.Contains(tally.All, one => one.Kind is Wrong.Loss or Wrong.Torn);
        Assert.DoesNotContain(tally.All, one => one.Kind is Wrong.Refused);
    }

    /// <summary>It is what the twin leaves out that is caught, and not that it is one.</summary>
    [Theory]
    [InlineData("over")]
    [InlineData("over-r,over")]
    public async Task ATwinThatLeavesNothingOutIsNot(string buckets)
    {
        Tally tally = await TwinAsync("nothing", buckets, "xfs");
        Assert.True(tally.All.Count == 0, tally.Report());
        Assert.Equal(TwinCutsMax, tally.PowerCuts);
    }

    /// <summary>The premise: a cut drops what was not synced, bytes and names, and keeps what was.</summary>
    [Theory]
    [InlineData("ext4")]
    [InlineData("xfs")]
    public async Task ACutDropsWhatWasNotSyncedAndNothingElse(string kind)
    {
        using CutDisks disks = await CutDisks.MakeAsync(kind);
        string home = Path.Combine(disks.Paths[0], "d");
        const string Write = """
            set -e
            mkdir "$1"; echo kept > "$1/kept"; sync "$1/kept" "$1"; sync "$1/.."
            echo new > "$1/bytes"; sync "$1/bytes"; mv "$1/bytes" "$1/renamed"; echo dropped >> "$1/kept"; echo dropped > "$1/dropped"
            """;
        (int code, _, string error) = await SluiceProcess.RunCommandAsync(["bash", "-c", Write, "write", home]);
        Assert.True(code == 0, error);
        await disks.CutAsync();
        Assert.Equal("kept\n", await File.ReadAllTextAsync(Path.Combine(home, "kept")));
        Assert.Equal("new\n", await File.ReadAllTextAsync(Path.Combine(home, "bytes"))); // its fsync made this name durable too; the rename came after it
        Assert.False(File.Exists(Path.Combine(home, "renamed")));
        Assert.True(!File.Exists(Path.Combine(home, "dropped")) || new FileInfo(Path.Combine(home, "dropped")).Length == 0);
    }

    private static async Task<Tally> TwinAsync(string omits, string buckets, string kind)
    {
        using Twin twin = await Twin.MakeAsync(omits);
        return await CrashRun.RunAsync(new CrashOptions
        {
            Rounds = TwinCutsMax,
            Seed = 1,
            Kinds = [kind],
            Twin = twin,
            Only = buckets.Split(','),
            StopsAtFirst = true,
            Progress = Say,
        });
    }

    private static int Setting(string variable, int otherwise) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    private static void Say(string line) => TestContext.Current.TestOutputHelper!.WriteLine(line);
}

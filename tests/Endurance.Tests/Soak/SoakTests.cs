using System.Globalization;
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;
using Sluice.Endurance.Tests.Crash;

namespace Sluice.Endurance.Tests.Soak;

/// <summary>A server that is used hard and long holds no more at the end than in the beginning.</summary>
public sealed class SoakTests
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>make soak HOURS=… or MINUTES=…; without them what CI has a minute and a half for.</summary>
    [Fact]
    public async Task AServerUnderLoadAndFaultsHoldsNoMoreAtTheEndThanAtFirst()
    {
        using CutDisks disks = await CutDisks.MakeAsync("ext4", "xfs", "ext4", "xfs");
        using SluiceProcess server = await SluiceProcess.StartAsync(disks.Paths, "--health-interval", "200ms", "--memory", "256MiB");
        using var store = new Store(server.Endpoint);
        TimeSpan duration = TimeSpan.FromMinutes(Setting("SOAK_HOURS", 60) ?? Setting("SOAK_MINUTES", 1) ?? 1.5);
        var run = new SoakRun(server, store, disks, Say);
        GaugeResult[] gauges;
        try
        {
            gauges = await run.RunAsync(duration);
        }
        catch (Exception problem) when (problem is not OutOfMemoryException)
        {
            throw new InvalidOperationException($"cycle {run.Cycles}: {problem.Message}\n{server.Log}", problem);
        }

        string table = $"{"",-12} {"first",10} {"middle",10} {"last",10}   third\n{string.Join('\n', gauges.Select(gauge => gauge.ToString()))}";
        string json = JsonSerializer.Serialize(new { minutes = duration.TotalMinutes, run.Cycles, run.Requests, run.Failed, wrong = run.Wrong, gauges }, s_json);
        Say($"{table}\n{json}");
        if (Environment.GetEnvironmentVariable("SOAK_JSON") is { Length: > 0 } file)
        {
            await File.WriteAllTextAsync(file, json);
        }

        Assert.True(run.Wrong.Count == 0, string.Join('\n', run.Wrong));
        Assert.True(gauges.All(gauge => gauge.IsFlat), table);
        Assert.True(run.Requests > 10 * run.Cycles && run.Failed < run.Requests / 2, $"{run.Requests} requests, {run.Failed} failed");
        Assert.Equal(0, await server.StopAsync());
    }

    private static double? Setting(string variable, int minutes) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? minutes * double.Parse(text, CultureInfo.InvariantCulture) : null;

    private static void Say(string line) => TestContext.Current.TestOutputHelper!.WriteLine(line);
}

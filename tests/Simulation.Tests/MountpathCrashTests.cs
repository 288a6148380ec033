using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Mountpaths;
using Sluice.Simulation.Tests.Disk;
using Sluice.Simulation.Tests.Faults;
using Sluice.Simulation.Tests.Matrix;

namespace Sluice.Simulation.Tests;

/// <summary>
/// A mountpath leaves with its objects, names are overwritten, deleted and made without it, and it comes back: the machine crashes after each step of
/// that, starts again, and the mountpath is brought back. Every name is then what was acknowledged last, and nothing old has come back.
/// </summary>
public sealed class MountpathCrashTests
{
    private const int Mountpaths = 3;

    private static readonly string[] s_names = [.. Enumerable.Range(0, 6).Select(i => $"d/{i}")]; // on three mountpaths, two each about

    [Theory]
    [InlineData(Durability.Strict, CrashKind.Kill, 0)]
    [InlineData(Durability.Strict, CrashKind.CutOrdered, 0)]
    [InlineData(Durability.Strict, CrashKind.CutOrdered, 5)]
    [InlineData(Durability.Strict, CrashKind.CutUnordered, 6)]
    [InlineData(Durability.Relaxed, CrashKind.Kill, 0)]
    [InlineData(Durability.Relaxed, CrashKind.CutOrdered, 0)]
    [InlineData(Durability.Relaxed, CrashKind.CutOrdered, 5)]
    public async Task NothingOldComesBackWhereverItCrashes(Durability durability, CrashKind kind, int seed)
    {
        List<string> violations = [];
        bool hasCrashed = true;
        for (int step = 1; hasCrashed; step++)
        {
            (hasCrashed, IReadOnlyList<string> found) = await RunAsync(durability, new Crash(kind, seed), step);
            violations.AddRange(found.Select(what => $"step {step}: {what}"));
        }

        Assert.Empty(violations);
    }

    private static async Task<(bool HasCrashed, IReadOnlyList<string> Violations)> RunAsync(Durability durability, Crash crash, int step)
    {
        var session = new Session(new SimulatedHost(Mountpaths), durability);
        SimulatedHost host = session.Host;
        host.Disk.SetMode(crash.Mode);
        Assert.Null(await host.OpenAsync());
        await session.CreateBucketAsync();
        foreach (string name in s_names)
        {
            await session.PutAsync(name, 3000);
        }

        await session.FlushAsync();
        string away = host.Disk.Mountpaths[1];
        host.Faults.Arm(crashAfter: step);
        try
        {
            await ActAsync(session, away);
        }
        catch (ProcessEndedException)
        {
            // The crash that was asked for.
        }

        bool hasCrashed = host.Faults.Ended;
        host.Crash(crash);
        if (await host.OpenAsync() is { } problem)
        {
            return (hasCrashed, [$"the engine does not open: {problem}"]);
        }

        if (host.Engine.Mountpaths.Rows().Single(row => row.Path == away).State != ServingState.Serving)
        {
            await DoneAsync(host.Engine.Mountpaths.EnableAsync(away));
        }

        List<string> violations = [.. host.Engine.Mountpaths.Rows().Where(row => row.State != ServingState.Serving || row.IsStale).Select(row => $"{row.Path} is {row.State}")];
        violations.AddRange(await new Survey(host, session.Oracle, crash.Kind) { VersionsRestart = true }.RunAsync());
        if (await host.CloseAsync() is { } left)
        {
            violations.Add(left);
        }

        return (hasCrashed, violations);
    }

    private static async Task ActAsync(Session session, string away)
    {
        await DoneAsync(session.Host.Engine.Mountpaths.DisableAsync(away, force: true));
        for (int i = 0; i < s_names.Length; i += 2)
        {
            await session.PutAsync(s_names[i], 2000);
            await session.DeleteAsync(s_names[i + 1]);
        }

        await session.PutAsync("d/new", 1000);
        await DoneAsync(session.Host.Engine.Mountpaths.EnableAsync(away));
        await session.PutAsync(s_names[1], 1500);
        await session.DeleteAsync(s_names[0]);
    }

    private static async Task DoneAsync(Task<Result> change)
    {
        Result done = await change.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.True(done.Ok, done.Error?.Message);
    }
}

using System.Globalization;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Simulation.Tests.Disk;

namespace Sluice.Simulation.Tests.Matrix;

/// <summary>One difference between what was promised and what was found; its text replays it.</summary>
public sealed record Violation(CrashPoint Point, string What)
{
    /// <summary>Begins the sentence of a run that ended with an exception: a defect of the engine or of the harness, not a finding of the checker.</summary>
    public const string Threw = "threw ";

    public override string ToString() => $"SLUICE_REPLAY={Point}  {What}";
}

/// <summary>Every step of a scenario with every seed of a kind of crash.</summary>
public static class CrashMatrix
{
    private const int SeedsDefault = 6; // Crash.FixedSeeds and two random ones: the suite stays below a minute

    /// <summary>Seeds for each step; SLUICE_SIM_SEEDS raises it for a longer run.</summary>
    public static int Seeds { get; } =
        int.TryParse(Environment.GetEnvironmentVariable("SLUICE_SIM_SEEDS"), CultureInfo.InvariantCulture, out int seeds) ? seeds : SeedsDefault;

    /// <summary>Crashes after each step; answers the violations and how many points were run.</summary>
    public static async Task<(List<Violation> Violations, int Points)> RunAsync(
        Scenario scenario, Durability durability, CrashKind kind, Func<IFileIo, IFileIo>? twin = null, bool inRecovery = false)
    {
        var violations = new List<Violation>();
        int points = 0;
        int steps = (await CrashRun.TraceAsync(scenario, durability, twin)).Count;
        for (int step = 1; step <= steps + 1; step++) // the last crash comes when everything is acknowledged
        {
            for (int seed = 0; seed < (kind == CrashKind.Kill ? 1 : Seeds); seed++)
            {
                int recoveryStep = inRecovery ? 1 + (((step * 13) + (seed * 7)) % 14) : 0;
                var point = new CrashPoint(scenario.Name, durability, new Crash(kind, seed), step, recoveryStep);
                violations.AddRange((await RunOneAsync(point, twin)).Select(what => new Violation(point, what)));
                points++;
            }
        }

        return (violations, points);
    }

    /// <summary>A defect that throws must not hide which point it was.</summary>
    private static async Task<IReadOnlyList<string>> RunOneAsync(CrashPoint point, Func<IFileIo, IFileIo>? twin)
    {
        try
        {
            return await CrashRun.RunAsync(point, twin);
        }
        catch (Exception exception)
        {
            return [Violation.Threw + exception];
        }
    }
}

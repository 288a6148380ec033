using System.Globalization;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Simulation.Tests.Disk;
using Sluice.Simulation.Tests.Faults;

namespace Sluice.Simulation.Tests.Matrix;

/// <summary>One point of the matrix; its text replays it (SLUICE_REPLAY).</summary>
public sealed record CrashPoint(string Scenario, Durability Durability, Crash Crash, int Step, int RecoveryStep)
{
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Scenario}/{Durability}/{Crash.Kind}/step{Step}/seed{Crash.Seed}/recovery{RecoveryStep}");

    public static CrashPoint Parse(string text)
    {
        string[] parts = text.Split('/');
        return new CrashPoint(
            parts[0],
            Enum.Parse<Durability>(parts[1]),
            new Crash(Enum.Parse<CrashKind>(parts[2]), Number(parts[4], "seed")),
            Number(parts[3], "step"),
            Number(parts[5], "recovery"));
    }

    private static int Number(string part, string word) => int.Parse(part[word.Length..], CultureInfo.InvariantCulture);
}

/// <summary>
/// One crash: the scenario's start, its verbs up to the step, the crash, perhaps a second one while recovery runs, the survey, and then
/// that the machine is as good as new: the same names can be written, read and deleted, and a clean stop leaves nothing behind.
/// </summary>
public static class CrashRun
{
    /// <summary>Steps that the scenario's verbs take.</summary>
    public static async Task<IReadOnlyList<DiskVerb>> TraceAsync(Scenario scenario, Durability durability, Func<IFileIo, IFileIo>? twin = null)
    {
        Session session = await StartAsync(scenario, durability, JournalMode.Ordered, twin);
        session.Host.Faults.Arm();
        await scenario.Act(session);
        List<DiskVerb> trace = [.. session.Host.Faults.Trace];
        await session.Host.CloseAsync();
        return trace;
    }

    /// <summary>Runs one point and answers what is wrong.</summary>
    public static async Task<IReadOnlyList<string>> RunAsync(CrashPoint point, Func<IFileIo, IFileIo>? twin = null)
    {
        Scenario scenario = Scenarios.Named(point.Scenario);
        Session session = await StartAsync(scenario, point.Durability, point.Crash.Mode, twin);
        SimulatedHost host = session.Host;
        host.Faults.Arm(crashAfter: point.Step);
        await UntilTheEndAsync(() => scenario.Act(session));
        host.Crash(point.Crash);
        if (point.RecoveryStep > 0)
        {
            host.Faults.Arm(crashAfter: point.RecoveryStep);
            await UntilTheEndAsync(async () => Assert.Null(await host.OpenAsync()));
            host.Crash(point.Crash with { Seed = point.Crash.Seed + 1 });
        }

        if (await host.OpenAsync() is { } problem)
        {
            return [$"the engine does not open: {problem}"];
        }

        if (await session.SettleNameAsync() is { } misnamed)
        {
            return [misnamed];
        }

        bool quarantine = point.Durability == Durability.Relaxed && point.Crash.Kind == CrashKind.CutUnordered;
        IReadOnlyList<string> violations =
            await new Survey(host, session.Oracle, point.Crash.Kind)
            {
                QuarantineAllowed = quarantine,
                IsCoded = scenario.IsCoded,
                KeepsReplica = scenario.KeepsReplica,
                LosesSlice = scenario.LosesSlice,
            }.RunAsync();
        return violations.Count > 0 ? violations : await GoOnAsync(session, quarantine);
    }

    private static async Task<Session> StartAsync(Scenario scenario, Durability durability, JournalMode mode, Func<IFileIo, IFileIo>? twin)
    {
        var session = new Session(new SimulatedHost(scenario.Mountpaths, twin), durability, scenario.IsCoded) { KeepsReplica = scenario.KeepsReplica };
        session.Host.Disk.SetMode(mode);
        Assert.Null(await session.Host.OpenAsync());
        await scenario.Before(session);
        if (twin is not null)
        {
            session.Host.Disk.SyncAll(); // a twin that keeps nothing durable would have nothing to lose
        }

        return session;
    }

    /// <summary>Runs verbs until they are done or the process ends in them.</summary>
    private static async Task UntilTheEndAsync(Func<Task> verbs)
    {
        try
        {
            await verbs().WaitAsync(TimeSpan.FromSeconds(30)); // a verb that never ends is a defect, not a crash
        }
        catch (ProcessEndedException)
        {
            // The crash that was asked for.
        }
    }

    private static async Task<IReadOnlyList<string>> GoOnAsync(Session crashed, bool quarantine)
    {
        SimulatedHost host = crashed.Host;
        bool hasBucket = host.Engine.HeadBucket(Engine.Caller.Anonymous, Session.Bucket).Ok;
        List<string> names = [.. crashed.Oracle.Bucket.All.OfType<BucketLife>().SelectMany(life => life.Objects.Keys).Distinct()];
        foreach (string name in names.Where(_ => hasBucket))
        {
            await host.Engine.DeleteObjectAsync(Engine.Caller.Anonymous, Session.Bucket, Engine.Objects.ObjectName.From(name));
        }

        // From here on an oracle that starts with an empty bucket.
        var session = new Session(host, Durability.Strict, crashed.IsCoded) { KeepsReplica = crashed.KeepsReplica };
        if (hasBucket)
        {
            session.Oracle.Bucket.Begin(new BucketLife { Strict = true });
            session.Oracle.Bucket.Acknowledge();
        }
        else
        {
            await session.CreateBucketAsync();
        }

        foreach (string name in names)
        {
            await session.PutAsync(name, 5000);
        }

        string? left = await host.CloseAsync();
        if (left is not null)
        {
            return [left];
        }

        if (await host.OpenAsync() is { } problem)
        {
            return [$"the engine does not open after a clean stop: {problem}"];
        }

        IReadOnlyList<string> violations = await new Survey(host, session.Oracle, CrashKind.Kill) { QuarantineAllowed = quarantine, IsCoded = crashed.IsCoded }.RunAsync();
        await host.CloseAsync();
        return [.. violations.Select(violation => "after a clean stop: " + violation)];
    }
}

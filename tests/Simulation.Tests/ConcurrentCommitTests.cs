using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Simulation.Tests.Disk;
using Sluice.Simulation.Tests.Faults;
using Sluice.Simulation.Tests.Matrix;

namespace Sluice.Simulation.Tests;

/// <summary>
/// Several clients at once in one directory, whose fsyncs they share: the verbs of the disk take effect and are answered in an order that a
/// seed draws, and the machine ends when any verb is about to be answered. What is promised is what one client is promised: every commit
/// and delete that was acknowledged is there, in a relaxed bucket after a kill or a flush. Schedule, step and crash in a failure's
/// text make the same run again.
/// </summary>
public sealed class ConcurrentCommitTests
{
    private const int Clients = 4;

    [Theory]
    [InlineData(1, Durability.Strict)]
    [InlineData(2, Durability.Strict)]
    [InlineData(3, Durability.Strict)]
    [InlineData(4, Durability.Strict)] // a rename in the middle of another's fsync: the twin below is caught here
    [InlineData(1, Durability.Relaxed)]
    [InlineData(2, Durability.Relaxed)]
    [InlineData(3, Durability.Relaxed)]
    [InlineData(4, Durability.Relaxed)]
    public async Task EveryAcknowledgedCommitIsThereWhereverTheMachineEnds(int schedule, Durability durability)
    {
        List<string> violations = await CrashEverywhereAsync(schedule, durability, CrashKind.CutUnordered, static io => io);
        violations.AddRange(await CrashEverywhereAsync(schedule, durability, CrashKind.Kill, static io => io));
        Assert.True(violations.Count == 0, Report(violations));
    }

    [Fact]
    public async Task ASharedFsyncThatAnswersWhoCameWhileItRanIsCaught()
    {
        bool isCaught = false;
        for (int schedule = 1; schedule <= 20 && !isCaught; schedule++) // not each has a rename in the middle of another's fsync
        {
            List<string> violations = await CrashEverywhereAsync(
                schedule, Durability.Strict, CrashKind.CutUnordered, io => new CoveredSync(io, whileItRan: true));
            isCaught = violations.Exists(static violation => violation.Contains("allowed: ", StringComparison.Ordinal)
                && !violation.Contains(Violation.Threw, StringComparison.Ordinal)); // an acknowledged state is gone
            TestContext.Current.TestOutputHelper!.WriteLine($"schedule {schedule}: {(isCaught ? "caught" : "not caught")}");
        }

        Assert.True(isCaught);
    }

    /// <summary>The twin's right-minded sibling: what is caught above is the one rule that the two differ in.</summary>
    [Fact]
    public async Task ASharedFsyncThatAnswersWhoCameBeforeItBeganIsNotCaught()
    {
        List<string> violations = await CrashEverywhereAsync(1, Durability.Strict, CrashKind.CutUnordered, io => new CoveredSync(io, whileItRan: false));
        Assert.True(violations.Count == 0, Report(violations));
    }

    [Fact]
    public async Task ASeedMakesTheSameRunAndOthersMakeOthersAndFsyncsAreShared()
    {
        (string trace, int pending) = await TraceAsync(1);
        Assert.Equal(trace, (await TraceAsync(1)).Trace);
        Assert.NotEqual(trace, (await TraceAsync(2)).Trace);
        Assert.True(pending >= Clients, $"at most {pending} verbs were under way at once");
        int unshared = await UnsharedSyncsAsync();
        int shared = trace.Split(' ').Count(verb => verb == nameof(DiskVerb.Sync));
        Assert.True(shared < unshared, $"{shared} fsyncs for what takes {unshared} one after the other");
    }

    private static string Report(List<string> violations) =>
        $"{violations.Count} violations, the first of them:\n" + string.Join('\n', violations.Take(12));

    /// <summary>A new object, an overwrite, a delete and a new object again, all in one directory, which is pruned when it is empty.</summary>
    private static async Task ClientAsync(Session session, int client)
    {
        string name = $"dir/{client}";
        await session.PutAsync(name, 700 + client);
        await session.PutAsync(name, 5000);
        await session.DeleteAsync(name);
        await session.PutAsync(name, 300);
    }

    private static async Task FlushTwiceAsync(Session session)
    {
        await session.FlushAsync();
        await session.FlushAsync();
    }

    private static Func<Task> Work(Session session, Durability durability) => () => Task.WhenAll(
        Enumerable.Range(0, Clients).Select(client => ClientAsync(session, client))
            .Concat(durability == Durability.Relaxed ? [FlushTwiceAsync(session)] : []));

    private static async Task<(Session Session, ScheduledFileIo Disk)> StartAsync(Durability durability, Func<IFileIo, IFileIo> twin)
    {
        ScheduledFileIo? disk = null;
        var session = new Session(new SimulatedHost(1, io => twin(disk = new ScheduledFileIo(io))), durability);
        session.Host.Disk.SetMode(JournalMode.Unordered);
        Assert.Null(await session.Host.OpenAsync());
        await session.CreateBucketAsync();
        session.Host.Faults.Arm();
        return (session, disk!);
    }

    private static async Task<(string Trace, int PendingMax)> TraceAsync(int schedule)
    {
        (Session session, ScheduledFileIo disk) = await StartAsync(Durability.Strict, static io => io);
        disk.Scheduler = new SeededScheduler(schedule);
        Assert.True(disk.Scheduler.Run(Work(session, Durability.Strict)));
        int pending = disk.Scheduler.PendingMax;
        disk.Scheduler = null;
        string trace = string.Join(' ', session.Host.Faults.Trace);
        Assert.Null(await session.Host.CloseAsync());
        return (trace, pending);
    }

    private static async Task<int> UnsharedSyncsAsync()
    {
        (Session session, _) = await StartAsync(Durability.Strict, static io => io);
        for (int client = 0; client < Clients; client++)
        {
            await ClientAsync(session, client);
        }

        int syncs = session.Host.Faults.CallsOf(DiskVerb.Sync);
        Assert.Null(await session.Host.CloseAsync());
        return syncs;
    }

    private static async Task<List<string>> CrashEverywhereAsync(int schedule, Durability durability, CrashKind kind, Func<IFileIo, IFileIo> twin)
    {
        var violations = new List<string>();
        for (int step = 1; ; step++)
        {
            // Nothing more than was synced survives, or some of it: by turns.
            var crash = new Crash(kind, kind == CrashKind.Kill || step % 2 == 0 ? 0 : Crash.FixedSeeds + step);
            string point = $"schedule {schedule}, {durability}, {crash}, step {step}: ";
            (Session session, ScheduledFileIo disk) = await StartAsync(durability, twin);
            disk.Scheduler = new SeededScheduler(schedule);
            bool ended = disk.Scheduler.Run(Work(session, durability), stopAt: step);
            disk.Scheduler = null;
            session.Host.Crash(crash);
            try
            {
                Assert.Null(await session.Host.OpenAsync());
                bool quarantine = durability == Durability.Relaxed && kind == CrashKind.CutUnordered;
                IReadOnlyList<string> found = await new Survey(session.Host, session.Oracle, kind) { QuarantineAllowed = quarantine }.RunAsync();
                violations.AddRange(found.Select(what => point + what));
                Assert.Null(await session.Host.CloseAsync());
            }
            catch (Exception exception)
            {
                violations.Add(point + Violation.Threw + exception);
            }

            if (ended)
            {
                // Four commits of each of four clients, every one of five verbs and more.
                Assert.True(step > 4 * Clients * 5, $"the clients are done after {step} verbs");
                return violations;
            }
        }
    }
}

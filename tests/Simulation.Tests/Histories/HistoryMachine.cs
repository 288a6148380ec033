using Sluice.Engine;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Mountpaths;
using Sluice.Simulation.Tests.Disk;
using Sluice.Simulation.Tests.Faults;
using Sluice.Simulation.Tests.Matrix;

namespace Sluice.Simulation.Tests.Histories;

/// <summary>A known-bad variant of the machine; none of it is what is tested otherwise.</summary>
public sealed record HistoryTwin
{
    /// <summary>A layer between engine and disks.</summary>
    public Func<IFileIo, IFileIo>? Disk { get; init; }

    /// <summary>Its engines have indexes of names: that is no twin.</summary>
    public Func<SimulatedNameStores>? NameStores { get; init; }

    /// <summary>Readers have a cache before them that a delete and a restart empty, and an overwrite does not.</summary>
    public bool KeepsOverwritten { get; init; }
}

/// <summary>What was promised did not hold. <paramref name="kind"/> is a word: a shorter history fails in the same way when its word is the same.</summary>
public sealed class HistoryViolationException(string kind, string what) : Exception(what)
{
    public string Kind { get; } = kind;
}

/// <summary>A machine whose processes run on the thread of the history, every verb of its disks in an order that a seed draws.</summary>
public sealed class HistoryMachine
{
    /// <summary>As many as 4+2 needs.</summary>
    public const int Mountpaths = 6;

    private readonly int _seed;
    private ScheduledFileIo? _disk;
    private SeededScheduler _scheduler = new(0);
    private ulong _order; // of earlier processes, as the next
    private int _strangers;

    public HistoryMachine(History history, HistoryTwin twin)
    {
        _seed = history.Seed;
        Host = new SimulatedHost(Mountpaths, io =>
        {
            _disk = new ScheduledFileIo(io);
            return twin.Disk?.Invoke(_disk) ?? _disk;
        });
        Host.NameStores = twin.NameStores?.Invoke();
        Host.Disk.SetMode(history.Mode);
        _disk!.Scheduler = _scheduler;
    }

    public SimulatedHost Host { get; }

    public ObjectEngine Engine => Host.Engine;

    /// <summary>Digest of all that was drawn: two runs with the same one have done the same in the same order.</summary>
    public ulong Order => unchecked((_order * 31) + _scheduler.Order);

    /// <summary>What did not happen on the thread of the history, and so is not drawn from its seed.</summary>
    public int StrangerCount => _strangers + _scheduler.StrangerCount;

    /// <summary>A mountpath is away with objects on it, or has come back and is not compared yet.</summary>
    public bool IsAway => Engine.Mountpaths.Rows().Any(row => row.IsStale || row.State == ServingState.Joining);

    /// <summary>A mountpath is not in service.</summary>
    public bool IsReduced => Engine.Mountpaths.Rows().Any(row => row.State != ServingState.Serving);

    /// <summary>What follows is decided by the history's seed and that number, whatever was decided before.</summary>
    public void Reseed(int number) => _scheduler.Reseed(unchecked((_seed * 1009) + number));

    /// <summary>Runs it to its end, or until so many verbs have been answered; false then.</summary>
    public bool Run(Func<Task> work, int? answers = null) =>
        _scheduler.Run(work, answers is { } count ? _scheduler.AnsweredCount + count : int.MaxValue);

    /// <summary>
    /// What goes on in the background comes to its end. Jobs are awaited: their workers hand on the turn at the next name by way of the pool, and while one does
    /// nothing is under way.
    /// </summary>
    public void Drain()
    {
        Job? running;
        do
        {
            _scheduler.Drain();
            running = Engine.Jobs.All.FirstOrDefault(static job => job is { IsRunning: true, IsIdle: false });
            if (running is not null)
            {
                Run(() => running.Ended);
            }
        }
        while (running is not null);
    }

    /// <summary>Starts the engine; false when the process ended before, after so many answers.</summary>
    public bool Open(int? answers = null)
    {
        string? problem = null;
        if (!Run(async () => problem = await Host.OpenAsync(), answers))
        {
            return false;
        }

        if (problem is not null)
        {
            throw new HistoryViolationException("closed", $"the engine does not open: {problem}");
        }

        return true;
    }

    /// <summary>Stops the engine in order.</summary>
    public void Close()
    {
        string? left = null;
        Run(async () => left = await Host.CloseAsync());
        NewProcess();
        if (left is not null)
        {
            throw new HistoryViolationException("held", left);
        }
    }

    /// <summary>The process ends where it is.</summary>
    public void End(Crash crash)
    {
        Host.Crash(crash);
        NewProcess();
    }

    private void NewProcess()
    {
        (_order, _strangers) = (Order, StrangerCount);
        _disk!.Scheduler = _scheduler = new SeededScheduler(_seed);
    }
}

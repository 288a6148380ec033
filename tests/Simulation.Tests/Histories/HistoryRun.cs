using Sluice.Engine.Jobs;
using Sluice.Simulation.Tests.Disk;
using Sluice.Simulation.Tests.Faults;
using Sluice.Simulation.Tests.Matrix;

namespace Sluice.Simulation.Tests.Histories;

/// <summary>How a history went.</summary>
/// <param name="Kind">A word for what did not hold; null when everything did.</param>
/// <param name="What">The same as a sentence.</param>
/// <param name="Step">The step in which it was found; one more than the last for what is looked at in the end.</param>
/// <param name="Operations">Operations that were begun.</param>
/// <param name="Faults">Faults that took place, short transfers and crashes included.</param>
public sealed record HistoryOutcome(string? Kind, string What, int Step, int Operations, int Faults)
{
    public bool Holds => Kind is null;

    /// <summary>Digest of the order in which everything was done.</summary>
    public ulong Order { get; init; }

    /// <summary>What was done at moments that no seed has drawn; nothing when replaying it is exact.</summary>
    public int StrangerCount { get; init; }
}

/// <summary>
/// Runs a history over the real engine: each step's operations together, then a look at every name that they wrote; after each start a look at everything; in the
/// end everything is repaired, and what lies on the disks is compared with what is left in the model.
/// </summary>
public sealed class HistoryRun
{
    private const int ReturnsMax = 4; // each may meet a job that the one before has begun

    private readonly History _history;
    private readonly HistoryWorld _world;
    private readonly HistoryClient _client;
    private readonly HistoryOperator _operator;
    private readonly HistoryLog? _log;
    private int _operations;
    private int _faults;

    private HistoryRun(History history, HistoryTwin twin, HistoryLog? log)
    {
        _history = history;
        _log = log;
        _world = new HistoryWorld(history, twin);
        _client = new HistoryClient(_world);
        _operator = new HistoryOperator(_world);
        if (log is not null)
        {
            Machine.Host.Log = log;
        }
    }

    private HistoryMachine Machine => _world.Machine;

    private FaultyFileIo Disk => Machine.Host.Faults;

    /// <summary>Runs it, on this thread; <paramref name="log"/> takes what the engines write.</summary>
    public static HistoryOutcome Of(History history, HistoryTwin? twin = null, HistoryLog? log = null)
    {
        var run = new HistoryRun(history, twin ?? new HistoryTwin(), log);
        (string? kind, string what) = (null, "");
        try
        {
            run.RunAll();
        }
        catch (HistoryViolationException violation)
        {
            (kind, what) = (violation.Kind, violation.Message);
        }
        catch (Exception defect)
        {
            (kind, what) = (Violation.Threw + defect.GetType().Name, defect.ToString());
        }

        return new HistoryOutcome(kind, what, run._world.Step, run._operations, run._faults) { Order = run.Machine.Order, StrangerCount = run.Machine.StrangerCount };
    }

    private void RunAll()
    {
        Machine.Reseed(0);
        Machine.Open();
        Machine.Run(async () =>
        {
            foreach (BucketModel bucket in _world.Buckets)
            {
                await _operator.CreateAsync(bucket);
            }
        });
        foreach (Step step in _history.Steps)
        {
            (_world.Step, _world.FailingVerb) = (step.Number, step.Fault?.Verb);
            _log?.Add(step.ToString());
            _operations += step.Operations.Count;
            Machine.Reseed(step.Number);
            if (step.Operations is [{ Kind: OperationKind.Restart }])
            {
                StopAndStart(step.Number);
            }
            else
            {
                Run(step);
            }
        }

        _world.Step++;
        Finish();
    }

    private void Run(Step step)
    {
        bool losesEntry = step.Fault is { Kind: FaultKind.LosesEntry };
        Dictionary<NameModel, ObjectStates> before = losesEntry ? Before(step) : [];
        if (losesEntry || step.Fault is { Verb: DiskVerb.SyncFileSystem } || step.Operations is [{ Kind: OperationKind.Scrub }])
        {
            // What is lost is to be the name that is put, what is dropped nothing that is under way, and a scrub is to meet nobody.
            Machine.Drain();
        }

        Disk.Arm(faults: step.Fault is { } fault ? [fault] : [], shortSeed: step.ShortSeed);
        Task[] begun = [];
        bool isDone = Machine.Run(() => Task.WhenAll(begun = [.. step.Operations.Select(DoAsync)]), step.Crash?.AfterAnswers);
        begun.FirstOrDefault(static one => one.IsFaulted)?.GetAwaiter().GetResult(); // found before the crash
        if (step.IsDrained && isDone)
        {
            Machine.Drain();
        }

        bool isStruck = _world.IsStruck;
        if (isStruck)
        {
            _world.Note(step.Fault!);
        }

        _faults += Disk.FaultCount + (step.ShortSeed is null ? 0 : 1);
        _world.Settle(isStruck, hasEnded: step.Crash is not null);
        foreach ((NameModel name, ObjectStates states) in before.Where(_ => isStruck))
        {
            name.Doubt([.. states.Visible, .. states.Medium]);
        }

        if (step.Crash is { } crash)
        {
            EndAndStart(crash);
            return;
        }

        Disk.Disarm();
        Machine.Run(async () =>
        {
            foreach (Operation operation in step.Operations.Where(operation => operation.Kind is OperationKind.Put or OperationKind.Upload or OperationKind.Delete or OperationKind.Patch))
            {
                if (_world.Buckets[operation.Bucket] is { Names: not null } bucket)
                {
                    await _client.CheckAsync(bucket, operation.Name);
                }
            }
        });
    }

    private Dictionary<NameModel, ObjectStates> Before(Step step) => step.Operations
        .Where(operation => operation.Kind == OperationKind.Put && _world.Buckets[operation.Bucket].Names is not null)
        .Select(operation => (Bucket: _world.Buckets[operation.Bucket], operation.Name))
        .Where(one => one.Bucket.Plan.Protection == Protection.Plain)
        .ToDictionary(one => one.Bucket.Of(one.Name), one => new ObjectStates([.. one.Bucket.Of(one.Name).Visible], [.. one.Bucket.Of(one.Name).Medium]));

    private Task DoAsync(Operation operation)
    {
        BucketModel bucket = _world.Buckets[operation.Bucket];
        return operation.Kind switch
        {
            OperationKind.Put => _client.PutAsync(operation),
            OperationKind.Upload => _client.UploadAsync(operation),
            OperationKind.Delete => _client.DeleteAsync(operation),
            OperationKind.Patch => _client.PatchAsync(operation),
            OperationKind.List => _client.ListAsync(bucket, operation.Number),
            OperationKind.CreateBucket => _operator.CreateAsync(bucket),
            OperationKind.DestroyBucket => _operator.DestroyAsync(bucket),
            OperationKind.ChangeDurability => _operator.ChangeDurabilityAsync(bucket),
            OperationKind.Flush => _operator.FlushAsync(),
            OperationKind.Disable => _operator.LeaveAsync(operation.Number, force: true),
            OperationKind.Drain => _operator.LeaveAsync(operation.Number, force: false),
            OperationKind.Enable => _operator.ReturnAsync(),
            OperationKind.Scrub => ScrubAsync(),
            OperationKind.Rechunk => _operator.RechunkAsync(bucket, operation.Number),
            _ => _client.ReadAsync(operation),
        };
    }

    /// <summary>What is stored whole again when nobody is away.</summary>
    private async Task ScrubAsync()
    {
        bool isWhole = !_world.Machine.IsReduced && !_world.Machine.IsAway;
        await _operator.ScrubAsync(repair: true);
        foreach (NameModel name in _world.Buckets.SelectMany(bucket => bucket.All).Where(_ => isWhole && !_world.IsStruck))
        {
            name.IsDegraded = false;
        }
    }

    private void StopAndStart(int seed)
    {
        if (_world.MayBeDropped)
        {
            EndAndStart(new PlannedCrash(new Crash(CrashKind.CutOrdered, seed), 0, null));
            return;
        }

        Machine.Close();
        _world.Flush(all: true);
        _world.End(hasPower: true);
        _client.End(hasPower: true);
        Machine.Reseed(seed);
        Machine.Open();
        Survey();
    }

    private void EndAndStart(PlannedCrash planned)
    {
        _faults++;
        Crash crash = planned.Crash;
        if (_world.MayBeDropped || crash.Kind != CrashKind.Kill)
        {
            // Who starts after a kill finds in the page cache what the failed flush has dropped; a power cut is what shows it.
            crash = crash with { Kind = _history.Mode == JournalMode.Ordered ? CrashKind.CutOrdered : CrashKind.CutUnordered };
        }

        End(crash);
        if (planned.RecoveryAnswers is { } answers && !Machine.Open(answers))
        {
            _faults++;
            End(crash with { Seed = crash.Seed + 1 });
        }
        else if (planned.RecoveryAnswers is not null)
        {
            End(crash with { Seed = crash.Seed + 1 }); // right after the start
        }

        Machine.Open();
        Survey();
        _world.Flush(); // a start after an unclean stop syncs what it has found
    }

    private void End(Crash crash)
    {
        Machine.End(crash);
        Machine.Reseed(_world.Step);
        _client.End(hasPower: crash.Kind == CrashKind.Kill);
        _world.End(hasPower: crash.Kind == CrashKind.Kill);
    }

    /// <summary>Every bucket, every name, every list, every upload in progress.</summary>
    private void Survey() => Machine.Run(async () =>
    {
        _operator.CompareBuckets();
        foreach (BucketModel bucket in _world.Buckets.Where(bucket => bucket.Names is not null))
        {
            foreach (string name in bucket.Names!.Keys.ToList())
            {
                await _client.CheckAsync(bucket, name);
            }

            await _client.ListAsync(bucket, 100);
        }

        await _client.CheckUploadsAsync();
    });

    private void Finish()
    {
        if (_world.MayBeDropped)
        {
            StopAndStart(_world.Step);
        }

        Machine.Drain();
        for (int i = 0; i < ReturnsMax && (Machine.IsReduced || Machine.IsAway); i++)
        {
            Machine.Run(_operator.ReturnAsync);
            Machine.Run(_operator.ResilverAsync);
            Machine.Drain();
        }

        HistoryWorld.Refuse(!Machine.IsReduced && !Machine.IsAway, "away", "a mountpath does not come back");
        Machine.Run(ScrubAsync);
        Machine.Drain();
        Survey();
        Machine.Run(_client.AbortUploadsAsync);
        Machine.Drain();
        StopAndStart(_world.Step);
        Machine.Drain();
        IReadOnlyList<JobFinding> left = [];
        Machine.Run(async () => left = await _operator.ScrubAsync(repair: false));
        HistoryWorld.Refuse(left.Count == 0, "redundancy", string.Join("; ", left));
        Machine.Close();
        new TreeSurvey(_world).Run();
    }

    private sealed record ObjectStates(IReadOnlyList<ObjectState?> Visible, IReadOnlyList<ObjectState?> Medium);
}

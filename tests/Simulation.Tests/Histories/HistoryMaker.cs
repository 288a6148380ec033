using Sluice.Native;
using Sluice.Simulation.Tests.Disk;
using Sluice.Simulation.Tests.Faults;

namespace Sluice.Simulation.Tests.Histories;

/// <summary>Makes a history from a seed, and from nothing else.</summary>
public sealed class HistoryMaker
{
    /// <summary>Fewest operations of a history.</summary>
    public const int OperationsMin = 200;

    /// <summary>Objects from here on are sliced in a bucket of 4+2; a short object is copied there.</summary>
    public const int SlicedFrom = 8_000;

    /// <summary>Larger objects are split in the other buckets, into chunks of so many bytes.</summary>
    public const int SplitAbove = 8_500, SplitInto = 8_192;

    private const int TogetherMax = 4; // operations of one step

    // Names that stand in each other's way: as a directory, as its leaf, in one directory.
    private static readonly string[] s_names = ["a", "a/b", "a/b/c", "b", "b/", "dir/1", "dir/2", "dir/3", "x", "y", "z", "dir/sub/1"];
    private static readonly int[] s_sizes = [1, 700, 4096, 5000, SlicedFrom - 1, SlicedFrom, 9_000, 20_000, 300 << 10];
    private static readonly DiskVerb[] s_failing =
    [
        DiskVerb.Open, DiskVerb.Create, DiskVerb.Stat, DiskVerb.Read, DiskVerb.Write, DiskVerb.GetXattr, DiskVerb.SetXattr, DiskVerb.Sync, DiskVerb.Sync,
        DiskVerb.MakeDirectory, DiskVerb.Rename, DiskVerb.Link, DiskVerb.Unlink, DiskVerb.List,
    ];

    private readonly int _seed;
    private readonly Random _random;
    private readonly JournalMode _mode;
    private readonly BucketPlan[] _buckets;
    private int _operations;
    private bool _isAway;

    private HistoryMaker(int seed)
    {
        _seed = seed;
        _random = new Random(unchecked((seed * 7919) + 31));
        _mode = _random.Next(3) == 0 ? JournalMode.Unordered : JournalMode.Ordered;
        _buckets =
        [
            new("strict", Protection.Plain, IsStrict: true),
            new("relaxed", Protection.Plain, IsStrict: false),
            new("copies", Protection.TwoCopies, IsStrict: _random.Next(2) == 0),
            new("coded", Protection.FourAndTwo, IsStrict: _random.Next(2) == 0),
        ];
    }

    public static History Make(int seed) => new HistoryMaker(seed).Make();

    private History Make()
    {
        var steps = new List<Step>();
        int crashAt = _random.Next(20, OperationsMin - 20); // a machine that never ends shows little
        while (_operations < OperationsMin)
        {
            Step step = NextStep(steps.Count + 1);
            bool mustCrash = crashAt < _operations;
            if (mustCrash && step.Crash is null && MayCrash(step))
            {
                step = step with { Crash = NextCrash() };
            }

            crashAt = mustCrash && step.Crash is not null ? int.MaxValue : crashAt;
            steps.Add(WithUploads(step));
        }

        return new History(_seed, _mode, _buckets, steps);
    }

    /// <summary>
    /// Some of what is put comes in parts, and some heads are jobs that lay out the objects of a bucket anew, which does not change what is drawn. Not where an entry of a directory is lost: a plain object that has lost a chunk is damaged for good.
    /// </summary>
    private Step WithUploads(Step step) => step.Fault is { Kind: FaultKind.LosesEntry } ? step : step with
    {
        Operations = [.. step.Operations.Select(operation => operation.Kind == OperationKind.Put && IsUpload(operation.Id) ? operation with { Kind = OperationKind.Upload }
            : operation.Kind == OperationKind.Head && IsUpload(operation.Id) ? operation with { Kind = OperationKind.Rechunk, Number = operation.Id % 3 } : operation)],
    };

    private bool IsUpload(int id) => ((unchecked(((uint)_seed * 2_654_435_761) + ((uint)id * 40_503)) >> 8) % 6) == 0;

    private Step NextStep(int number) => _random.Next(100) switch
    {
        < 3 => WithFlushFault(Alone(number, OperationKind.Flush)),
        < 5 => Alone(number, OperationKind.Restart),
        < 7 => Alone(number, OperationKind.Scrub),
        < 9 => WithFault(Alone(number, _random.Next(3) == 0 ? OperationKind.DestroyBucket : OperationKind.CreateBucket)),
        < 10 => WithFault(Alone(number, OperationKind.ChangeDurability)),
        < 14 => WithMountpath(number),
        _ => WithFault(OfObjects(number, [])),
    };

    private Step Alone(int number, OperationKind kind) => new(number, [new Operation(++_operations, kind) { Bucket = _random.Next(_buckets.Length) }])
    {
        IsDrained = _random.Next(2) == 0,
    };

    /// <summary>One mountpath is away at most.</summary>
    private Step WithMountpath(int number)
    {
        OperationKind kind = _isAway ? OperationKind.Enable : _random.Next(3) == 0 ? OperationKind.Drain : OperationKind.Disable;
        _isAway = !_isAway;
        return WithFault(OfObjects(number, [new Operation(++_operations, kind) { Number = _random.Next(HistoryMachine.Mountpaths) }]));
    }

    private Step OfObjects(int number, List<Operation> operations)
    {
        int together = _random.Next(2) == 0 ? 1 : _random.Next(1, TogetherMax + 1);
        int bucket = _random.Next(_buckets.Length);
        while (operations.Count < together)
        {
            bucket = _random.Next(3) == 0 ? _random.Next(_buckets.Length) : bucket;
            operations.Add(NextOfObjects(bucket));
        }

        if (operations is [{ Kind: OperationKind.Head, Bucket: < 2 } alone])
        {
            operations[0] = alone with { Kind = OperationKind.Patch, HasManyPairs = _random.Next(3) == 0 }; // plain, and nobody else is at the name
        }

        return new Step(number, operations) { IsDrained = _random.Next(2) == 0 };
    }

    private Operation NextOfObjects(int bucket)
    {
        int kind = _random.Next(100);
        var operation = new Operation(++_operations, kind switch
        {
            < 45 => OperationKind.Put,
            < 60 => OperationKind.Delete,
            < 75 => OperationKind.Get,
            < 82 => OperationKind.GetRange,
            < 90 => OperationKind.Head,
            _ => OperationKind.List,
        })
        {
            Bucket = bucket,
            Name = s_names[_random.Next(s_names.Length)],
        };
        return operation.Kind switch
        {
            OperationKind.Put => operation with { Number = s_sizes[_random.Next(_random.Next(8) == 0 ? s_sizes.Length : s_sizes.Length - 1)], HasManyPairs = _random.Next(8) == 0 },
            OperationKind.GetRange => operation with { Number = _random.Next(9_000) },
            OperationKind.List => operation with { Number = _random.Next(1, 8) },
            _ => operation,
        };
    }

    private bool MayCrash(Step step) => !step.Operations.Any(operation => operation.Kind is OperationKind.Scrub or OperationKind.Restart);

    private Step WithFault(Step step) => _random.Next(100) switch
    {
        < 8 => step with { Fault = NextFault() },
        < 9 when step.Operations is [{ Kind: OperationKind.Put, HasManyPairs: false, Bucket: < 3, Number: <= SplitAbove }] =>
            step with { Fault = new PlannedFault(DiskVerb.Rename, 1, Errno.None, FaultKind.LosesEntry), IsDrained = true },
        < 12 => step with { ShortSeed = _random.Next(1 << 20) },
        < 17 => step with { Crash = NextCrash() },
        _ => step,
    };

    private Step WithFlushFault(Step step) => _random.Next(5) > 0 ? WithFault(step) : step with
    {
        Fault = new PlannedFault(DiskVerb.SyncFileSystem, _random.Next(1, 3), Errno.EIO, _random.Next(3) > 0 ? FaultKind.DropsPages : FaultKind.Fails),
    };

    private PlannedFault NextFault()
    {
        DiskVerb verb = s_failing[_random.Next(s_failing.Length)];
        bool takesRoom = verb is DiskVerb.Create or DiskVerb.Write or DiskVerb.MakeDirectory or DiskVerb.Rename or DiskVerb.SetXattr;
        FaultKind kind = verb switch
        {
            DiskVerb.Write when _random.Next(2) == 0 => FaultKind.Tears,
            DiskVerb.Sync when _random.Next(3) > 0 => FaultKind.DropsPages,
            _ => FaultKind.Fails,
        };
        return new PlannedFault(verb, _random.Next(1, _random.Next(3) == 0 ? 16 : 5), takesRoom && _random.Next(2) == 0 ? Errno.ENOSPC : Errno.EIO, kind);
    }

    private PlannedCrash NextCrash()
    {
        CrashKind cut = _mode == JournalMode.Ordered ? CrashKind.CutOrdered : CrashKind.CutUnordered;
        var crash = new Crash(_random.Next(3) == 0 ? CrashKind.Kill : cut, _random.Next(3) == 0 ? 0 : _random.Next(1000));
        return new PlannedCrash(crash, _random.Next(1, _random.Next(3) == 0 ? 200 : 40), _random.Next(5) == 0 ? _random.Next(1, 200) : null);
    }
}

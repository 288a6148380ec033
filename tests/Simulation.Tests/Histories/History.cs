using System.Globalization;
using Sluice.Simulation.Tests.Disk;
using Sluice.Simulation.Tests.Faults;

namespace Sluice.Simulation.Tests.Histories;

/// <summary>What is done in a history.</summary>
public enum OperationKind
{
    Put,

    /// <summary>The same in parts.</summary>
    Upload,
    Delete,
    Patch,
    Get,
    GetRange,
    Head,
    List,
    CreateBucket,
    DestroyBucket,
    ChangeDurability,
    Flush,
    Disable,
    Drain,
    Enable,
    Scrub,

    /// <summary>The job that splits the objects of the bucket, or puts them together: by its number all are to be whole, as the bucket says, or in small chunks. Nobody waits for it.</summary>
    Rechunk,
    Restart,
}

/// <summary>One operation. All that it needs is in it, so that it stays the same when others are left out.</summary>
/// <param name="Id">Its number in the whole history, from 1; what a PUT stores is made of it.</param>
/// <param name="Kind">What is done.</param>
public sealed record Operation(int Id, OperationKind Kind)
{
    /// <summary>Position of the bucket.</summary>
    public int Bucket { get; init; }

    /// <summary>The object's name.</summary>
    public string Name { get; init; } = "";

    /// <summary>Bytes of a PUT, first byte of a range, position of a mountpath, entries of a listing's page.</summary>
    public int Number { get; init; }

    /// <summary>A PUT or a patch has so much custom metadata that it needs a sidecar.</summary>
    public bool HasManyPairs { get; init; }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Kind}#{Id} b{Bucket} {Name} {Number}{(HasManyPairs ? " pairs" : "")}");
}

/// <summary>The machine ends in the middle of a step.</summary>
/// <param name="Crash">How.</param>
/// <param name="AfterAnswers">When so many verbs of the disk have been answered since the step began.</param>
/// <param name="RecoveryAnswers">The same once more, in the start after it; null when that comes to its end.</param>
public sealed record PlannedCrash(Crash Crash, int AfterAnswers, int? RecoveryAnswers);

/// <summary>Operations that are begun together, and what goes wrong meanwhile. The next step begins when they have been answered.</summary>
/// <param name="Number">Its number in the whole history; draws the order of the disk's verbs.</param>
/// <param name="Operations">At least one.</param>
public sealed record Step(int Number, IReadOnlyList<Operation> Operations)
{
    /// <summary>A fault of the disk; null for none.</summary>
    public PlannedFault? Fault { get; init; }

    /// <summary>Draws which transfers are cut short; null for none.</summary>
    public int? ShortSeed { get; init; }

    /// <summary>The end of the machine; null for none.</summary>
    public PlannedCrash? Crash { get; init; }

    /// <summary>What is going on in the background comes to its end before the next step.</summary>
    public bool IsDrained { get; init; }

    public override string ToString()
    {
        string fault = Fault is { } planned ? $", {planned.Kind} {planned.Error} at {planned.Verb} {planned.Nth}" : "";
        string crash = Crash is { } end ? $", {end.Crash} after {end.AfterAnswers} answers{(end.RecoveryAnswers is { } again ? $" and {again} of the start" : "")}" : "";
        return string.Create(CultureInfo.InvariantCulture, $"step {Number}: {string.Join(" | ", Operations)}{fault}{(ShortSeed is null ? "" : ", short transfers")}{(IsDrained ? ", drained" : "")}{crash}");
    }
}

/// <summary>How a bucket keeps its objects.</summary>
public enum Protection
{
    Plain,
    TwoCopies,
    FourAndTwo,
}

/// <summary>A bucket as a history begins with it.</summary>
public sealed record BucketPlan(string Name, Protection Protection, bool IsStrict);

/// <summary>Everything that is done to one machine.</summary>
/// <param name="Seed">What it was made from.</param>
/// <param name="Mode">How fsync behaves on its disks.</param>
/// <param name="Buckets">Its buckets.</param>
/// <param name="Steps">Its steps.</param>
public sealed record History(int Seed, JournalMode Mode, IReadOnlyList<BucketPlan> Buckets, IReadOnlyList<Step> Steps)
{
    /// <summary>Operations of all steps.</summary>
    public int OperationCount => Steps.Sum(step => step.Operations.Count);

    /// <summary>Faults, short transfers and crashes that are planned.</summary>
    public int FaultCount => Steps.Sum(step => (step.Fault is null ? 0 : 1) + (step.ShortSeed is null ? 0 : 1) + (step.Crash is null ? 0 : 1));

    public override string ToString() =>
        $"{Mode}, {string.Join(", ", Buckets.Select((bucket, index) => $"b{index} {bucket.Protection} {(bucket.IsStrict ? "strict" : "relaxed")}"))}\n"
        + string.Join('\n', Steps);
}

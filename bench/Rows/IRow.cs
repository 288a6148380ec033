using Sluice.Bench.Measure;
using Sluice.Bench.Run;

namespace Sluice.Bench.Rows;

/// <summary>One who takes part in a row, ready to be measured. Disposing stops what was started for it.</summary>
internal interface IContender : IAsyncDisposable
{
    string Name { get; }

    /// <summary>Brings caches, connections and code to where they are in a long run.</summary>
    Task WarmAsync(CancellationToken token);

    /// <summary>One turn.</summary>
    Task<Sample> MeasureAsync(CancellationToken token);
}

/// <summary>
/// A line of the results: one job, done by several contenders in turn. Used once: prepared, opened once a round, disposed. What every round needs
/// (files, disks) is the row's; what may differ from process to process is a contender's and new in each round.
/// </summary>
internal interface IRow : IAsyncDisposable
{
    /// <summary>Slashes part what a filter may ask for: get/4KiB/32/wrk.</summary>
    string Name { get; }

    /// <summary>Whether a run without FULL=1 has it.</summary>
    bool IsDefault { get; }

    /// <summary>The contender that is compared with the others; empty when they do different work.</summary>
    string Subject { get; }

    /// <summary>What a reader has to know beside the name; known once it was prepared.</summary>
    string Note { get; }

    /// <summary>How long it will take, roughly.</summary>
    TimeSpan Estimate(BenchSettings settings);

    Task PrepareAsync(BenchWorld world);

    /// <summary>Starts the contenders of a round, in the order in which they are measured.</summary>
    Task<IReadOnlyList<IContender>> OpenAsync(BenchWorld world);
}

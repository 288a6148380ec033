using System.Collections.Concurrent;
using Sluice.Engine.Io;
using Sluice.Simulation.Tests.Disk;
using Sluice.Simulation.Tests.Faults;
using Sluice.Simulation.Tests.Histories;

namespace Sluice.Simulation.Tests;

/// <summary>
/// The histories again, on machines whose engines keep indexes of names: lists are what the model says after every step, every crash and every start. Stores take changes over six at a time, so that
/// they are in the midst of that when something happens.
/// </summary>
public sealed class NameIndexHistoryTests
{
    private const int Seeds = 600;

    [Fact]
    public void EveryPromiseHoldsWithIndexesOfNames()
    {
        var stores = new ConcurrentBag<SimulatedNameStores>();
        var kept = new HistoryTwin { NameStores = () => Kept(stores) };
        int count = int.TryParse(Environment.GetEnvironmentVariable("SIMULATE_SEEDS"), out int number) ? number : Seeds;
        HistorySeeds seeds = HistorySeeds.Run(1, count, kept);
        var broken = seeds.Failed.Where(static failed => !IsOfLostEntry(failed.Seed, failed.Outcome)).ToList();
        Assert.True(broken.Count == 0, string.Join('\n', broken.Select(failed => $"seed {failed.Seed}: {failed.Outcome.Kind} in step {failed.Outcome.Step}: {failed.Outcome.What}")));
        Assert.Equal(0, seeds.Strangers);
        Assert.True(stores.Sum(static one => one.OpenedCount) > count, "indexes are trusted behind a start");
        Assert.True(stores.Sum(static one => one.CreatedCount) > count, "indexes are made");
        Assert.True(stores.Sum(static one => one.AppliedCount) > count, "changes are taken over");
    }

    [Fact]
    public void AMarkThatStaysIsCaught() => TwinHunt.First(20, new HistoryTwin { NameStores = static () => new(), Disk = static io => new KeptMarks(io) }, ["list"]);

    [Fact]
    public void AMarkThatIsNotDurablyGoneIsCaught() => TwinHunt.First(300, new HistoryTwin { NameStores = static () => new(), Disk = static io => new HastyMarks(io) }, ["list"]);

    [Fact]
    public void AStoreThatForgetsRemovalsIsCaught() => TwinHunt.First(20, new HistoryTwin { NameStores = static () => new() { ForgetsRemovals = true } }, ["list"]);

    [Fact]
    public void WhatIsFoundMustNotOverrideWhatChanged() => TwinHunt.First(600, new HistoryTwin { NameStores = static () => new() { OverridesChanges = true } }, ["list"]);

    /// <summary>A drive that says that it has renamed a file, and has lost it: an index goes on to list the name, which a scrub finds (docs/decisions/0019). Without indexes these histories hold.</summary>
    private static bool IsOfLostEntry(int seed, HistoryOutcome outcome)
    {
        History history = HistoryMaker.Make(seed);
        return outcome.Kind == "list" && history.ToString().Contains(nameof(FaultKind.LosesEntry), StringComparison.Ordinal) && HistoryRun.Of(history).Holds;
    }

    private static SimulatedNameStores Kept(ConcurrentBag<SimulatedNameStores> all)
    {
        var made = new SimulatedNameStores();
        all.Add(made);
        return made;
    }

    /// <summary>Marks are never taken away.</summary>
    private sealed class KeptMarks(IFileIo inner) : DelegatingFileIo(inner)
    {
        public override ValueTask<IoResult> UnlinkAsync(FileHandle directory, ReadOnlyMemory<byte> name, EntryKind kind) =>
            name.Span.EndsWith(".clean"u8) ? new(IoResult.Done) : base.UnlinkAsync(directory, name, kind);
    }

    /// <summary>A name is changed before the mark is gone from the medium.</summary>
    private sealed class HastyMarks(IFileIo inner) : DelegatingFileIo(inner)
    {
        private readonly HashSet<FileHandle> _indexes = [];

        public override ValueTask<IoResult> UnlinkAsync(FileHandle directory, ReadOnlyMemory<byte> name, EntryKind kind)
        {
            if (name.Span.EndsWith(".clean"u8))
            {
                _indexes.Add(directory);
            }

            return base.UnlinkAsync(directory, name, kind);
        }

        public override ValueTask<IoResult> SyncAsync(FileHandle file) => _indexes.Contains(file) ? new(IoResult.Done) : base.SyncAsync(file);
    }
}

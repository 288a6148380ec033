using Sluice.Native;
using Sluice.Simulation.Tests.Disk;
using Sluice.Simulation.Tests.Faults;
using Sluice.Simulation.Tests.Histories;

namespace Sluice.Simulation.Tests;

/// <summary>
/// Histories that once did not hold, made short (docs/TESTING.md): the maker that found them may change, these stay. Step numbers are the found ones, since
/// they draw the order of the disk's verbs.
/// </summary>
public sealed class ShortHistoryTests
{
    /// <summary>Its mountpath comes back, all is in its place, and a power cut undoes the removal where nobody looks by then but a listing.</summary>
    [Fact]
    public void AnObjectThatWasDeletedWhileItLayElsewhereIsNotListedAgain() => AssertHolds(
        seed: 1689, JournalMode.Unordered, Buckets(areCopiesStrict: false, isCodedStrict: true),
        Drained(29, [new Operation(51, OperationKind.Disable) { Number = 2 }]),
        new Step(35, [Put(62, bucket: 1, "a", 20_000)]),
        new Step(53, [new Operation(90, OperationKind.Delete) { Bucket = 1, Name = "a" }]),
        new Step(59, [new Operation(100, OperationKind.Enable)]),
        Drained(61, [new Operation(102, OperationKind.Delete) { Bucket = 3, Name = "y" }]),
        new Step(63, [Put(105, bucket: 0, "dir/2", 700)]) { Crash = Cut(JournalMode.Unordered, after: 105) });

    [Fact]
    public void WhatIsLeftOfABucketOnADrainedMountpathGoesAlsoWhenItsReturnIsCutOff() => AssertHolds(
        seed: 1952, JournalMode.Ordered, Buckets(areCopiesStrict: true, isCodedStrict: false),
        Drained(9, [Put(13, bucket: 2, "dir/2", 8_000)]),
        Drained(41, [new Operation(72, OperationKind.Drain) { Number = 4 }]),
        new Step(68, [new Operation(118, OperationKind.DestroyBucket) { Bucket = 2 }]),
        new Step(75, [new Operation(131, OperationKind.Enable) { Number = 5 }]),
        Drained(76, [new Operation(132, OperationKind.Delete) { Bucket = 0, Name = "b" }]) with { Crash = Cut(JournalMode.Ordered, after: 5) });

    /// <summary>The mountpath is emptied meanwhile: who copies makes no directory behind the destruction, which a power cut would bring back.</summary>
    [Fact]
    public void NothingIsLeftOfABucketThatIsDestroyedWhileItsObjectsAreCopied() => AssertHolds(
        seed: 0, JournalMode.Ordered, Buckets(areCopiesStrict: true, isCodedStrict: false),
        new Step(9, [Put(13, bucket: 2, "dir/2", 8_000)]),
        new Step(41, [new Operation(72, OperationKind.Drain) { Number = 4 }]),
        new Step(68, [new Operation(118, OperationKind.DestroyBucket) { Bucket = 2 }]),
        new Step(75, [new Operation(131, OperationKind.Enable) { Number = 5 }]),
        new Step(76, [new Operation(132, OperationKind.Delete) { Bucket = 0, Name = "b" }]) { Crash = Cut(JournalMode.Ordered, after: 5) });

    /// <summary>The resilver brings it from one mountpath to another while the bucket is listed.</summary>
    [Fact]
    public void AnObjectThatGoesToAnotherMountpathIsListed() => AssertHolds(
        seed: 2725, JournalMode.Ordered, Buckets(areCopiesStrict: false, isCodedStrict: false),
        new Step(1, [new Operation(1, OperationKind.Disable) { Number = 2 }, Put(3, bucket: 0, "y", 9_000)]),
        new Step(2, [new Operation(4, OperationKind.Get) { Name = "z" }]),
        new Step(5, [Put(8, bucket: 2, "z", 7_999), Put(9, bucket: 1, "b/", 20_000)]),
        new Step(6, [Put(11, bucket: 1, "dir/2", 7_999), new Operation(12, OperationKind.Get) { Bucket = 1, Name = "z" }]),
        new Step(18, [Put(28, bucket: 0, "b/", 8_000, hasManyPairs: true)]),
        new Step(32, [Put(55, bucket: 0, "a/b", 9_000), Put(58, bucket: 1, "b", 7_999)]),
        new Step(55, [Put(98, bucket: 1, "a/b", 4_096)]),
        new Step(71, [Put(125, bucket: 1, "dir/3", 4_096), Put(127, bucket: 0, "a/b/c", 5_000, hasManyPairs: true)]),
        new Step(75, [Put(131, bucket: 1, "x", 9_000)]),
        new Step(76, [Put(132, bucket: 3, "dir/sub/1", 5_000)]),
        new Step(85, [new Operation(147, OperationKind.Head) { Name = "dir/1" }]),
        new Step(89, [new Operation(155, OperationKind.Enable) { Number = 5 }]),
        new Step(90, [new Operation(162, OperationKind.List) { Bucket = 1, Name = "dir/3", Number = 5 }]) { Crash = Cut(JournalMode.Ordered, after: 29) },
        new Step(91, [new Operation(163, OperationKind.List) { Name = "b", Number = 4 }]) { Crash = Cut(JournalMode.Ordered, after: 33, seed: 397) });

    /// <summary>A copy that could not be brought to its place is left to the next start; by then it belongs elsewhere, and is there.</summary>
    [Fact]
    public void ACopyThatWasRepairedElsewhereIsNotBroughtToItsOldPlace() => AssertHolds(
        seed: 2732, JournalMode.Unordered, Buckets(areCopiesStrict: true, isCodedStrict: false),
        new Step(98, [new Operation(167, OperationKind.Drain) { Number = 2 }]),
        new Step(100, [Put(170, bucket: 2, "dir/3", 700)]) { Fault = new PlannedFault(DiskVerb.Rename, 2, Errno.EIO) });

    /// <summary>Its file is in quarantine, and a power cut must not bring it back to where an overwrite keeps what it replaces.</summary>
    [Fact]
    public void NothingIsRolledBackToAnObjectWhoseFsyncFailed() => AssertHolds(
        seed: 853, JournalMode.Unordered, Buckets(areCopiesStrict: true, isCodedStrict: true),
        Drained(5, [new Operation(6, OperationKind.Disable)]),
        Drained(6, [Put(7, bucket: 1, "b", 4_096), new Operation(9, OperationKind.Delete) { Bucket = 1, Name = "dir/3" }, Put(10, bucket: 1, "b/", 7_999)]),
        Drained(18, [Put(34, bucket: 1, "dir/1", 4_096, hasManyPairs: true)]),
        new Step(20, [new Operation(39, OperationKind.Delete) { Bucket = 1, Name = "dir/1" }, Put(40, bucket: 1, "x", 20_000)]),
        Drained(22, [Put(43, bucket: 0, "x", 20_000)]),
        Drained(25, [new Operation(47, OperationKind.DestroyBucket) { Bucket = 1 }]),
        new Step(27, [Put(51, bucket: 0, "a/b/c", 20_000, hasManyPairs: true)]),
        new Step(28, [new Operation(52, OperationKind.Enable)]),
        Drained(37, [new Operation(66, OperationKind.Get) { Bucket = 3, Name = "z" }]) with { Crash = Cut(JournalMode.Unordered, after: 57) },
        Drained(41, [new Operation(73, OperationKind.Flush) { Bucket = 3 }]),
        Drained(61, [Put(113, bucket: 0, "a/b", 4_096)]) with { Fault = new PlannedFault(DiskVerb.Sync, 1, Errno.EIO) },
        Drained(62, [new Operation(114, OperationKind.ChangeDurability)]),
        new Step(63, [Put(116, bucket: 0, "a/b/c", 20_000, hasManyPairs: true), Put(117, bucket: 0, "a/b/c", 5_000, hasManyPairs: true)]),
        Drained(64, [Put(119, bucket: 0, "x", 20_000)]),
        Drained(65, [Put(120, bucket: 0, "a/b", 8_000)]),
        Drained(66, [Put(121, bucket: 3, "dir/3", 700)]) with { Crash = Cut(JournalMode.Unordered, after: 71, seed: 214) });

    /// <summary>A head whose removal was not made durable may come back, and then its sidecar is to be there.</summary>
    [Fact]
    public void ADeleteThatIsRefusedForAnFsyncLeavesWhatTheHeadSpeaksOf() => AssertHolds(
        seed: 4, JournalMode.Unordered, Buckets(areCopiesStrict: true, isCodedStrict: true),
        new Step(1, [Put(1, bucket: 0, "a", 700, hasManyPairs: true)]),
        Drained(2, [new Operation(2, OperationKind.Delete) { Name = "a" }]) with { Fault = new PlannedFault(DiskVerb.Sync, 1, Errno.EIO, FaultKind.DropsPages) },
        new Step(3, [new Operation(3, OperationKind.List) { Bucket = 1, Number = 1 }]) { Crash = Cut(JournalMode.Unordered, after: 1, seed: 4) });

    /// <summary>All mountpaths are searched while one is emptied: the file that was found is closed when the next one cannot be asked.</summary>
    [Fact]
    public void AnOpenThatMeetsAFaultElsewhereLeavesNoFileOpen() => AssertHolds(
        seed: 1541, JournalMode.Ordered, Buckets(areCopiesStrict: false, isCodedStrict: true),
        new Step(8, [Put(16, bucket: 3, "a/b/c", 8_000)]),
        new Step(9, [Put(23, bucket: 1, "b", 9_000)]),
        new Step(13, [new Operation(30, OperationKind.Drain) { Number = 5 }]),
        Drained(18, [new Operation(43, OperationKind.Get) { Bucket = 1, Name = "b" }]) with { Fault = new PlannedFault(DiskVerb.Open, 4, Errno.EIO) });

    /// <summary>The note cannot be read when its upload is freed, and one of its chunks is away: the note stays until that is back.</summary>
    [Fact]
    public void AChunkThatIsAwayIsRemovedWhenItIsBackThoughItsNoteCouldNotBeRead() => AssertHolds(
        seed: 607, JournalMode.Unordered, Buckets(areCopiesStrict: true, isCodedStrict: false),
        new Step(3, [Put(3, bucket: 3, "b/", 7_999, hasManyPairs: true)]),
        Drained(4, [Put(4, bucket: 0, "dir/1", 7_999), Put(7, bucket: 3, "a/b", 9_000)]),
        Drained(5, [new Operation(8, OperationKind.Upload) { Bucket = 1, Name = "b", Number = 9_000 }]),
        Drained(96, [Put(134, bucket: 3, "z", 20_000, hasManyPairs: true)]),
        Drained(101, [new Operation(144, OperationKind.Disable) { Number = 1 }]),
        new Step(119, [Put(171, bucket: 1, "b", 5_000), new Operation(172, OperationKind.Get) { Bucket = 3, Name = "z" }, new Operation(173, OperationKind.Get) { Bucket = 3, Name = "z" }])
        {
            Fault = new PlannedFault(DiskVerb.Read, 3, Errno.EIO),
        });

    private static Step Drained(int number, Operation[] operations) => new(number, operations) { IsDrained = true };

    private static Operation Put(int id, int bucket, string name, int bytes, bool hasManyPairs = false) =>
        new(id, OperationKind.Put) { Bucket = bucket, Name = name, Number = bytes, HasManyPairs = hasManyPairs };

    private static PlannedCrash Cut(JournalMode mode, int after, int seed = 0) =>
        new(new Crash(mode == JournalMode.Ordered ? CrashKind.CutOrdered : CrashKind.CutUnordered, seed), after, RecoveryAnswers: null);

    private static BucketPlan[] Buckets(bool areCopiesStrict, bool isCodedStrict) =>
    [
        new("strict", Protection.Plain, IsStrict: true),
        new("relaxed", Protection.Plain, IsStrict: false),
        new("copies", Protection.TwoCopies, areCopiesStrict),
        new("coded", Protection.FourAndTwo, isCodedStrict),
    ];

    /// <summary>The seed decides where the mountpaths rank for a name.</summary>
    private static void AssertHolds(int seed, JournalMode mode, BucketPlan[] buckets, params Step[] steps)
    {
        var history = new History(seed, mode, buckets, steps);
        var log = new HistoryLog();
        HistoryOutcome outcome = HistoryRun.Of(history, log: log);
        Assert.True(outcome.Holds, $"{outcome.Kind}: {outcome.What}\n{string.Join('\n', log.Last(100))}");
    }
}

namespace Sluice.Simulation.Tests.Matrix;

/// <summary>What is done before the steps are counted, and what is crashed in.</summary>
public sealed record Scenario(string Name, Func<Session, Task> Before, Func<Session, Task> Act)
{
    /// <summary>Mountpaths of the machine.</summary>
    public int Mountpaths { get; init; } = 1;

    /// <summary>False when the scenario is about relaxed buckets only.</summary>
    public bool RunsStrict { get; init; } = true;

    /// <summary>False when relaxed buckets do the same as strict ones, and are shown to elsewhere.</summary>
    public bool RunsRelaxed { get; init; } = true;

    /// <summary>Its bucket has erasure coding, 2+1 (<see cref="Session.Coding"/>).</summary>
    public bool IsCoded { get; init; }

    /// <summary>Its sliced objects have a replica, before the crash or after it.</summary>
    public bool KeepsReplica { get; init; }

    /// <summary>A slice is lost before the crash, or there is no replica at one end of it.</summary>
    public bool LosesSlice { get; init; }
}

/// <summary>The scenarios of the crash matrix. What is written before is durable before the first counted step, unless the name says otherwise.</summary>
public static class Scenarios
{
    private const int Small = 700;
    private const int Pages = 9_000; // three pages, the last one not full
    private const int Early = 300 << 10; // above Limits.EarlyFlushBytesMin

    // Static properties are made in the order of the text: All comes last.
    private static IReadOnlyList<Scenario> OfContents { get; } =
    [
        new("first-put", Bucket(), session => session.PutAsync("x", Pages)),
        new("first-put-deep", Bucket(), session => session.PutAsync("dir/sub/x", Small)),
        new("second-put-deep", Bucket(session => session.PutAsync("dir/y", Small)), session => session.PutAsync("dir/x", Small)),
        new("overwrite", Bucket(session => session.PutAsync("x", Pages)), session => session.PutAsync("x", Small)),
        new("overwrite-large", Bucket(session => session.PutAsync("x", Pages)), session => session.PutAsync("x", Early)),
        new("overwrite-empty", Bucket(session => session.PutAsync("x", 0)), async session =>
        {
            await session.PutAsync("x", Small);
            await session.PutAsync("x", 0);
        }),
        new("overwrite-twice", Bucket(session => session.PutAsync("x", Pages)), async session =>
        {
            await session.PutAsync("x", Small);
            await session.PutAsync("x", Pages);
        }),
        new("overwrite-flush", Bucket(session => session.PutAsync("x", Pages)), async session =>
        {
            await session.PutAsync("x", Small);
            await session.FlushAsync();
            await session.PutAsync("x", Pages);
        }),
        new("overwrite-unflushed", Bucket(), async session =>
        {
            await session.PutAsync("x", Pages);
            await session.PutAsync("x", Small);
        }),
        new("delete", Bucket(session => session.PutAsync("dir/x", Pages)), session => session.DeleteAsync("dir/x")),
        new("delete-put", Bucket(session => session.PutAsync("dir/x", Pages)), async session =>
        {
            await session.DeleteAsync("dir/x");
            await session.PutAsync("dir/x", Small);
        }),
        new("put-delete", Bucket(session => session.PutAsync("x", Pages)), async session =>
        {
            await session.PutAsync("x", Small);
            await session.DeleteAsync("x");
        }),
    ];

    private static IReadOnlyList<Scenario> OfRecords { get; } =
    [
        new("patch", Bucket(session => session.PutAsync("x", Small)), session => session.PatchAsync("x", Session.FewPairs("red"))),
        new("patch-again", Bucket(session => session.PutAsync("x", Small, Session.FewPairs("red"))), async session =>
        {
            await session.PatchAsync("x", Session.FewPairs("blue"));
            await session.PutAsync("x", Pages, Session.FewPairs("green"));
            await session.PatchAsync("x", Session.FewPairs("white"));
        }),
        new("patch-into-sidecar", Bucket(session => session.PutAsync("x", Small)), session => session.PatchAsync("x", Session.ManyPairs('v'))),
        new("patch-sidecar", Bucket(session => session.PutAsync("x", Small, Session.ManyPairs('v'))), session =>
            session.PatchAsync("x", Session.ManyPairs('w'))),
        new("patch-out-of-sidecar", Bucket(session => session.PutAsync("x", Small, Session.ManyPairs('v'))), session =>
            session.PatchAsync("x", Session.FewPairs("red"))),
        new("sidecar-put", Bucket(), session => session.PutAsync("x", Pages, Session.ManyPairs('v'))),
        new("sidecar-overwrite", Bucket(session => session.PutAsync("x", Pages, Session.ManyPairs('v'))), session =>
            session.PutAsync("x", Small, Session.ManyPairs('w'))),
        new("sidecar-overwrite-plain", Bucket(session => session.PutAsync("x", Pages, Session.ManyPairs('v'))), session =>
            session.PutAsync("x", Small)),
        new("sidecar-delete", Bucket(session => session.PutAsync("x", Pages, Session.ManyPairs('v'))), session => session.DeleteAsync("x")),
    ];

    private static IReadOnlyList<Scenario> OfNamesAndBuckets { get; } =
    [
        new("nested-after", Bucket(session => session.PutAsync("a", Pages)), session => session.PutAsync("a/b", Small)),
        new("nested-after-unflushed", Bucket(session => session.PutAsync("a", Pages)), async session =>
        {
            await session.PutAsync("a", Small);
            await session.PutAsync("a/b", Small);
        }),
        new("nested-before", Bucket(session => session.PutAsync("a/b", Pages)), session => session.PutAsync("a", Small)),
        new("nested-overwrite", Bucket(Nested), async session =>
        {
            await session.PutAsync("a", Small);
            await session.PutAsync("a/b", Pages);
        }),
        new("rename", Bucket(session => session.PutAsync("dir/x", Pages, Session.FewPairs("red"))), session => session.RenameAsync("dir/x", "y")),
        new("rename-over", Bucket(async session =>
        {
            await session.PutAsync("x", Pages, Session.ManyPairs('v'));
            await session.PutAsync("dir/y", Small);
        }), session => session.RenameAsync("x", "dir/y")) { Mountpaths = 3 },
        new("rename-nested", Bucket(session => session.PutAsync("a", Early)), session => session.RenameAsync("a", "a/b")),
        new("nested-delete", Bucket(Nested), async session =>
        {
            await session.DeleteAsync("a");
            await session.DeleteAsync("a/b");
        }),
        new("bucket-create", _ => Task.CompletedTask, async session =>
        {
            await session.CreateBucketAsync();
            await session.PutAsync("x", Small);
        }) { Mountpaths = 3 },
        new("bucket-destroy", Bucket(Nested), session => session.DestroyBucketAsync()) { Mountpaths = 3 },
        new("bucket-rename", Bucket(session => session.PutAsync("x", Small)), session => session.RenameBucketAsync()) { Mountpaths = 3 },
        new("bucket-rename-twice", Bucket(async session =>
        {
            await session.PutAsync("dir/x", Pages, Session.ManyPairs('v'));
            await session.RenameBucketAsync();
        }), session => session.RenameBucketAsync()) { Mountpaths = 2 },
        new("bucket-recreate", Bucket(session => session.PutAsync("x", Small)), async session =>
        {
            await session.DestroyBucketAsync();
            await session.CreateBucketAsync();
            await session.PutAsync("x", Pages);
        }) { Mountpaths = 2 },
        new("relaxed-with-fsync", Bucket(session => session.SwitchFsyncOnAsync()), async session =>
        {
            await session.PutAsync("x", Pages);
            await session.PutAsync("x", Small);
            await session.PutAsync("dir/y", Early);
        }) { RunsStrict = false },
        new("relaxed-to-strict", Bucket(session => session.PutAsync("x", Small)), async session =>
        {
            await session.PutAsync("x", Pages);
            await session.PutAsync("y", Pages);
            await session.MakeStrictAsync();
            await session.PutAsync("x", Small);
        }) { RunsStrict = false },
    ];

    /// <summary>2+1 over four mountpaths: what has <see cref="Pages"/> or more is sliced, what is smaller is copied.</summary>
    private static IReadOnlyList<Scenario> OfSlices { get; } =
    [
        Coded("ec-first-put", Bucket(), session => session.PutAsync("dir/x", Pages)) with { RunsRelaxed = true },
        Coded("ec-overwrite", Bucket(session => session.PutAsync("x", Pages)), session => session.PutAsync("x", Early)) with { RunsRelaxed = true },
        Coded("ec-overwrite-copies", Bucket(session => session.PutAsync("x", Small)), session => session.PutAsync("x", Pages)),
        Coded("ec-overwrite-by-copies", Bucket(session => session.PutAsync("x", Pages)), session => session.PutAsync("x", Small)),
        Coded("ec-delete", Bucket(session => session.PutAsync("dir/x", Pages)), session => session.DeleteAsync("dir/x")),
        Coded("ec-patch", Bucket(session => session.PutAsync("x", Pages)), session => session.PatchAsync("x", Session.FewPairs("red"))),
        Coded("ec-sidecars", Bucket(session => session.PutAsync("x", Pages, Session.ManyPairs('v'))), async session =>
        {
            await session.PatchAsync("x", Session.ManyPairs('w'));
            await session.PutAsync("x", Pages);
        }),
        Coded("ec-encode", PlainBucket(session => session.PutAsync("x", Pages)), session => session.MakeWholeAsync("x")),
        Coded("ec-encode-copies", PlainBucket(session => session.PutAsync("x", Small)), session => session.MakeWholeAsync("x")),
        Coded("ec-repair", Bucket(async session =>
        {
            await session.PutAsync("x", Pages);
            await session.LoseSliceAsync();
        }), session => session.MakeWholeAsync("x")) with { LosesSlice = true },
        Replicated("ec-replica-first-put", Bucket(), session => session.PutAsync("dir/x", Pages)) with { RunsRelaxed = true },
        Replicated("ec-replica-overwrite", Bucket(session => session.PutAsync("x", Pages)), session => session.PutAsync("x", Early)) with { RunsRelaxed = true },
        Replicated("ec-replica-delete", Bucket(session => session.PutAsync("dir/x", Pages)), session => session.DeleteAsync("dir/x")),
        Replicated("ec-replica-patch", Bucket(session => session.PutAsync("x", Pages)), session => session.PatchAsync("x", Session.FewPairs("red"))),
        Replicated("ec-replica-on", Switched(on: true), session => session.MakeWholeAsync("x")) with { LosesSlice = true },
        Replicated("ec-replica-off", Switched(on: false), session => session.MakeWholeAsync("x")) with { LosesSlice = true },
    ];

    /// <summary>Those of the bucket with one copy of everything.</summary>
    public static IReadOnlyList<Scenario> Plain { get; } = [.. OfContents, .. OfRecords, .. OfNamesAndBuckets];

    /// <summary>Those of erasure coding.</summary>
    public static IReadOnlyList<Scenario> Sliced => OfSlices;

    public static IReadOnlyList<Scenario> All { get; } = [.. Plain, .. OfSlices];

    public static Scenario Named(string name) => All.Single(scenario => scenario.Name == name);

    private static Scenario Coded(string name, Func<Session, Task> before, Func<Session, Task> act) =>
        new(name, before, act) { Mountpaths = 4, RunsRelaxed = false, IsCoded = true };

    private static Scenario Replicated(string name, Func<Session, Task> before, Func<Session, Task> act) =>
        Coded(name, before, act) with { KeepsReplica = true };

    private static async Task Nested(Session session)
    {
        await session.PutAsync("a", Small);
        await session.PutAsync("a/b", Pages);
    }

    /// <summary>A bucket that gets its replicas, or loses them, after the object was written.</summary>
    private static Func<Session, Task> Switched(bool on) => async session =>
    {
        await session.CreateBucketAsync();
        await session.SwitchReplicasAsync(!on);
        await session.PutAsync("x", Pages);
        await session.SwitchReplicasAsync(on);
    };

    /// <summary>A bucket that gets its erasure coding after the object was written.</summary>
    private static Func<Session, Task> PlainBucket(Func<Session, Task> more) => async session =>
    {
        await session.CreateBucketAsync(isCoded: false);
        await more(session);
        await session.FlushAsync();
        await session.SwitchCodingOnAsync();
    };

    private static Func<Session, Task> Bucket(Func<Session, Task>? more = null) => async session =>
    {
        await session.CreateBucketAsync();
        await (more?.Invoke(session) ?? Task.CompletedTask);
        await session.FlushAsync();
    };
}

using System.Text;
using Sluice.Contract;
using Sluice.Engine.Jobs;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;
using Sluice.Engine.Space;
using Sluice.Engine.Tests.Support;
using Sluice.Simulation.Tests.Faults;

namespace Sluice.Engine.Tests;

/// <summary>Mountpaths that come and go while an engine runs: nothing is lost, nothing old comes back, and the set opens again.</summary>
public sealed class MountpathLifeTests
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(30);
    private static readonly string[] s_names = [.. Enumerable.Range(0, 40).Select(i => $"dir{i % 3}/object{i}")];

    [Fact]
    public async Task AnAttachedMountpathGetsItsShareAndIsKnownAtTheNextStart()
    {
        await using EngineFixture fixture = await FilledAsync(2);
        string fresh = Directory.CreateDirectory(Path.Combine(Path.GetDirectoryName(fixture.Paths[0])!, "mp2")).FullName;
        await DoneAsync(fixture.Engine.Mountpaths.AttachAsync(fresh));
        await SettledAsync(fixture.Engine);
        Assert.NotEmpty(ObjectsOn(fresh));
        Assert.Equal(s_names.Length, fixture.Paths.Append(fresh).Sum(path => ObjectsOn(path).Length));
        await AreAsync(fixture, "first");
        await fixture.CloseAsync();
        await fixture.OpenAsync(); // nobody gives its path
        Assert.Contains(fixture.Engine.Mountpaths.Rows(), row => row.Path == fresh && row.State == ServingState.Serving);
        await AreAsync(fixture, "first");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AMountpathThatLeavesIsEmptiedFirst(bool detach)
    {
        await using EngineFixture fixture = await FilledAsync(3);
        string leaving = fixture.Paths[1];
        Assert.NotEmpty(ObjectsOn(leaving));
        await DoneAsync(detach ? fixture.Engine.Mountpaths.DetachAsync(leaving, force: false) : fixture.Engine.Mountpaths.DisableAsync(leaving, force: false));
        await AreAsync(fixture, "first"); // while it is emptied
        await SettledAsync(fixture.Engine);
        Assert.Empty(ObjectsOn(leaving));
        Assert.Equal(detach, !fixture.Engine.Mountpaths.Rows().Any(row => row.Path == leaving));
        await AreAsync(fixture, "first");
        await fixture.PutAsync("new", "new");
        Assert.Equal("new", await fixture.GetTextAsync("new"));
        if (!detach)
        {
            Assert.Equal(ServingState.Disabled, StateOf(fixture, leaving));
            await fixture.CloseAsync();
            await fixture.OpenAsync();
            Assert.Equal(ServingState.Disabled, StateOf(fixture, leaving));
            await DoneAsync(fixture.Engine.Mountpaths.EnableAsync(leaving));
            await SettledAsync(fixture.Engine);
            Assert.NotEmpty(ObjectsOn(leaving));
            await AreAsync(fixture, "first");
        }
    }

    /// <summary>The heart of it: what was overwritten or deleted while a mountpath was away stays so when it comes back, by hand or at a start.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhatWasOverwrittenOrDeletedMeanwhileDoesNotComeBack(bool restart)
    {
        await using EngineFixture fixture = await FilledAsync(3);
        string away = fixture.Paths[2];
        string[] old = ObjectsOn(away);
        Assert.True(old.Length > 3, "the test needs objects on it");
        await DoneAsync(fixture.Engine.Mountpaths.DisableAsync(away, force: true));
        Assert.Equal(old, ObjectsOn(away));
        Result<ObjectReader> missing = await OpenAsync(fixture, NameOf(old[0]));
        Assert.Equal(ErrorCode.Unavailable, missing.Error!.Code);
        for (int i = 0; i < s_names.Length; i += 2)
        {
            await fixture.PutAsync(s_names[i], "second");
            Assert.True((await fixture.DeleteAsync(s_names[i + 1])).Ok);
            Assert.Equal(ErrorCode.ObjectNotFound, (await OpenAsync(fixture, s_names[i + 1])).Error!.Code);
        }

        if (restart)
        {
            await fixture.CloseAsync();
            await fixture.OpenAsync();
        }

        await DoneAsync(fixture.Engine.Mountpaths.EnableAsync(away));
        await EvensAreAsync(fixture); // while it is compared
        await SettledAsync(fixture.Engine);
        Assert.Equal(ServingState.Serving, StateOf(fixture, away));
        await EvensAreAsync(fixture);
        Assert.Empty(TombstonesOf(fixture));
    }

    /// <summary>Nobody reads from one that is being compared with the others: what lies there alone is not to be had yet, which is not the same as that it does not exist.</summary>
    [Fact]
    public async Task WhatLiesOnAMountpathThatIsBeingComparedIsNotToBeHadYet()
    {
        await using EngineFixture fixture = await FilledAsync(3);
        await fixture.CloseAsync();
        BeforeVerb? before = null;
        fixture.Over = io => before = new BeforeVerb(io);
        await fixture.OpenAsync();
        string leaving = fixture.Paths[1];
        string[] there = [.. ObjectsOn(leaving).Select(NameOf)];
        Assert.NotEmpty(there);
        await DoneAsync(fixture.Engine.Mountpaths.DisableAsync(leaving, force: true));
        await SettledAsync(fixture.Engine);
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var isHeld = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        before!.Arm(DiskVerb.Open, () =>
        {
            isHeld.SetResult();
            return gate.Task;
        });
        Task<Result<ObjectReader>> held = OpenAsync(fixture, "missing"); // who began before it came back is waited for
        await isHeld.Task.WaitAsync(s_deadline);
        await DoneAsync(fixture.Engine.Mountpaths.EnableAsync(leaving));
        List<ErrorCode?> answers = [];
        foreach (string name in there)
        {
            answers.Add((await OpenAsync(fixture, name)).Error?.Code);
        }

        ServingState state = StateOf(fixture, leaving);
        gate.SetResult();
        Assert.False((await held).Ok);
        Assert.Equal(ServingState.Joining, state);
        Assert.All(answers, answer => Assert.Equal(ErrorCode.Unavailable, answer));
        await SettledAsync(fixture.Engine);
        await AreAsync(fixture, "first");
    }

    [Fact]
    public async Task AStartWithoutAMountpathIsRefusedUnlessItIsAllowedAndThenNothingOldComesBack()
    {
        await using EngineFixture fixture = await FilledAsync(3);
        string gone = fixture.Paths[0];
        await fixture.CloseAsync();
        Directory.Move(gone, gone + ".away");
        Result<ObjectEngine> refused = await fixture.TryOpenAsync();
        Assert.Contains("--allow-degraded", refused.Error!.Message, StringComparison.Ordinal);
        await fixture.OpenAsync(Degraded(fixture));
        Assert.Equal(ServingState.Faulted, StateOf(fixture, gone));
        for (int i = 0; i < s_names.Length; i += 2)
        {
            await fixture.PutAsync(s_names[i], "second");
            await fixture.DeleteAsync(s_names[i + 1]);
        }

        await fixture.CloseAsync();
        Directory.Move(gone + ".away", gone);
        await fixture.OpenAsync();
        await EvensAreAsync(fixture); // it is there, and not compared yet
        await SettledAsync(fixture.Engine);
        Assert.Equal(ServingState.Serving, StateOf(fixture, gone));
        await EvensAreAsync(fixture);
    }

    /// <summary>The known-bad twin: without its tombstones a deleted object does come back.</summary>
    [Fact]
    public async Task WithoutTombstonesADeletedObjectWouldComeBack()
    {
        await using EngineFixture fixture = await FilledAsync(3);
        string away = fixture.Paths[2];
        string name = NameOf(ObjectsOn(away)[0]);
        await DoneAsync(fixture.Engine.Mountpaths.DisableAsync(away, force: true));
        Assert.True((await fixture.DeleteAsync(name)).Ok);
        string[] tombstones = TombstonesOf(fixture);
        Assert.Equal(2, tombstones.Length);
        Array.ForEach(tombstones, File.Delete);
        await DoneAsync(fixture.Engine.Mountpaths.EnableAsync(away));
        await SettledAsync(fixture.Engine);
        Assert.Equal("first", await fixture.GetTextAsync(name));
    }

    [Fact]
    public async Task TheLastMountpathStaysUnlessItFailsAndThenNothingIsServed()
    {
        await using EngineFixture fixture = await FilledAsync(1);
        Result kept = await fixture.Engine.Mountpaths.DisableAsync(fixture.Paths[0], force: true);
        Assert.Equal(ErrorCode.Busy, kept.Error!.Code);
        await DoneAsync(fixture.Engine.Mountpaths.FaultAsync(fixture.Engine.Mountpaths.Rows()[0].Disk!, "test"));
        Assert.False(fixture.Engine.CanServe);
        Assert.Equal(ErrorCode.Unavailable, (await fixture.TryPutAsync("a", [1])).Error!.Code);
        Assert.Equal(ErrorCode.Unavailable, (await OpenAsync(fixture, s_names[0])).Error!.Code);
    }

    /// <summary>Held descriptors go on working when a drive is swapped; only a look at the path tells.</summary>
    [Fact]
    public async Task AMountpathThatIsSwappedForAnEmptyOneIsTakenOutAndComesBack()
    {
        await using EngineFixture fixture = await FilledAsync(3);
        await fixture.CloseAsync();
        EngineOptions watched = Degraded(fixture, TimeSpan.FromHours(1)); // the timer is not waited for
        await fixture.OpenAsync(watched);
        await fixture.Engine.LookAtMountpathsAsync();
        Assert.All(fixture.Engine.Mountpaths.Rows(), row => Assert.Equal(ServingState.Serving, row.State));
        string swapped = fixture.Paths[1];
        Directory.Move(swapped, swapped + ".away");
        Directory.CreateDirectory(swapped);
        await fixture.Engine.LookAtMountpathsAsync();
        Assert.Equal(ServingState.Faulted, StateOf(fixture, swapped));
        Assert.Equal(OutOfService.ByHealth, fixture.Engine.Mountpaths.Rows().Single(row => row.Path == swapped).Reason);
        await fixture.PutAsync("new", "new");
        Directory.Delete(swapped);
        Directory.Move(swapped + ".away", swapped);
        await DoneAsync(fixture.Engine.Mountpaths.EnableAsync(swapped));
        await SettledAsync(fixture.Engine);
        await AreAsync(fixture, "first");
        await fixture.Engine.LookAtMountpathsAsync();
        Assert.Equal(ServingState.Serving, StateOf(fixture, swapped));
    }

    [Fact]
    public async Task AboveTheMarkNothingIsStoredAndWhatIsThereIsReadAndDeleted()
    {
        await using EngineFixture fixture = await FilledAsync(2);
        await fixture.CloseAsync();
        await fixture.OpenAsync(Degraded(fixture, TimeSpan.Zero, new SpaceMarks(1, 1, 1, 1))); // any disk is fuller
        Result<ObjectAttributes> refused = await fixture.TryPutAsync("new", [1]);
        Assert.Equal(ErrorCode.OutOfSpace, refused.Error!.Code);
        await AreAsync(fixture, "first");
        Assert.True((await fixture.DeleteAsync(s_names[0])).Ok);
    }

    [Fact]
    public async Task WhatDoesNotBelongIsRefusedWithASentence()
    {
        await using EngineFixture fixture = await FilledAsync(2);
        MountpathKeeper keeper = fixture.Engine.Mountpaths;
        string home = Path.GetDirectoryName(fixture.Paths[0])!;
        string full = Directory.CreateDirectory(Path.Combine(home, "full")).FullName;
        await File.WriteAllTextAsync(Path.Combine(full, "precious"), "");
        Assert.Contains("does not exist", (await keeper.AttachAsync(Path.Combine(home, "none"))).Error!.Message, StringComparison.Ordinal);
        Assert.Contains("is not empty", (await keeper.AttachAsync(full)).Error!.Message, StringComparison.Ordinal);
        Assert.Contains("belongs to the set", (await keeper.AttachAsync(fixture.Paths[0])).Error!.Message, StringComparison.Ordinal);
        Assert.Contains("does not belong", (await keeper.DetachAsync(full, force: false)).Error!.Message, StringComparison.Ordinal);
        Assert.Contains("does not belong", (await keeper.EnableAsync(full)).Error!.Message, StringComparison.Ordinal);
        await DoneAsync(keeper.DisableAsync(fixture.Paths[1], force: true));
        string swapped = fixture.Paths[1];
        Directory.Move(swapped, swapped + ".old");
        Directory.CreateDirectory(swapped);
        await WaitAsync(async () => (await keeper.EnableAsync(swapped)).Error!.Message.Contains("no identity", StringComparison.Ordinal));
        Directory.Delete(swapped);
        Directory.Move(swapped + ".old", swapped);
    }

    private static EngineOptions Degraded(EngineFixture fixture, TimeSpan healthInterval = default, SpaceMarks? marks = null) => new()
    {
        Mountpaths = fixture.Paths,
        AllowSharedDisk = true,
        AllowDegraded = true,
        MemoryBytes = 64 << 20,
        OpenFilesMax = 256,
        FlushInterval = TimeSpan.Zero,
        Health = new() { Interval = healthInterval },
        Space = marks ?? SpaceMarks.Default,
    };

    private static async Task<EngineFixture> FilledAsync(int mountpaths)
    {
        EngineFixture fixture = await EngineFixture.NewAsync(mountpaths);
        foreach (string name in s_names)
        {
            await fixture.PutAsync(name, "first");
        }

        return fixture;
    }

    private static async Task AreAsync(EngineFixture fixture, string content)
    {
        foreach (string name in s_names)
        {
            Assert.Equal(content, await fixture.GetTextAsync(name));
        }

        Assert.Equal(s_names.Order(StringComparer.Ordinal), (await fixture.NamesAsync()).Where(name => name != "new"));
    }

    private static async Task EvensAreAsync(EngineFixture fixture)
    {
        for (int i = 0; i < s_names.Length; i += 2)
        {
            Assert.Equal("second", await fixture.GetTextAsync(s_names[i]));
            Assert.Null(await fixture.GetTextAsync(s_names[i + 1]));
        }

        Assert.Equal(s_names.Length / 2, (await fixture.NamesAsync()).Length);
    }

    /// <summary>Waits until the newest resilver has ended well.</summary>
    private static async Task SettledAsync(ObjectEngine engine)
    {
        Job job = engine.Jobs.All.Last(job => job.Kind == JobKinds.Resilver);
        await job.Ended.WaitAsync(s_deadline);
        Assert.Equal("", job.Error);
        Assert.False(engine.Mountpaths.Map.MisplacedPossible, $"the resilver did not come to its end: {job.Detail}");
    }

    private static async Task WaitAsync(Func<Task<bool>> condition)
    {
        DateTime until = DateTime.UtcNow + s_deadline;
        while (!await condition())
        {
            Assert.True(DateTime.UtcNow < until, "it did not come about");
            await Task.Yield();
        }
    }

    private static async Task DoneAsync(Task<Result> change)
    {
        Result done = await change.WaitAsync(s_deadline);
        Assert.True(done.Ok, done.Error?.Message);
    }

    private static ServingState StateOf(EngineFixture fixture, string path) => fixture.Engine.Mountpaths.Rows().Single(row => row.Path == path).State;

    private static Task<Result<ObjectReader>> OpenAsync(EngineFixture fixture, string name) =>
        fixture.Io.OnItsThreadAsync(() => fixture.Engine.OpenObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From(name)));

    private static string[] ObjectsOn(string path) =>
        [.. Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Where(file => file.Contains("/%ob/", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    private static string[] TombstonesOf(EngineFixture fixture) => [.. fixture.Paths.SelectMany(
        path => Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories)).Where(file => file.Contains("/%tb/", StringComparison.Ordinal))];

    private static string NameOf(string file) => file.Split("/%ob/")[1];
}

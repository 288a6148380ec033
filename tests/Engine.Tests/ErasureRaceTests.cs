using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;
using Sluice.Simulation.Tests.Faults;
using static Sluice.Engine.Tests.ErasureTests;

namespace Sluice.Engine.Tests;

/// <summary>
/// A name that is deleted and stored anew while it is made whole, between any two looks at its files: what was stored last is what is there, with all its redundancy. Who
/// repairs decides by what it finds first how the object is laid out, and it may be laid out otherwise by the time that files are removed.
/// </summary>
public sealed class ErasureRaceTests
{
    private static readonly string s_properties = $$$"""{"ec":{"enabled":true,"data_slices":3,"parity_slices":2,"unit":"64KiB","objsize_limit":{{{Unit}}}}}""";

    public enum State
    {
        Missing,
        Copied,
        Sliced,
    }

    public static MatrixTheoryData<State, State, bool> Races => new([.. Enum.GetValues<State>()], [.. Enum.GetValues<State>()], [false, true]);

    [Theory]
    [MemberData(nameof(Races))]
    public async Task ARepairAndAWriterComeToWhatWasWrittenLast(State before, State after, bool byResilver)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6, s_properties);
        await fixture.CloseAsync();
        BeforeLook? look = null;
        fixture.Over = io => look = new BeforeLook(io);
        await fixture.OpenAsync();
        bool isBetween = true;
        int nth = 1;
        for (; isBetween; nth++)
        {
            byte[]? expected = null;
            Task written = Task.CompletedTask;
            await MakeAsync(fixture, byResilver ? State.Copied : before, seed: 2 * nth); // a resilver meets names that are there
            look!.Arm(async count =>
            {
                if (count == 1 && byResilver)
                {
                    await MakeAsync(fixture, before, seed: 2 * nth);
                }

                if (count == nth)
                {
                    Task<byte[]?> writing = MakeAsync(fixture, after, seed: (2 * nth) + 1);
                    written = Task.Run(async () => expected = await writing);
                    await (IsLocked(fixture) ? Task.CompletedTask : written); // while the name is locked the writer waits for his turn
                }
            });
            await RepairAsync(fixture, byResilver);
            await written;
            await fixture.RepairedAsync();
            isBetween = look.Disarm() >= nth;
            expected = isBetween ? expected : await MakeAsync(fixture, after, seed: (2 * nth) + 1);
            Assert.Equal(expected, await fixture.GetAsync("o"));
            int heads = Heads(fixture, "o").Length;
            int slices = Slices(fixture).Length;
            Assert.True((heads, slices) == (after == State.Missing ? 0 : 3, after == State.Sliced ? 5 : 0), $"before look {nth}: {heads} heads and {slices} slices");
        }

        Assert.True(nth > 6, "all of a survey is looked between");
        Assert.Equal(0, (await fixture.Engine.StatusAsync()).Counters["damaged.count"]);
    }

    private static bool IsLocked(EngineFixture fixture) => fixture.Engine.CheckLock(Caller.Anonymous, fixture.Bucket, ObjectName.From("o")).Value != LockState.Unlocked;

    private static async Task RepairAsync(EngineFixture fixture, bool byResilver)
    {
        if (!byResilver)
        {
            await fixture.Io.OnItsThreadAsync(() => fixture.Engine.MakeWholeAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From("o")));
            return;
        }

        Result<Job> job = await fixture.Engine.Jobs.StartAsync(JobKinds.Resilver, new JobRequest(JobTarget.All, ""), WhenRunning.Join);
        await job.Value.Ended;
    }

    /// <summary>Deletes the object and stores it anew in that state; answers what it is now.</summary>
    private static async Task<byte[]?> MakeAsync(EngineFixture fixture, State state, int seed)
    {
        await fixture.DeleteAsync("o"); // there may be none
        if (state == State.Missing)
        {
            return null;
        }

        byte[] content = Content(state == State.Copied ? Unit / 2 : (4 * Unit) + 9, seed);
        await fixture.PutAsync("o", content);
        return content;
    }

    /// <summary>Something else happens before an object's file is opened somewhere; it is told how many times that was, and not of what it does itself.</summary>
    private sealed class BeforeLook(IFileIo inner) : DelegatingFileIo(inner)
    {
        private int _count;
        private Func<int, Task>? _action;

        public void Arm(Func<int, Task> action)
        {
            _count = 0;
            Volatile.Write(ref _action, action);
        }

        /// <summary>Answers how many times that was.</summary>
        public int Disarm()
        {
            Volatile.Write(ref _action, null);
            return _count;
        }

        public override async ValueTask<IoResult<FileHandle>> OpenAsync(FileHandle directory, ReadOnlyMemory<byte> path, OpenIntent intent)
        {
            if (intent == OpenIntent.Read && path.Span.EndsWith("/%ob/o"u8) && Interlocked.Exchange(ref _action, null) is { } action)
            {
                _count++;
                await action(_count);
                Volatile.Write(ref _action, action);
            }

            return await base.OpenAsync(directory, path, intent);
        }
    }
}

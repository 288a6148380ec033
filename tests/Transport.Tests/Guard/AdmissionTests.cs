using Sluice.Engine;
using Sluice.Transport.Guard;

namespace Sluice.Transport.Tests.Guard;

/// <summary>
/// Places for requests: never more inside than allowed, the rest in order, for a bounded time, and nobody lost. Each test ends with nobody inside and
/// nobody waiting.
/// </summary>
public sealed class AdmissionTests : IDisposable
{
    private readonly ManualTime _time = new();
    private readonly List<Admission> _made = [];
    private readonly CancellationTokenSource _gone = new();

    [Fact]
    public void AsManyAsAllowedEnterAtOnce()
    {
        Admission admission = New(inside: 3, waiting: 1);
        Assert.True(admission.TryEnter() && admission.TryEnter() && admission.TryEnter());
        Assert.False(admission.TryEnter());
        Assert.Equal((3, 0), (admission.InsideCount, admission.WaitingCount));
        admission.Exit();
        Assert.True(admission.TryEnter());
        Leave(admission, 3);
    }

    [Fact]
    public async Task PlacesAreHandedOverInTheOrderOfComing()
    {
        Admission admission = New(inside: 1, waiting: 3);
        Assert.True(admission.TryEnter());
        Task<bool>[] waiting = [Enter(admission), Enter(admission), Enter(admission)];
        for (int i = 0; i < waiting.Length; i++)
        {
            Assert.All(waiting[i..], task => Assert.False(task.IsCompleted));
            admission.Exit();
            Assert.True(await waiting[i]);
            Assert.Equal((1, 2 - i), (admission.InsideCount, admission.WaitingCount));
        }

        Leave(admission, 1);
    }

    [Fact]
    public async Task WhoComesWhileOthersWaitDoesNotOvertake()
    {
        Admission admission = New(inside: 1, waiting: 2);
        Assert.True(admission.TryEnter());
        Task<bool> first = Enter(admission);
        Task<bool> second = Enter(admission);
        admission.Exit(); // the place is the first one's already, whenever he takes note
        Assert.False(admission.TryEnter());
        Assert.True(await first);
        Assert.False(second.IsCompleted);
        admission.Exit();
        Assert.True(await second);
        Leave(admission, 1);
    }

    [Fact]
    public async Task AFullQueueRefusesAtOnce()
    {
        Admission admission = New(inside: 1, waiting: 1);
        Assert.True(admission.TryEnter());
        Task<bool> waits = Enter(admission);
        ValueTask<bool> refused = admission.EnterAsync(CancellationToken.None);
        Assert.True(refused.IsCompletedSuccessfully);
        Assert.False(await refused);
        Assert.Equal(1, admission.RefusedCount);
        admission.Exit();
        Assert.True(await waits);
        Leave(admission, 1);
    }

    [Fact]
    public async Task WithoutAQueueWhoFindsNoRoomIsRefused()
    {
        Admission admission = New(inside: 1, waiting: 0);
        Assert.True(await admission.EnterAsync(CancellationToken.None));
        Assert.False(await admission.EnterAsync(CancellationToken.None));
        Leave(admission, 1);
    }

    [Fact]
    public async Task AWaitEndsAtItsLimitAndNotBefore()
    {
        Admission admission = New(inside: 1, waiting: 3);
        Assert.True(admission.TryEnter());
        Task<bool> early = Enter(admission);
        _time.Advance(TimeSpan.FromSeconds(2));
        Task<bool> late = Enter(admission);
        _time.Advance(Admission.WaitMax - TimeSpan.FromSeconds(2) - TimeSpan.FromTicks(1));
        Assert.False(early.IsCompleted);
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.False(await early);
        Assert.False(late.IsCompleted);
        Assert.Equal((1, 1, 1L), (admission.InsideCount, admission.WaitingCount, admission.RefusedCount));
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.False(await late);
        Assert.Equal(0, _time.ArmedCount); // nobody waits: nothing ticks
        Leave(admission, 1);
    }

    [Fact]
    public async Task TheTimerGoesOnForTheNextWhenTheFirstHasLeft()
    {
        Admission admission = New(inside: 1, waiting: 2);
        Assert.True(admission.TryEnter());
        Task<bool> first = Enter(admission);
        _time.Advance(TimeSpan.FromSeconds(1));
        Task<bool> second = Enter(admission);
        admission.Exit();
        Assert.True(await first);
        _time.Advance(Admission.WaitMax - TimeSpan.FromSeconds(1)); // when the first would have been due
        Assert.False(second.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(await second);
        Leave(admission, 1);
    }

    [Fact]
    public async Task WhoGoesAwayLeavesTheQueue()
    {
        Admission admission = New(inside: 1, waiting: 2);
        Assert.True(admission.TryEnter());
        Task<bool> leaves = Enter(admission, _gone.Token);
        Task<bool> stays = Enter(admission);
        await _gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await leaves);
        Assert.Equal((1, 1, 0L), (admission.InsideCount, admission.WaitingCount, admission.RefusedCount));
        admission.Exit();
        Assert.True(await stays);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Enter(admission, _gone.Token));
        Leave(admission, 1);
    }

    [Fact]
    public async Task WhoWasCalledIsInThoughHeGoesAway()
    {
        Admission admission = New(inside: 1, waiting: 1);
        Assert.True(admission.TryEnter());
        Task<bool> waits = Enter(admission, _gone.Token);
        admission.Exit();
        await _gone.CancelAsync();
        Assert.True(await waits); // so he leaves as everybody does
        Leave(admission, 1);
    }

    [Fact]
    public async Task AWaiterGoesOnInItsOwnContext()
    {
        Admission admission = New(inside: 1, waiting: 1);
        Assert.True(admission.TryEnter());
        var context = new CountingContext();
        SynchronizationContext? before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(context);
        Task<bool> waits = Enter(admission);
        SynchronizationContext.SetSynchronizationContext(before);
        admission.Exit();
        Assert.True(await waits.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.True(context.PostCount >= 1); // a ring loop's context, on a loop
        Leave(admission, 1);
    }

    [Fact]
    public void EnteringAndLeavingAllocateNothing()
    {
        Admission admission = New(inside: 8, waiting: 8);
        long Measure()
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 10_000; i++)
            {
                Assert.True(admission.TryEnter());
                admission.Exit();
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Measure();
        Assert.Equal(0, Measure());
    }

    [Fact]
    public void WhoIsNotInCannotLeave() => Assert.Throws<InvariantException>(New(inside: 1, waiting: 1).Exit);

    [Fact]
    public async Task ManyAtOnceNeverExceedTheBoundAndNobodyIsLost()
    {
        const int Requests = 16;
        const int Rounds = 2_000;
        Admission admission = New(inside: 3, waiting: 5);
        var bound = new BoundDetector();
        var outcomes = new Outcomes();
        await Task.WhenAll(Enumerable.Range(0, Requests).Select(seed => Task.Factory.StartNew(
            () => RequestsAsync(admission, bound, outcomes, seed, Rounds), CancellationToken.None, TaskCreationOptions.None, TaskScheduler.Default).Unwrap()));
        Assert.InRange(bound.Most, 2, 3);
        Assert.Equal(Requests * Rounds, outcomes.Entered + outcomes.Refused + outcomes.Gone);
        Assert.Equal(outcomes.Refused, admission.RefusedCount);
        Assert.True(outcomes.Entered > 0 && outcomes.Gone > 0, $"{outcomes.Entered} entered, {outcomes.Refused} refused, {outcomes.Gone} gone");
    }

    /// <summary>The twin that looks first and enters then: the detector of the test above sees what it does.</summary>
    [Fact]
    public async Task ACounterThatIsReadAndThenRaisedIsCaughtByTheDetector()
    {
        var bound = new BoundDetector();
        int inside = 0;
        using var bothHaveLooked = new Barrier(2);
        await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Factory.StartNew(
            () =>
            {
                bool hasRoom = Volatile.Read(ref inside) < 1;
                bothHaveLooked.SignalAndWait();
                if (hasRoom)
                {
                    Interlocked.Increment(ref inside);
                    bound.Enter();
                    bothHaveLooked.SignalAndWait();
                    bound.Exit();
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)));
        Assert.Equal(2, bound.Most);
    }

    public void Dispose()
    {
        _gone.Dispose();
        foreach (Admission admission in _made)
        {
            Assert.Equal((0, 0), (admission.InsideCount, admission.WaitingCount));
            admission.Dispose();
        }
    }

    private static Task<bool> Enter(Admission admission, CancellationToken gone = default) => admission.EnterAsync(gone).AsTask();

    private static void Leave(Admission admission, int count)
    {
        for (int i = 0; i < count; i++)
        {
            admission.Exit();
        }
    }

    private static async Task RequestsAsync(Admission admission, BoundDetector bound, Outcomes outcomes, int seed, int rounds)
    {
        var random = new Random(seed);
        for (int i = 0; i < rounds; i++)
        {
            using var gone = new CancellationTokenSource();
            try
            {
                Task<bool> entering = admission.TryEnter() ? Task.FromResult(true) : admission.EnterAsync(gone.Token).AsTask();
                if (!entering.IsCompleted && random.Next(8) == 0)
                {
                    await gone.CancelAsync();
                }

                if (!await entering)
                {
                    Interlocked.Increment(ref outcomes.Refused);
                    continue;
                }
            }
            catch (OperationCanceledException)
            {
                Interlocked.Increment(ref outcomes.Gone);
                continue;
            }

            Interlocked.Increment(ref outcomes.Entered);
            bound.Enter();
            await OthersFirst();
            bound.Exit();
            admission.Exit();
        }
    }

    /// <summary>Goes on behind all that is queued: Task.Yield stays in front, and one thread would take the requests one by one, each alone inside.</summary>
    private static Task OthersFirst() =>
        Task.Factory.StartNew(static () => { }, CancellationToken.None, TaskCreationOptions.PreferFairness, TaskScheduler.Default);

    private Admission New(int inside, int waiting)
    {
        var admission = new Admission(inside, waiting, _time);
        _made.Add(admission);
        return admission;
    }

    private sealed class Outcomes
    {
        public int Entered, Refused, Gone;
    }

    /// <summary>Sees how many are inside at most.</summary>
    private sealed class BoundDetector
    {
        private int _inside;
        private int _most;

        public int Most => Volatile.Read(ref _most);

        public void Enter()
        {
            int now = Interlocked.Increment(ref _inside);
            int most = Most;
            while (now > most)
            {
                most = Interlocked.CompareExchange(ref _most, now, most);
            }
        }

        public void Exit() => Interlocked.Decrement(ref _inside);
    }

    private sealed class CountingContext : SynchronizationContext
    {
        private int _posts;

        public int PostCount => Volatile.Read(ref _posts);

        public override void Post(SendOrPostCallback d, object? state)
        {
            Interlocked.Increment(ref _posts);
            base.Post(d, state);
        }
    }
}

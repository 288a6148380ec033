using Sluice.Engine.Jobs;

namespace Sluice.Engine.Tests.Jobs;

/// <summary>Jobs wait while clients want the disks and only then.</summary>
public sealed class JobBudgetTests
{
    private const long Rate = 1 << 20;

    private readonly StillTime _time = new();
    private long _verbs;

    [Fact]
    public void WithoutClientsNobodyWaits()
    {
        JobBudget budget = New();
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal(TimeSpan.Zero, Take(budget, 10 * Rate));
        }
    }

    [Fact]
    public void BesideClientsTheRateHolds()
    {
        JobBudget budget = New();
        _verbs++;
        Assert.Equal(TimeSpan.Zero, Take(budget, Rate)); // the first second's worth is there
        Assert.Equal(TimeSpan.FromSeconds(1), Take(budget, Rate / 2));
        Assert.Equal(TimeSpan.FromSeconds(1.5), Take(budget, Rate));
        _time.Advance(TimeSpan.FromSeconds(2));
        _verbs++;
        Assert.Equal(TimeSpan.FromSeconds(0.5), Take(budget, Rate));
    }

    [Fact]
    public void SmallObjectsCountWhatOpeningCosts()
    {
        JobBudget budget = New();
        _verbs++;
        Take(budget, 1);
        Assert.Equal(TimeSpan.FromMilliseconds(62), Take(budget, 1)); // 64 KiB at 1 MiB/s, in whole milliseconds
    }

    [Fact]
    public void WhenClientsHaveLeftNothingIsOwed()
    {
        JobBudget budget = New();
        _verbs++;
        Take(budget, 100 * Rate);
        Assert.NotEqual(TimeSpan.Zero, Take(budget, 1));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TimeSpan.Zero, Take(budget, 100 * Rate));
        _verbs++;
        Assert.Equal(TimeSpan.Zero, Take(budget, Rate));
        Assert.Equal(TimeSpan.FromSeconds(1), Take(budget, Rate));
    }

    [Fact]
    public void ARateOfNothingNeverWaits()
    {
        var budget = new JobBudget(_time, () => ++_verbs, 0);
        Take(budget, long.MaxValue);
        Assert.Equal(TimeSpan.Zero, Take(budget, long.MaxValue));
    }

    [Fact]
    public void AnAbortedJobTakesNothing() =>
        Assert.Throws<OperationCanceledException>(() => Take(New(), 1, new CancellationToken(canceled: true)));

    private JobBudget New() => new(_time, () => _verbs, Rate);

    /// <summary>How long it has to wait.</summary>
    private TimeSpan Take(JobBudget budget, long bytes, CancellationToken cancellation = default)
    {
        _time.LastDue = TimeSpan.Zero;
        ValueTask take = budget.TakeAsync(bytes, cancellation);
        Assert.Equal(take.IsCompleted, _time.LastDue == TimeSpan.Zero);
        return _time.LastDue;
    }

    /// <summary>Time that only the test moves, and timers that never fire but tell what they are for.</summary>
    private sealed class StillTime : TimeProvider
    {
        private long _ticks = 1;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public TimeSpan LastDue { get; set; }

        public override long GetTimestamp() => _ticks;

        public void Advance(TimeSpan time) => _ticks += time.Ticks;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            LastDue = dueTime;
            return new Never();
        }

        private sealed class Never : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}

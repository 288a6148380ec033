using Sluice.Engine.Objects;

namespace Sluice.Engine.Tests;

/// <summary>
/// One writer a name, in order of arrival; readers beside it but for the moment of publishing. Whether a request waits is known when the
/// call returns, so nothing here sleeps: a waiter is a task that is not complete.
/// </summary>
public sealed class NameLockTests
{
    private readonly NameLock _locks = new();

    [Fact]
    public async Task WritersOfOneNameComeInOrderOfArrival()
    {
        await _locks.AcquireWriterAsync(1);
        Task[] waiting = [.. Enumerable.Range(0, 5).Select(_ => _locks.AcquireWriterAsync(1).AsTask())];
        for (int turn = 0; turn < waiting.Length; turn++)
        {
            Assert.All(waiting[turn..], task => Assert.False(task.IsCompleted));
            _locks.ReleaseWriter(1);
            await waiting[turn];
        }

        _locks.ReleaseWriter(1);
        Assert.Equal(0, _locks.HeldCount);
    }

    [Fact]
    public async Task NamesDoNotHoldEachOtherUp()
    {
        await _locks.AcquireWriterAsync(1);
        await _locks.AcquireWriterAsync(2); // the same shard
        await _locks.AcquireWriterAsync(1UL << 33); // another one
        Assert.Equal(3, _locks.HeldCount);
        _locks.ReleaseWriter(1);
        _locks.ReleaseWriter(2);
        _locks.ReleaseWriter(1UL << 33);
        Assert.Equal(0, _locks.HeldCount);
    }

    [Fact]
    public async Task ReadersGoOnBesideAWriterAndKeepItFromPublishing()
    {
        await _locks.AcquireReaderAsync(1);
        await _locks.AcquireWriterAsync(1);
        await _locks.AcquireReaderAsync(1);
        Task publishing = _locks.BeginPublishAsync(1).AsTask();
        Assert.False(publishing.IsCompleted);
        _locks.ReleaseReader(1);
        Assert.False(publishing.IsCompleted);
        _locks.ReleaseReader(1);
        await publishing;
        _locks.EndPublish(1);
        _locks.ReleaseWriter(1);
        Assert.Equal(0, _locks.HeldCount);
    }

    [Fact]
    public async Task PublishingKeepsReadersOutUntilItEnds()
    {
        await _locks.AcquireWriterAsync(1);
        await _locks.BeginPublishAsync(1);
        Task[] readers = [.. Enumerable.Range(0, 3).Select(_ => _locks.AcquireReaderAsync(1).AsTask())];
        Assert.All(readers, reader => Assert.False(reader.IsCompleted));
        _locks.EndPublish(1);
        await Task.WhenAll(readers);
        Task again = _locks.BeginPublishAsync(1).AsTask();
        Assert.False(again.IsCompleted);
        Array.ForEach(readers, _ => _locks.ReleaseReader(1));
        await again;
        _locks.EndPublish(1);
        _locks.ReleaseWriter(1);
        Assert.Equal(0, _locks.HeldCount);
    }

    [Fact]
    public async Task AReaderThatComesWhileAPublisherWaitsComesAfterIt()
    {
        await _locks.AcquireReaderAsync(1);
        await _locks.AcquireWriterAsync(1);
        Task publishing = _locks.BeginPublishAsync(1).AsTask();
        Task late = _locks.AcquireReaderAsync(1).AsTask();
        Assert.False(late.IsCompleted); // or a stream of readers would keep a writer out for ever
        _locks.ReleaseReader(1);
        await publishing;
        Assert.False(late.IsCompleted);
        _locks.EndPublish(1);
        await late;
        _locks.ReleaseReader(1);
        _locks.ReleaseWriter(1);
        Assert.Equal(0, _locks.HeldCount);
    }

    [Fact]
    public async Task TheStateIsWhoHoldsTheName()
    {
        Assert.Equal(LockState.Unlocked, _locks.State(1));
        await _locks.AcquireReaderAsync(1);
        Assert.Equal(LockState.ReadLocked, _locks.State(1));
        await _locks.AcquireWriterAsync(1);
        Assert.Equal(LockState.WriteLocked, _locks.State(1));
        _locks.ReleaseReader(1);
        _locks.ReleaseWriter(1);
        Assert.Equal(LockState.Unlocked, _locks.State(1));
    }

    [Fact]
    public async Task MisuseIsCaught()
    {
        await _locks.AcquireReaderAsync(1);
        Assert.ThrowsAny<Exception>(() => _locks.ReleaseWriter(1));
        Assert.ThrowsAny<Exception>(() => { _ = _locks.BeginPublishAsync(1).AsTask(); });
        _locks.ReleaseReader(1);
        Assert.ThrowsAny<Exception>(() => _locks.ReleaseReader(1));
        await _locks.AcquireWriterAsync(1);
        await _locks.BeginPublishAsync(1);
        Assert.ThrowsAny<Exception>(() => { _ = _locks.BeginPublishAsync(1).AsTask(); });
        Assert.ThrowsAny<Exception>(() => _locks.ReleaseWriter(1));
        _locks.EndPublish(1);
        _locks.ReleaseWriter(1);
        Assert.Equal(0, _locks.HeldCount);
    }

    /// <summary>A request of the model: what it is, how far it is, and the task that says whether it may go on.</summary>
    private sealed class Request
    {
        public required ulong Name { get; init; }

        public required bool Writes { get; init; }

        public required Task Turn { get; set; }

        public bool Publishing { get; set; }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task RandomRequestsNeverBreakTheRulesAndNothingIsLeft(int seed)
    {
        var random = new Random(seed);
        var live = new List<Request>();
        for (int step = 0; step < 4000 || live.Count > 0; step++)
        {
            if (step < 4000 && live.Count < 24 && random.Next(2) == 0)
            {
                ulong name = (ulong)random.Next(3);
                bool writes = random.Next(2) == 0;
                live.Add(new Request
                {
                    Name = name,
                    Writes = writes,
                    Turn = writes ? _locks.AcquireWriterAsync(name).AsTask() : _locks.AcquireReaderAsync(name).AsTask(),
                });
            }
            else if (live.Where(request => request.Turn.IsCompleted).ToList() is { Count: > 0 } able)
            {
                Advance(able[random.Next(able.Count)], live, random);
            }

            Check(live);
            Assert.True(live.Count == 0 || live.Exists(request => request.Turn.IsCompleted), $"seed {seed}, step {step}: everybody waits");
        }

        Assert.Equal(0, _locks.HeldCount);
        await Task.CompletedTask;
    }

    private void Advance(Request request, List<Request> live, Random random)
    {
        if (!request.Writes)
        {
            _locks.ReleaseReader(request.Name);
            live.Remove(request);
        }
        else if (request.Publishing)
        {
            _locks.EndPublish(request.Name);
            request.Publishing = false;
        }
        else if (random.Next(2) == 0)
        {
            request.Turn = _locks.BeginPublishAsync(request.Name).AsTask();
            request.Publishing = true;
        }
        else
        {
            _locks.ReleaseWriter(request.Name);
            live.Remove(request);
        }
    }

    /// <summary>What must hold after every step. The lists are in order of arrival.</summary>
    private void Check(List<Request> live)
    {
        foreach (IGrouping<ulong, Request> name in live.GroupBy(request => request.Name))
        {
            List<Request> writers = [.. name.Where(request => request.Writes)];
            List<Request> inside = [.. writers.Where(writer => writer.Turn.IsCompleted || writer.Publishing)];
            bool publishes = writers.Exists(writer => writer.Publishing && writer.Turn.IsCompleted);
            bool wants = writers.Exists(writer => writer.Publishing);
            int reading = name.Count(request => !request.Writes && request.Turn.IsCompleted);
            Assert.Equal(writers.Count == 0 ? 0 : 1, inside.Count);
            Assert.True(writers.Count == 0 || inside[0] == writers[0], "the first to come is inside");
            Assert.True(!publishes || reading == 0, "nobody reads while a writer publishes");
            Assert.True(!wants || publishes || reading > 0, "a publisher waits for readers only");
            Assert.True(wants || name.All(request => request.Writes || request.Turn.IsCompleted), "a reader waits for a publisher only");
            Assert.Equal(inside.Count > 0 ? LockState.WriteLocked : LockState.ReadLocked, _locks.State(name.Key));
        }

        Assert.Equal(live.Select(request => request.Name).Distinct().Count(), _locks.HeldCount);
    }
}

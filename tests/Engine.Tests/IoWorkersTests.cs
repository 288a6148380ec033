using Sluice.Engine.Io;

namespace Sluice.Engine.Tests;

/// <summary>The threads that make blocking calls: everything that is queued is run, and what waits for each other runs at the same time.</summary>
public sealed class IoWorkersTests
{
    private const int Threads = 8;

    [Fact]
    public async Task ItemsThatWaitForEachOtherRunAtTheSameTime()
    {
        using var workers = new IoWorkers(Threads, "test-io");
        for (int round = 0; round < 200; round++)
        {
            using var all = new Barrier(Threads);
            Item[] items = [.. Enumerable.Range(0, Threads).Select(_ => new Item(() => all.SignalAndWait()))];
            Assert.All(items, item => Assert.True(workers.TryAdd(item)));
            await Task.WhenAll(items.Select(item => item.Ran)).WaitAsync(TimeSpan.FromMinutes(1));
        }

        Assert.Equal(Threads, workers.ThreadCount);
    }

    [Fact]
    public async Task ItemsFromManyThreadsAreAllRunOnceByWorkers()
    {
        using var workers = new IoWorkers(Threads, "test-io");
        Item[][] items = [.. Enumerable.Range(0, 4).Select(_ => Enumerable.Range(0, 20_000).Select(_ => new Item(() => Assert.True(workers.IsCurrent))).ToArray())];
        await Task.WhenAll(items.Select(mine => Task.Run(() =>
        {
            foreach (Item item in mine)
            {
                while (!workers.TryAdd(item))
                {
                    Thread.Yield(); // the queue is full
                }
            }
        })));
        await Task.WhenAll(items.SelectMany(mine => mine.Select(item => item.Ran))).WaitAsync(TimeSpan.FromMinutes(1));
        Assert.False(workers.IsCurrent);
        Assert.InRange(workers.ThreadCount, 1, Threads);
    }

    [Fact]
    public async Task WhatIsQueuedAtTheEndIsRunAndNothingIsTakenBehindIt()
    {
        var workers = new IoWorkers(1, "test-io");
        using var go = new ManualResetEventSlim();
        Item[] items = [new(go.Wait), .. Enumerable.Range(0, 10).Select(_ => new Item(static () => { }))];
        Assert.All(items, item => Assert.True(workers.TryAdd(item)));
        Task ended = Task.Run(workers.Dispose);
        while (workers.TryAdd(new Item(static () => { })))
        {
            await Task.Yield();
        }

        Assert.False(ended.IsCompleted);
        go.Set();
        await ended.WaitAsync(TimeSpan.FromMinutes(1));
        Assert.All(items, item => Assert.True(item.Ran.IsCompletedSuccessfully));
    }

    private sealed class Item(Action work) : IWorkItem
    {
        private readonly TaskCompletionSource _ran = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Ran => _ran.Task;

        public void Run()
        {
            try
            {
                work();
                _ran.SetResult(); // throws when it runs twice
            }
            catch (Exception problem)
            {
                _ran.TrySetException(problem);
            }
        }
    }
}

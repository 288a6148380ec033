using Sluice.Native.Tests.Support;
using Sluice.Native.Uring;

namespace Sluice.Native.Tests.Uring;

/// <summary>The end of a loop: everything completes before anything is freed, and nothing is left in the process.</summary>
[Collection(ProcessCollection.Name)]
public sealed class RingShutdownTests
{
    [Fact]
    public async Task RequestsOfEveryKindCompleteBeforeTheEnd()
    {
        using var directory = new TempDirectory();
        for (int round = 0; round < 5; round++)
        {
            string below = Directory.CreateDirectory(directory.Below($"{round}")).FullName;
            int descriptors = Kernel.DescriptorCount();
            var loop = new RingLoop(new RingLoopOptions { ReceiveBufferCount = 2, ReceiveBufferBytes = 64, RegisteredBufferCount = 4 });
            var requests = new BlockedRequests(loop, below);
            await loop.OnLoop(requests.Submit);
            loop.Dispose();
            Assert.All(await requests.EndsAsync(), BlockedRequests.WasCancelled);
            Assert.InRange(loop.ClosePassCount, 1, 1000);
            requests.Dispose();
            Assert.InRange(Kernel.DescriptorCount(), 1, descriptors); // fewer: somebody before us has closed late
        }
    }

    [Fact]
    public void FiveHundredLoopsLeaveNoDescriptorAndNoThread()
    {
        Run(8); // what the runtime makes once
        int descriptors = Kernel.DescriptorCount();
        Run(500);
        Assert.InRange(Kernel.DescriptorCount(), 1, descriptors); // fewer: somebody before us has closed late
        Assert.True(Kernel.Eventually(static () => !Kernel.ThreadNames().Exists(static name => name is "short" || name.StartsWith("iou-", StringComparison.Ordinal))),
            string.Join(", ", Kernel.ThreadNames()));

        static void Run(int count)
        {
            for (int i = 0; i < count; i++)
            {
                using var loop = new RingLoop(new RingLoopOptions
                {
                    Name = "short",
                    SubmissionEntries = 8,
                    CompletionEntries = 16,
                    ReceiveBufferCount = 2,
                    ReceiveBufferBytes = 4096,
                    RegisteredBufferCount = 8,
                    RegisteredDescriptorCount = 8,
                });
                loop.Post(static _ => { }, null);
            }
        }
    }

    [Fact]
    public void ALoopThatCannotBeHadLeavesNothing()
    {
        Assert.Throws<RingUnavailableException>(Refused);
        int descriptors = Kernel.DescriptorCount();
        for (int i = 0; i < 20; i++)
        {
            Assert.Throws<RingUnavailableException>(Refused);
            Assert.Throws<ArgumentOutOfRangeException>(static () => new RingLoop(new RingLoopOptions { ReceiveBufferCount = 3 }));
            Assert.Throws<ArgumentOutOfRangeException>(static () => new RingLoop(new RingLoopOptions { TickInterval = TimeSpan.Zero }));
        }

        Assert.InRange(Kernel.DescriptorCount(), 1, descriptors); // fewer: somebody before us has closed late

        static object Refused() => new RingLoop(new RingLoopOptions { CompletionEntries = 1 });
    }

    [Fact]
    public async Task WhoeverDisposesWaitsForTheEnd()
    {
        var loop = new RingLoop(new RingLoopOptions { Name = "ending" });
        await loop.OnLoop(() =>
        {
            loop.Dispose(); // on the loop it only begins
            Assert.True(loop.IsStopping);
        });
        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Run(() =>
        {
            loop.Dispose();
            Assert.False(loop.IsAlive);
        }))).WaitAsync(TimeSpan.FromSeconds(30));
    }

    /// <summary>The buffers of a loop that has ended are unmapped: a late owner gets an exception, not a fault.</summary>
    [Fact]
    public async Task BuffersOfALoopThatHasEndedAreNotTouched()
    {
        var loop = new RingLoop(new RingLoopOptions { ReceiveBufferCount = 2, ReceiveBufferBytes = 4096 });
        using var pair = new TcpPair();
        Memory<byte> late = default;
        int id = -1;
        var receive = new Recorded
        {
            Each = completion =>
            {
                if (completion.HasBuffer)
                {
                    (id, late) = (completion.BufferId, loop.ReceiveBuffers!.Take(completion.BufferId, completion.Result));
                }
            },
        };
        await loop.OnLoop(() => loop.ReceiveMultishot(receive, pair.Near));
        await pair.Far.SendAsync(new byte[5]);
        Assert.True(Kernel.Eventually(() => Volatile.Read(ref id) >= 0));
        loop.Dispose();
        await receive.Last;
        loop.ReceiveBuffers!.Return(id);
        Assert.Throws<ObjectDisposedException>(() => late.Span[0]);
    }

    [Fact]
    public async Task WorkThatIsGoingOnWhenTheLoopEndsSeesItsRequestsCancelled()
    {
        var loop = new RingLoop(new RingLoopOptions());
        using var pair = new TcpPair();
        var poll = new Recorded();
        var ended = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        await loop.OnLoop(() =>
        {
            loop.PollReadable(poll, pair.Near);
            _ = FinishAsync();
        });
        loop.Dispose();
        Assert.Equal(10, await ended.Task.WaitAsync(TimeSpan.FromSeconds(30)));

        async Task FinishAsync()
        {
            await poll.Last;
            int nops = 0;
            for (; nops < 10; nops++) // cleaning up may need requests, while there is a loop
            {
                _ = loop.IsCurrent ? await loop.NopAsync() : 0;
            }

            ended.SetResult(nops);
        }
    }
}

using System.Reflection;
using System.Runtime.CompilerServices;
using Sluice.Engine.Pooling;

namespace Sluice.Engine.Tests.Pooling;

/// <summary>How many calls that have ended are kept for others.</summary>
public sealed class PooledCallTests
{
    private const int CallsEach = 256;
    private static readonly FieldInfo s_call = typeof(ValueTask<int>).GetField("_obj", BindingFlags.Instance | BindingFlags.NonPublic)!;

    /// <summary>Threads of a pool end each other's calls, and there may be a hundred of them: did each keep as many as a loop, spare calls would fill the heap.</summary>
    [Fact]
    public void ThreadsWithoutAContextKeepOneSpareCallEachAndShareTheOthers()
    {
        Assert.InRange(KeptBy(threads: 16, context: null), 1, CallsEach + 16);
    }

    /// <summary>A loop ends what it began, and waits for no other thread to begin the next.</summary>
    [Fact]
    public void AThreadWithAContextKeepsItsSpareCalls()
    {
        Assert.InRange(KeptBy(threads: 2, new SynchronizationContext()), 2 * CallsEach, 2 * CallsEach);
    }

    /// <summary>Has each thread end its share of calls that waited; answers how many of the calls are left while the threads live.</summary>
    private static int KeptBy(int threads, SynchronizationContext? context)
    {
        using var over = new ManualResetEventSlim();
        using var ended = new CountdownEvent(threads);
        var calls = new WeakReference[threads * CallsEach];
        var all = Enumerable.Range(0, threads).Select(thread => new Thread(() =>
        {
            SynchronizationContext.SetSynchronizationContext(context);
            EndCalls(calls.AsSpan(thread * CallsEach, CallsEach), context is not null);
            ended.Signal();
            over.Wait();
        })).ToList();
        all.ForEach(thread => thread.Start());
        ended.Wait();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        int kept = calls.Where(call => call.IsAlive).Select(call => call.Target).Distinct().Count();
        over.Set();
        all.ForEach(thread => thread.Join());
        return kept;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void EndCalls(Span<WeakReference> calls, bool hasContext)
    {
        var waits = new TaskCompletionSource[CallsEach];
        var tasks = new ValueTask<int>[CallsEach];
        for (int i = 0; i < CallsEach; i++)
        {
            waits[i] = new TaskCompletionSource();
#pragma warning disable CA2012 // each is awaited once, below
            tasks[i] = hasContext ? OnLoopAsync(waits[i].Task) : OnAnyThreadAsync(waits[i].Task);
#pragma warning restore CA2012
            calls[i] = new WeakReference(s_call.GetValue(tasks[i]));
        }

        for (int i = 0; i < CallsEach; i++)
        {
            waits[i].SetResult();
            Assert.Equal(1, tasks[i].GetAwaiter().GetResult());
        }
    }

    // Two methods, since each has spare calls of its own.
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private static async ValueTask<int> OnAnyThreadAsync(Task wait)
    {
        await wait.ConfigureAwait(false);
        return 1;
    }

    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private static async ValueTask<int> OnLoopAsync(Task wait)
    {
        await wait.ConfigureAwait(false);
        return 1;
    }
}

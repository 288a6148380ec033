using Sluice.Engine;
using Sluice.Server.Settings;
using Sluice.Transport.Cold;
using Sluice.Transport.Uring;

namespace Sluice.Server.Tests;

/// <summary>
/// The plan keeps its promises whatever the machine: what the parts take at most is within the budget, and everybody who is let in finds what he needs.
/// </summary>
public sealed class MemoryPlanTests
{
    private const long MiB = 1 << 20;
    private static readonly int[] s_processors = [0, 1, 2, 3, 8, 24, 96, 256];

    [Fact]
    public void EveryPlanKeepsItsRelations()
    {
        foreach (MemoryDemand demand in Demands())
        {
            var plan = new MemoryPlan(demand);
            Assert.True(Problems(plan, demand.BudgetBytes, demand.Mountpaths).Count == 0, $"{demand}: {string.Join("; ", Problems(plan, demand.BudgetBytes, demand.Mountpaths))}");
        }
    }

    /// <summary>A plan for more than there is: the detector of the test above sees it.</summary>
    [Fact]
    public void APlanForTwiceTheBudgetIsCaughtByTheDetector()
    {
        foreach (MemoryDemand demand in Demands().Where(demand => demand.BudgetBytes < 1L << 34))
        {
            Assert.NotEmpty(Problems(new MemoryPlan(demand), demand.BudgetBytes / 2, demand.Mountpaths));
        }
    }

    [Fact]
    public void MoreMemoryNeverMeansLess()
    {
        foreach (int processors in s_processors)
        {
            MemoryPlan before = Plan(SettingsTable.MemoryBytesMin, processors);
            foreach (long budget in Budgets().Order())
            {
                MemoryPlan plan = Plan(budget, processors);
                Assert.True(
                    plan.RequestsMax >= before.RequestsMax && plan.RequestBytes >= before.RequestBytes && plan.ConnectionsMax >= before.ConnectionsMax
                    && plan.CacheBytes >= before.CacheBytes && plan.HeapBytes >= before.HeapBytes && plan.LoopCount >= before.LoopCount,
                    $"{processors} processors, {budget} bytes: {plan}, before {before}");
                before = plan;
            }
        }
    }

    [Fact]
    public void ColdReadsTakeNoMoreThanTheirShareAndHaveBuffersOfBothKinds()
    {
        foreach (MemoryDemand demand in Demands())
        {
            var plan = new MemoryPlan(demand);
            ColdReadOptions cold = plan.ColdReads(machineBytes: demand.BudgetBytes * 4);
            long share = (long)plan.LoopCount * plan.ColdReadsPerLoop * MemoryPlan.ColdReadBytes;
            Assert.True(cold.BytesMax <= share || share == 0, $"{demand}: {cold.BytesMax} of {share}");
            Assert.True(cold.BufferCount >= 1 && cold.ScratchCount >= 1 && cold.BufferBytes is >= 256 << 10 and <= 1 << 20, $"{demand}: {cold}");
            Assert.Equal(demand.BudgetBytes * 3 / 2, cold.CacheBytes);
            Assert.Equal(plan.HasRingNetwork ? Math.Min(cold.BufferCount, 16384) : 0, plan.RegisteredBuffersPerLoop);
        }
    }

    [Fact]
    public void TheLeastBudgetIsForAHundredTransfersAtOnce()
    {
        MemoryPlan plan = Plan(SettingsTable.MemoryBytesMin, processors: 2);
        Assert.Equal((2, 128, 128, 512), (plan.LoopCount, plan.RequestsMax, plan.WaitingMax, plan.ConnectionsMax));
        Assert.Equal((64 << 10, 32 << 10, 64 << 10, 44 << 10), (plan.RequestBytes, plan.PieceBytes, plan.BodyReadBytes, plan.SocketBytes));
        Assert.Equal((128, 8, 16, 8, 2), (plan.ReceiveBuffersPerLoop, plan.BlocksPerLoop, plan.HeadsPerLoop, plan.ColdReadsPerLoop, plan.VerifyBuffers));
        Assert.Equal(24 * MiB, plan.HeapBytes);
        Assert.Equal((0, 0), (plan.TunedSockets, plan.SharedSocketBytes));
    }

    [Fact]
    public void FewerRequestsMayBeAskedForAndNotMore()
    {
        Assert.Equal((1, 1), (Plan(64 * MiB, 2, requests: 1).RequestsMax, Plan(64 * MiB, 2, requests: 1).WaitingMax));
        Assert.Equal(128, Plan(64 * MiB, 2, requests: 1_000_000).RequestsMax);
    }

    [Fact]
    public void WhatRingsWouldHaveHadIsTheHeaps()
    {
        MemoryPlan plan = Plan(64 * MiB, processors: 0);
        Assert.Equal((0, 0, 0), (plan.LoopCount, plan.BlocksPerLoop, plan.HeadsPerLoop));
        Assert.Equal(38 * MiB, plan.HeapBytes);
    }

    [Fact]
    public void LessThanTheLeastBudgetIsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Plan(SettingsTable.MemoryBytesMin - 1, processors: 2));

    [Theory]
    [InlineData("VmRSS:", 30_000 << 10)]
    [InlineData("RssAnon:", 7_052 << 10)]
    [InlineData("RssNone:", 0)]
    public void SizesOfTheProcessAreReadAsTheKernelWritesThem(string field, long bytes) =>
        Assert.Equal(bytes, MemoryLimit.Bytes("Name:\tsluice\nVmRSS:\t   30000 kB\nRssAnon:\t    7052 kB\n", field));

    private static MemoryPlan Plan(long budget, int processors, int? requests = null) =>
        new(new MemoryDemand { BudgetBytes = budget, Processors = processors, HasRingNetwork = true, Mountpaths = 4, RequestsMax = requests });

    private static IEnumerable<long> Budgets()
    {
        var random = new Random(20_240_301);
        for (int power = 26; power < 42; power++)
        {
            yield return 1L << power;
            yield return (1L << power) + 1;
            yield return (1L << (power + 1)) - 1;
            for (int i = 0; i < 20; i++)
            {
                yield return random.NextInt64(1L << power, 1L << (power + 1));
            }
        }
    }

    private static IEnumerable<MemoryDemand> Demands() =>
        from budget in Budgets()
        from processors in s_processors
        from hasRingNetwork in new[] { true, false }
        from mountpaths in new[] { 1, 4, 12, 256 }
        from requests in new int?[] { null, 1, 100, int.MaxValue }
        select new MemoryDemand
        {
            BudgetBytes = budget,
            Processors = processors,
            HasRingNetwork = hasRingNetwork,
            Mountpaths = mountpaths,
            RequestsMax = requests,
        };

    /// <summary>What is wrong with a plan on a budget; written down here anew, not taken from the plan.</summary>
    private static List<string> Problems(MemoryPlan plan, long budget, int mountpaths)
    {
        List<string> problems = [];
        void Must(bool holds, string what)
        {
            if (!holds)
            {
                problems.Add(what);
            }
        }

        Must(plan.HasRingNetwork || (plan.BlocksPerLoop | plan.HeadsPerLoop | plan.ReceiveBuffersPerLoop | plan.ColdReadsPerLoop) == 0, "slabs for nobody");
        long slabs = plan.LoopCount * (((long)plan.ReceiveBuffersPerLoop * MemoryPlan.ReceiveBufferBytes)
            + ((long)plan.BlocksPerLoop * UringTransportOptions.BlockBytes) + ((long)plan.HeadsPerLoop * UringTransportOptions.HeadBytes)
            + ((long)plan.ColdReadsPerLoop * MemoryPlan.ColdReadBytes) + MemoryPlan.RingBytes);
        long sockets = (plan.TunedSockets * MemoryPlan.TunedSocketBytes) + (2L * plan.SocketBytes * plan.RequestsMax) + plan.SharedSocketBytes;
        long verify = (long)plan.VerifyBuffers * Limits.BlockBytes;
        Must(MemoryPlan.RuntimeBytes + plan.HeapBytes + slabs + verify + sockets <= budget, "more than the budget");
        long managed = plan.CacheBytes + ((long)plan.RequestsMax * plan.RequestBytes) + ((long)plan.ConnectionsMax * plan.ConnectionBytes);
        Must(plan.HeapBytes - managed >= plan.HeapBytes / 8, "no room for garbage on the heap");
        Must(plan.RequestsMax >= 1 && plan.WaitingMax >= 1 && plan.ControlsMax >= 1, "nobody is let in");
        Must(plan.ControlsMax == 1 || (long)plan.ControlsMax * MemoryPlan.ControlBytes <= plan.HeapBytes / 4, "control messages have all of the heap");
        Must(plan.ConnectionsMax >= plan.RequestsMax + plan.WaitingMax, "requests without connections");
        Must(plan.PieceBytes >= 32 << 10 && plan.BodyReadBytes >= 64 << 10 && plan.RequestBytes >= 64 << 10, "a request is starved");
        Must(plan.SocketBytes >= (mountpaths < 2 ? 64 : 44) << 10, "a socket is starved"); // of the least budget erasure coding takes 5 of 16 MiB (ADR 5)
        Must(plan.SharedSocketBytes >= 0, "sockets share what is not there");
        Must(plan.VerifyBuffers >= 1, "nothing can be verified");
        Must(!plan.HasRingNetwork || System.Numerics.BitOperations.IsPow2(plan.ReceiveBuffersPerLoop), "not a ring of buffers");
        Must(!plan.HasRingNetwork || plan is { BlocksPerLoop: >= 2, HeadsPerLoop: >= 2, ReceiveBuffersPerLoop: >= 16, ColdReadsPerLoop: >= 2 }, "a loop is starved");
        return problems;
    }
}

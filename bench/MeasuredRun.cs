using System.Diagnostics;
using System.Globalization;

namespace Sluice.Bench;

/// <summary>What a run cost: the whole process, kernel workers included, since other processes share the processors and the clock says little.</summary>
internal readonly record struct MeasuredRun(int Operations, TimeSpan Elapsed, TimeSpan Cpu, long AllocatedBytes)
{
    public static async Task<MeasuredRun> OfAsync(int operations, Func<Task> run)
    {
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        long started = Stopwatch.GetTimestamp();
        await run();
        TimeSpan elapsed = Stopwatch.GetElapsedTime(started);
        return new MeasuredRun(operations, elapsed, Environment.CpuUsage.TotalTime - cpu, GC.GetTotalAllocatedBytes(precise: true) - allocated);
    }

    /// <summary>Two runs of the same thing as one.</summary>
    public MeasuredRun With(MeasuredRun other) =>
        new(Operations + other.Operations, Elapsed + other.Elapsed, Cpu + other.Cpu, AllocatedBytes + other.AllocatedBytes);

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Cpu.TotalMicroseconds / Operations,9:f1} µs CPU/op {Operations / Elapsed.TotalSeconds,10:f0} op/s {(double)AllocatedBytes / Operations,8:f0} B/op");
}

using System.Diagnostics;

namespace Sluice.Native.Uring;

/// <summary>
/// How long the passes of a loop take: by the clock on the wall, which is what everybody else waits, and of a slow one the processor time of the thread,
/// which leaves out that others had the core. Asking for the second costs a system call: it is read when a slow pass has ended, and before a pass when
/// the last reading is older than <see cref="s_readingTicks"/>. So what is told is at most that much too high, never too low. Loop thread only.
/// </summary>
internal sealed class PassTimes
{
    /// <summary>0.5 ms: a call of 0.2 µs, or 1.4 µs on a virtual machine, is below 0.3 % of it.</summary>
    private static readonly long s_readingTicks = Stopwatch.Frequency / 2000;

    private static readonly long s_slowTicks = (long)(RingLoop.SlowIteration.TotalSeconds * Stopwatch.Frequency);

    private long _started, _readAt, _longestTicks;
    private TimeSpan _processorAtReading;
    private bool _isFirst = true; // it compiles or pages in what it runs

    public long Count { get; private set; }

    public long SlowCount { get; private set; }

    public long SlowProcessorCount { get; private set; }

    public TimeSpan Longest => Stopwatch.GetElapsedTime(0, _longestTicks);

    public TimeSpan LongestProcessor { get; private set; }

    public void Reset() => (_longestTicks, LongestProcessor) = (0, TimeSpan.Zero);

    /// <summary>A pass begins. Answers <see cref="Stopwatch.GetTimestamp"/>.</summary>
    public long Begin()
    {
        Count++;
        _started = Stopwatch.GetTimestamp();
        if (_started - _readAt > s_readingTicks)
        {
            (_readAt, _processorAtReading) = (_started, Libc.ThreadProcessorTime());
        }

        return _started;
    }

    /// <summary>It ends.</summary>
    public void End()
    {
        long ticks = Stopwatch.GetTimestamp() - _started;
        if (ticks > _longestTicks && !_isFirst)
        {
            _longestTicks = ticks;
        }

        if (ticks > s_slowTicks)
        {
            EndSlow(Stopwatch.GetElapsedTime(0, ticks));
        }

        _isFirst = false;
    }

    private void EndSlow(TimeSpan took)
    {
        TimeSpan processor = Libc.ThreadProcessorTime() - _processorAtReading;
        _readAt = 0; // read anew before the next pass
        processor = processor < took ? processor : took;
        SlowCount++;
        SlowProcessorCount += processor > RingLoop.SlowIteration ? 1 : 0;
        if (processor > LongestProcessor && !_isFirst)
        {
            LongestProcessor = processor;
        }
    }
}

namespace Sluice.Native.Uring;

/// <summary>An operation for <see cref="RingLoop.Timeout"/>; it keeps the time that the kernel reads.</summary>
public abstract unsafe class RingTimeout : RingOperation
{
    private readonly KernelTimespec[] _time = GC.AllocateArray<KernelTimespec>(1, pinned: true);

    internal KernelTimespec* Set(TimeSpan after)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(after, TimeSpan.Zero);
        _time[0] = new KernelTimespec { Seconds = after.Ticks / TimeSpan.TicksPerSecond, Nanoseconds = after.Ticks % TimeSpan.TicksPerSecond * 100 };
        // SAFETY: the array is pinned for its life and has one element.
        fixed (KernelTimespec* time = _time)
        {
            return time;
        }
    }
}

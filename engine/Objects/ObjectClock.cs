namespace Sluice.Engine.Objects;

/// <summary>
/// Gives out generations: nanoseconds since 1970 by the injected clock, but always greater than any given out before and than the one it
/// is told to exceed. A clock that was set back makes generations run ahead of it, never repeat.
/// </summary>
public sealed class ObjectClock(TimeProvider time)
{
    private long _last; // only ever raised, by compare-and-swap

    /// <summary>Now, in nanoseconds since 1970 UTC.</summary>
    public long NowNs => (time.GetUtcNow().UtcTicks - DateTime.UnixEpoch.Ticks) * 100;

    /// <summary>A generation greater than all before and than <paramref name="exceed"/>.</summary>
    public ulong Next(ulong exceed = 0)
    {
        while (true)
        {
            long last = Volatile.Read(ref _last);
            long next = Math.Max(Math.Max(NowNs, last + 1), checked((long)exceed + 1));
            if (Interlocked.CompareExchange(ref _last, next, last) == last)
            {
                return (ulong)next;
            }
        }
    }
}

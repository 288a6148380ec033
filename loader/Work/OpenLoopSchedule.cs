// The clock of the open loop. Requests are due at fixed times, whether or not the ones before have been answered; one that finds no worker
// waits, and its latency counts from when it was due. A closed loop would not have sent it, and so would not have seen that it waits
// (coordinated omission).
namespace Sluice.Loader.Work;

/// <summary>Times at which one of several loops shall begin requests, and the bounded queue of those that are due. One user at a time.</summary>
public sealed class OpenLoopSchedule
{
    /// <summary>A request that begins this much after it was due is late: 1 ms, well above a timer's slack.</summary>
    public const long LateNanoseconds = 1_000_000;

    private const long Second = 1_000_000_000;

    private readonly long _start;
    private readonly long _rate;
    private readonly int _loops;
    private readonly int _loop;
    private readonly long[] _due; // a ring
    private int _first;
    private long _next;

    /// <summary>The schedule of loop <paramref name="loop"/> of <paramref name="loops"/>, which take turns.</summary>
    /// <param name="start">When the first request is due, in nanoseconds of a monotonic clock.</param>
    /// <param name="rate">Requests a second of all loops.</param>
    /// <param name="loops">Loops.</param>
    /// <param name="loop">Index of this one.</param>
    /// <param name="backlogMax">Requests that may be due and not begun; one that is due beyond that is dropped.</param>
    public OpenLoopSchedule(long start, int rate, int loops, int loop, int backlogMax)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rate, 1);
        (_start, _rate, _loops, _loop) = (start, rate, loops, loop);
        _due = new long[Math.Max(1, backlogMax)];
    }

    /// <summary>Requests that are due and have not begun.</summary>
    public int Backlog { get; private set; }

    /// <summary>Most that ever were.</summary>
    public int BacklogMax { get; private set; }

    /// <summary>Requests that were never begun because the queue was full.</summary>
    public long Dropped { get; private set; }

    /// <summary>When the next request that is not due yet will be.</summary>
    public long NextDue => TimeOf(_next);

    /// <summary>Takes in what has become due until <paramref name="now"/>.</summary>
    public void Advance(long now)
    {
        for (long due = TimeOf(_next); due <= now; due = TimeOf(++_next))
        {
            if (Backlog == _due.Length)
            {
                Dropped++;
                continue;
            }

            _due[(_first + Backlog) % _due.Length] = due;
            Backlog++;
            BacklogMax = Math.Max(BacklogMax, Backlog);
        }
    }

    /// <summary>Takes the request that has been due longest and tells since when; false when none is.</summary>
    public bool TryTake(out long due)
    {
        due = _due[_first];
        if (Backlog == 0)
        {
            return false;
        }

        _first = (_first + 1) % _due.Length;
        Backlog--;
        return true;
    }

    /// <summary>Whole seconds and the rest apart: no overflow, no drift.</summary>
    private long TimeOf(long index)
    {
        long turn = (index * _loops) + _loop;
        return _start + (turn / _rate * Second) + (turn % _rate * Second / _rate);
    }
}

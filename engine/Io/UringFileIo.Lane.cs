using System.Collections.Concurrent;
using Sluice.Native.Uring;

namespace Sluice.Engine.Io;

/// <summary>Which loop a verb belongs to, and where its object comes from.</summary>
public sealed partial class UringFileIo
{
    /// <summary>
    /// What one stretch of a loop (a pass, or a turn in it) may spend on verbs that are done at once, in bytes copied: about 50 µs. A caller whose reads are all
    /// resident would else keep its loop for the whole of a large file.
    /// </summary>
    public const int InlineBytesDefault = 256 << 10;

    /// <summary>What a verb without bytes counts: an openat2 and a statx take as long as a copy of that many.</summary>
    private const int InlineVerbBytes = 8 << 10;

    private const int PooledVerbsMax = 1024; // a lane; more than the verbs that wait for one drive at a time

    [ThreadStatic]
    private static Lane? t_lane;

    private readonly ConcurrentQueue<Verb> _foreignVerbs = new();

    /// <summary>The lane of the loop that we are on; null elsewhere.</summary>
    private Lane? Home => t_lane is { } lane && lane.Owner == this ? lane : FindHome();

    private Lane? FindHome()
    {
        if (RingLoop.Current is not { } current)
        {
            return null;
        }

        foreach (Lane lane in _lanes)
        {
            if (lane.Loop == current)
            {
                return t_lane = lane;
            }
        }

        return null;
    }

    private Verb Rent()
    {
        if (Home is { } home)
        {
            return home.Rent();
        }

        Verb verb = _foreignVerbs.TryDequeue(out Verb? pooled) ? pooled : new Verb(this);
        verb.Send(_lanes[Interlocked.Increment(ref _nextLane) % (uint)_lanes.Length]);
        return verb;
    }

    private void Return(Verb verb, Lane lane, bool isHome)
    {
        if (!isHome)
        {
            if (_foreignVerbs.Count < PooledVerbsMax)
            {
                _foreignVerbs.Enqueue(verb);
            }
        }
        else if (lane.Loop.IsCurrent) // a result that was taken elsewhere leaves its verb to the collector
        {
            lane.Return(verb);
        }
    }

    /// <summary>One loop, as its own callers see it. On the loop only.</summary>
    private sealed class Lane(UringFileIo owner, RingLoop loop, int inlineBytesMax)
    {
        private readonly Stack<Verb> _free = new();
        private long _stretch = -1;
        private int _inlineBytes;

        public UringFileIo Owner => owner;

        public RingLoop Loop => loop;

        /// <summary>True when this stretch of the loop has time left for a verb that copies that many bytes at once.</summary>
        public bool MayRunInline(int bytes)
        {
            if (_stretch != loop.StretchCount)
            {
                _stretch = loop.StretchCount;
                _inlineBytes = 0;
            }

            int cost = Math.Max(bytes, InlineVerbBytes);
            if (cost > inlineBytesMax - _inlineBytes)
            {
                return false;
            }

            _inlineBytes += cost;
            return true;
        }

        public Verb Rent()
        {
            Verb verb = _free.TryPop(out Verb? pooled) ? pooled : new Verb(owner);
            verb.Stay(this);
            return verb;
        }

        public void Return(Verb verb)
        {
            if (_free.Count < PooledVerbsMax)
            {
                _free.Push(verb);
            }
        }
    }
}

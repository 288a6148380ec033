using Sluice.Native;

namespace Sluice.Engine.Io;

/// <summary>Something for a worker to run; must not throw.</summary>
public interface IWorkItem
{
    /// <summary>Called once, on a worker.</summary>
    void Run();
}

/// <summary>
/// Threads that make blocking system calls, and their bounded queue. The worker that has rested shortest is woken first, and only one is on its way at any time: it
/// wakes or starts the next one if there is still work when it gets to run, up to a maximum. So items that do not wait are done by one thread one after the other,
/// and those that do have as many as they need; the threads that are there stay. An idle machine has none.
/// </summary>
public sealed class IoWorkers(int countMax, string name) : IDisposable
{
    /// <summary>Items that may wait for a worker; whoever comes then is told so. 4,096 x 8 bytes, and the items.</summary>
    private const int QueueMax = 4096;

    [ThreadStatic]
    private static IoWorkers? t_current;

    private readonly Lock _gate = new(); // held for a few instructions

    // Guarded by the gate.
    private readonly Queue<IWorkItem> _queue = new();
    private readonly Stack<ParkingSpot> _resting = new();
    private readonly List<Thread> _threads = [];
    private bool _isWaking; // a worker is on its way to the queue
    private bool _ended;

    /// <summary>True on one of the threads.</summary>
    public bool IsCurrent => t_current == this;

    /// <summary>Threads that were started.</summary>
    public int ThreadCount
    {
        get
        {
            lock (_gate)
            {
                return _threads.Count;
            }
        }
    }

    /// <summary>True when so many items wait that there may be no place for another soon: a guess, for which nobody is kept waiting.</summary>
    public bool IsCrowded => _queue.Count > QueueMax / 2;

    /// <summary>Queues an item; false when the queue is full or has ended: it will not be run.</summary>
    public bool TryAdd(IWorkItem item)
    {
        ParkingSpot? rested;
        lock (_gate)
        {
            if (_ended || _queue.Count == QueueMax)
            {
                return false;
            }

            _queue.Enqueue(item);
            rested = CallWorker();
        }

        rested?.Wake();
        return true;
    }

    /// <summary>Finishes what is queued and ends the threads.</summary>
    public void Dispose()
    {
        Thread[] threads;
        lock (_gate)
        {
            _ended = true;
            threads = [.. _threads];
            while (_resting.TryPop(out ParkingSpot? rested))
            {
                rested.Wake();
            }
        }

        foreach (Thread thread in threads.Where(thread => thread != Thread.CurrentThread))
        {
            thread.Join();
        }
    }

    /// <summary>Whoever is to be woken for what waits, if anybody; under the gate. A thread that is started needs no waking.</summary>
    private ParkingSpot? CallWorker()
    {
        if (_isWaking)
        {
            return null;
        }

        if (_resting.TryPop(out ParkingSpot? rested))
        {
            _isWaking = true;
            return rested;
        }

        if (_threads.Count < countMax && !_ended)
        {
            _isWaking = true;
            var thread = new Thread(Work) { IsBackground = true, Name = $"{name}-{_threads.Count}" };
            _threads.Add(thread);
            thread.Start();
        }

        return null;
    }

    private void Work()
    {
        t_current = this;
        using var spot = new ParkingSpot();
        bool wasCalled = true;
        while (true)
        {
            IWorkItem? item;
            ParkingSpot? next = null;
            lock (_gate)
            {
                _isWaking &= !wasCalled;
                if (_queue.TryDequeue(out item))
                {
                    next = _queue.Count > 0 ? CallWorker() : null;
                }
                else if (_ended)
                {
                    return;
                }
                else
                {
                    _resting.Push(spot);
                }
            }

            next?.Wake();
            if (item is null)
            {
                spot.Park();
            }
            else
            {
                item.Run();
            }

            wasCalled = item is null;
        }
    }
}

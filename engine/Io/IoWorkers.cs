using System.Collections.Concurrent;

namespace Sluice.Engine.Io;

/// <summary>Something for a worker to run; must not throw.</summary>
internal interface IWorkItem
{
    /// <summary>Called once, on a worker.</summary>
    void Run();
}

/// <summary>
/// Threads that make blocking system calls, and their bounded queue. A thread is started when there is work and none is idle, up to a
/// maximum; those that are there stay. An idle machine has none, a busy one pays the start of each once.
/// </summary>
internal sealed class IoWorkers(int countMax, string name) : IDisposable
{
    /// <summary>Items that may wait for a worker; whoever comes then is told so. 4,096 x about 200 bytes.</summary>
    private const int QueueMax = 4096;

    [ThreadStatic]
    private static IoWorkers? t_current;

    private readonly BlockingCollection<IWorkItem> _queue = new(QueueMax);
    private readonly Lock _gate = new();
    private readonly List<Thread> _threads = []; // guarded by the gate
    private int _threadCount; // written under the gate
    private int _idle;

    /// <summary>True on one of the threads.</summary>
    public bool IsCurrent => t_current == this;

    /// <summary>Threads that were started.</summary>
    public int ThreadCount => Volatile.Read(ref _threadCount);

    /// <summary>Queues an item; false when the queue is full or has ended: it will not be run.</summary>
    public bool TryAdd(IWorkItem item)
    {
        if (_queue.IsAddingCompleted || !_queue.TryAdd(item))
        {
            return false;
        }

        StartIfShort();
        return true;
    }

    /// <summary>Finishes what is queued and ends the threads.</summary>
    public void Dispose()
    {
        _queue.CompleteAdding();
        Thread[] threads;
        lock (_gate)
        {
            threads = [.. _threads];
        }

        foreach (Thread thread in threads.Where(thread => thread != Thread.CurrentThread))
        {
            thread.Join();
        }
    }

    /// <summary>
    /// Asked by who adds and by who takes: a thread that has just taken an item still counted as idle when the one behind it was added.
    /// </summary>
    private void StartIfShort()
    {
        if (Volatile.Read(ref _threadCount) == countMax || Volatile.Read(ref _idle) >= _queue.Count)
        {
            return;
        }

        lock (_gate)
        {
            if (_threads.Count < countMax && !_queue.IsAddingCompleted)
            {
                var thread = new Thread(Work) { IsBackground = true, Name = $"{name}-{_threads.Count}" };
                _threads.Add(thread);
                _threadCount++;
                thread.Start();
            }
        }
    }

    private void Work()
    {
        t_current = this;
        Interlocked.Increment(ref _idle);
        foreach (IWorkItem item in _queue.GetConsumingEnumerable())
        {
            Interlocked.Decrement(ref _idle);
            StartIfShort();
            item.Run();
            Interlocked.Increment(ref _idle);
        }
    }
}

using System.Diagnostics;
using Sluice.Transport.Http;

namespace Sluice.Transport.Guard;

/// <summary>
/// Breaks connections whose client has neither given nor taken a byte for too long while a request waited for it. It looks at the requests at intervals,
/// on whatever transport they came: a request pays two writes for each wait that is one. Idle connections and slow heads are Kestrel's business, with
/// deadlines from the same setting.
/// </summary>
public sealed class ClientWatch : IDisposable
{
    private const int LooksInTimeout = 8; // a client is broken at most an eighth later than it could be
    private static readonly TimeSpan s_intervalMax = TimeSpan.FromSeconds(5);

    private readonly TimeSpan _timeout;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private readonly List<WeakReference<RequestContext>> _contexts = []; // under _gate; weak: a stream of HTTP/2 is forgotten long before its connection closes
    private long _broken;

    /// <summary>Watches until it is disposed; <paramref name="timeout"/> is above zero.</summary>
    public ClientWatch(TimeSpan timeout, TimeProvider time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero);
        _timeout = timeout;
        _time = time;
        TimeSpan interval = timeout / LooksInTimeout;
        interval = interval < s_intervalMax ? interval : s_intervalMax;
        _timer = time.CreateTimer(static watch => ((ClientWatch)watch!).Look(), this, interval, interval);
    }

    /// <summary>Connections that were broken.</summary>
    public long BrokenCount => Interlocked.Read(ref _broken);

    /// <summary>Contexts that are looked at; those that are gone count until the next look.</summary>
    internal int WatchedCount
    {
        get
        {
            lock (_gate)
            {
                return _contexts.Count;
            }
        }
    }

    /// <summary>The clock, in its own ticks, for <see cref="RequestContext"/> to write down when a wait begins.</summary>
    internal long Now => _time.GetTimestamp();

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    /// <summary>
    /// Watches the requests of a connection or stream until that is closed, or nobody has the context any more: the watch does not keep it alive. A request
    /// that waits for its client has one, in what it waits for.
    /// </summary>
    internal void Add(RequestContext context)
    {
        lock (_gate)
        {
            _contexts.Add(new WeakReference<RequestContext>(context));
        }
    }

    private void Look()
    {
        List<RequestContext> stalled = [];
        lock (_gate)
        {
            _contexts.RemoveAll(static watched => !watched.TryGetTarget(out RequestContext? context) || context.IsClosed);
            foreach (WeakReference<RequestContext> watched in _contexts)
            {
                if (watched.TryGetTarget(out RequestContext? context)
                    && context.WaitsForClientSince(this) is { } since
                    && _time.GetElapsedTime(since) > _timeout)
                {
                    stalled.Add(context);
                }
            }
        }

        foreach (RequestContext context in stalled)
        {
            Interlocked.Increment(ref _broken);
            context.Abort();
        }
    }
}

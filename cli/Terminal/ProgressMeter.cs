using Spectre.Console;

namespace Sluice.Cli.Terminal;

/// <summary>
/// Counts what is transferred and, on a terminal, keeps one line about it up to date. The counting is lock-free, any thread may do it; the
/// drawing is a timer's. Silent when nobody watches.
/// </summary>
public sealed class ProgressMeter : IDisposable
{
    /// <summary>Five lines a second: smooth for an eye, nothing for a CPU.</summary>
    private static readonly TimeSpan s_period = TimeSpan.FromMilliseconds(200);

    /// <summary>Weight of the newest rate: about the last two seconds count.</summary>
    private const double RateWeight = 0.1;

    private readonly TimeProvider _clock;
    private readonly IAnsiConsole? _console;
    private readonly ITimer? _timer;

    // Any thread, by Interlocked.
    private long _bytesDone;
    private long _bytesTotal;
    private long _objectsDone;
    private long _objectsTotal;
    private volatile bool _isTotalKnown;
    private volatile bool _areBytesUnknown;

    // Under the lock: the line on the screen.
    private readonly Lock _screen = new();
    private long _lastTicks;
    private long _lastBytes;
    private double _bytesPerSecond;
    private bool _isDrawn;
    private bool _isDisposed;

    /// <summary>A meter that draws to <paramref name="error"/>, or only counts when that is null.</summary>
    public ProgressMeter(TimeProvider clock, TextWriter? error)
    {
        _clock = clock;
        _lastTicks = clock.GetTimestamp();
        if (error is not null)
        {
            _console = AnsiConsole.Create(new AnsiConsoleSettings
            {
                Ansi = AnsiSupport.Yes,
                Interactive = InteractionSupport.No,
                Out = new AnsiConsoleOutput(error),
            });
            _timer = clock.CreateTimer(_ => Draw(), null, s_period, s_period);
        }
    }

    /// <summary>Bytes transferred so far.</summary>
    public long BytesDone => Interlocked.Read(ref _bytesDone);

    /// <summary>Objects finished so far, well.</summary>
    public long ObjectsDone => Interlocked.Read(ref _objectsDone);

    /// <summary>One more object is to come, of that size; below zero if unknown, and then there is no total of bytes.</summary>
    public void Expect(long bytes)
    {
        _areBytesUnknown |= bytes < 0;
        Interlocked.Increment(ref _objectsTotal);
        Interlocked.Add(ref _bytesTotal, Math.Max(bytes, 0));
    }

    /// <summary>Nothing more is to come, so the totals stand and a remaining time can be told.</summary>
    public void ExpectNoMore() => _isTotalKnown = true;

    /// <summary>Bytes have been transferred; below zero for bytes that must be transferred again.</summary>
    public void Add(long bytes) => Interlocked.Add(ref _bytesDone, bytes);

    /// <summary>An object is finished.</summary>
    public void Finish() => Interlocked.Increment(ref _objectsDone);

    /// <summary>Somebody else counts: how far it is. A total of 0 is not known.</summary>
    public void Set(long bytesDone, long bytesTotal, long objectsDone, long objectsTotal)
    {
        Interlocked.Exchange(ref _bytesDone, bytesDone);
        Interlocked.Exchange(ref _bytesTotal, bytesTotal);
        Interlocked.Exchange(ref _objectsDone, objectsDone);
        Interlocked.Exchange(ref _objectsTotal, objectsTotal == 0 ? -1 : objectsTotal);
        _isTotalKnown = bytesTotal > 0;
    }

    /// <summary>Runs <paramref name="print"/> with the line out of the way.</summary>
    public void Aside(Action print)
    {
        lock (_screen)
        {
            Erase();
            print();
        }
    }

    /// <summary>Takes the line away for good.</summary>
    public void Dispose()
    {
        _timer?.Dispose();
        lock (_screen)
        {
            _isDisposed = true;
            Erase();
        }
    }

    private void Draw()
    {
        lock (_screen)
        {
            // A tick may already have been under way when the timer was disposed.
            if (_isDisposed || _console is null)
            {
                return;
            }

            if (ObjectsDone == 0 && BytesDone == 0 && Interlocked.Read(ref _objectsTotal) == 0)
            {
                return; // nothing has begun: somebody may be asked something on this line
            }

            long done = BytesDone;
            double seconds = _clock.GetElapsedTime(_lastTicks).TotalSeconds;
            double latest = (done - _lastBytes) / Math.Max(seconds, 0.001);
            _bytesPerSecond = _bytesPerSecond == 0 ? latest : _bytesPerSecond + (RateWeight * (latest - _bytesPerSecond));
            (_lastTicks, _lastBytes) = (_clock.GetTimestamp(), done);
            var sample = new ProgressSample(
                done,
                _isTotalKnown && !_areBytesUnknown ? Interlocked.Read(ref _bytesTotal) : -1,
                ObjectsDone,
                _isTotalKnown ? Interlocked.Read(ref _objectsTotal) : -1,
                _bytesPerSecond);
            Erase();
            _console.Write(new Text(ProgressText.Render(sample, _console.Profile.Width - 1)));
            _isDrawn = true;
        }
    }

    private void Erase()
    {
        if (_isDrawn && _console is not null)
        {
            _console.Write(new ControlCode("\r\u001b[2K"));
            _isDrawn = false;
        }
    }
}

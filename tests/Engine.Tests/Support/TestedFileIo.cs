using Sluice.Engine.Io;
using Sluice.Native.Uring;

namespace Sluice.Engine.Tests.Support;

/// <summary>Where the verbs of a test come from.</summary>
public enum FileIoKind
{
    /// <summary>Threads with blocking calls.</summary>
    Threads,

    /// <summary>The ring, called from threads that are no loop.</summary>
    Ring,

    /// <summary>The ring, called on a loop, as requests do.</summary>
    RingOnLoop,

    /// <summary>The same, with no verb done at once: every one goes through the ring.</summary>
    RingTheLongWay,
}

/// <summary>
/// The file I/O that the suite runs over: the variable TEST_FILE_IO says threads or uring, and tests/run.sh runs the suite with either. The
/// loops are the suite's own and live as long as it does.
/// </summary>
public sealed class TestedFileIo : IDisposable
{
    private static readonly Lazy<RingLoop[]> s_loops = new(() => [new RingLoop(new RingLoopOptions()), new RingLoop(new RingLoopOptions())]);

    private readonly ThreadFileIo? _threads;
    private readonly UringFileIo? _ring;
    private readonly bool _onLoop;
    private int _calls;

    public TestedFileIo(FileIoKind kind, int workers = 4)
    {
        if (kind == FileIoKind.Threads)
        {
            _threads = new ThreadFileIo(workers);
        }
        else
        {
            _ring = kind == FileIoKind.RingTheLongWay ? new UringFileIo(s_loops.Value, inlineBytesMax: 0) : new UringFileIo(s_loops.Value);
        }

        _onLoop = kind is FileIoKind.RingOnLoop or FileIoKind.RingTheLongWay;
    }

    public static FileIoKind Default => Environment.GetEnvironmentVariable("TEST_FILE_IO") switch
    {
        null or "" or "threads" => FileIoKind.Threads,
        "uring" => FileIoKind.RingOnLoop,
        string other => throw new InvalidOperationException($"TEST_FILE_IO: {other} is neither threads nor uring"),
    };

    public IFileIo Io => (IFileIo?)_threads ?? _ring!;

    public int OpenCount => _threads?.OpenCount ?? _ring!.OpenCount;

    /// <summary>Runs it where this kind of verbs is called: here, or on a loop, in turn.</summary>
    public async Task<T> OnItsThreadAsync<T>(Func<ValueTask<T>> work)
    {
        RingLoop[]? loops = _onLoop ? s_loops.Value : null;
        return loops is null ? await work() : await loops[Interlocked.Increment(ref _calls) % loops.Length].RunAsync(work);
    }

    public static void EndLoops()
    {
        if (s_loops.IsValueCreated)
        {
            Array.ForEach(s_loops.Value, loop => loop.Dispose());
        }
    }

    public void Dispose()
    {
        _threads?.Dispose();
        _ring?.Dispose();
    }
}

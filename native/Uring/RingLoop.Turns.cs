using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Sluice.Native.Uring;

/// <summary>
/// Work that takes the loop so long that others would notice, such as a copy of a mebibyte into a socket. What has come in goes before it, and between two
/// looks at what has come in there is little of it: who asks for something small waits for a turn or two, not for everything that the disks have
/// brought since.
/// </summary>
public sealed partial class RingLoop
{
    /// <summary>What turns take of a pass in microseconds; one that has begun ends. A pass costs some 2 µs.</summary>
    private const int TurnsMicroseconds = 100;

    private static readonly long s_turnsTicks = Stopwatch.Frequency * TurnsMicroseconds / 1_000_000;
    private static readonly Action<object?> s_goOn = static continuation => ((Action)continuation!)();

    // Loop thread only.
    private readonly Queue<(Action<object?> Work, object? State)> _turns = new();
    private long _turnCount;

    /// <summary>
    /// Counts stretches of the loop: the passes, and the turns in them. What may be done at once in one of them is bounded, and with it what a caller whose
    /// verbs never wait keeps others waiting. Loop thread only.
    /// </summary>
    public long StretchCount => IterationCount + _turnCount;

    /// <summary>Runs <paramref name="work"/> when everything that has come in was looked at and the turns before it were taken. It must not throw. Loop thread only.</summary>
    public void TakeTurn(Action<object?> work, object? state)
    {
        RequireCurrent();
        _turns.Enqueue((work, state));
    }

    /// <summary>The same, awaited: what follows is a turn, up to where it next waits. Loop thread only.</summary>
    public TurnAwaitable NextTurn()
    {
        RequireCurrent();
        return new TurnAwaitable(this);
    }

    private void RunTurns()
    {
        if (_turns.Count == 0)
        {
            return;
        }

        long started = Stopwatch.GetTimestamp();
        while (_turns.TryDequeue(out (Action<object?> Work, object? State) turn))
        {
            _turnCount++;
            turn.Work(turn.State);
            RunLocal();
            if (Stopwatch.GetTimestamp() - started >= s_turnsTicks)
            {
                return;
            }
        }
    }

    /// <summary>What <see cref="NextTurn"/> waits for; awaited once, at once.</summary>
    public readonly struct TurnAwaitable(RingLoop loop) : ICriticalNotifyCompletion
    {
        /// <summary>For the compiler: never; who has the loop has come in before others.</summary>
        public bool IsCompleted => false;

        /// <summary>For the compiler.</summary>
        public TurnAwaitable GetAwaiter() => this;

        /// <summary>For the compiler.</summary>
        public void GetResult()
        {
            // There is none.
        }

        /// <inheritdoc/>
        public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

        /// <inheritdoc/>
        public void UnsafeOnCompleted(Action continuation) => loop.TakeTurn(s_goOn, continuation);
    }
}

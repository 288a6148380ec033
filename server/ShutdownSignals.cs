// SIGTERM and SIGINT. The first asks the server to end in order; the second means that order takes too long, and ends the process at once.
using System.Runtime.InteropServices;

namespace Sluice.Server;

/// <summary>The signals that end the process, from construction to disposal.</summary>
public sealed class ShutdownSignals : IDisposable
{
    private readonly CancellationTokenSource _first = new();
    private readonly Action<int> _exit;
    private readonly PosixSignalRegistration[] _registrations;
    private int _count;

    /// <summary>Takes over the signals. <paramref name="exit"/> ends the process with a code; null: <c>Environment.Exit</c>.</summary>
    public ShutdownSignals(Action<int>? exit = null)
    {
        _exit = exit ?? Environment.Exit;
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle),
            PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle),
        ];
    }

    /// <summary>Cancelled by the first signal. Work that is in flight then gets the drain deadline.</summary>
    public CancellationToken Stopping => _first.Token;

    /// <summary>What a signal does; also how a test or another part of the process sends one.</summary>
    public void Receive(PosixSignal signal)
    {
        if (Interlocked.Increment(ref _count) == 1)
        {
            _ = _first.CancelAsync(); // not on this thread: a callback that blocks must not hold back the second signal
            return;
        }

        _exit(signal == PosixSignal.SIGINT ? 130 : 143); // 128 + the signal's number, as shells report it
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
        {
            registration.Dispose();
        }

        _first.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        context.Cancel = true;
        Receive(context.Signal);
    }
}

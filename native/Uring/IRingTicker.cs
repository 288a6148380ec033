namespace Sluice.Native.Uring;

/// <summary>Is called by a loop at intervals: deadlines are looked at here.</summary>
public interface IRingTicker
{
    /// <summary>About every <see cref="RingLoopOptions.TickInterval"/>, on the loop.</summary>
    void Tick();
}

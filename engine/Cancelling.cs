namespace Sluice.Engine;

/// <summary>How background work is told to end.</summary>
internal static class Cancelling
{
    /// <summary>
    /// Cancels on this thread; <c>CancelAsync</c> has the callbacks run on the thread pool. For sources whose callbacks end a timer or wake who waits, which is no work. A simulated
    /// run is drawn from its seed alone as long as nothing leaves its thread.
    /// </summary>
    public static void CancelHere(this CancellationTokenSource source) => source.Cancel();
}

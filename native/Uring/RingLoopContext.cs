namespace Sluice.Native.Uring;

/// <summary>
/// Brings awaits that began on a loop back to it. Without it Kestrel, which completes flushes that had to wait with asynchronous
/// continuations, would go on in the thread pool.
/// </summary>
internal sealed class RingLoopContext(RingLoop loop) : SynchronizationContext
{
    public override void Post(SendOrPostCallback d, object? state) => loop.PostCallback(d, state);

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("nobody may wait for a loop");

    public override SynchronizationContext CreateCopy() => this;
}

namespace Sluice.Native.Uring;

/// <summary>
/// A place in a loop's table of descriptors: requests that name it save the kernel a look-up and a reference count. It holds the open file by
/// itself, so closing the descriptor alone closes nothing: <see cref="RingLoop.Unregister"/> too.
/// </summary>
public readonly record struct RegisteredDescriptor
{
    internal RegisteredDescriptor(int place) => Place = place;

    internal int Place { get; }
}

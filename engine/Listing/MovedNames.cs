namespace Sluice.Engine.Listing;

/// <summary>
/// Tells the listings of a bucket that are under way of objects that leave a mountpath, because they stand on another one by now. A listing that had
/// read the directory there before they came, and reads the one here when they have gone, would miss an object that was there all the time. Any thread.
/// </summary>
public sealed class MovedNames
{
    private readonly Lock _gate = new();
    private readonly List<IMovedNames> _walks = []; // guarded by _gate

    /// <summary>A file of that object is about to be removed from its mountpath, and another stands elsewhere.</summary>
    internal void Tell(ReadOnlySpan<byte> name)
    {
        lock (_gate)
        {
            foreach (IMovedNames walk in _walks)
            {
                walk.Tell(name);
            }
        }
    }

    /// <summary>From here on it is told, before it reads its first directory.</summary>
    internal void Add(IMovedNames walk)
    {
        lock (_gate)
        {
            _walks.Add(walk);
        }
    }

    internal void Remove(IMovedNames walk)
    {
        lock (_gate)
        {
            _walks.Remove(walk);
        }
    }
}

/// <summary>A listing that is under way.</summary>
internal interface IMovedNames
{
    /// <summary>An object of that name goes from one mountpath to another; the bytes are gone after the call. Any thread.</summary>
    void Tell(ReadOnlySpan<byte> name);
}

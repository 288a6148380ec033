namespace Sluice.Transport.Cold;

/// <summary>What is remembered of an object when a part of it is read from a disk.</summary>
internal enum Reuse
{
    /// <summary>It was not read so recently that a page cache would still have it, or the read goes on where an earlier one ended.</summary>
    First,

    /// <summary>A page cache would still have it.</summary>
    Again,

    /// <summary>Another object, read since then or before, has its place: it may be either.</summary>
    Unknown,
}

/// <summary>
/// Tells a cold read that the page cache would have served from one that it would not. Time is counted in bytes that were read from disks: an
/// object that comes again before <paramref name="distanceMax"/> of others were read would still be in a cache of that size. A ghost list, as 2Q and ARC
/// have one, of fixed size: a place a hash, and who comes later has it. A wrong answer costs speed alone. Any thread.
/// </summary>
internal sealed class ReuseTable(long distanceMax)
{
    /// <summary>65,536 x 24 bytes, taken as they are used; of objects of 10 MiB, a pass over 640 GiB, of 64 KiB one over 4.</summary>
    private const int PlaceBits = 16;

    private readonly Lock _gate = new();
    private readonly Place[] _places = new Place[1 << PlaceBits];
    private long _bytesRead;

    /// <summary>
    /// Notes that a range of an object is read, and answers whether it is read again: a range that begins where an earlier one ended or behind it belongs
    /// to the same pass over the object. <paramref name="object"/> is its generation, which no other object has, and which is never 0.
    /// </summary>
    public Reuse Look(ulong @object, long offset, long end)
    {
        int index = (int)((@object * 0x9E37_79B9_7F4A_7C15) >> (64 - PlaceBits)); // Fibonacci hashing: generations are times and differ in their low bits
        lock (_gate)
        {
            ref Place place = ref _places[index];
            bool isRecent = place.Object != 0 && _bytesRead - place.ReadAt <= distanceMax;
            Reuse told = !isRecent ? Reuse.First
                : place.Object != @object ? Reuse.Unknown
                : offset < place.End ? Reuse.Again : Reuse.First;
            _bytesRead += end - offset;
            place = new Place(@object, end, _bytesRead);
            return told;
        }
    }

    private readonly record struct Place(ulong Object, long End, long ReadAt);
}

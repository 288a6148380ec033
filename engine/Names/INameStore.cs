using Sluice.Engine.Objects;

namespace Sluice.Engine.Names;

/// <summary>Where the indexes of names are kept. What is kept is derived: everything in it can be made again from the directories.</summary>
public interface INameStores
{
    /// <summary>Changes of one index that are taken over together; four times as many are kept in memory at most, twice.</summary>
    int ChangesAtOnce => 4096;

    /// <summary>The store of a bucket on a mountpath as it was sealed with that stamp; null when it is not there, is not whole, or was changed since. Never throws for what is on disk.</summary>
    ValueTask<INameStore?> OpenAsync(ObjectDisk disk, ulong bid, Guid stamp);

    /// <summary>An empty one in place of what is there. Throws <see cref="NameStoreException"/>.</summary>
    ValueTask<INameStore> CreateAsync(ObjectDisk disk, ulong bid);

    /// <summary>Removes it, if it is there. A file that cannot be removed is left.</summary>
    ValueTask RemoveAsync(ObjectDisk disk, ulong bid);
}

/// <summary>
/// The names of one bucket on one mountpath, in byte order. Until it is sealed nothing in it need survive a crash. All verbs may be called at the same time; each throws <see cref="NameStoreException"/> when the
/// store cannot be used any more.
/// </summary>
public interface INameStore : IDisposable
{
    /// <summary>
    /// Adds to <paramref name="rows"/> the names from <paramref name="from"/> on that start with <paramref name="prefix"/>, up to a number of them; sets <see cref="NameRows.IsCut"/> when there may be more.
    /// </summary>
    ValueTask ReadAsync(ReadOnlyMemory<byte> from, ReadOnlyMemory<byte> prefix, int countMax, NameRows rows);

    /// <summary>Takes the changes over; with <paramref name="keepGone"/> removals stay as rows, for <see cref="AddMissingAsync"/> to see. Nobody changes them meanwhile.</summary>
    ValueTask ApplyAsync(NameDelta changes, bool keepGone);

    /// <summary>Takes over those names that it has no row of.</summary>
    ValueTask AddMissingAsync(NameDelta found);

    /// <summary>Removes the rows of removals.</summary>
    ValueTask DropGoneAsync();

    /// <summary>Everything in it is on stable storage, under that stamp, when this returns.</summary>
    ValueTask SealAsync(Guid stamp);
}

/// <summary>A store cannot be used any more; what it held is made again.</summary>
public sealed class NameStoreException(string message) : Exception(message);

using Sluice.Engine.Names;

namespace Sluice.Engine.Listing;

/// <summary>
/// The names of one bucket in byte order: the seam behind which an index can stand instead of a walk over the directories. What it answers
/// contains every name whose commit was acknowledged before the call.
/// </summary>
public interface INameIndex
{
    /// <summary>
    /// The next name greater than the last one, as bytes of its own; null at the end. The index was told where to begin and which prefix
    /// to keep to when it was made.
    /// </summary>
    ValueTask<byte[]?> NextAsync();

    /// <summary>What the index knows of the last name's object; null when that has to be asked.</summary>
    NamedSize? LastSize => null;

    /// <summary>Leaves out every name that starts with these bytes from here on.</summary>
    void Skip(ReadOnlyMemory<byte> prefix);
}

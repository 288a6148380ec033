using Sluice.Native;

namespace Sluice.Engine.Io;

/// <summary>Takes a directory part by part (<see cref="IFileIo.ListPartAsync"/>).</summary>
public abstract class DirectoryPart(XattrName attribute)
{
    /// <summary>Longest value that is read of the attribute: longer ones come as ERANGE.</summary>
    public const int ValueBytesMax = Limits.RecordInlineBytesMax + 64;

    /// <summary>The attribute that is read of files.</summary>
    public XattrName Attribute => attribute;

    /// <summary>Where the next part begins: 0 at first. The disk's business.</summary>
    public long Position { get; set; }

    /// <summary>No part is left.</summary>
    public bool IsAtEnd => Position < 0;

    /// <summary>
    /// An entry; of a file the value of its attribute, or why there is none: ENOENT when it is gone by now, EISDIR when it is a directory by now. Name and value are gone after the call; on
    /// whatever thread reads the directory, one call at a time.
    /// </summary>
    public abstract void Add(ReadOnlySpan<byte> name, EntryKind kind, ReadOnlySpan<byte> value, Errno error);
}

using Sluice.Native;

namespace Sluice.Engine.Io;

/// <summary>
/// A small file that is made, written, given an attribute and closed in one trip to the disk, and flushed and renamed if that is asked for. Everything in it is
/// borrowed until the verb is complete.
/// </summary>
public readonly record struct WholeFile
{
    /// <summary>Where it is made.</summary>
    public required FileHandle Directory { get; init; }

    /// <summary>Its name there, one component; EEXIST when it is taken.</summary>
    public required ReadOnlyMemory<byte> Name { get; init; }

    /// <summary>All of its bytes.</summary>
    public required ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>The attribute.</summary>
    public required XattrName Attribute { get; init; }

    /// <summary>The attribute's value.</summary>
    public required ReadOnlyMemory<byte> Value { get; init; }

    /// <summary>It is flushed behind that (fsync(2)).</summary>
    public bool IsSynced { get; init; }

    /// <summary>Where it is renamed to, last; null: it stays.</summary>
    public FileHandle? TargetDirectory { get; init; }

    /// <summary>Its name there, one component.</summary>
    public ReadOnlyMemory<byte> TargetName { get; init; }

    /// <summary>What becomes of a file of that name.</summary>
    public RenameMode Mode { get; init; }
}

/// <summary>What is done to a <see cref="WholeFile"/>, in this order.</summary>
public enum WholeFileStep
{
    /// <summary>The file is made; when this fails there is none.</summary>
    Create,

    /// <summary>Its bytes are written.</summary>
    Write,

    /// <summary>The attribute is set, and the file flushed if that was asked for: which of them failed is not told.</summary>
    Seal,

    /// <summary>It gets its other name.</summary>
    Rename,
}

/// <summary>How that ended: with <see cref="Errno.None"/> all was done, else everything before <paramref name="Step"/>, which failed.</summary>
public readonly record struct WholeFileResult(WholeFileStep Step, Errno Error)
{
    /// <summary>All was done.</summary>
    public static WholeFileResult Done => new(WholeFileStep.Rename, Errno.None);

    /// <summary>True when all was done.</summary>
    public bool Ok => Error == Errno.None;
}

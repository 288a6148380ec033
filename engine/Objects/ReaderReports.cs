using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;

namespace Sluice.Engine.Objects;

/// <summary>
/// Bytes of an object that lie behind each other in one file: <paramref name="Count"/> from <paramref name="Offset"/> of it. Without a file they have to be
/// rebuilt. <paramref name="Faults"/> is told of reads that fail.
/// </summary>
public readonly record struct ObjectPiece(FileHandle? File, long Offset, long Count, IReadFaults? Faults);

/// <summary>Where the bytes of a block are from.</summary>
public enum BlockSource
{
    /// <summary>The file that is open: what lies in the page cache is right as well.</summary>
    OwnFile,

    /// <summary>Another copy; the open file is damaged there, or cannot be read.</summary>
    OtherCopy,
}

/// <summary>Where readers of one engine tell of damage, and find help.</summary>
internal sealed record ReaderReports(ILogger Log, Action<StoredObject> Damaged, Action<StoredObject> Failed)
{
    /// <summary>Nowhere.</summary>
    public static readonly ReaderReports None = new(NullLogger.Instance, static _ => { }, static _ => { });

    /// <summary>Who finds the block elsewhere; null where there is nowhere else. Set before the first read.</summary>
    public IBlockRescue? Rescue { get; set; }

    /// <summary>Puts a block of another copy into <paramref name="bytes"/>, which are all of it; false when no copy has it.</summary>
    public ValueTask<bool> RescueAsync(Bucket bucket, StoredObject damaged, int block, Memory<byte> bytes) =>
        Rescue is null ? new(false) : Rescue.TryAsync(bucket, damaged, block, bytes);

    /// <summary>The same with any part of the object, from an offset.</summary>
    public ValueTask<bool> RescueRangeAsync(Bucket bucket, StoredObject damaged, Memory<byte> bytes, long offset) =>
        Rescue is null ? new(false) : Rescue.TryRangeAsync(bucket, damaged, bytes, offset);
}

/// <summary>Finds what a damaged file should have held.</summary>
internal interface IBlockRescue
{
    /// <summary>Puts a block of another copy into <paramref name="bytes"/>, which are all of it, and has the damaged one repaired; false when no copy has it. Throws nothing.</summary>
    ValueTask<bool> TryAsync(Bucket bucket, StoredObject damaged, int block, Memory<byte> bytes);

    /// <summary>Fills the buffer from <paramref name="offset"/>, a block after the other; the range lies within the object. Else the same.</summary>
    ValueTask<bool> TryRangeAsync(Bucket bucket, StoredObject damaged, Memory<byte> bytes, long offset);
}

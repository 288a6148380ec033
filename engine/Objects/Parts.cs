using System.Globalization;
using System.Text;
using Sluice.Engine.Buckets;

namespace Sluice.Engine.Objects;

/// <summary>Kinds of parts. Each has a directory of its own in every bucket (contract: storage §1).</summary>
public enum PartKind
{
    /// <summary>Bulky fields of a record, beside its head: <c>%sc</c>.</summary>
    Sidecar,

    /// <summary>A piece of a chunked object: <c>%ch</c>.</summary>
    Chunk,

    /// <summary>A slice of an erasure-coded object: <c>%ec</c>.</summary>
    Slice,
}

/// <summary>
/// Name of a part: its kind is the directory, the rest the file's name. Digest and generation are the object's; a sidecar has number 0 and
/// shows none, since a mountpath has one for each generation at most. Other parts are numbered from 1.
/// </summary>
public readonly record struct PartName(PartKind Kind, ulong Digest, ulong Generation, int Number = 0)
{
    /// <summary>Highest number: five digits, as Amazon S3's 10,000 parts need them.</summary>
    public const int NumberMax = 99_999;

    /// <summary>All kinds.</summary>
    public static IReadOnlyList<PartKind> Kinds { get; } = [PartKind.Sidecar, PartKind.Chunk, PartKind.Slice];

    /// <summary>Directory of the parts of a kind, below a mountpath.</summary>
    public static ReadOnlyMemory<byte> DirectoryOf(Bucket bucket, PartKind kind) => kind switch
    {
        PartKind.Sidecar => bucket.Sidecars,
        PartKind.Chunk => bucket.Chunks,
        PartKind.Slice => bucket.Slices,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "not a kind of part"),
    };

    /// <summary>The file's name.</summary>
    public byte[] Format()
    {
        Invariant.That(Number is >= 0 and <= NumberMax, "a part's number has five digits");
        Invariant.That(Number == 0 == (Kind == PartKind.Sidecar), "every part but a sidecar has a number");
        byte[] stem = SidecarFiles.NameOf(Digest, Generation);
        return Kind == PartKind.Sidecar ? stem
            : [.. stem, (byte)'.', .. Encoding.ASCII.GetBytes(Number.ToString("d5", CultureInfo.InvariantCulture))];
    }

    /// <summary>Its path below a mountpath.</summary>
    public byte[] PathIn(Bucket bucket) => [.. DirectoryOf(bucket, Kind).Span, (byte)'/', .. Format()];

    /// <summary>Reads the name of a file in the directory of that kind; false when it is not ours.</summary>
    public static bool TryRead(PartKind kind, ReadOnlySpan<byte> file, out PartName name)
    {
        const int StemBytes = 16 + 1 + 16;
        name = default;
        int number = 0;
        if (kind != PartKind.Sidecar)
        {
            if (file.Length != StemBytes + 1 + 5 || file[StemBytes] != (byte)'.' || file[(StemBytes + 1)..].ContainsAnyExceptInRange((byte)'0', (byte)'9')
                || !int.TryParse(file[(StemBytes + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out number) || number == 0)
            {
                return false;
            }

            file = file[..StemBytes];
        }

        if (!SidecarFiles.TryReadName(file, out ulong digest, out ulong generation))
        {
            return false;
        }

        name = new PartName(kind, digest, generation, number);
        return true;
    }
}

/// <summary>A part and the mountpath that has it.</summary>
public readonly record struct PartPlace(ObjectDisk Disk, PartName Name)
{
    /// <summary>Removes the file; one that is gone already is no error, and nothing is synced. Throws <see cref="StorageException"/>.</summary>
    public ValueTask UnlinkAsync(Bucket bucket) => ObjectRemoval.UnlinkAsync(Disk, Name.PathIn(bucket), PartName.DirectoryOf(bucket, Name.Kind));
}

/// <summary>Which parts a generation has: what its head's record says. Who removes a generation asks here.</summary>
public interface IPartMap
{
    /// <summary>The parts that a head of the bucket and digest speaks of; of a damaged head no more is known than its sidecar.</summary>
    IEnumerable<PartPlace> PartsOf(ulong digest, ObjectPlace head);
}

/// <summary>
/// The parts that records can have: a sidecar beside each head, and the slices of an erasure-coded object. Mountpaths are found by <paramref name="diskOf"/>;
/// slices on one that is not there are not of this machine's business.
/// </summary>
public sealed class RecordedParts(Func<Guid, ObjectDisk?> diskOf) : IPartMap
{
    /// <inheritdoc/>
    public IEnumerable<PartPlace> PartsOf(ulong digest, ObjectPlace head) =>
        head.Stored is { } stored && (stored.Metadata.HasSidecar || stored.Metadata.Slices is not null) ? PartsOf(digest, head.Disk, stored.Metadata)
        : head is { Stored: null, DamagedSidecar: > 0 and var generation } ? [new PartPlace(head.Disk, new PartName(PartKind.Sidecar, digest, generation))]
        : [];

    private IEnumerable<PartPlace> PartsOf(ulong digest, ObjectDisk disk, ObjectMetadata metadata)
    {
        if (metadata.HasSidecar)
        {
            yield return new PartPlace(disk, new PartName(PartKind.Sidecar, digest, metadata.Generation));
        }

        for (int slice = 0; slice < metadata.Slices?.Mountpaths.Count; slice++)
        {
            if (diskOf(metadata.Slices.Mountpaths[slice]) is { } holder)
            {
                yield return new PartPlace(holder, new PartName(PartKind.Slice, digest, metadata.Slices.Generation, slice + 1));
            }
        }
    }
}

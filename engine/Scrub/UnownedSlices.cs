using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;

namespace Sluice.Engine.Scrub;

/// <summary>A slice whose file does not say whose it is.</summary>
internal sealed record UnownedSlice(PartName Part, byte[] Path, string Problem);

/// <summary>
/// Slices of one mountpath and bucket whose attribute <c>user.slt</c> is missing or damaged. Their names have the digest of their object: when all parts have been looked at, the
/// names of the bucket are walked once, without opening a file, for those that have such a digest. A store without damage pays nothing.
/// </summary>
internal sealed class UnownedSlices(ScrubWorld world, Bucket bucket)
{
    private readonly List<UnownedSlice> _slices = []; // by the one who walks the parts; as many as findings

    /// <summary>Keeps a slice for later; false when there are too many, and it is to be told of by its path.</summary>
    public bool TryAdd(UnownedSlice slice)
    {
        if (_slices.Count >= Limits.JobFindingsMax)
        {
            return false;
        }

        _slices.Add(slice);
        return true;
    }

    /// <summary>All of them, each with the name that has its digest, if there is one. Throws <see cref="StorageException"/>.</summary>
    public async ValueTask<IReadOnlyList<(UnownedSlice Slice, ObjectName? Owner)>> ResolveAsync(CancellationToken cancellation)
    {
        HashSet<ulong> wanted = [.. _slices.Select(slice => slice.Part.Digest)];
        Dictionary<ulong, ObjectName> owners = [];
        foreach (ObjectDisk disk in wanted.Count == 0 ? [] : world.Disks())
        {
            await foreach ((byte[] path, EntryKind kind) in TreeWalk.FilesAsync(world, disk, bucket.Objects, cancellation))
            {
                if (kind == EntryKind.File && ObjectPath.TryReadName(bucket.Objects, path, out ObjectName name)
                    && bucket.DigestOf(name) is var digest && wanted.Remove(digest))
                {
                    owners.Add(digest, name.Copy());
                }

                if (wanted.Count == 0)
                {
                    break;
                }
            }
        }

        return [.. _slices.Select(slice => (slice, owners.TryGetValue(slice.Part.Digest, out ObjectName owner) ? owner : (ObjectName?)null))];
    }
}

using System.Runtime.CompilerServices;
using Sluice.Engine.Buckets;
using Sluice.Engine.Listing;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;

namespace Sluice.Engine.Jobs;

/// <summary>A name that a walk met.</summary>
/// <param name="Name">The object's name.</param>
/// <param name="Digest">Its digest, by which placement and locks know it.</param>
public readonly record struct WalkedName(ObjectName Name, ulong Digest);

/// <summary>
/// The names of a bucket for jobs: each once, in byte order, over all mountpaths, in bounded memory. No lock is held: a name may be gone,
/// or be new, when its turn comes, so who acts on one takes its lock and looks again. A name is answered when some file stands under it,
/// whatever is the matter with that file. When the set of mountpaths changes, the walk goes on over the new one behind the last name.
/// </summary>
public sealed class ObjectWalk(Func<IReadOnlyList<ObjectDisk>> disks, DiskTable table)
{
    /// <summary>Over all that objects are read from.</summary>
    public ObjectWalk(DiskTable table)
        : this(() => table.Current.Readable, table)
    {
    }

    /// <summary>
    /// Walks the bucket. Names that are made or removed meanwhile may be met or not. Throws <see cref="Io.StorageException"/> when a disk
    /// fails, <see cref="OperationCanceledException"/> when cancelled.
    /// </summary>
    public async IAsyncEnumerable<WalkedName> NamesAsync(Bucket bucket, [EnumeratorCancellation] CancellationToken cancellation)
    {
        byte[] after = [];
        while (true)
        {
            DiskSet set = table.Current;
            using var walk = new DirectoryWalk(disks(), bucket.Objects, default, after, Limits.WalkEntriesMax);
            while (table.Current == set)
            {
                cancellation.ThrowIfCancellationRequested();
                byte[]? bytes;

                // Entered anew for each name: a mountpath that leaves is closed while the walk lasts.
                using (DiskUse use = table.Enter())
                {
                    if (use.Set != set)
                    {
                        break;
                    }

                    bytes = await walk.NextAsync();
                }

                if (bytes is null)
                {
                    yield break;
                }

                after = bytes;
                if (ObjectName.TryCreate(bytes, out ObjectName name, out _))
                {
                    yield return new WalkedName(name, Hrw.Digest(bucket.Name.UnamePrefix.Span, bytes));
                }
            }
        }
    }
}

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
/// The names of a bucket for jobs, those of files of uploads too: each once, in byte order, over all mountpaths, in bounded memory. No lock is held: a name may be gone,
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

    /// <summary>Names of a page where none is to be missed, from 1.</summary>
    public int PageNamesMax { get; init; } = Limits.WalkEntriesMax;

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
            using var walk = new DirectoryWalk(disks(), bucket.Objects, default, after, Limits.WalkEntriesMax, withHidden: true);
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
                    yield return new WalkedName(name, bucket.DigestOf(bytes));
                }
            }
        }
    }

    /// <summary>
    /// The names that begin with a prefix, for who must not miss one: none is passed over because it goes from one mountpath to another meanwhile. They are read
    /// page by page, as a listing is, which costs reading a large directory again for each page. With <paramref name="isFlat"/> only names that have no '/'
    /// behind the prefix. Throws as <see cref="NamesAsync(Bucket, CancellationToken)"/>.
    /// </summary>
    public async IAsyncEnumerable<WalkedName> NamesAsync(
        Bucket bucket, ReadOnlyMemory<byte> prefix, bool isFlat, [EnumeratorCancellation] CancellationToken cancellation)
    {
        byte[]? after = [];
        while (after is not null)
        {
            (List<byte[]> page, after) = await PageAsync(bucket, prefix, isFlat, after, cancellation);
            foreach (byte[] bytes in page)
            {
                cancellation.ThrowIfCancellationRequested();
                if (ObjectName.TryCreate(bytes, out ObjectName name, out _))
                {
                    yield return new WalkedName(name, bucket.DigestOf(bytes));
                }
            }
        }
    }

    /// <summary>The names of a page, and what the next one comes after; null behind the last.</summary>
    private async ValueTask<(List<byte[]> Names, byte[]? After)> PageAsync(
        Bucket bucket, ReadOnlyMemory<byte> prefix, bool isFlat, byte[] after, CancellationToken cancellation)
    {
        using DiskUse use = table.Enter();
        using var walk = new DirectoryWalk(use.Set.Readable, bucket.Objects, prefix, after, PageNamesMax, bucket.Moved);
        List<byte[]> names = [];
        int skips = 0;
        for (int bytes = 0; names.Count < PageNamesMax && bytes < Limits.WalkPageBytesMax && skips < Limits.WalkSkipsMax;)
        {
            cancellation.ThrowIfCancellationRequested();
            byte[]? name = await walk.NextAsync();
            if (name is null)
            {
                return (names, null);
            }

            int slash = isFlat ? name.AsSpan(prefix.Length).IndexOf((byte)'/') : -1;
            if (slash < 0)
            {
                names.Add(after = name);
                bytes += name.Length;
                continue;
            }

            byte[] directory = name[..(prefix.Length + slash + 1)];
            walk.Skip(directory);
            after = [.. directory, 0xff]; // which is in no UTF-8 text: behind all that lies below it
            skips++;
        }

        return (names, after);
    }
}

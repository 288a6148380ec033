using Microsoft.Extensions.Logging;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;

namespace Sluice.Engine.Recovery;

/// <summary>
/// Before anything is served: deletes that a crash cut off between their tombstone and the removal of the heads are finished, and no generation
/// will be made that a tombstone would bury, whatever the clock says now. Looks at tombstones, never at all objects; there are some only while a
/// mountpath is away.
/// </summary>
internal sealed class TombstoneSettlement(DiskTable disks, ObjectLookup lookup, ObjectClock clock, ILogger log)
{
    /// <summary>Settles those of all buckets; they go unless <paramref name="keep"/> says that a mountpath is still away.</summary>
    public async Task RunAsync(IReadOnlyCollection<Bucket> buckets, bool keep)
    {
        foreach (Bucket bucket in buckets)
        {
            foreach (ObjectDisk disk in disks.Current.Open)
            {
                foreach ((ObjectName name, ulong generation) in await Tombstones.AllAsync(disk, bucket, log))
                {
                    clock.Next(generation);
                    await SettleAsync(bucket, name, generation);
                }
            }
        }

        if (!keep)
        {
            await RemoveAsync(disks.Current.Open, buckets);
        }
    }

    /// <summary>Removes them all: no mountpath is away any more.</summary>
    public static async Task RemoveAsync(IReadOnlyList<ObjectDisk> disks, IReadOnlyCollection<Bucket> buckets)
    {
        foreach (Bucket bucket in buckets)
        {
            foreach (ObjectDisk disk in disks)
            {
                await Tombstones.RemoveAllAsync(disk, bucket);
            }
        }
    }

    private async Task SettleAsync(Bucket bucket, ObjectName name, ulong buried)
    {
        ulong digest = bucket.DigestOf(name);
        foreach (ObjectPlace place in await lookup.PlacesAsync(bucket, name, digest, everywhere: true))
        {
            if (place.Stored is { } stored && stored.Metadata.Generation < buried)
            {
                await ObjectRemoval.UnlinkHeadAsync(bucket, name, place);
                log.LogWarning("mountpath {Mountpath}: {Bucket}/{Name} was deleted or replaced when the server stopped; it is removed", place.Disk.Path, bucket.Name, name);
            }
        }
    }
}

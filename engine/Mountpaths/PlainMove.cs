using System.Buffers;
using Microsoft.Extensions.Logging;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;
using Sluice.Native.Codecs;

namespace Sluice.Engine.Mountpaths;

/// <summary>
/// Brings a plain object to its first mountpath: its newest generation is copied there, compared block by block with its digests on the way, made
/// durable under its name, and only then what lies elsewhere is removed. A crash in between leaves two heads of one generation, and the next run
/// goes on. The name's writer is kept waiting, readers are not.
/// </summary>
internal sealed class PlainMove(ObjectLookup lookup, NameLock locks, HeadPublisher heads, ILogger log)
{
    /// <summary>True when the name's files are where they belong; throws <see cref="StorageException"/> when a disk fails.</summary>
    public async ValueTask<bool> RunAsync(JobContext job, Bucket bucket, WalkedName walked)
    {
        if (!bucket.TryEnter())
        {
            return true;
        }

        try
        {
            using DiskUse use = lookup.Disks.Enter();
            await locks.AcquireWriterAsync(walked.Digest);
            try
            {
                return await MoveAsync(job, bucket, walked);
            }
            finally
            {
                locks.ReleaseWriter(walked.Digest);
            }
        }
        finally
        {
            bucket.Leave();
        }
    }

    private async ValueTask<bool> MoveAsync(JobContext job, Bucket bucket, WalkedName walked)
    {
        List<ObjectPlace> places = await lookup.PlacesAsync(bucket, walked.Name, walked.Digest, everywhere: true);
        ObjectPlace newest = places.MaxBy(place => place.Stored?.Metadata.Generation ?? 0);
        if (newest.Stored is not { } stored)
        {
            return !places.Exists(place => place.OfThisBucket); // a damaged one stays where it is, for the scrub
        }

        ObjectDisk home = lookup.HomeOf(walked.Digest);
        bool isHome = places.Exists(place => place.Disk == home && place.Stored?.Metadata.Generation == stored.Metadata.Generation);
        if (isHome && places.Count == 1)
        {
            job.Count(1, 0);
            return true;
        }

        if (!isHome)
        {
            await CopyAsync(bucket, walked, newest, ObjectPlace.On(places, home), home);
        }

        foreach (ObjectPlace old in places.Where(place => place.Disk != home))
        {
            await ObjectRemoval.UnlinkAsync(old.Disk, old.Path.Whole, bucket.Objects, Durability.Strict);
            foreach (PartPlace part in new RecordedParts().PartsOf(walked.Digest, old))
            {
                await ObjectRemoval.UnlinkAsync(part.Disk, part.Name.PathIn(bucket), PartName.DirectoryOf(bucket, part.Name.Kind));
            }
        }

        lookup.Evict(walked.Digest);
        job.Count(1, isHome ? 0 : stored.Metadata.SizeBytes);
        return true;
    }

    private async ValueTask CopyAsync(Bucket bucket, WalkedName walked, ObjectPlace from, ObjectPlace? old, ObjectDisk home)
    {
        ObjectMetadata metadata = from.Stored!.Metadata;
        await using ReplicaSet set = ReplicaSet.Rent(bucket, walked.Name, walked.Digest);
        WorkFile work = await WorkFile.CreateAsync(home, bucket, walked.Digest);
        set.Add(ReplicaMember.Head(work));
        using (FileHandle source = from.Disk.Check(await from.Disk.Io.OpenAsync(from.Disk.Root, from.Path.Whole, OpenIntent.Read), "open", from.Path.Whole.Span))
        {
            await CopyBytesAsync(from, source, work);
        }

        await RecordFiles.SetAsync(home, work.File, metadata, work.Path);
        await work.SyncAsync(log);
        if (metadata.HasSidecar)
        {
            await PutSidecarAsync(bucket, walked, home, metadata);
        }

        (StoredObject stored, DirectoryLease directory) = await heads.PublishAsync(set, work, metadata, old, DirectoryUse.CreateDurable);
        using (directory)
        {
            home.Check(await directory.SyncAsync(), "fsync of the directory", stored.Path.Directory.Span);
        }
    }

    private static async ValueTask CopyBytesAsync(ObjectPlace from, FileHandle source, WorkFile work)
    {
        ObjectMetadata metadata = from.Stored!.Metadata;
        using BlockBuffers.Rented block = await from.Disk.Blocks.RentAsync();
        for (int i = 0; i < metadata.BlockCount; i++)
        {
            long offset = (long)i * Limits.BlockBytes;
            Memory<byte> bytes = block.Memory[..(int)Math.Min(Limits.BlockBytes, metadata.SizeBytes - offset)];
            int read = from.Disk.Check(await from.Disk.Io.ReadFullyAsync(source, bytes, offset), "read", from.Path.Whole.Span);
            if (read != bytes.Length || Crc64Nvme.Hash(bytes.Span) != metadata.BlockDigests.Span[i])
            {
                from.Stored.Damage($"block {i} does not match its digest");
                throw from.Disk.Fault("compare: a damaged object is not moved", Native.Errno.EUCLEAN, from.Path.Whole.Span);
            }

            work.Disk.Check(await work.Disk.Io.WriteFullyAsync(work.File, new ReadOnlySequence<byte>(bytes), offset), "write", work.Path.Span);
        }
    }

    private async ValueTask PutSidecarAsync(Bucket bucket, WalkedName walked, ObjectDisk home, ObjectMetadata metadata)
    {
        await using WorkFile sidecar = await WorkFile.CreateAsync(home, bucket, walked.Digest);
        await SidecarFiles.WriteAsync(sidecar, SidecarFiles.Split(metadata, walked.Name).Sidecar);
        await sidecar.SyncAsync(log);
        await Tombstones.PlaceAsync(sidecar, bucket.Sidecars, SidecarFiles.NameOf(walked.Digest, metadata.Generation));
    }
}

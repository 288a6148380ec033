using System.Buffers;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;

namespace Sluice.Engine.ErasureCoding;

/// <summary>What was done for one name.</summary>
/// <param name="FilesMade">Slices and heads that were written.</param>
/// <param name="Bytes">Bytes of the object that were laid out anew, or of the slices that were rebuilt.</param>
/// <param name="StillDegraded">It lacks something yet: too few mountpaths, or it was changed again and again.</param>
internal readonly record struct ErasureReconciled(int FilesMade, long Bytes, bool StillDegraded)
{
    /// <summary>All was as it should be.</summary>
    public static ErasureReconciled None => default;
}

/// <summary>
/// Makes the files of a name what its bucket wants, with erasure coding or after it: cuts plain objects into slices, puts sliced ones together again, lays them
/// out for other counts of slices, and rebuilds slices and heads that are missing or damaged. What is new is durable before anything old is removed, and
/// replaces only the generation that it was made from; no lock is held while bytes are read and written. A crash leaves the old or the new files, and the
/// next call comes to the same end.
/// </summary>
internal sealed class ErasureReconciler(ErasureContext context, ObjectLookup lookup, ObjectCommit commit, SliceRepair repair)
{
    private const int AttemptsMax = 4; // each needs a writer who was faster

    /// <summary>True when the bucket's objects are this one's business: they are to be sliced, or may be.</summary>
    public static bool Handles(BucketProperties wanted) => wanted.Ec.Enabled || wanted.WasSpread;

    /// <summary>
    /// Looks at the name and changes what has to be changed. With <paramref name="verify"/> every unit is read and compared, else slices are taken at the word of
    /// their records. NotFound when there is no such object; Damaged when too little is left of it.
    /// </summary>
    public async ValueTask<Result<ErasureReconciled>> ReconcileAsync(Bucket bucket, ObjectName name, ulong digest, JobContext? job, bool verify)
    {
        for (int attempt = 0; attempt < AttemptsMax; attempt++)
        {
            Result<OpenObject> opened = await lookup.OpenFreshAsync(bucket, name, digest);
            if (!opened.Ok)
            {
                return opened.Error!;
            }

            OpenObject open = opened.Value;
            Result<ErasureReconciled> done;
            try
            {
                Invariant.That(open.TryHold(), "a file that was just opened is open");
                using var reader = new ObjectReader(open, bucket);
                done = IsLaidOutAsWanted(bucket.Properties, open.Stored.Metadata)
                    ? await repair.RepairAsync(bucket, name, digest, open, reader, job, verify)
                    : await LayOutAsync(bucket, name, digest, reader, job);
                if (done.Error is { Code: ErrorCode.Damaged } && open.Striped?.Replica is { IsSuspect: false })
                {
                    done = await LayOutAsync(bucket, name, digest, reader, job); // too few slices are left: the replica has what they had
                }
            }
            finally
            {
                open.Dispose();
            }

            if (done.Ok || done.Error!.Code != ErrorCode.Busy)
            {
                return done;
            }
        }

        return new ErasureReconciled(0, 0, StillDegraded: true);
    }

    /// <summary>True when the object has the kind of files, and the numbers, that the bucket wants for one of its size; a replica comes and goes without a new layout.</summary>
    private static bool IsLaidOutAsWanted(BucketProperties wanted, ObjectMetadata metadata)
    {
        EcProperties ec = wanted.Ec;
        bool isSliced = ec.Enabled && ErasureWriter.IsSliced(ec, metadata.SizeBytes);
        return metadata.Slices is not { Geometry: var geometry }
            ? !isSliced
            : isSliced && geometry.DataSlices == ec.DataSlices && geometry.ParitySlices == ec.ParitySlices
                && geometry.UnitBytes == StripeGeometry.UnitFor(metadata.SizeBytes, ec.UnitBytes);
    }

    private async ValueTask<Result<ErasureReconciled>> LayOutAsync(Bucket bucket, ObjectName name, ulong digest, ObjectReader reader, JobContext? job)
    {
        await (job?.PaceAsync(reader.SizeBytes) ?? default);
        EcProperties ec = bucket.Properties.Ec;
        await using ReplicaSet set = ReplicaSet.Rent(bucket, name, digest);
        if (!ec.Enabled || !ErasureWriter.IsSliced(ec, reader.SizeBytes))
        {
            foreach (ObjectDisk disk in lookup.Ranked(digest).Take(ec.Enabled ? ec.ParitySlices + 1 : bucket.Properties.Mirror.Wanted))
            {
                set.Add(ReplicaMember.Head(await WorkFile.CreateAsync(disk, bucket, digest)));
            }

            Result copied = await CopyAsync(reader, new ReplicaSink([.. set.Members.Select(static member => member.Work)]));
            return copied.Ok ? await ConvertAsync(set, reader) : copied.Error!;
        }

        Result<SliceSet> made = await SliceSet.CreateAsync(context, set, lookup.Ranked(digest), ec, reader.SizeBytes);
        if (!made.Ok)
        {
            return made.Error!;
        }

        using SliceSet slices = made.Value;
        Result encoded = await CopyAsync(reader, slices);
        if (!encoded.Ok)
        {
            return encoded.Error!;
        }

        await slices.FinishAsync(reader.SizeBytes);
        return await ConvertAsync(set, reader);
    }

    private async ValueTask<Result<ErasureReconciled>> ConvertAsync(ReplicaSet set, ObjectReader reader)
    {
        int files = set.Members.Count;
        Result<StoredObject> stored = await commit.ConvertAsync(set, reader.Stored);
        return stored.Ok
            ? new ErasureReconciled(files, reader.SizeBytes, stored.Value.Metadata.Slices?.Mountpaths.Contains(Guid.Empty) == true)
            : stored.Error!;
    }

    /// <summary>The object's bytes, every block compared with its digest.</summary>
    internal static async ValueTask<Result> CopyAsync(ObjectReader reader, IBodySink sink)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Limits.BlockBytes);
        try
        {
            for (int block = 0; block < reader.Stored.Metadata.BlockCount; block++)
            {
                Result<BlockSource> read = await reader.ReadBlockAsync(block, buffer);
                if (!read.Ok)
                {
                    return read.Error!;
                }

                await sink.WriteAsync(new ReadOnlySequence<byte>(buffer, 0, reader.BlockBytes(block)), (long)block * Limits.BlockBytes);
            }

            return Result.Done;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}

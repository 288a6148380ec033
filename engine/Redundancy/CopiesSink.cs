using System.Buffers;
using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Redundancy;

/// <summary>
/// Takes a body into a head on each of several mountpaths, which work at the same time. One that fails is left out, as long as the copies
/// that the answer promises are left.
/// </summary>
internal sealed class CopiesSink(ReplicaSet set, ILogger log) : IBodySink
{
    /// <summary>
    /// Fewest durable copies that a write is answered with when mountpaths are missing: half of them, rounded up. What is missing is made up for in
    /// the background.
    /// </summary>
    public static int CopiesMin(int wanted) => (wanted + 1) / 2;

    /// <summary>
    /// Adds a head for each copy that the bucket wants: on the first mountpaths of the name, and on the next ones for those that fail. At least one
    /// is on a first one, where readers look. Refuses when too few mountpaths are left.
    /// </summary>
    public static async ValueTask<Result> AddHeadsAsync(ReplicaSet set, ObjectDisk[] ranked, ILogger log)
    {
        int wanted = set.Bucket.Properties.Mirror.Wanted;
        set.HeadsMin = CopiesMin(wanted);
        int heads = 0, next = 0;
        while (heads < wanted && next < ranked.Length && (next < wanted || heads > 0))
        {
            int end = Math.Min(next + wanted - heads, ranked.Length);
            Task<WorkFile>[] made = [.. ranked[next..end].Select(disk => WorkFile.CreateAsync(disk, set.Bucket, set.Digest).AsTask())];
            foreach (Task<WorkFile> one in made)
            {
                try
                {
                    set.Add(ReplicaMember.Head(await one));
                    heads++;
                }
                catch (StorageException fault)
                {
                    log.LogError("a copy goes elsewhere: {Fault}", fault.Message);
                    set.IsDegraded = true;
                }
            }

            next = end;
        }

        set.IsDegraded |= heads < wanted;
        return heads >= set.HeadsMin ? Result.Done
            : new Failure(ErrorCode.Unavailable, $"not enough mountpaths: {heads} of {wanted} copies can be stored now, {set.HeadsMin} are the fewest");
    }

    /// <inheritdoc/>
    public async ValueTask WriteAsync(ReadOnlySequence<byte> data, long offset)
    {
        Task<IoResult>[] writes = [.. set.Members.Select(member => member.Work.Disk.Io.WriteFullyAsync(member.Work.File, data, offset).AsTask())];
        ObjectDisk[] disks = [.. set.Members.Select(member => member.Work.Disk)];
        IoResult[] results = await Task.WhenAll(writes); // none goes on when this returns: the bytes are the caller's again
        for (int i = 0; i < results.Length; i++)
        {
            if (results[i].Ok)
            {
                continue;
            }

            StorageException fault = disks[i].Fault("write", results[i].Error, set.Bucket.Work.Span);
            log.LogError("a copy is left out: {Fault}", fault.Message);
            if (!await set.TryLoseAsync(disks[i]))
            {
                throw fault;
            }
        }
    }
}

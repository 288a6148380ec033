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
    private readonly List<(ObjectDisk Disk, ValueTask<IoResult> Write)> _writes = [];

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
        StorageException? last = null;
        int heads = 0, next = 0;
        while (heads < wanted && next < ranked.Length && (next < wanted || heads > 0))
        {
            int end = Math.Min(next + wanted - heads, ranked.Length);
            List<ValueTask<WorkFile>> made = [.. ranked[next..end].Select(disk => WorkFile.CreateAsync(disk, set.Bucket, set.Digest))];
            foreach (ValueTask<WorkFile> one in made)
            {
                try
                {
                    set.Add(ReplicaMember.Head(await one));
                    heads++;
                }
                catch (StorageException fault)
                {
                    log.LogError("a copy goes elsewhere: {Fault}", fault.Message);
                    last = fault;
                }
            }

            next = end;
        }

        set.IsDegraded = last is not null || heads < wanted;
        return heads >= set.HeadsMin ? Result.Done
            : last is not null && ranked.Length >= wanted ? throw last
            : new Failure(ErrorCode.Unavailable, $"not enough mountpaths: {heads} of {wanted} copies can be stored now, {set.HeadsMin} are the fewest");
    }

    /// <inheritdoc/>
    public async ValueTask WriteAsync(ReadOnlySequence<byte> data, long offset)
    {
        foreach (ReplicaMember member in set.Members)
        {
            _writes.Add((member.Work.Disk, member.Work.Disk.Io.WriteFullyAsync(member.Work.File, data, offset)));
        }

        // All have ended before anybody hears of it: the bytes are the caller's again then.
        List<(ObjectDisk Disk, IoResult Result)>? failed = null;
        Exception? thrown = null;
        foreach ((ObjectDisk disk, ValueTask<IoResult> write) in _writes)
        {
            try
            {
                IoResult written = await write;
                if (!written.Ok)
                {
                    (failed ??= []).Add((disk, written));
                }
            }
            catch (Exception exception)
            {
                thrown = exception;
            }
        }

        _writes.Clear();
        if (thrown is not null)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(thrown);
        }

        foreach ((ObjectDisk disk, IoResult result) in failed ?? [])
        {
            StorageException fault = disk.Fault("write", result.Error, set.Bucket.Work.Span);
            log.LogError("a copy is left out: {Fault}", fault.Message);
            if (!await set.TryLoseAsync(disk))
            {
                throw fault;
            }
        }
    }
}

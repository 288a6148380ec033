using System.Buffers;
using Microsoft.Extensions.Logging;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;
using Sluice.Native.Codecs;

namespace Sluice.Engine.Redundancy;

/// <summary>A copy in its work file: complete, durable, and not in place yet. Its set owns the file.</summary>
internal sealed record PreparedCopy(ObjectDisk Disk, ReplicaSet Set, WorkFile Work);

/// <summary>
/// Where the copies of an object are to be: on the first mountpaths that have one or can take one. Owns the copies that were prepared for it
/// and are not in place.
/// </summary>
internal sealed class CopyPlan(Bucket bucket, ObjectName name, ulong digest, CopySurvey survey, ILogger log) : IAsyncDisposable
{
    private readonly List<ObjectDisk> _chosen = [];
    private readonly List<PreparedCopy> _prepared = [];
    private readonly HashSet<ObjectDisk> _full = []; // those that could not take a copy

    /// <summary>Bucket.</summary>
    public Bucket Bucket => bucket;

    /// <summary>Name; borrowed.</summary>
    public ObjectName Name => name;

    /// <summary>Digest of the unified name.</summary>
    public ulong Digest => digest;

    /// <summary>What it was made from.</summary>
    public CopySurvey Survey => survey;

    /// <summary>Copies that the bucket wanted.</summary>
    public int Wanted { get; private set; }

    /// <summary>Copies to be put in place.</summary>
    public IEnumerable<PreparedCopy> Prepared => _prepared.Where(copy => _chosen.Contains(copy.Disk));

    /// <summary>Something that was to go could not be removed.</summary>
    public bool HasFailed { get; set; }

    /// <summary>Fewer copies than are wanted, or a mountpath that may hold something could not be asked.</summary>
    public bool IsShort => _chosen.Count < Wanted || survey.Failed.Count > 0 || HasFailed;

    /// <summary>Another mountpath stands in for the first one, where alone an object is looked for that never had copies.</summary>
    public bool IsElsewhere => !bucket.Properties.IsSpread && !survey.Ranked.Take(1).All(_chosen.Contains);

    /// <summary>There is something to put in place or to remove.</summary>
    public bool IsNeeded => Prepared.Any() || Excess().Any();

    /// <summary>
    /// Chooses mountpaths for so many copies and makes those that are missing. A mountpath that cannot take one is passed over for the next; a copy
    /// that turns out to be bad while it is read is one more that is missing.
    /// </summary>
    public async ValueTask PrepareAsync(int wanted, JobContext? job)
    {
        Wanted = wanted;
        int good;
        do
        {
            good = survey.Good.Count;
            _chosen.Clear();
            foreach (ObjectDisk disk in survey.Ranked.Except(survey.Failed))
            {
                if (_chosen.Count < wanted && survey.Good.Count > 0 && (Has(disk) || await TryCopyToAsync(disk, job)))
                {
                    _chosen.Add(disk);
                }
            }
        }
        while (survey.Good.Count != good);
    }

    /// <summary>A copy could not be put in place.</summary>
    public void Lose(PreparedCopy copy) => _chosen.Remove(copy.Disk);

    /// <summary>
    /// Files that are to go, oldest generation first: all that are not good, except where a copy will stand in their place; and good ones on
    /// mountpaths that were not chosen, once as many as are wanted were.
    /// </summary>
    public IEnumerable<ObjectPlace> Excess() => survey.Places
        .Where(place => place.OfThisBucket && !_chosen.Contains(place.Disk))
        .Where(place => _chosen.Count >= Wanted || !survey.Good.Contains(place))
        .OrderBy(place => place.Stored?.Metadata.Generation ?? 0);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (PreparedCopy copy in _prepared)
        {
            await copy.Set.DisposeAsync();
        }
    }

    private bool Has(ObjectDisk disk) => survey.Good.Exists(place => place.Disk == disk) || _prepared.Exists(copy => copy.Disk == disk);

    private async ValueTask<bool> TryCopyToAsync(ObjectDisk disk, JobContext? job)
    {
        if (_full.Contains(disk))
        {
            return false;
        }

        try
        {
            PreparedCopy? copy = await CopyToAsync(disk, job);
            if (copy is not null)
            {
                _prepared.Add(copy);
            }

            return copy is not null;
        }
        catch (StorageException fault)
        {
            log.LogError("a copy of an object cannot be made: {Fault}", fault.Message);
            _full.Add(disk);
            return false;
        }
    }

    /// <summary>Copies from the first good copy that can be read to its end; null when there is none left.</summary>
    private async ValueTask<PreparedCopy?> CopyToAsync(ObjectDisk target, JobContext? job)
    {
        ReplicaSet set = ReplicaSet.Rent(bucket, name, digest);
        bool isDone = false;
        try
        {
            WorkFile work = await WorkFile.CreateAsync(target, bucket, digest);
            set.Add(ReplicaMember.Head(work));
            await WorkTarget.SetAsync(work, name);
            foreach (ObjectPlace source in survey.Good.ToList())
            {
                if (await TryCopyAsync(source, work, job))
                {
                    await work.SealAndSyncAsync(source.Stored!.Metadata, log);
                    isDone = true;
                    return new PreparedCopy(target, set, work);
                }
            }

            return null;
        }
        finally
        {
            if (!isDone)
            {
                await set.DisposeAsync();
            }
        }
    }

    /// <summary>False when the source cannot be read, or is not what its digests say: then it is no good copy any more.</summary>
    private async ValueTask<bool> TryCopyAsync(ObjectPlace source, WorkFile work, JobContext? job)
    {
        ObjectDisk disk = source.Disk;
        ObjectMetadata metadata = source.Stored!.Metadata;
        using FileHandle? file = await OpenAsync(source);
        if (file is null)
        {
            survey.Spoil(disk);
            return false;
        }

        using BlockBuffers.Rented rented = await disk.Blocks.RentAsync();
        for (int block = 0; block < metadata.BlockCount; block++)
        {
            long offset = (long)block * Limits.BlockBytes;
            Memory<byte> bytes = rented.Memory[..(int)Math.Min(Limits.BlockBytes, metadata.SizeBytes - offset)];
            if (job is not null)
            {
                await job.PaceAsync(bytes.Length);
            }

            disk.BeginRead(bytes.Length);
            IoResult<int> read = await disk.Io.ReadFullyAsync(file, bytes, offset);
            disk.EndRead(bytes.Length);
            if (!read.Ok)
            {
                // The file, not the mountpath: one sector may be all that is bad. A mountpath that is gone takes no copy either.
                log.LogError("{Fault}", disk.Fault("read", read.Error, source.Path.Whole.Span).Message);
                survey.Spoil(disk);
                return false;
            }

            if (read.Value != bytes.Length || Crc64Nvme.Hash(bytes.Span) != metadata.BlockDigests.Span[block])
            {
                source.Stored.Damage($"block {block} does not match its digest");
                survey.Spoil(disk);
                return false;
            }

            await work.WriteAsync(new ReadOnlySequence<byte>(bytes), offset);
        }

        return true;
    }

    /// <summary>A copy's file, open; null when there is none to be had.</summary>
    private async ValueTask<FileHandle?> OpenAsync(ObjectPlace source)
    {
        try
        {
            return await CopySurvey.OpenAsync(source);
        }
        catch (StorageException fault)
        {
            log.LogError("{Fault}", fault.Message);
            return null;
        }
    }
}

using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Scrub;

/// <summary>
/// Reads everything that is stored, past the page cache, and compares it with its digests; also what stands in the wrong place, is missing beside its
/// copies, or belongs to nobody. All mountpaths work at the same time, each at its own rate. Clients go on meanwhile. What it finds is the job's report.
/// </summary>
public sealed class Scrubber(ScrubWorld world, ScrubCounters counters)
{
    /// <summary>Whether the digest of what was read is the one that was written; a test of the test puts something else here.</summary>
    public Func<ulong, ulong, bool> Matches { get; init; } = ColdBlocks.Matches;

    /// <summary>Scrubs the buckets on those mountpaths; throws <see cref="OperationCanceledException"/> when the job is aborted.</summary>
    public async Task RunAsync(JobContext job, ScrubSettings settings, IReadOnlyList<Bucket> buckets, IReadOnlyList<ObjectDisk> disks)
    {
        var run = new ScrubRun(job, settings, counters);
        job.Detail = "counting";
        long[] bytes = await Task.WhenAll(disks.Select(disk => CountAsync(job, disk, buckets)));
        job.BytesExpected = bytes.Sum();
        job.Detail = "reading";
        try
        {
            foreach (DamagedDocument document in await world.CheckDocumentsAsync(settings.Repair, job.Aborted))
            {
                run.Tell(document);
            }

            await Task.WhenAll(disks.Select(disk => ScrubAsync(run, settings, disk, buckets)));
        }
        finally
        {
            job.Detail = run.Summary();
        }
    }

    /// <summary>Bytes of the objects of a mountpath, by the sizes of their files.</summary>
    private async Task<long> CountAsync(JobContext job, ObjectDisk disk, IReadOnlyList<Bucket> buckets)
    {
        long bytes = 0;
        try
        {
            foreach (Bucket bucket in buckets)
            {
                bytes += await CountAsync(job, disk, bucket.Objects) + await CountAsync(job, disk, bucket.Slices);
            }
        }
        catch (StorageException)
        {
            return bytes; // the scrub itself will meet it and tell
        }

        return bytes;
    }

    private async Task<long> CountAsync(JobContext job, ObjectDisk disk, ReadOnlyMemory<byte> directory)
    {
        long bytes = 0;
        await foreach ((byte[] path, _) in TreeWalk.FilesAsync(world, disk, directory, job.Aborted))
        {
            using IDisposable? use = world.Enter(disk);
            IoResult<FileStatus> status = use is null ? default : await disk.Io.StatAtAsync(disk.Root, path);
            bytes += use is not null && status.Ok ? status.Value.SizeBytes : 0;
        }

        return bytes;
    }

    private async Task ScrubAsync(ScrubRun run, ScrubSettings settings, ObjectDisk disk, IReadOnlyList<Bucket> buckets)
    {
        using var blocks = new ColdBlocks(disk, run.Job, new RateLimit(world.Time, settings.BytesPerSecond), Matches);
        foreach (Bucket bucket in buckets)
        {
            var objects = new ObjectScrub(world, run, disk, bucket, blocks);
            var parts = new PartScrub(world, run, disk, bucket, objects, blocks);
            try
            {
                await NameWorkers.RunAsync(
                    TreeWalk.FilesAsync(world, disk, bucket.Objects, run.Job.Aborted),
                    ColdBlocks.SmallMax,
                    file => objects.CheckAsync(file.Path, file.Kind),
                    run.Job.Aborted);
                await new NameScrub(world, run, disk, bucket).CheckAsync();
                await parts.CheckPartsAsync();
                await new TombstoneScrub(world, run, disk, bucket).CheckAsync();
                await parts.CheckWorkFilesAsync();
            }
            catch (StorageException fault)
            {
                run.Tell(disk, bucket, "", "unreadable", $"{fault.Error} on {fault.Verb}: the rest of this bucket here was not looked at", "failed");
                run.Job.Fail($"{bucket.Name}: a directory could not be read");
            }
        }
    }
}

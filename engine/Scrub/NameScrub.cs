using System.Globalization;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Names;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Scrub;

/// <summary>
/// Compares the index of a bucket's names on one mountpath with the files: each file with its row, then each row with its file, holding the name as a reader, so that no change is seen by half. An index that
/// is not trusted is no finding: it is being made. With repair a row that is wrong is set right.
/// </summary>
internal sealed class NameScrub(ScrubWorld world, ScrubRun run, ObjectDisk disk, Bucket bucket)
{
    private const int RowsAtOnce = 256;

    /// <summary>Compares them; what is found is told to the run. Throws <see cref="StorageException"/>.</summary>
    public async ValueTask CheckAsync()
    {
        if (disk.Names?.Of(bucket) is not { } names || !await IsTrustedAsync(names))
        {
            return;
        }

        var buffers = new ReadBuffers();
        await foreach ((byte[] path, EntryKind kind) in TreeWalk.FilesAsync(world, disk, bucket.Objects, run.Job.Aborted))
        {
            if (kind == EntryKind.File && ObjectPath.TryReadName(bucket.Objects, path, out ObjectName name) && !name.IsHidden && !await GoesOnAsync(names, name, hasFile: true, buffers))
            {
                return;
            }
        }

        var rows = new ReadBuffers();
        for (byte[] from = []; await ReadAsync(names, from, rows); from = rows.Next)
        {
            for (int row = 0; row < rows.Merged.Count; row++)
            {
                run.Job.Aborted.ThrowIfCancellationRequested();
                if (ObjectName.TryCreate(rows.Merged.NameAt(row).ToArray(), out ObjectName name, out _) && !await GoesOnAsync(names, name, hasFile: false, buffers))
                {
                    return;
                }
            }

            if (!rows.Merged.IsCut)
            {
                return;
            }
        }
    }

    private async ValueTask<bool> IsTrustedAsync(BucketNames names)
    {
        using IDisposable? use = world.Enter(disk);
        return use is not null && await names.LoadAsync();
    }

    private async ValueTask<bool> ReadAsync(BucketNames names, byte[] from, ReadBuffers rows)
    {
        using IDisposable? use = world.Enter(disk);
        return use is not null && await names.ReadAsync(from, default, RowsAtOnce, rows);
    }

    /// <summary>Compares one name, of which a file was met, or a row; false when the index is of no more use.</summary>
    private async ValueTask<bool> GoesOnAsync(BucketNames names, ObjectName name, bool hasFile, ReadBuffers buffers)
    {
        using IDisposable? use = world.Enter(disk);
        if (use is null || await ProblemAsync(names, name, hasFile, buffers, repairs: false) is not { } problem)
        {
            return use is not null && names.IsTrusted;
        }

        bool repairs = run.Repairs;
        if (repairs)
        {
            await names.BeginAsync();
            await ProblemAsync(names, name, hasFile, buffers, repairs: true);
            run.CountRepaired();
        }

        run.Tell(disk, bucket, name.ToString(), "index", problem, repairs ? "repaired" : "reported");
        return true;
    }

    private async ValueTask<string?> ProblemAsync(BucketNames names, ObjectName name, bool hasFile, ReadBuffers buffers, bool repairs)
    {
        ulong digest = bucket.DigestOf(name);
        await world.Locks.AcquireReaderAsync(digest);
        try
        {
            if (!await names.ReadAsync(name.Utf8, name.Utf8, 1, buffers))
            {
                return null;
            }

            bool isListed = buffers.Merged.Count > 0 && buffers.Merged.NameAt(0).SequenceEqual(name.Utf8.Span);
            long value = isListed ? buffers.Merged.ValueAt(0) : NameValue.Gone;
            using ScrubbedHead? head = await ScrubWorld.HeadAsync(disk, bucket, name);
            if (head is not null && !hasFile)
            {
                return null; // met with its file
            }

            if (repairs)
            {
                names.Set(name.Utf8.Span, head is null ? NameValue.Gone : head.Metadata is { } own && own.Bid == bucket.Bid ? NameValue.Of(own) : NameValue.Unknown);
            }

            return (head is not null) != isListed ? (isListed ? "the index of names has it, and there is no file" : "there is a file, and the index of names lacks it")
                : head?.Metadata is { } metadata && metadata.Bid == bucket.Bid && NameValue.SizeOf(value) is { } size && NameValue.Of(metadata) != value
                    ? string.Create(CultureInfo.InvariantCulture, $"the index of names says {size.Bytes} bytes, and it has {metadata.ContentBytes}")
                : null;
        }
        finally
        {
            world.Locks.ReleaseReader(digest);
        }
    }
}

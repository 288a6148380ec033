using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Chunks;
using Sluice.Engine.ErasureCoding;
using Sluice.Engine.Integrity;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;
using Sluice.Engine.Redundancy;

namespace Sluice.Engine;

/// <summary>What is damaged: its repair, and the quarantine.</summary>
public sealed partial class ObjectEngine
{
    private readonly NameLock _repairLocks = new(); // outside of all other locks

    /// <summary>Objects that are to be made whole.</summary>
    public RepairQueue Repairs { get; }

    /// <summary>The files in quarantine, by mountpath and name.</summary>
    public async ValueTask<Result<IReadOnlyList<QuarantinedFile>>> ListQuarantineAsync(Caller caller)
    {
        using DiskUse use = _disks.Enter();
        List<QuarantinedFile> files = [];
        try
        {
            foreach (ObjectDisk disk in use.Set.Open)
            {
                files.AddRange((await Quarantine.ListAsync(disk)).OrderBy(file => file.File, StringComparer.Ordinal));
            }
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }

        return files;
    }

    /// <summary>
    /// Removes a file from quarantine for good, <paramref name="file"/> of <paramref name="mountpath"/>, or all of the mountpath when no file is named. Answers how many. NotFound when
    /// the mountpath or the file is not there.
    /// </summary>
    public async ValueTask<Result<int>> DropQuarantinedAsync(Caller caller, string mountpath, string? file)
    {
        using DiskUse use = _disks.Enter();
        if (use.Set.Open.FirstOrDefault(one => one.Path == mountpath) is not { } disk)
        {
            return new Failure(ErrorCode.BadRequest, $"there is no mountpath {mountpath}");
        }

        try
        {
            if (file is not null)
            {
                return await Quarantine.DropAsync(disk, file) ? 1 : new Failure(ErrorCode.ObjectNotFound, $"no file {file} is in quarantine on mountpath {mountpath}");
            }

            int dropped = 0;
            foreach (QuarantinedFile one in await Quarantine.ListAsync(disk))
            {
                dropped += await Quarantine.DropAsync(disk, one.File) ? 1 : 0;
            }

            return dropped;
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
    }

    /// <summary>
    /// Sets aside what is damaged as long as something better is left, then has everything made that the bucket wants. Answers what was done; files that were set aside are
    /// among those removed. One at a time for each name: between the two steps a copy is missing, which is no news to who scrubs meanwhile.
    /// </summary>
    private async ValueTask<Result<Reconciled>> MakeWholeAsync(Bucket bucket, ObjectName name, ulong digest, JobContext? job = null)
    {
        await _repairLocks.AcquireWriterAsync(digest);
        try
        {
            using DiskUse use = _disks.Enter(DiskUseKind.Upload); // it reads and writes whole objects
            IReadOnlyList<LeftoverParts.CommitNote> notes = _leftovers.Count > 0 ? _leftovers.NotesOf(digest) : [];
            (int moved, bool isNoneWhole) = await _damagedCopies.SetAsideAsync(bucket, name, digest);
            int rebuilt = await RebuildManifestAsync(bucket, name, digest, isNoneWhole) ? 1 : 0;
            Result<Reconciled> done = await Reconciler.ReconcileAsync(bucket, name, digest, job, verify: ErasureReconciler.Handles(bucket.Properties));
            if (_leftovers.Count > 0)
            {
                await _leftovers.RemoveAsync(digest);
            }

            if (notes.Count > 0 && (done is { Ok: true, Value.StillDegraded: false } || done.Error?.Code == ErrorCode.ObjectNotFound))
            {
                await _leftovers.RemoveNotesAsync(notes);
            }

            return done.Ok ? done.Value with { Removed = done.Value.Removed + moved, CopiesMade = done.Value.CopiesMade + rebuilt } : done;
        }
        finally
        {
            _repairLocks.ReleaseWriter(digest);
        }
    }

    /// <summary>
    /// Writes the manifest of a chunked object anew, from the note of its upload, when no copy of it is whole, or it cannot be read. The object stays what it is to its readers. True when
    /// that was done. Of a note's name: the same of the object that has lost its manifest altogether.
    /// </summary>
    private async ValueTask<bool> RebuildManifestAsync(Bucket bucket, ObjectName name, ulong digest, bool isNoneWhole)
    {
        if (ChunkName.TryRead(name.Utf8.Span, out ChunkName file))
        {
            return file.Number == 0 && await RebuildLostAsync(bucket, file.UploadId);
        }

        if (await _lookup.StatAsync(bucket, name, digest) is not { Ok: true, Value: { Metadata.Chunked: { } chunked } stored })
        {
            return false;
        }

        if (!isNoneWhole && await LoadManifestAsync(bucket, name) is not { Error.Code: ErrorCode.Damaged })
        {
            return false;
        }

        Result<Manifest> note = await ChunkedReader.ReadNoteAsync(_lookup, bucket, chunked);
        if (!note.Ok)
        {
            return false;
        }

        PutRequest request = NewRequest(bucket, name, ManifestRecord.Format(note.Value)) with { Custom = stored.Metadata.Custom, Chunked = chunked, Converted = stored };
        return (await StoreAsync(bucket, request, CancellationToken.None)).Ok;
    }

    /// <summary>For the queue: the same, told in the log.</summary>
    private async ValueTask RepairAsync(Bucket bucket, ObjectName name, ulong digest)
    {
        Result<Reconciled> done = await MakeWholeAsync(bucket, name, digest);
        if (!done.Ok || done.Value.StillDegraded)
        {
            _log.LogWarning("{Bucket}/{Object} is not repaired: {Why}", bucket.Name, name, done.Error?.Message ?? "too few mountpaths have room or work");
        }
        else if (done.Value.Changed)
        {
            _log.LogInformation("{Bucket}/{Object} is repaired: {Copies} files made, {Removed} removed", bucket.Name, name, done.Value.CopiesMade, done.Value.Removed);
        }
    }
}

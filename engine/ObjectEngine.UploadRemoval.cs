using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Chunks;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;

namespace Sluice.Engine;

/// <summary>The removal of uploads that no object has, and the look for them.</summary>
public sealed partial class ObjectEngine
{
    /// <summary>
    /// An upload that nobody is to go on with is gone for its clients, and its files are removed; those that are away now, when they are back. Refuses when neither that nor the note can be
    /// written. The caller has ended it.
    /// </summary>
    private async ValueTask<Result> GiveUpAsync(Upload upload, CancellationToken cancellation)
    {
        Manifest note = upload.Note;
        var own = new Manifest
        {
            State = ManifestState.Partial, IsOwn = true, UploadId = note.UploadId, CreatedNs = note.CreatedNs, Name = note.Name, Custom = note.Custom, Chunks = note.Chunks,
        };
        Result<StoredObject> noted = await StoreNoteAsync(upload.Bucket, own, CancellationToken.None);
        if (!noted.Ok && !AllServe) // there may be no room for it, which is no reason while everything can be removed
        {
            return noted.Error!;
        }

        if (!await RemoveUploadAsync(upload.Bucket, note.UploadId, cancellation))
        {
            _reaper.LookThrough();
        }

        Forget((upload.Bucket.Bid, note.UploadId));
        return Result.Done;
    }

    /// <summary>
    /// Removes all files of an upload, durably, and its note last: chunks without a note would be nobody's for good. False, and the note stays for a later look, when it is told to stop, or
    /// when a chunk may be on a mountpath that is away: only a complete note names all of them, for which tombstones are left.
    /// </summary>
    private async ValueTask<bool> RemoveUploadAsync(Bucket bucket, ulong uploadId, CancellationToken cancellation)
    {
        const int PassesMax = 4;
        ChunkTable? named = await LoadNoteAsync(bucket, uploadId) is { Ok: true, Value: { State: ManifestState.Complete } note } ? note.Chunks : null;
        await RemoveChunksAsync(bucket, uploadId, named, cancellation);
        for (int pass = 1; !cancellation.IsCancellationRequested && pass < PassesMax; pass++)
        {
            DiskSet looked = _disks.Current;
            if ((await _uploadFiles.NumbersAsync(bucket, uploadId)).All(static number => number == 0))
            {
                bool isAll = named is not null || (AllServe && _disks.Current == looked);
                if (isAll)
                {
                    await RemoveUploadFileAsync(bucket, uploadId, 0);
                }

                return isAll;
            }

            await RemoveChunksAsync(bucket, uploadId, named: null, cancellation); // a chunk that went from one mountpath to another while they were listed
        }

        return false;
    }

    /// <summary>Removes the chunks that are to be seen, and those that are named. Some at a time, which share the fsyncs of their directories.</summary>
    private async ValueTask RemoveChunksAsync(Bucket bucket, ulong uploadId, ChunkTable? named, CancellationToken cancellation)
    {
        const int Together = 16;
        var numbers = new SortedSet<int>(await _uploadFiles.NumbersAsync(bucket, uploadId));
        for (int i = 0; i < named?.Count; i++)
        {
            numbers.Add(named[i].Number); // also those on mountpaths that are away
        }

        numbers.Remove(0);
        foreach (int[] some in numbers.Chunk(Together))
        {
            if (cancellation.IsCancellationRequested)
            {
                return;
            }

            await Task.WhenAll(some.Select(number => RemoveUploadFileAsync(bucket, uploadId, number)));
        }
    }

    private async Task RemoveUploadFileAsync(Bucket bucket, ulong uploadId, int number)
    {
        ObjectName file = new ChunkName(uploadId, number).ToObjectName();
        await _removal.DeleteAsync(bucket, file, bucket.DigestOf(file), isDurable: true);
    }

    /// <summary>
    /// What a crash left between an object and the files of its upload, asked of the notes: chunks that no object has any more are removed. While a mountpath is away, or has not
    /// been compared with the others, nothing is, since the object may be there. False when not all were looked at.
    /// </summary>
    private async ValueTask<bool> SurveyUploadsAsync(CancellationToken cancellation)
    {
        List<(Bucket Bucket, ulong UploadId)> freed = [];
        bool areAllRead = true;
        foreach (Bucket bucket in _buckets.All)
        {
            foreach (ulong uploadId in await _uploadFiles.UploadsAsync(bucket))
            {
                if (cancellation.IsCancellationRequested || !AllServe)
                {
                    return false;
                }

                Result<Manifest> note = await LoadNoteAsync(bucket, uploadId);
                areAllRead &= note.Error is null or { Code: ErrorCode.ObjectNotFound or ErrorCode.Damaged }; // a scrub's matter
                if (note.Ok && await IsNobodysAsync(bucket, note.Value, cancellation))
                {
                    freed.Add((bucket, uploadId));
                }
            }
        }

        if (freed.Count == 0)
        {
            return areAllRead;
        }

        // What replaced or removed an object of a relaxed bucket may be taken back by a power cut, and then its chunks are to be there.
        if (!await FlushAsync())
        {
            return false;
        }

        freed.ForEach(upload => _reaper.Free(upload.Bucket, upload.UploadId));
        return areAllRead;
    }

    private bool AllServe => _disks.Current is { Away.Count: 0 } set && set.Open.All(static disk => disk.Serves);

    /// <summary>True when no object has that upload, and none will; sees to it that the note of one that has an object says so.</summary>
    private async ValueTask<bool> IsNobodysAsync(Bucket bucket, Manifest note, CancellationToken cancellation)
    {
        bool isOver = note.State == ManifestState.Complete || (note.IsOwn && !_uploads.ContainsKey((bucket.Bid, note.UploadId))); // before its object is asked for
        bool? isObjects = await IsObjectsAsync(bucket, note);
        if (isOver && isObjects == false && AllServe)
        {
            bool isLost = await LookForLostAsync(bucket, note.UploadId) is not null;
            if (isLost)
            {
                _log.LogError("{Bucket}/{Object} has lost its manifest: a scrub that repairs makes it anew, if all chunks are there", bucket.Name, note.Name);
            }

            return !isLost;
        }

        if (note.State == ManifestState.Complete && isObjects == true && !await RememberAsync(bucket, note))
        {
            await LookForLostAsync(bucket, note.UploadId); // its note says that it stands
        }

        if (note.State == ManifestState.Partial && isObjects == true && await ReadManifestAsync(bucket, note.Name) is { } complete && complete.UploadId == note.UploadId)
        {
            await StoreNoteAsync(bucket, complete, cancellation); // completing was cut off in between
        }

        return false;
    }
}

using Sluice.Engine.Buckets;
using Sluice.Engine.Chunks;
using Sluice.Engine.Objects;

namespace Sluice.Engine;

/// <summary>The removal of uploads that no object has, and the look for them.</summary>
public sealed partial class ObjectEngine
{
    /// <summary>
    /// Removes all files of an upload, durably, and its note last: chunks without a note would be nobody's for good. Some at a time, which share the fsyncs of their directories. When
    /// it is told to stop, or the note is on a mountpath that is away, it leaves the note, by which a later start goes on: chunks may be there that only it tells of. False then.
    /// </summary>
    private async ValueTask<bool> RemoveUploadAsync(Bucket bucket, ulong uploadId, CancellationToken cancellation)
    {
        const int PassesMax = 4;
        bool isNoteHere = await RemoveChunksAsync(bucket, uploadId, await ReadNoteAsync(bucket, uploadId), cancellation);
        for (int pass = 1; !cancellation.IsCancellationRequested && pass < PassesMax; pass++)
        {
            IReadOnlyCollection<int> left = await _uploadFiles.NumbersAsync(bucket, uploadId);
            if (left.All(static number => number == 0))
            {
                if (isNoteHere || left.Count > 0)
                {
                    await RemoveUploadFileAsync(bucket, uploadId, 0);
                }

                return isNoteHere || left.Count > 0 || AllServe;
            }

            await RemoveChunksAsync(bucket, uploadId, note: null, cancellation); // a chunk that went from one mountpath to another while they were listed
        }

        return false;
    }

    /// <summary>Removes the chunks that are to be seen, and those that the note names; true when the note is there.</summary>
    private async ValueTask<bool> RemoveChunksAsync(Bucket bucket, ulong uploadId, Manifest? note, CancellationToken cancellation)
    {
        const int Together = 16;
        var numbers = new SortedSet<int>(await _uploadFiles.NumbersAsync(bucket, uploadId));
        for (int i = 0; i < note?.Chunks.Count; i++)
        {
            numbers.Add(note.Chunks[i].Number); // also those on mountpaths that are away: tombstones tell of them
        }

        bool isNoteHere = numbers.Remove(0) || note is not null;
        foreach (int[] some in numbers.Chunk(Together))
        {
            if (cancellation.IsCancellationRequested)
            {
                break;
            }

            await Task.WhenAll(some.Select(number => RemoveUploadFileAsync(bucket, uploadId, number)));
        }

        return isNoteHere;
    }

    private async Task RemoveUploadFileAsync(Bucket bucket, ulong uploadId, int number)
    {
        ObjectName file = new ChunkName(uploadId, number).ToObjectName();
        await _removal.DeleteAsync(bucket, file, DigestOf(bucket.Name, file), isDurable: true);
    }

    /// <summary>
    /// What a crash left between an object and the files of its upload, asked of the notes: chunks that no object has any more are removed. While a mountpath is away, or has not
    /// been compared with the others, nothing is, since the object may be there. False when not all were looked at.
    /// </summary>
    private async ValueTask<bool> SurveyUploadsAsync(CancellationToken cancellation)
    {
        List<(Bucket Bucket, ulong UploadId)> freed = [];
        foreach (Bucket bucket in _buckets.All)
        {
            foreach (ulong uploadId in await _uploadFiles.UploadsAsync(bucket))
            {
                if (cancellation.IsCancellationRequested || !AllServe)
                {
                    return false;
                }

                if (await ReadNoteAsync(bucket, uploadId) is { } note && await IsNobodysAsync(bucket, note, cancellation))
                {
                    freed.Add((bucket, uploadId));
                }
            }
        }

        if (freed.Count == 0)
        {
            return true;
        }

        // What replaced or removed an object of a relaxed bucket may be taken back by a power cut, and then its chunks are to be there.
        if (!await FlushAsync())
        {
            return false;
        }

        freed.ForEach(upload => _reaper.Free(upload.Bucket, upload.UploadId));
        return true;
    }

    private bool AllServe => _disks.Current is { Away.Count: 0 } set && set.Open.All(static disk => disk.Serves);

    /// <summary>True when no object has that upload, and none will; sees to it that the note of one that has an object says so.</summary>
    private async ValueTask<bool> IsNobodysAsync(Bucket bucket, Manifest note, CancellationToken cancellation)
    {
        bool isOver = note.State == ManifestState.Complete || (note.IsOwn && !_uploads.ContainsKey((bucket.Bid, note.UploadId))); // before its object is asked for
        bool? isObjects = await IsObjectsAsync(bucket, note);
        if (isOver && isObjects == false && AllServe)
        {
            return true;
        }

        if (note.State == ManifestState.Partial && isObjects == true && await ReadManifestAsync(bucket, note.Name) is { } complete && complete.UploadId == note.UploadId)
        {
            await StoreNoteAsync(bucket, complete, cancellation); // completing was cut off in between
        }

        return false;
    }
}

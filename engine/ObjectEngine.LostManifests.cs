using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Chunks;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;

namespace Sluice.Engine;

/// <summary>
/// Chunked objects whose own file, the manifest, is lost: found by the note of the upload, which says that the object stood and not that it was to go (<see cref="NoteMark"/>), and made
/// anew from it when all chunks are there. Where a deletion could not be told to the note, nothing is taken for a loss.
/// </summary>
public sealed partial class ObjectEngine
{
    private readonly StandingUploads _standing = new();

    private static ObjectName NoteOf(ulong uploadId) => new ChunkName(uploadId, 0).ToObjectName();

    private static Failure ManifestIsLost(Bucket bucket, ObjectName name) =>
        new(ErrorCode.Damaged, $"{bucket.Name}/{name} has lost its manifest: a scrub that repairs makes it anew, if all chunks are there");

    /// <summary>
    /// For a name that was not found, whose lock the caller holds: the refusal of an object that is lost; null of one that is not known to have stood.
    /// </summary>
    private ValueTask<Failure?> LostAsync(Bucket bucket, ObjectName name, ulong digest) =>
        _standing.Find(bucket.Bid, digest) is { } uploadId ? AskNoteAsync(bucket, name, uploadId) : new((Failure?)null);

    private async ValueTask<Failure?> AskNoteAsync(Bucket bucket, ObjectName name, ulong uploadId) =>
        await LoadNoteAsync(bucket, uploadId) is { Ok: true, Value: { State: ManifestState.Complete } note } && note.Name == name && await LostVersionAsync(bucket, note) is not null
            ? ManifestIsLost(bucket, name) : null;

    /// <summary>
    /// An object is about to be replaced or removed, whose writer calls: durably, its upload's note does not speak for it any more. Where the note cannot be changed none of the set's notes
    /// speaks for its object, until that is looked at again. Where there is no room for that either the object goes all the same: who deletes wants room.
    /// </summary>
    private async ValueTask EndUploadAsync(Bucket bucket, ulong objectDigest, ulong uploadId)
    {
        _standing.Forget(objectDigest, uploadId);
        if (!AllServe || LooksOnly)
        {
            return; // the set got another version when one left, and no note has spoken since
        }

        ObjectName note = NoteOf(uploadId);
        ulong digest = bucket.DigestOf(note);
        try
        {
            Result<StoredObject> known = await _lookup.StatAsync(bucket, note, digest);
            if (known.Error is { Code: ErrorCode.ObjectNotFound } || (known.Ok && NoteMark.Read(known.Value.Metadata.Custom) is null))
            {
                return;
            }

            if (known.Ok && await TryMarkAsync(bucket, uploadId, mark: null))
            {
                return;
            }
        }
        catch (StorageException fault)
        {
            Refuse(fault);
        }

        await Mountpaths.DoubtNotesAsync();
    }

    /// <summary>The same of an object that is lost: nothing but a look through the notes removes its chunks then.</summary>
    private async ValueTask EndLostUploadAsync(Bucket bucket, ulong objectDigest, ulong uploadId)
    {
        await EndUploadAsync(bucket, objectDigest, uploadId);
        _reaper.Owe();
    }

    /// <summary>The same where it cannot be told which upload the object has, or whether it has one.</summary>
    private async ValueTask EndUnknownUploadAsync(Bucket bucket, ulong objectDigest)
    {
        _standing.Forget(objectDigest);
        try
        {
            if (!AllServe || (await _uploadFiles.UploadsAsync(bucket)).Count == 0)
            {
                return;
            }
        }
        catch (StorageException fault)
        {
            Refuse(fault);
        }

        _reaper.Owe();
        await Mountpaths.DoubtNotesAsync();
    }

    /// <summary>
    /// Looks whether the object that an upload became stands, and has the note say so. Answers its manifest and version when it is known to be lost; null when it stands, has been replaced,
    /// may be on a mountpath that is away, or may have been deleted.
    /// </summary>
    private async ValueTask<LostObject?> LookForLostAsync(Bucket bucket, ulong uploadId)
    {
        if (await LoadNoteAsync(bucket, uploadId) is not { Ok: true, Value: { State: ManifestState.Complete } note }
            || (bucket.Properties.Durability == Durability.Relaxed && !LooksOnly && await MarkAsync(bucket, uploadId) is null && !await FlushAsync())) // what stands is to be durable
        {
            return null;
        }

        ulong digest = bucket.DigestOf(note.Name);
        await _locks.AcquireWriterAsync(digest); // who removes or replaces it looks at the note before
        try
        {
            List<ObjectPlace> places = AllServe ? await _lookup.PlacesAsync(bucket, note.Name, digest, everywhere: true) : [];
            if (places.Find(place => place.Stored?.Metadata.Chunked?.UploadId == uploadId).Stored is { } stands)
            {
                await ConfirmAsync(bucket, note, stands);
                return null;
            }

            if (places.Count > 0 && places.TrueForAll(static place => place.Stored is not null))
            {
                await EndLostUploadAsync(bucket, digest, uploadId); // it was lost, and has been stored anew since
                return null;
            }

            if (await LostVersionAsync(bucket, note) is not { } version)
            {
                return null;
            }

            await _locks.BeginPublishAsync(digest);
            _lookup.Evict(digest); // the file may have been lost since it was opened
            _locks.EndPublish(digest);
            _standing.Set(bucket.Bid, digest, uploadId);
            return new LostObject(note, version);
        }
        finally
        {
            _locks.ReleaseWriter(digest);
        }
    }

    /// <summary>Has it remembered that an object stands, if its note says so; false when that has to be looked at.</summary>
    private async ValueTask<bool> RememberAsync(Bucket bucket, Manifest note)
    {
        ulong digest = bucket.DigestOf(note.Name);
        await _locks.AcquireWriterAsync(digest); // who removes or replaces it takes the word from the note under it
        try
        {
            bool stands = await MarkAsync(bucket, note.UploadId) is not null;
            if (stands)
            {
                _standing.Set(bucket.Bid, digest, note.UploadId);
            }

            return stands;
        }
        finally
        {
            _locks.ReleaseWriter(digest);
        }
    }

    /// <summary>What the note says, if it is of the set of mountpaths that is in force.</summary>
    private async ValueTask<NoteMark?> MarkAsync(Bucket bucket, ulong uploadId)
    {
        ObjectName file = NoteOf(uploadId);
        Result<StoredObject> known = await _lookup.StatAsync(bucket, file, bucket.DigestOf(file));
        return known.Ok && NoteMark.Read(known.Value.Metadata.Custom) is { } mark && mark.MapVersion == Mountpaths.Map.MapVersion ? mark : null;
    }

    /// <summary>
    /// Has the note say that, or nothing, durably: in place, or where it has copies that erasure coding has made by a new note, which comes with all of them at once. Throws
    /// <see cref="StorageException"/>.
    /// </summary>
    private async ValueTask<bool> TryMarkAsync(Bucket bucket, ulong uploadId, NoteMark? mark)
    {
        ObjectName file = NoteOf(uploadId);
        ulong digest = bucket.DigestOf(file);
        KeyValuePair<string, string>[] pairs = mark?.ToPairs() ?? [];
        if (!bucket.Properties.Ec.Enabled || await _lookup.StatAsync(bucket, file, digest) is { Ok: true, Value.Metadata.Slices: not null })
        {
            return (await SetCustomAsync(bucket, file, digest, pairs, replaceAll: true, isDurable: true)).Ok;
        }

        Result<Manifest> note = await LoadNoteAsync(bucket, uploadId);
        return note.Ok
            && (await StoreAsync(bucket, NewRequest(bucket, file, ManifestRecord.Format(note.Value)) with { IsDurable = true, Custom = pairs }, CancellationToken.None)).Ok;
    }

    /// <summary>The note says that its object stands from now on; the object's writer calls. That it cannot be written is no failure.</summary>
    private async ValueTask ConfirmAsync(Bucket bucket, Manifest note, StoredObject stands)
    {
        try
        {
            var mark = new NoteMark(Mountpaths.Map.MapVersion, stands.Metadata.Version);
            if (AllServe && !LooksOnly && (await MarkAsync(bucket, note.UploadId) == mark || await TryMarkAsync(bucket, note.UploadId, mark)))
            {
                _standing.Set(bucket.Bid, bucket.DigestOf(note.Name), note.UploadId);
            }
        }
        catch (StorageException fault)
        {
            Refuse(fault);
        }
    }

    /// <summary>The version of an object that is lost: nothing stands under its name anywhere, and its note says that it stood. For who holds the name's lock.</summary>
    private async ValueTask<ulong?> LostVersionAsync(Bucket bucket, Manifest note)
    {
        return AllServe && await MarkAsync(bucket, note.UploadId) is { } mark
            && (await _lookup.PlacesAsync(bucket, note.Name, bucket.DigestOf(note.Name), everywhere: true)).Count == 0
                ? mark.Version : null;
    }

    /// <summary>For scrubs: what is wrong with the object of an upload's note; null when nothing is, or the note itself cannot be read, which is told of with its bytes.</summary>
    private async ValueTask<string?> NoteProblemAsync(Bucket bucket, ulong uploadId) => await LookForLostAsync(bucket, uploadId) is { } lost
        ? $"the manifest of {lost.Manifest.Name} is lost; {await ChunksProblemAsync(bucket, lost.Manifest) ?? "all chunks are there"}"
        : null;

    /// <summary>
    /// Makes a lost manifest anew: the object has its size, digest, chunks and version again, and the custom metadata that it was completed with. False when it is not known to be lost,
    /// or a chunk is, and then everything stays as it is.
    /// </summary>
    private async ValueTask<bool> RebuildLostAsync(Bucket bucket, ulong uploadId)
    {
        if (await LookForLostAsync(bucket, uploadId) is not { } lost)
        {
            return false;
        }

        Manifest manifest = lost.Manifest;
        if (await ChunksProblemAsync(bucket, manifest) is { } problem)
        {
            _log.LogError("{Bucket}/{Object} has lost its manifest, which is not made anew: {Problem}", bucket.Name, manifest.Name, problem);
            return false;
        }

        PutRequest request = NewRequest(bucket, manifest.Name, ManifestRecord.Format(manifest)) with
        {
            Custom = manifest.Custom,
            Chunked = ChunkedContent.Of(manifest),
            Version = lost.Version,
            IsDurable = true,
            OnlyIf = async () => await LostVersionAsync(bucket, manifest) is not null,
        };
        Result<StoredObject> stored = await StoreAsync(bucket, request, CancellationToken.None);
        if (stored.Ok)
        {
            _log.LogWarning("{Bucket}/{Object} had lost its manifest, which was made anew from the note of its upload", bucket.Name, manifest.Name);
        }

        return stored.Ok;
    }

    private sealed record LostObject(Manifest Manifest, ulong Version);
}

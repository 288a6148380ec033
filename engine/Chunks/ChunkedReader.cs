using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;
using Sluice.Native.Codecs;

namespace Sluice.Engine.Chunks;

/// <summary>
/// A chunked object that is open for reading: it stays readable, as it was, when the name is overwritten or deleted meanwhile, since its chunks stay until this is
/// disposed. Its owner disposes it once.
/// </summary>
public sealed class ChunkedReader : IDisposable
{
    private readonly ObjectReader _head;
    private readonly Bucket _bucket;
    private readonly ObjectLookup _lookup;
    private readonly ChunkReaper _reaper;
    private readonly ulong _uploadId;
    private Manifest? _manifest;
    private int _disposed;

    /// <summary>Takes over the open head, and holds the upload's files.</summary>
    internal ChunkedReader(ObjectReader head, Bucket bucket, ObjectLookup lookup, ChunkReaper reaper)
    {
        (_head, _bucket, _lookup, _reaper) = (head, bucket, lookup, reaper);
        _uploadId = head.Stored.Metadata.Chunked!.UploadId;
        reaper.Hold(bucket, _uploadId);
    }

    /// <summary>The object.</summary>
    public StoredObject Stored => _head.Stored;

    /// <summary>Size in bytes.</summary>
    public long SizeBytes => Manifest.SizeBytes;

    /// <summary>Properties of its bucket when it was opened.</summary>
    public BucketProperties BucketProperties => _bucket.Properties;

    /// <summary>What it is made of.</summary>
    public Manifest Manifest => _manifest ?? throw new ObjectDisposedException(nameof(ChunkedReader));

    /// <summary>
    /// Opens a chunk, by its place in <see cref="Chunks.Manifest.Chunks"/>. The caller disposes the reader. Refuses with Damaged when the chunk is not there, or not what the
    /// manifest says.
    /// </summary>
    public async ValueTask<Result<ObjectReader>> OpenChunkAsync(int index)
    {
        ManifestChunk chunk = Manifest.Chunks[index];
        ObjectName file = new ChunkName(_uploadId, chunk.Number).ToObjectName();
        Result<OpenObject> open;
        try
        {
            open = await _lookup.OpenAsync(_bucket, file, _bucket.DigestOf(file));
        }
        catch (StorageException fault)
        {
            return Stored.Refuse(fault);
        }

        if (!open.Ok)
        {
            return open.Error!.Code == ErrorCode.ObjectNotFound ? Stored.Damage($"chunk {chunk.Number} is missing") : open.Error;
        }

        var reader = new ObjectReader(open.Value, _bucket);
        ObjectMetadata metadata = reader.Stored.Metadata;
        if (metadata.SizeBytes == chunk.SizeBytes && Crc64Of(metadata) == chunk.Crc64)
        {
            return reader;
        }

        reader.Dispose();
        return Stored.Damage($"chunk {chunk.Number} is another one than its manifest says");
    }

    /// <summary>Where a byte of the object is: the place of its chunk, and the offset in that.</summary>
    public (int Index, long Offset) PlaceOf(long offset)
    {
        int index = Manifest.IndexAt(offset);
        return (index, offset - Manifest.OffsetOf(index));
    }

    /// <summary>Reads the blocks that cover a range and compares them with their digests. Refuses with Damaged or StorageFailed.</summary>
    public ValueTask<Result> VerifyAsync(long offset, long count) => OnEachAsync(offset, count, static (chunk, from, bytes) => chunk.VerifyAsync(from, bytes));

    /// <summary>Digest of a range, of bytes that were verified. Refuses as <see cref="VerifyAsync"/>.</summary>
    public async ValueTask<Result<Checksum>> DigestOfRangeAsync(ChecksumType type, long offset, long count)
    {
        using Digest digest = Digest.Rent(type);
        Result read = await OnEachAsync(offset, count, (chunk, from, bytes) => chunk.AppendToAsync(digest, from, bytes));
        return read.Ok ? digest.Finish() : read.Error!;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _head.Dispose();
            _reaper.Release(_bucket, _uploadId);
        }
    }

    private async ValueTask<Result> OnEachAsync(long offset, long count, Func<ObjectReader, long, long, ValueTask<Result>> work)
    {
        for (long end = offset + count; offset < end;)
        {
            (int index, long from) = PlaceOf(offset);
            Result<ObjectReader> opened = await OpenChunkAsync(index);
            if (!opened.Ok)
            {
                return opened.Error!;
            }

            using ObjectReader chunk = opened.Value;
            long bytes = Math.Min(chunk.SizeBytes - from, end - offset);
            Result done = await work(chunk, from, bytes);
            if (!done.Ok)
            {
                return done;
            }

            offset += bytes;
        }

        return Result.Done;
    }

    /// <summary>CRC-64/NVMe of an object's bytes, from those of its blocks.</summary>
    internal static ulong Crc64Of(ObjectMetadata metadata)
    {
        ulong whole = 0;
        long left = metadata.SizeBytes;
        foreach (ulong block in metadata.BlockDigests.Span)
        {
            long bytes = Math.Min(left, Limits.BlockBytes);
            whole = Crc64Nvme.Combine(whole, block, bytes);
            left -= bytes;
        }

        return whole;
    }

    /// <summary>Reads a manifest that is an object's content, each block compared with its digest; damaged ones come from other copies.</summary>
    internal static async ValueTask<Result<Manifest>> ReadManifestAsync(ObjectReader reader)
    {
        if (reader.SizeBytes > Limits.ManifestBytesMax)
        {
            return reader.Stored.Damage("it is too long for a manifest");
        }

        var bytes = new byte[reader.SizeBytes]; // one block: Limits.ManifestBytesMax is less
        if (bytes.Length > 0)
        {
            Result<BlockSource> read = await reader.ReadBlockAsync(0, bytes);
            if (!read.Ok)
            {
                return read.Error!;
            }
        }

        return ManifestRecord.TryParse(bytes, out Manifest? manifest, out string? problem) ? manifest : reader.Stored.Damage("its manifest: " + problem);
    }

    /// <summary>Opens a note or a chunked object and reads the manifest that it is; NotFound of any other object. Throws <see cref="StorageException"/>.</summary>
    internal static async ValueTask<Result<Manifest>> LoadManifestAsync(ObjectLookup lookup, Bucket bucket, ObjectName name)
    {
        Result<OpenObject> open = await lookup.OpenAsync(bucket, name, bucket.DigestOf(name));
        if (!open.Ok)
        {
            return open.Error!;
        }

        using var reader = new ObjectReader(open.Value, bucket);
        return name.IsHidden || reader.Stored.Metadata.Chunked is not null
            ? await ReadManifestAsync(reader)
            : new Failure(ErrorCode.ObjectNotFound, "the object is not chunked");
    }

    /// <summary>
    /// The manifest of an object whose own cannot be read, from the note of its upload, which is kept as long as the object is. Refuses with NotFound, Damaged or StorageFailed when there is
    /// none, or not the same.
    /// </summary>
    internal static async ValueTask<Result<Manifest>> ReadNoteAsync(ObjectLookup lookup, Bucket bucket, ChunkedContent content)
    {
        try
        {
            Result<Manifest> note = await LoadManifestAsync(lookup, bucket, new ChunkName(content.UploadId, 0).ToObjectName());
            return note.Ok && (note.Value.State != ManifestState.Complete || ChunkedContent.Of(note.Value) != content) ? new Failure(ErrorCode.Damaged, "the note is not the object's") : note;
        }
        catch (StorageException fault)
        {
            return ObjectDisk.Refusal(fault);
        }
    }

    /// <summary>Reads the manifest, or takes the one that somebody else has read.</summary>
    internal async ValueTask<Result> LoadAsync()
    {
        StoredObject stored = _head.Stored;
        if (stored.Manifest is not { } manifest)
        {
            Result<Manifest> read = await ReadManifestAsync(_head);
            if (read.Ok && ChunkedContent.Of(read.Value) != stored.Metadata.Chunked)
            {
                read = stored.Damage("its manifest is not the one that its record speaks of");
            }

            if (read.Error is { Code: ErrorCode.Damaged or ErrorCode.StorageFailed })
            {
                Result<Manifest> note = await ReadNoteAsync(_lookup, _bucket, stored.Metadata.Chunked!);
                if (note.Ok)
                {
                    read = note;
                    _lookup.Degraded(_bucket, note.Value.Name, _bucket.DigestOf(note.Value.Name));
                }
            }

            if (!read.Ok)
            {
                return read.Error!;
            }

            stored.Manifest = manifest = read.Value;
        }

        _manifest = manifest;
        return Result.Done;
    }
}

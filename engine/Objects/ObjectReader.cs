using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;

namespace Sluice.Engine.Objects;

/// <summary>
/// An object that is open for reading. It stays readable, as it was, when the name is overwritten or deleted meanwhile. Whoever got it
/// disposes it; no lock is held.
/// </summary>
public sealed class ObjectReader : IDisposable
{
    private readonly StoredObject _stored;
    private readonly Bucket _bucket;
    private readonly ILogger _log;
    private readonly Action _damaged;
    private FileHandle? _file;

    /// <summary>Takes over the hold on the file of <paramref name="open"/>.</summary>
    internal ObjectReader(OpenObject open, Bucket bucket, ILogger log, Action damaged)
    {
        _stored = open.Stored;
        _file = open.File;
        _bucket = bucket;
        _log = log;
        _damaged = damaged;
    }

    /// <summary>Size in bytes.</summary>
    public long SizeBytes => _stored.Metadata.SizeBytes;

    /// <summary>What is known of the object.</summary>
    public ObjectAttributes Attributes => _stored.Attributes();

    /// <summary>Properties of its bucket when it was opened.</summary>
    public BucketProperties BucketProperties => _bucket.Properties;

    /// <summary>The open file; valid until the reader is disposed.</summary>
    public FileHandle Handle => _file ?? throw new ObjectDisposedException(nameof(ObjectReader));

    /// <summary>
    /// Fills the buffer from <paramref name="offset"/>; fewer bytes only at the end of the object. Refuses with Damaged when the file is
    /// shorter than the object, with StorageFailed when the disk fails.
    /// </summary>
    public async ValueTask<Result<int>> ReadAsync(Memory<byte> buffer, long offset)
    {
        int wanted = (int)Math.Min(buffer.Length, Math.Max(0, SizeBytes - offset));
        IoResult<int> read = await _stored.Disk.Io.ReadFullyAsync(Handle, buffer[..wanted], offset);
        if (!read.Ok)
        {
            StorageException fault = _stored.Disk.Fault("read", read.Error, _stored.Path.Whole.Span);
            _log.LogError("{Fault}", fault.Message);
            return ObjectDisk.Refusal(fault);
        }

        return read.Value == wanted ? wanted : Damage($"it ends at byte {offset + read.Value} of {SizeBytes}");
    }

    /// <summary>Reads the blocks that cover a range and compares them with their digests. Refuses with Damaged or StorageFailed.</summary>
    public async ValueTask<Result> VerifyAsync(long offset, long count)
    {
        Invariant.That(offset >= 0 && count >= 0 && offset + count <= SizeBytes, "a range lies within the object");
        if (count == 0)
        {
            return Result.Done;
        }

        int first = (int)(offset / Limits.BlockBytes);
        int end = (int)((offset + count - 1) / Limits.BlockBytes) + 1;
        try
        {
            int? bad = await BlockVerifier.FirstBadBlockAsync(_stored.Disk, Handle, _stored.Metadata, first, end);
            return bad is null ? Result.Done : Damage($"block {bad} does not match its digest");
        }
        catch (StorageException fault)
        {
            _log.LogError("{Fault}", fault.Message);
            return ObjectDisk.Refusal(fault);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Interlocked.Exchange(ref _file, null)?.DangerousRelease();

    private Failure Damage(string problem)
    {
        _damaged();
        _log.LogError("mountpath {Mountpath}, {Path}: damaged object: {Problem}",
            _stored.Disk.Path, System.Text.Encoding.UTF8.GetString(_stored.Path.Whole.Span), problem);
        return new Failure(ErrorCode.Damaged, $"the object is damaged and has no other copy: {problem}");
    }
}

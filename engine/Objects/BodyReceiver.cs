using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Sluice.Contract;
using Sluice.Engine.Io;
using Sluice.Engine.Pooling;

namespace Sluice.Engine.Objects;

/// <summary>What arrived: its length and its digests.</summary>
public readonly record struct ReceivedBody
{
    /// <summary>Bytes.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Digest of the kind that the bucket keeps.</summary>
    public required Checksum Checksum { get; init; }

    /// <summary>Digest of each block.</summary>
    public required ReadOnlyMemory<ulong> BlockDigests { get; init; }
}

/// <summary>Where a body goes as it comes.</summary>
public interface IBodySink
{
    /// <summary>
    /// Takes the next piece, which begins at <paramref name="offset"/> and is the caller's again when the task is complete. Throws
    /// <see cref="StorageException"/> when it cannot be stored.
    /// </summary>
    ValueTask WriteAsync(ReadOnlySequence<byte> data, long offset);
}

/// <summary>
/// Takes a request's body into one or several files, in pieces as they come, hashing on the way; holds no lock and no more memory than the
/// pipe does. A body that is shorter or longer than declared, or whose digest is not what the client said, is refused here, before
/// anything is visible.
/// </summary>
public static class BodyReceiver
{
    /// <summary>
    /// A body whose length was not declared is looked at: when it has ended within so many bytes, its length is known. Nothing is taken of it.
    /// </summary>
    public static async ValueTask<PutRequest> MeasuredAsync(PutRequest request, int bytes, CancellationToken cancellation)
    {
        if (request.LengthBytes is not null)
        {
            return request;
        }

        ReadResult begin = await request.Body.ReadAtLeastAsync(bytes, cancellation);
        long? length = begin.IsCompleted ? begin.Buffer.Length : null;
        request.Body.AdvanceTo(begin.Buffer.Start, begin.Buffer.End); // all of it was examined on the way, which a pipe does not let be taken back
        return request with { LengthBytes = length };
    }

    /// <summary>Reads the body to its end, <paramref name="readBytes"/> at a time if the pipe has them. What reading the pipe throws (the client is gone) passes through.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public static async ValueTask<Result<ReceivedBody>> ReceiveAsync(
        IBodySink sink, PutRequest request, ChecksumType kept, int readBytes, CancellationToken cancellation)
    {
        using Digest stored = Digest.Rent(kept);
        using Digest? sent = request.Expected.Type == kept ? null : Digest.Rent(request.Expected.Type);
        var blocks = new BlockDigests(request.LengthBytes);
        long size = 0;
        while (true)
        {
            long wanted = request.LengthBytes is { } length ? length - size : readBytes;
            ReadResult read = await request.Body.ReadAtLeastAsync((int)Math.Clamp(wanted, 1, readBytes), cancellation);
            ReadOnlySequence<byte> piece = read.Buffer;
            if (read.IsCanceled)
            {
                throw new OperationCanceledException("the body's reader was cancelled");
            }

            if (size + piece.Length > (request.LengthBytes ?? Limits.ObjectBytesMax))
            {
                request.Body.AdvanceTo(piece.Start);
                return new Failure(ErrorCode.BadBody, request.LengthBytes is null
                    ? $"the body is longer than the largest object ({Limits.ObjectBytesMax} bytes)"
                    : $"the body is longer than its declared {request.LengthBytes} bytes");
            }

            foreach (ReadOnlyMemory<byte> part in piece)
            {
                stored.Append(part.Span);
                sent?.Append(part.Span);
                blocks.Append(part.Span);
            }

            try
            {
                ValueTask write = sink.WriteAsync(piece, size);
                size += piece.Length; // now: what is given back is no sequence any more
                await write;
            }
            finally
            {
                request.Body.AdvanceTo(piece.End); // also of what could not be stored: whoever answers that drains the rest
            }

            if (read.IsCompleted)
            {
                break;
            }
        }

        if (request.LengthBytes is { } declared && size != declared)
        {
            return new Failure(ErrorCode.BadBody, $"the body ended after {size} of its declared {declared} bytes");
        }

        if (size == 0 && request.IfEmpty is { } refusal)
        {
            return refusal;
        }

        var body = new ReceivedBody { SizeBytes = size, Checksum = stored.Finish(), BlockDigests = blocks.Finish() };
        Checksum arrived = sent?.Finish() ?? body.Checksum;
        return arrived == request.Expected || request.Expected.Type == ChecksumType.None
            ? body
            : new Failure(ErrorCode.BadDigest, $"bad data checksum: the client sent {request.Expected}, the body has {arrived}");
    }
}

using System.Buffers;
using System.IO.Pipelines;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Chunks;

/// <summary>
/// Shows a body piece by piece: to who reads one it ends behind that many bytes, or where the body does. What is taken goes into digests of the whole on the way. The body
/// and the digests stay their owners'. For one reader.
/// </summary>
public sealed class BodyWindow(PipeReader body, params Digest?[] digests) : PipeReader
{
    private ReadOnlySequence<byte> _shown;
    private long _left;

    /// <summary>Bytes that were taken so far, of all pieces.</summary>
    public long TakenBytes { get; private set; }

    /// <summary>Begins the next piece, of at most so many bytes, 1 or more.</summary>
    public void Begin(long bytes) => _left = bytes;

    /// <summary>True when the body has another byte. Waits for it.</summary>
    public async ValueTask<bool> HasMoreAsync(CancellationToken cancellation)
    {
        while (true)
        {
            ReadResult read = await body.ReadAsync(cancellation);
            bool hasBytes = !read.Buffer.IsEmpty;
            body.AdvanceTo(read.Buffer.Start, read.Buffer.End); // see BodyReceiver.MeasuredAsync
            if (read.IsCanceled)
            {
                throw new OperationCanceledException("the body's reader was cancelled");
            }

            if (hasBytes || read.IsCompleted)
            {
                return hasBytes;
            }
        }
    }

    /// <inheritdoc/>
    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) => Show(await body.ReadAsync(cancellationToken));

    /// <inheritdoc/>
    public override bool TryRead(out ReadResult result)
    {
        bool isRead = body.TryRead(out ReadResult read);
        result = isRead ? Show(read) : default;
        return isRead;
    }

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        ReadOnlySequence<byte> taken = _shown.Slice(0, consumed);
        foreach (ReadOnlyMemory<byte> part in taken)
        {
            foreach (Digest? digest in digests)
            {
                digest?.Append(part.Span);
            }
        }

        _left -= taken.Length;
        TakenBytes += taken.Length;
        _shown = default;
        body.AdvanceTo(consumed, examined);
    }

    /// <inheritdoc/>
    public override void CancelPendingRead() => body.CancelPendingRead();

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null)
    {
    }

    /// <inheritdoc/>
    protected override async ValueTask<ReadResult> ReadAtLeastAsyncCore(int minimumSize, CancellationToken cancellationToken) =>
        Show(await body.ReadAtLeastAsync((int)Math.Min(minimumSize, _left), cancellationToken));

    private ReadResult Show(ReadResult read)
    {
        bool isLast = read.Buffer.Length >= _left;
        _shown = isLast ? read.Buffer.Slice(0, _left) : read.Buffer;
        return new ReadResult(_shown, read.IsCanceled, isCompleted: isLast || read.IsCompleted);
    }
}

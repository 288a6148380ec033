using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Sluice.Engine.Pooling;

namespace Sluice.Transport.Http;

/// <summary>A request's body whose reads tell the request when they have to wait for the client. One for each context, used again.</summary>
internal sealed class WatchedBody(RequestContext context) : PipeReader
{
    private PipeReader _body = null!;

    /// <summary>The body of the current request.</summary>
    public WatchedBody Of(PipeReader body)
    {
        _body = body;
        return this;
    }

    /// <inheritdoc/>
    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        ValueTask<ReadResult> read = _body.ReadAsync(cancellationToken);
        return read.IsCompleted ? read : WaitAsync(read);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// May answer with less than was asked for when the connection is short of blocks: many bodies that each wait with some of the shared buffers in
    /// hand would wait for each other.
    /// </remarks>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    protected override async ValueTask<ReadResult> ReadAtLeastAsyncCore(int minimumSize, CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult read = await ReadAsync(cancellationToken);
            ReadOnlySequence<byte> data = read.Buffer;
            if (data.Length >= minimumSize || read.IsCompleted || read.IsCanceled || (!data.IsEmpty && context.Bodies is { IsShortOfBlocks: true }))
            {
                return read;
            }

            _body.AdvanceTo(data.Start, data.End);
        }
    }

    /// <inheritdoc/>
    public override bool TryRead(out ReadResult result) => _body.TryRead(out result);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed) => _body.AdvanceTo(consumed);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => _body.AdvanceTo(consumed, examined);

    /// <inheritdoc/>
    public override void CancelPendingRead() => _body.CancelPendingRead();

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null) => _body.Complete(exception);

    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<ReadResult> WaitAsync(ValueTask<ReadResult> read)
    {
        context.BeginWait();
        try
        {
            // What Kestrel reads off the connection ends on the loop, and its pooled source would reach the context by a new closure for each read. What
            // it reads off a pipe of its own ends in the thread pool, and the context leads home at once.
            return await read.ConfigureAwait(continueOnCapturedContext: context.IsBodyPiped);
        }
        finally
        {
            context.EndWait();
        }
    }
}

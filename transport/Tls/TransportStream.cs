using System.Buffers;
using System.IO.Pipelines;

namespace Sluice.Transport.Tls;

/// <summary>
/// A connection's pipes as the stream that <c>SslStream</c> wants below it. Full TLS records are gathered before they are sent: a large write
/// comes as one record of 16 KiB after another, and each would be a send of its own. One reader and one writer at a time. Owns nothing.
/// <para>
/// What waited goes on where it was completed, which is the connection's loop, and outside of the loop's context: <c>SslStream</c> awaits without one,
/// and what awaits so the runtime takes to the thread pool when it is completed inside one. From there every read, write and verb would
/// have to wake the loop.
/// </para>
/// </summary>
internal sealed class TransportStream(PipeReader input, PipeWriter output) : Stream
{
    /// <summary>A record's body: what is shorter is the last of its write (RFC 8446 §5.1).</summary>
    private const int RecordBytes = 16 << 10;

    /// <summary>Sent at once: what a socket's pipe takes before it asks its writer to wait.</summary>
    private const int GatheredBytesMax = 64 << 10;

    // Writer only.
    private int _gatheredBytes;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // Bytes are mostly there when a record follows another: no state machine for them.
        if (!input.TryRead(out ReadResult read))
        {
            return ReadSlowlyAsync(buffer, cancellationToken);
        }

        if (!read.IsCanceled && (read.IsCompleted || !read.Buffer.IsEmpty))
        {
            return ValueTask.FromResult(Take(read, buffer.Span));
        }

        input.AdvanceTo(read.Buffer.Start);
        return ReadSlowlyAsync(buffer, cancellationToken);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_gatheredBytes == 0 && buffer.Length >= RecordBytes)
        {
            output.GetSpan(GatheredBytesMax + RecordBytes); // room for all that is gathered: else what is there would be copied each time a record more needs it
        }

        output.Write(buffer.Span);
        _gatheredBytes += buffer.Length;
        return buffer.Length >= RecordBytes && _gatheredBytes < GatheredBytesMax ? ValueTask.CompletedTask : SendAsync(cancellationToken);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => SendAsync(cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private async ValueTask<int> ReadSlowlyAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        while (true)
        {
            ReadResult read = await input.ReadAsync(cancellation);
            LeaveContext();
            if (read.IsCompleted || !read.Buffer.IsEmpty)
            {
                return Take(read, buffer.Span);
            }

            input.AdvanceTo(read.Buffer.Start); // woken by a cancelled read, which nothing here asks for
        }
    }

    /// <summary>A read into no memory only waits for bytes: none is kept for a connection that is idle.</summary>
    private int Take(ReadResult read, Span<byte> into)
    {
        int count = (int)Math.Min(read.Buffer.Length, into.Length);
        ReadOnlySequence<byte> bytes = read.Buffer.Slice(0, count);
        bytes.CopyTo(into);
        input.AdvanceTo(bytes.End); // the blocks may be used again from here on
        return count;
    }

    /// <summary>Until the method that calls this ends, with all that goes on from there: whoever called or resumed it gets its own context back.</summary>
    private static void LeaveContext() => SynchronizationContext.SetSynchronizationContext(null);

    /// <summary>That the other end is gone is told by the connection's token, as without TLS.</summary>
    private async ValueTask SendAsync(CancellationToken cancellation)
    {
        _gatheredBytes = 0;
        FlushResult sent = await output.FlushAsync(cancellation);
        LeaveContext();
        if (sent.IsCanceled)
        {
            throw new OperationCanceledException("the write to the connection was cancelled");
        }
    }
}

namespace Sluice.Cli.Transfers;

/// <summary>Shows every byte that is read through it, once and in order, to <c>watch</c>. The inner stream stays its owner's.</summary>
public sealed class WatchedStream(Stream inner, WatchedStream.Watch watch) : ForwardStream
{
    /// <summary>Sees bytes on their way.</summary>
    public delegate void Watch(ReadOnlySpan<byte> bytes);

    /// <summary>Bytes read so far.</summary>
    public long TotalBytes { get; private set; }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        int count = inner.Read(buffer);
        See(buffer[..count]);
        return count;
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int count = await inner.ReadAsync(buffer, cancellationToken);
        See(buffer.Span[..count]);
        return count;
    }

    private void See(ReadOnlySpan<byte> bytes)
    {
        TotalBytes += bytes.Length;
        watch(bytes);
    }
}

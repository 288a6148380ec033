using Microsoft.Win32.SafeHandles;

namespace Sluice.Cli.Transfers;

/// <summary>Reads some bytes of a file by their places, so that several read one file. The file stays its owner's; one that has become shorter ends early.</summary>
internal sealed class FileWindow(SafeFileHandle file, long offset, long countBytes) : Stream
{
    private long _read;

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int count = await RandomAccess.ReadAsync(file, buffer[..Room(buffer.Length)], offset + _read, cancellationToken);
        _read += count;
        return count;
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => ReadAt(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private int ReadAt(Span<byte> buffer)
    {
        int count = RandomAccess.Read(file, buffer[..Room(buffer.Length)], offset + _read);
        _read += count;
        return count;
    }

    private int Room(int bytes) => (int)Math.Min(bytes, countBytes - _read);
}

using Microsoft.Win32.SafeHandles;

namespace Sluice.Cli.Transfers;

/// <summary>Reads some bytes of a file by their places, so that several read one file. The file stays its owner's; one that has become shorter ends early.</summary>
internal sealed class FileWindow(SafeFileHandle file, long offset, long countBytes) : ForwardStream
{
    private long _read;

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        int count = RandomAccess.Read(file, buffer[..Room(buffer.Length)], offset + _read);
        _read += count;
        return count;
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int count = await RandomAccess.ReadAsync(file, buffer[..Room(buffer.Length)], offset + _read, cancellationToken);
        _read += count;
        return count;
    }

    private int Room(int bytes) => (int)Math.Min(bytes, countBytes - _read);
}

using System.Buffers;
using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;

namespace Sluice.Cli.Transfers;

/// <summary>One part of what is uploaded. It can be opened again and again, until it is disposed by whoever took it last.</summary>
internal sealed class ContentPart : IDisposable
{
    private readonly SafeFileHandle? _file;
    private readonly long _offset;
    private byte[]? _owned;

    private ContentPart(int number, long sizeBytes, SafeFileHandle? file, long offset, byte[]? owned)
    {
        (Number, SizeBytes, _file, _offset, _owned) = (number, sizeBytes, file, offset, owned);
    }

    /// <summary>From 1.</summary>
    public int Number { get; }

    public long SizeBytes { get; }

    /// <summary>A file in parts of that size. It stays open, and its owner's.</summary>
    public static async IAsyncEnumerable<ContentPart> OfFileAsync(SafeFileHandle file, long sizeBytes, long partBytes)
    {
        await Task.Yield();
        for (int number = 1; (number - 1) * partBytes < sizeBytes; number++)
        {
            long offset = (number - 1) * partBytes;
            yield return new ContentPart(number, Math.Min(partBytes, sizeBytes - offset), file, offset, null);
        }
    }

    /// <summary>The parts of a stream: the first one, and those that are read when they are asked for.</summary>
    public static async IAsyncEnumerable<ContentPart> OfStreamAsync(
        ContentPart first, Stream rest, PartSettings settings, [EnumeratorCancellation] CancellationToken token)
    {
        yield return first;
        for (int number = 2; await ReadAsync(rest, number, settings, token) is { } part; number++)
        {
            yield return number <= PartSettings.CountMax
                ? part
                : throw new RefusedException($"the input has more than {PartSettings.CountMax} parts; --part-size makes them larger");
            if (part.SizeBytes < settings.InputPartBytes(number))
            {
                break;
            }
        }
    }

    /// <summary>Reads a part into memory; null at the end of the stream. One that is shorter than it should be is the last.</summary>
    public static async Task<ContentPart?> ReadAsync(Stream content, int number, PartSettings settings, CancellationToken token)
    {
        int size = settings.InputPartBytes(number);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(size);
        // A terminal's reads end with a line alone; a buffer that such a read may still write to is not given back.
        int count = await content.ReadAtLeastAsync(buffer.AsMemory(0, size), size, throwOnEndOfStream: false, token).AsTask().WaitAsync(token);
        if (count > 0)
        {
            return new ContentPart(number, count, null, 0, buffer);
        }

        ArrayPool<byte>.Shared.Return(buffer);
        return null;
    }

    /// <summary>Its bytes from the first on.</summary>
    public Stream Open() => _file is not null ? new FileWindow(_file, _offset, SizeBytes) : new MemoryStream(_owned!, 0, (int)SizeBytes, writable: false);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _owned, null) is { } owned)
        {
            ArrayPool<byte>.Shared.Return(owned);
        }
    }
}

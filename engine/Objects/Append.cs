using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Sluice.Engine.Buckets;
using Sluice.Native.Codecs;

namespace Sluice.Engine.Objects;

/// <summary>
/// Bytes that are being appended to an object and are not it yet: a work file, of which this process knows (docs/decisions/0017-appends.md). One at a time works with it, who has it by
/// <see cref="TryEnter"/>.
/// </summary>
/// <param name="id">Number among the appends of the engine, not 0.</param>
/// <param name="bucket">Bucket of the object.</param>
/// <param name="name">The object; its bytes are this one's from now on.</param>
internal sealed class Append(ulong id, Bucket bucket, ObjectName name)
{
    private int _isEntered;
    private long _lastUsedNs;

    /// <summary>Bucket of the object.</summary>
    public Bucket Bucket => bucket;

    /// <summary>The object.</summary>
    public ObjectName Name => name;

    /// <summary>Its number.</summary>
    public ulong Id => id;

    /// <summary>Custom metadata that the object had.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Custom { get; set; } = [];

    /// <summary>Mountpath of the work file.</summary>
    public required ObjectDisk Disk { get; init; }

    /// <summary>Name of the work file.</summary>
    public required ReadOnlyMemory<byte> WorkName { get; init; }

    /// <summary>Pieces that were taken since it began.</summary>
    public int Pieces { get; private set; }

    /// <summary>Bytes that count; what a piece that failed has written behind them does not.</summary>
    public long SizeBytes { get; private set; }

    /// <summary>CRC-64/NVMe of those bytes.</summary>
    public ulong Crc64 { get; private set; }

    /// <summary>Size and CRC-64/NVMe of the piece that was taken last.</summary>
    public (long SizeBytes, ulong Crc64) Last { get; private set; }

    /// <summary>The handle that the next piece, or the flush, is to have.</summary>
    public string Handle => string.Create(CultureInfo.InvariantCulture, $"{id:x16}-{Pieces}");

    /// <summary>Reads a handle: which append, and how many pieces it had when that was given out.</summary>
    public static bool TryReadHandle(string handle, out ulong id, out int pieces)
    {
        int dash = handle.IndexOf('-', StringComparison.Ordinal);
        pieces = 0;
        id = 0;
        return dash == 16
            && ulong.TryParse(handle.AsSpan(0, dash), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out id)
            && int.TryParse(handle.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out pieces);
    }

    /// <summary>Takes it for one who works with it; false when somebody else has it. Ends with <see cref="Leave"/>.</summary>
    public bool TryEnter() => Interlocked.CompareExchange(ref _isEntered, 1, 0) == 0;

    /// <summary>Gives it back at a time, in nanoseconds since 1970.</summary>
    public void Leave(long nowNs)
    {
        Volatile.Write(ref _lastUsedNs, nowNs);
        Volatile.Write(ref _isEntered, 0);
    }

    /// <summary>As <see cref="TryEnter"/>, when nobody has used it since a time.</summary>
    public bool TryEnterUnused(long sinceNs)
    {
        if (Volatile.Read(ref _lastUsedNs) >= sinceNs || !TryEnter())
        {
            return false;
        }

        if (Volatile.Read(ref _lastUsedNs) < sinceNs)
        {
            return true;
        }

        Volatile.Write(ref _isEntered, 0);
        return false;
    }

    /// <summary>What the object has been is in the work file. By who made it, before anybody else knows of it.</summary>
    public void Begin(long sizeBytes, ulong crc64) => (SizeBytes, Crc64) = (sizeBytes, crc64);

    /// <summary>A piece is in the work file, behind the others. By who has entered.</summary>
    public void Take(long sizeBytes, ulong crc64)
    {
        Crc64 = Crc64Nvme.Combine(Crc64, crc64, sizeBytes);
        SizeBytes += sizeBytes;
        Last = (sizeBytes, crc64);
        Pieces++;
    }
}

/// <summary>What follows others in a work file.</summary>
/// <param name="work">The file; stays its owner's.</param>
/// <param name="from">Where the first byte goes.</param>
internal sealed class AppendSink(WorkFile work, long from) : IBodySink
{
    /// <inheritdoc/>
    public ValueTask WriteAsync(System.Buffers.ReadOnlySequence<byte> data, long offset) => work.WriteAsync(data, from + offset);
}

/// <summary>Where bytes go that are only to be compared.</summary>
internal sealed class NoSink : IBodySink
{
    /// <summary>The one there is.</summary>
    public static readonly NoSink Instance = new();

    /// <inheritdoc/>
    public ValueTask WriteAsync(System.Buffers.ReadOnlySequence<byte> data, long offset) => default;
}

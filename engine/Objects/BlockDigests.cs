using Sluice.Native.Codecs;

namespace Sluice.Engine.Objects;

/// <summary>
/// CRC-64/NVMe of each <see cref="Limits.BlockBytes"/> block of a stream, the last one shorter. One stream, one user, who does not copy it.
/// </summary>
public struct BlockDigests
{
    private List<ulong>? _finished; // of a stream of more than one block
    private ulong _current;
    private int _inBlock;

    /// <summary>Takes more data.</summary>
    public void Append(ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            int take = Math.Min(data.Length, Limits.BlockBytes - _inBlock);
            _current = Crc64Nvme.Append(_current, data[..take]);
            _inBlock += take;
            data = data[take..];
            if (_inBlock == Limits.BlockBytes)
            {
                (_finished ??= []).Add(_current);
                (_current, _inBlock) = (0, 0);
            }
        }
    }

    /// <summary>The digests; none for an empty stream.</summary>
    public readonly ulong[] Finish() => _finished is null
        ? _inBlock == 0 ? [] : [_current]
        : _inBlock == 0 ? [.. _finished] : [.. _finished, _current];
}

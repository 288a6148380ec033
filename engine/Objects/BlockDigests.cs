using Sluice.Native.Codecs;

namespace Sluice.Engine.Objects;

/// <summary>
/// CRC-64/NVMe of each <see cref="Limits.BlockBytes"/> block of a stream, the last one shorter. One stream, one user, who does not copy it.
/// </summary>
/// <param name="lengthBytes">Length that the stream is said to have, so that the usual stream needs one array; null when unknown. Nothing depends on it.</param>
public struct BlockDigests(long? lengthBytes)
{
    private const int ExpectedMax = 1024; // 8 KiB: a length that is only said does not make us take more

    private ulong[] _digests = [];
    private int _count;
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
                EndBlock();
            }
        }
    }

    /// <summary>The digests; none for an empty stream. Nothing may follow.</summary>
    public ulong[] Finish()
    {
        if (_inBlock > 0)
        {
            EndBlock();
        }

        return _count == _digests.Length ? _digests : _digests[.._count];
    }

    private void EndBlock()
    {
        if (_count == _digests.Length)
        {
            long expected = ((lengthBytes ?? 1) + Limits.BlockBytes - 1) / Limits.BlockBytes;
            Array.Resize(ref _digests, _count == 0 ? (int)Math.Clamp(expected, 1, ExpectedMax) : 2 * _count);
        }

        _digests[_count++] = _current;
        (_current, _inBlock) = (0, 0);
    }
}

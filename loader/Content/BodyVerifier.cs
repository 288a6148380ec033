using System.Globalization;
using System.Text;
using Sluice.Loader.Http;
using Sluice.Loader.Statistics;
using Sluice.Loader.Work;

namespace Sluice.Loader.Content;

/// <summary>
/// Checks a body while it comes in: its checksum against the one in the answer's head, and every byte against what it must be where a loader
/// made the object. One user at a time; reused from body to body.
/// </summary>
public sealed class BodyVerifier : IDisposable
{
    private readonly byte[] _hex = new byte[BodyDigest.HexMax];
    private readonly byte[] _type = new byte[BodyDigest.HexMax];
    private int _typeBytes;
    private BodyDigest? _digest;
    private bool _usesDigest;
    private bool _usesContent;
    private ulong _key;
    private long _offset;
    private long _difference;

    /// <summary>
    /// A body begins. <paramref name="range"/> is what was asked for, null for the whole. Null when all is well so far, otherwise a sentence.
    /// </summary>
    public string? Begin(ResponseHead head, Operation operation, (long Offset, long Length)? range)
    {
        bool isPart = head.Status == 206;
        long total = isPart ? head.RangeTotalBytes : head.ContentBytes;
        _usesDigest = !isPart && UseDigest(head.ChecksumType) && !head.ChecksumValue.IsEmpty;
        _usesContent = operation.IsOwn && total >= 0;
        _offset = isPart ? head.RangeFirst : 0;
        _difference = -1;
        _key = _usesContent ? ContentPattern.Key(operation.Name, total) : 0;
        if (!isPart || range is not { } asked)
        {
            return isPart ? "a part came back where the whole was asked for" : null;
        }

        long length = asked.Length > 0 ? Math.Min(asked.Length, total - asked.Offset) : total - asked.Offset;
        return head.RangeFirst == asked.Offset && head.ContentBytes == length
            ? null
            : $"another range came back than was asked for: {head.ContentBytes} bytes from {head.RangeFirst} of {total}";
    }

    /// <summary>The next bytes of the body.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (_usesDigest)
        {
            _digest!.Append(bytes);
        }

        if (_usesContent && _difference < 0 && ContentPattern.FirstDifference(_key, _offset, bytes) is >= 0 and int at)
        {
            _difference = _offset + at;
        }

        _offset += bytes.Length;
    }

    /// <summary>Every byte of the body is compared with what it must be.</summary>
    public bool ComparesContent => _usesContent;

    /// <summary>The body is over: counts what was verified; null when all is well, otherwise a sentence.</summary>
    /// <param name="head">Head of the answer.</param>
    /// <param name="statistics">Where it counts; null for a body that is a piece of what is counted.</param>
    public string? Finish(ResponseHead head, LoadStatistics? statistics)
    {
        Count(statistics);
        if (_usesDigest)
        {
            int count = _digest!.Finish(_hex);
            if (!Ascii.EqualsIgnoreCase(head.ChecksumValue, _hex.AsSpan(0, count)))
            {
                return $"the body's {Encoding.ASCII.GetString(head.ChecksumType)} is {Encoding.ASCII.GetString(_hex, 0, count)}, "
                    + $"the answer says {Encoding.ASCII.GetString(head.ChecksumValue)}";
            }
        }

        return _difference < 0 ? null
            : string.Create(CultureInfo.InvariantCulture, $"byte {_difference} is not the one that was PUT");
    }

    private void Count(LoadStatistics? statistics)
    {
        if (statistics is not null)
        {
            statistics.VerifiedContents += _usesContent ? 1 : 0;
            statistics.VerifiedChecksums += _usesDigest ? 1 : 0;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _digest?.Dispose();

    /// <summary>The digest of the answer's type; a bucket has one type, so it is made once.</summary>
    private bool UseDigest(ReadOnlySpan<byte> type)
    {
        if (type.IsEmpty || !type.SequenceEqual(_type.AsSpan(0, _typeBytes)))
        {
            _digest?.Dispose();
            _digest = BodyDigest.TryCreate(Encoding.ASCII.GetString(type));
            type.CopyTo(_type);
            _typeBytes = type.Length;
        }
        else
        {
            _digest?.Reset();
        }

        return _digest is not null;
    }
}

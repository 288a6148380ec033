using System.Buffers.Binary;
using System.Numerics;

namespace Sluice.Cli.Transfers;

/// <summary>
/// XXH64 with seed 0, fed in pieces: the digest that the contract calls <c>xxhash</c> and <c>xxhash2</c>. Managed twin of the native one,
/// so that a client needs nothing else. Specification: xxHash, doc/xxhash_spec.md.
/// </summary>
public sealed class XxHash64
{
    private const ulong Prime1 = 0x9E3779B185EBCA87;
    private const ulong Prime2 = 0xC2B2AE3D27D4EB4F;
    private const ulong Prime3 = 0x165667B19E3779F9;
    private const ulong Prime4 = 0x85EBCA77C2B2AE63;
    private const ulong Prime5 = 0x27D4EB2F165667C5;

    /// <summary>Four lanes of 8 bytes.</summary>
    private const int StripeBytes = 32;

    private readonly byte[] _tail = new byte[StripeBytes];
    private int _tailBytes;
    private ulong _totalBytes;
    private ulong _lane1 = unchecked(Prime1 + Prime2);
    private ulong _lane2 = Prime2;
    private ulong _lane3;
    private ulong _lane4 = unchecked(0UL - Prime1);

    /// <summary>Takes the next bytes.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        _totalBytes += (ulong)bytes.Length;
        if (_tailBytes > 0)
        {
            int taken = Math.Min(StripeBytes - _tailBytes, bytes.Length);
            bytes[..taken].CopyTo(_tail.AsSpan(_tailBytes));
            _tailBytes += taken;
            bytes = bytes[taken..];
            if (_tailBytes < StripeBytes)
            {
                return;
            }

            Stripes(_tail);
            _tailBytes = 0;
        }

        int whole = bytes.Length - (bytes.Length % StripeBytes);
        Stripes(bytes[..whole]);
        bytes[whole..].CopyTo(_tail);
        _tailBytes = bytes.Length - whole;
    }

    /// <summary>The digest of all bytes so far; more may follow.</summary>
    public ulong Current()
    {
        unchecked
        {
            ulong hash = Prime5;
            if (_totalBytes >= StripeBytes)
            {
                hash = BitOperations.RotateLeft(_lane1, 1) + BitOperations.RotateLeft(_lane2, 7)
                    + BitOperations.RotateLeft(_lane3, 12) + BitOperations.RotateLeft(_lane4, 18);
                hash = Merge(Merge(Merge(Merge(hash, _lane1), _lane2), _lane3), _lane4);
            }

            hash += _totalBytes;
            ReadOnlySpan<byte> rest = _tail.AsSpan(0, _tailBytes);
            for (; rest.Length >= 8; rest = rest[8..])
            {
                hash = (BitOperations.RotateLeft(hash ^ Round(0, BinaryPrimitives.ReadUInt64LittleEndian(rest)), 27) * Prime1) + Prime4;
            }

            for (; rest.Length >= 4; rest = rest[4..])
            {
                hash = (BitOperations.RotateLeft(hash ^ (BinaryPrimitives.ReadUInt32LittleEndian(rest) * Prime1), 23) * Prime2) + Prime3;
            }

            foreach (byte value in rest)
            {
                hash = BitOperations.RotateLeft(hash ^ (value * Prime5), 11) * Prime1;
            }

            hash = (hash ^ (hash >> 33)) * Prime2;
            hash = (hash ^ (hash >> 29)) * Prime3;
            return hash ^ (hash >> 32);
        }
    }

    private void Stripes(ReadOnlySpan<byte> bytes)
    {
        // Locals keep the lanes in registers; the multiplications of four lanes overlap.
        (ulong lane1, ulong lane2, ulong lane3, ulong lane4) = (_lane1, _lane2, _lane3, _lane4);
        for (; bytes.Length >= StripeBytes; bytes = bytes[StripeBytes..])
        {
            lane1 = Round(lane1, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            lane2 = Round(lane2, BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]));
            lane3 = Round(lane3, BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]));
            lane4 = Round(lane4, BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]));
        }

        (_lane1, _lane2, _lane3, _lane4) = (lane1, lane2, lane3, lane4);
    }

    private static ulong Round(ulong lane, ulong input) =>
        unchecked(BitOperations.RotateLeft(lane + (input * Prime2), 31) * Prime1);

    private static ulong Merge(ulong hash, ulong lane) => unchecked(((hash ^ Round(0, lane)) * Prime1) + Prime4);
}

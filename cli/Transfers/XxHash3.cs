using System.Buffers.Binary;
using System.Numerics;

namespace Sluice.Cli.Transfers;

/// <summary>
/// XXH3 with 64 bits, seed 0 and the default secret, fed in pieces. Managed twin of the native one, as <see cref="XxHash64"/> is.
/// Specification: xxHash, doc/xxhash_spec.md.
/// </summary>
public sealed class XxHash3
{
    private const ulong Prime32A = 0x9E3779B1, Prime32B = 0x85EBCA77, Prime32C = 0xC2B2AE3D;
    private const ulong PrimeA = 0x9E3779B185EBCA87, PrimeB = 0xC2B2AE3D27D4EB4F, PrimeC = 0x165667B19E3779F9;
    private const ulong PrimeD = 0x85EBCA77C2B2AE63, PrimeE = 0x27D4EB2F165667C5;
    private const int LaneCount = 8;
    private const int StripeBytes = LaneCount * sizeof(ulong);
    private const int SecretBytes = 192;
    private const int SecretStep = 8;

    /// <summary>1024: a stripe for each step through the secret; behind it the lanes are scrambled.</summary>
    private const int BlockBytes = StripeBytes * ((SecretBytes - StripeBytes) / SecretStep);

    /// <summary>Up to here the digest is made of the bytes themselves, without lanes.</summary>
    private const int ShortBytesMax = 240;

    private static readonly byte[] s_secret = Convert.FromHexString(
        "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
        + "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
        + "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e");

    // The stripe before the block, then the block that is being filled: the last stripe of all may reach back into the one before.
    private readonly byte[] _window = new byte[StripeBytes + BlockBytes];
    private readonly ulong[] _lanes = [Prime32C, PrimeA, PrimeB, PrimeC, PrimeD, Prime32B, PrimeE, Prime32A];
    private int _blockBytes;
    private ulong _totalBytes;

    /// <summary>Takes the next bytes.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        _totalBytes += (ulong)bytes.Length;
        while (!bytes.IsEmpty)
        {
            if (_blockBytes == BlockBytes)
            {
                // Only now: the block that holds the last byte ends differently.
                Stripes(_lanes, _window.AsSpan(StripeBytes), BlockBytes / StripeBytes);
                Scramble(_lanes);
                _window.AsSpan(BlockBytes).CopyTo(_window);
                _blockBytes = 0;
            }

            int taken = Math.Min(BlockBytes - _blockBytes, bytes.Length);
            bytes[..taken].CopyTo(_window.AsSpan(StripeBytes + _blockBytes));
            _blockBytes += taken;
            bytes = bytes[taken..];
        }
    }

    /// <summary>The digest of all bytes so far; more may follow.</summary>
    public ulong Current()
    {
        if (_totalBytes <= ShortBytesMax)
        {
            return OfShort(_window.AsSpan(StripeBytes, _blockBytes));
        }

        unchecked
        {
            Span<ulong> lanes = stackalloc ulong[LaneCount];
            _lanes.CopyTo(lanes);
            Stripes(lanes, _window.AsSpan(StripeBytes), (_blockBytes - 1) / StripeBytes);
            Stripe(lanes, _window.AsSpan(_blockBytes, StripeBytes), SecretBytes - StripeBytes - 7);
            ulong sum = _totalBytes * PrimeA;
            for (int pair = 0; pair < LaneCount / 2; pair++)
            {
                sum += Fold(lanes[2 * pair] ^ Secret(11 + (16 * pair)), lanes[(2 * pair) + 1] ^ Secret(19 + (16 * pair)));
            }

            return Avalanche(sum);
        }
    }

    private static ulong OfShort(ReadOnlySpan<byte> data)
    {
        unchecked
        {
            ulong length = (ulong)data.Length;
            switch (data.Length)
            {
                case 0:
                    return Avalanche64(Secret(56) ^ Secret(64));
                case <= 3:
                    uint mixed = ((uint)data[0] << 16) | ((uint)data[data.Length >> 1] << 24) | data[^1] | ((uint)length << 8);
                    return Avalanche64(mixed ^ (Secret(0) & uint.MaxValue) ^ (Secret(0) >> 32));
                case <= 8:
                    ulong keyed = (U32(data[^4..]) + ((ulong)U32(data) << 32)) ^ Secret(8) ^ Secret(16);
                    keyed ^= BitOperations.RotateLeft(keyed, 49) ^ BitOperations.RotateLeft(keyed, 24);
                    keyed *= 0x9FB21C651E98DF25;
                    keyed = (keyed ^ ((keyed >> 35) + length)) * 0x9FB21C651E98DF25;
                    return keyed ^ (keyed >> 28);
                case <= 16:
                    ulong low = U64(data) ^ Secret(24) ^ Secret(32);
                    ulong high = U64(data[^8..]) ^ Secret(40) ^ Secret(48);
                    return Avalanche(length + BinaryPrimitives.ReverseEndianness(low) + high + Fold(low, high));
                default:
                    return OfMiddle(data);
            }
        }
    }

    private static ulong OfMiddle(ReadOnlySpan<byte> data)
    {
        unchecked
        {
            ulong sum = (ulong)data.Length * PrimeA;
            if (data.Length <= 128)
            {
                for (int pair = (data.Length - 1) / 32; pair >= 0; pair--)
                {
                    sum += Mix(data[(16 * pair)..], 32 * pair) + Mix(data[^(16 * (pair + 1))..], (32 * pair) + 16);
                }

                return Avalanche(sum);
            }

            for (int piece = 0; piece < data.Length / 16; piece++)
            {
                sum += Mix(data[(16 * piece)..], piece < 8 ? 16 * piece : (16 * (piece - 8)) + 3);
                sum = piece == 7 ? Avalanche(sum) : sum;
            }

            return Avalanche(sum + Mix(data[^16..], 136 - 17));
        }
    }

    private static void Stripes(Span<ulong> lanes, ReadOnlySpan<byte> data, int count)
    {
        for (int stripe = 0; stripe < count; stripe++)
        {
            Stripe(lanes, data.Slice(StripeBytes * stripe, StripeBytes), SecretStep * stripe);
        }
    }

    private static void Stripe(Span<ulong> lanes, ReadOnlySpan<byte> data, int secretAt)
    {
        for (int lane = 0; lane < LaneCount; lane++)
        {
            ulong value = U64(data[(8 * lane)..]);
            ulong key = value ^ Secret(secretAt + (8 * lane));
            unchecked
            {
                lanes[lane ^ 1] += value;
                lanes[lane] += (key & uint.MaxValue) * (key >> 32);
            }
        }
    }

    private static void Scramble(Span<ulong> lanes)
    {
        for (int lane = 0; lane < LaneCount; lane++)
        {
            ulong value = lanes[lane] ^ (lanes[lane] >> 47) ^ Secret(SecretBytes - StripeBytes + (8 * lane));
            lanes[lane] = unchecked(value * Prime32A);
        }
    }

    private static ulong Mix(ReadOnlySpan<byte> data, int secretAt) => Fold(U64(data) ^ Secret(secretAt), U64(data[8..]) ^ Secret(secretAt + 8));

    private static ulong Fold(ulong left, ulong right)
    {
        ulong high = Math.BigMul(left, right, out ulong low);
        return high ^ low;
    }

    private static ulong Avalanche(ulong state)
    {
        state = unchecked((state ^ (state >> 37)) * 0x165667919E3779F9);
        return state ^ (state >> 32);
    }

    private static ulong Avalanche64(ulong state)
    {
        state = unchecked((state ^ (state >> 33)) * PrimeB);
        state = unchecked((state ^ (state >> 29)) * PrimeC);
        return state ^ (state >> 32);
    }

    private static ulong Secret(int at) => U64(s_secret.AsSpan(at));

    private static ulong U64(ReadOnlySpan<byte> data) => BinaryPrimitives.ReadUInt64LittleEndian(data);

    private static uint U32(ReadOnlySpan<byte> data) => BinaryPrimitives.ReadUInt32LittleEndian(data);
}

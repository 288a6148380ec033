// The digests as their specifications read, a step at a time, without an intrinsic or a library: oracles for the kernels, never used to
// store anything. XXH64 and XXH3 after the xxHash specification (doc/xxhash_spec.md of its repository) and xxhash.h 0.8.
using System.Buffers.Binary;
using System.Numerics;

namespace Sluice.Server.SelfTest;

/// <summary>CRC-64/NVMe, a bit at a time.</summary>
public static class ScalarCrc64Nvme
{
    private const ulong Polynomial = 0x9a6c9329ac4bc9b5; // ad93d23594c93659 reflected

    /// <summary>Digest of a span.</summary>
    public static ulong Hash(ReadOnlySpan<byte> data)
    {
        ulong state = ulong.MaxValue;
        foreach (byte value in data)
        {
            state ^= value;
            for (int bit = 0; bit < 8; bit++)
            {
                state = (state >> 1) ^ ((state & 1) != 0 ? Polynomial : 0);
            }
        }

        return ~state;
    }
}

/// <summary>XXH64.</summary>
public static class ScalarXxHash64
{
    internal const ulong Prime1 = 0x9e3779b185ebca87, Prime2 = 0xc2b2ae3d27d4eb4f, Prime3 = 0x165667b19e3779f9,
        Prime4 = 0x85ebca77c2b2ae63, Prime5 = 0x27d4eb2f165667c5;

    /// <summary>Digest of a span.</summary>
    public static ulong Hash(ReadOnlySpan<byte> data, ulong seed)
    {
        unchecked
        {
            ulong state = data.Length < 32 ? seed + Prime5 : Stripes(data, seed);
            state += (ulong)data.Length;
            ReadOnlySpan<byte> rest = data[(data.Length / 32 * 32)..];
            for (; rest.Length >= 8; rest = rest[8..])
            {
                state = (BitOperations.RotateLeft(state ^ Round(0, Scalar.U64(rest)), 27) * Prime1) + Prime4;
            }

            if (rest.Length >= 4)
            {
                state = (BitOperations.RotateLeft(state ^ (Scalar.U32(rest) * Prime1), 23) * Prime2) + Prime3;
                rest = rest[4..];
            }

            foreach (byte value in rest)
            {
                state = BitOperations.RotateLeft(state ^ (value * Prime5), 11) * Prime1;
            }

            return Avalanche(state);
        }
    }

    internal static ulong Avalanche(ulong state)
    {
        unchecked
        {
            state = (state ^ (state >> 33)) * Prime2;
            state = (state ^ (state >> 29)) * Prime3;
            return state ^ (state >> 32);
        }
    }

    private static ulong Stripes(ReadOnlySpan<byte> data, ulong seed)
    {
        unchecked
        {
            Span<ulong> lanes = [seed + Prime1 + Prime2, seed + Prime2, seed, seed - Prime1];
            for (; data.Length >= 32; data = data[32..])
            {
                for (int lane = 0; lane < 4; lane++)
                {
                    lanes[lane] = Round(lanes[lane], Scalar.U64(data[(8 * lane)..]));
                }
            }

            ulong state = BitOperations.RotateLeft(lanes[0], 1) + BitOperations.RotateLeft(lanes[1], 7)
                + BitOperations.RotateLeft(lanes[2], 12) + BitOperations.RotateLeft(lanes[3], 18);
            foreach (ulong lane in lanes)
            {
                state = ((state ^ Round(0, lane)) * Prime1) + Prime4;
            }

            return state;
        }
    }

    private static ulong Round(ulong lane, ulong input) => unchecked(BitOperations.RotateLeft(lane + (input * Prime2), 31) * Prime1);
}

/// <summary>XXH3 with 64 bits, seed 0 and the default secret.</summary>
public static class ScalarXxHash3
{
    private const ulong Prime32_1 = 0x9e3779b1, Prime32_2 = 0x85ebca77, Prime32_3 = 0xc2b2ae3d;
    private const int StripeBytes = 64, SecretBytes = 192, SecretStep = 8;
    private const int StripesPerBlock = (SecretBytes - StripeBytes) / SecretStep;
    private const int SecretBytesMin = 136;

    private static readonly byte[] s_secret = Convert.FromHexString(
        "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
        + "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
        + "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
        + "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e");

    /// <summary>Digest of a span.</summary>
    public static ulong Hash(ReadOnlySpan<byte> data) => data.Length switch
    {
        0 => ScalarXxHash64.Avalanche(Secret(56) ^ Secret(64)),
        <= 3 => OneToThree(data),
        <= 8 => FourToEight(data),
        <= 16 => NineToSixteen(data),
        <= 128 => UpTo128(data),
        <= 240 => UpTo240(data),
        _ => Long(data),
    };

    private static ulong OneToThree(ReadOnlySpan<byte> data)
    {
        uint combined = ((uint)data[0] << 16) | ((uint)data[data.Length >> 1] << 24) | data[^1] | ((uint)data.Length << 8);
        return ScalarXxHash64.Avalanche(combined ^ (ulong)(Scalar.U32(s_secret) ^ Scalar.U32(s_secret.AsSpan(4))));
    }

    private static ulong FourToEight(ReadOnlySpan<byte> data)
    {
        unchecked
        {
            ulong keyed = (Scalar.U32(data[^4..]) + ((ulong)Scalar.U32(data) << 32)) ^ Secret(8) ^ Secret(16);
            keyed ^= BitOperations.RotateLeft(keyed, 49) ^ BitOperations.RotateLeft(keyed, 24);
            keyed *= 0x9fb21c651e98df25;
            keyed ^= (keyed >> 35) + (ulong)data.Length;
            keyed *= 0x9fb21c651e98df25;
            return keyed ^ (keyed >> 28);
        }
    }

    private static ulong NineToSixteen(ReadOnlySpan<byte> data)
    {
        unchecked
        {
            ulong low = Scalar.U64(data) ^ Secret(24) ^ Secret(32);
            ulong high = Scalar.U64(data[^8..]) ^ Secret(40) ^ Secret(48);
            return Avalanche((ulong)data.Length + BinaryPrimitives.ReverseEndianness(low) + high + Fold(low, high));
        }
    }

    private static ulong UpTo128(ReadOnlySpan<byte> data)
    {
        unchecked
        {
            ulong sum = (ulong)data.Length * ScalarXxHash64.Prime1;
            for (int pair = (data.Length - 1) / 32; pair >= 0; pair--)
            {
                sum += Mix(data[(16 * pair)..], 32 * pair);
                sum += Mix(data[^(16 * (pair + 1))..], (32 * pair) + 16);
            }

            return Avalanche(sum);
        }
    }

    private static ulong UpTo240(ReadOnlySpan<byte> data)
    {
        unchecked
        {
            ulong sum = (ulong)data.Length * ScalarXxHash64.Prime1;
            for (int block = 0; block < data.Length / 16; block++)
            {
                sum += Mix(data[(16 * block)..], block < 8 ? 16 * block : (16 * (block - 8)) + 3);
                sum = block == 7 ? Avalanche(sum) : sum;
            }

            return Avalanche(sum + Mix(data[^16..], SecretBytesMin - 17));
        }
    }

    private static ulong Long(ReadOnlySpan<byte> data)
    {
        unchecked
        {
            Span<ulong> lanes =
            [
                Prime32_3, ScalarXxHash64.Prime1, ScalarXxHash64.Prime2, ScalarXxHash64.Prime3,
                ScalarXxHash64.Prime4, Prime32_2, ScalarXxHash64.Prime5, Prime32_1,
            ];
            int stripeCount = (data.Length - 1) / StripeBytes; // the last stripe is taken from the end, below
            for (int stripe = 0; stripe < stripeCount; stripe++)
            {
                Accumulate(lanes, data[(StripeBytes * stripe)..], SecretStep * (stripe % StripesPerBlock));
                if (stripe % StripesPerBlock == StripesPerBlock - 1)
                {
                    Scramble(lanes);
                }
            }

            Accumulate(lanes, data[^StripeBytes..], SecretBytes - StripeBytes - 7);
            ulong sum = (ulong)data.Length * ScalarXxHash64.Prime1;
            for (int pair = 0; pair < 4; pair++)
            {
                sum += Fold(lanes[2 * pair] ^ Secret(11 + (16 * pair)), lanes[(2 * pair) + 1] ^ Secret(19 + (16 * pair)));
            }

            return Avalanche(sum);
        }
    }

    private static void Accumulate(Span<ulong> lanes, ReadOnlySpan<byte> stripe, int secretOffset)
    {
        for (int lane = 0; lane < 8; lane++)
        {
            ulong value = Scalar.U64(stripe[(8 * lane)..]);
            ulong key = value ^ Secret(secretOffset + (8 * lane));
            lanes[lane ^ 1] = unchecked(lanes[lane ^ 1] + value);
            lanes[lane] = unchecked(lanes[lane] + ((key & uint.MaxValue) * (key >> 32)));
        }
    }

    private static void Scramble(Span<ulong> lanes)
    {
        for (int lane = 0; lane < 8; lane++)
        {
            ulong value = lanes[lane] ^ (lanes[lane] >> 47) ^ Secret(SecretBytes - StripeBytes + (8 * lane));
            lanes[lane] = unchecked(value * Prime32_1);
        }
    }

    private static ulong Mix(ReadOnlySpan<byte> data, int secretOffset) =>
        Fold(Scalar.U64(data) ^ Secret(secretOffset), Scalar.U64(data[8..]) ^ Secret(secretOffset + 8));

    private static ulong Fold(ulong a, ulong b)
    {
        UInt128 product = (UInt128)a * b;
        return (ulong)product ^ (ulong)(product >> 64);
    }

    private static ulong Avalanche(ulong state)
    {
        state = unchecked((state ^ (state >> 37)) * 0x165667919e3779f9);
        return state ^ (state >> 32);
    }

    private static ulong Secret(int offset) => Scalar.U64(s_secret.AsSpan(offset));
}

/// <summary>Little-endian reads.</summary>
internal static class Scalar
{
    public static ulong U64(ReadOnlySpan<byte> data) => BinaryPrimitives.ReadUInt64LittleEndian(data);

    public static uint U32(ReadOnlySpan<byte> data) => BinaryPrimitives.ReadUInt32LittleEndian(data);
}

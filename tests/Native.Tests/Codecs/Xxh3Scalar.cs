using System.Buffers.Binary;
using System.Numerics;

namespace Sluice.Native.Tests.Codecs;

/// <summary>
/// XXH3 with 64 bits, seed 0, a lane at a time, written after the specification (doc/xxhash_spec.md of xxHash): the oracle for the
/// library that the product links.
/// </summary>
public static class Xxh3Scalar
{
    private const uint Prime32A = 0x9e3779b1, Prime32B = 0x85ebca77, Prime32C = 0xc2b2ae3d;
    private const ulong Prime64A = 0x9e3779b185ebca87, Prime64B = 0xc2b2ae3d27d4eb4f, Prime64C = 0x165667b19e3779f9;
    private const ulong Prime64D = 0x85ebca77c2b2ae63, Prime64E = 0x27d4eb2f165667c5;
    private const ulong MixA = 0x165667919e3779f9, MixB = 0x9fb21c651e98df25;
    private const int StripeBytes = 64, StripesInBlock = (192 - StripeBytes) / 8, BlockBytes = StripeBytes * StripesInBlock;

    private static ReadOnlySpan<byte> Secret =>
    [
        0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe, 0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c,
        0xde, 0xd4, 0x6d, 0xe9, 0x83, 0x90, 0x97, 0xdb, 0x72, 0x40, 0xa4, 0xa4, 0xb7, 0xb3, 0x67, 0x1f,
        0xcb, 0x79, 0xe6, 0x4e, 0xcc, 0xc0, 0xe5, 0x78, 0x82, 0x5a, 0xd0, 0x7d, 0xcc, 0xff, 0x72, 0x21,
        0xb8, 0x08, 0x46, 0x74, 0xf7, 0x43, 0x24, 0x8e, 0xe0, 0x35, 0x90, 0xe6, 0x81, 0x3a, 0x26, 0x4c,
        0x3c, 0x28, 0x52, 0xbb, 0x91, 0xc3, 0x00, 0xcb, 0x88, 0xd0, 0x65, 0x8b, 0x1b, 0x53, 0x2e, 0xa3,
        0x71, 0x64, 0x48, 0x97, 0xa2, 0x0d, 0xf9, 0x4e, 0x38, 0x19, 0xef, 0x46, 0xa9, 0xde, 0xac, 0xd8,
        0xa8, 0xfa, 0x76, 0x3f, 0xe3, 0x9c, 0x34, 0x3f, 0xf9, 0xdc, 0xbb, 0xc7, 0xc7, 0x0b, 0x4f, 0x1d,
        0x8a, 0x51, 0xe0, 0x4b, 0xcd, 0xb4, 0x59, 0x31, 0xc8, 0x9f, 0x7e, 0xc9, 0xd9, 0x78, 0x73, 0x64,
        0xea, 0xc5, 0xac, 0x83, 0x34, 0xd3, 0xeb, 0xc3, 0xc5, 0x81, 0xa0, 0xff, 0xfa, 0x13, 0x63, 0xeb,
        0x17, 0x0d, 0xdd, 0x51, 0xb7, 0xf0, 0xda, 0x49, 0xd3, 0x16, 0x55, 0x26, 0x29, 0xd4, 0x68, 0x9e,
        0x2b, 0x16, 0xbe, 0x58, 0x7d, 0x47, 0xa1, 0xfc, 0x8f, 0xf8, 0xb8, 0xd1, 0x7a, 0xd0, 0x31, 0xce,
        0x45, 0xcb, 0x3a, 0x8f, 0x95, 0x16, 0x04, 0x28, 0xaf, 0xd7, 0xfb, 0xca, 0xbb, 0x4b, 0x40, 0x7e,
    ];

    public static ulong Hash(ReadOnlySpan<byte> data) => data.Length switch
    {
        0 => Avalanche64(U64(Secret, 56) ^ U64(Secret, 64)),
        <= 3 => UpTo3(data),
        <= 8 => UpTo8(data),
        <= 16 => UpTo16(data),
        <= 128 => UpTo128(data),
        <= 240 => UpTo240(data),
        _ => Long(data),
    };

    private static ulong UpTo3(ReadOnlySpan<byte> data)
    {
        uint combined = ((uint)data[0] << 16) | ((uint)data[data.Length >> 1] << 24) | data[^1] | ((uint)data.Length << 8);
        return Avalanche64(combined ^ (ulong)(U32(Secret, 0) ^ U32(Secret, 4)));
    }

    private static ulong UpTo8(ReadOnlySpan<byte> data)
    {
        ulong hash = (U32(data, data.Length - 4) + ((ulong)U32(data, 0) << 32)) ^ U64(Secret, 8) ^ U64(Secret, 16);
        hash ^= BitOperations.RotateLeft(hash, 49) ^ BitOperations.RotateLeft(hash, 24);
        hash *= MixB;
        hash ^= (hash >> 35) + (ulong)data.Length;
        hash *= MixB;
        return hash ^ (hash >> 28);
    }

    private static ulong UpTo16(ReadOnlySpan<byte> data)
    {
        ulong low = U64(data, 0) ^ U64(Secret, 24) ^ U64(Secret, 32);
        ulong high = U64(data, data.Length - 8) ^ U64(Secret, 40) ^ U64(Secret, 48);
        return Avalanche((ulong)data.Length + BinaryPrimitives.ReverseEndianness(low) + high + Fold(low, high));
    }

    private static ulong UpTo128(ReadOnlySpan<byte> data)
    {
        ulong sum = (ulong)data.Length * Prime64A;
        for (int i = (data.Length - 1) / 32; i >= 0; i--)
        {
            sum += Mix(data, 16 * i, 32 * i) + Mix(data, data.Length - (16 * (i + 1)), (32 * i) + 16);
        }

        return Avalanche(sum);
    }

    private static ulong UpTo240(ReadOnlySpan<byte> data)
    {
        ulong sum = (ulong)data.Length * Prime64A;
        for (int i = 0; i < 8; i++)
        {
            sum += Mix(data, 16 * i, 16 * i);
        }

        sum = Avalanche(sum);
        for (int i = 8; i < data.Length / 16; i++)
        {
            sum += Mix(data, 16 * i, (16 * (i - 8)) + 3);
        }

        return Avalanche(sum + Mix(data, data.Length - 16, 136 - 17));
    }

    private static ulong Long(ReadOnlySpan<byte> data)
    {
        Span<ulong> lanes = [Prime32C, Prime64A, Prime64B, Prime64C, Prime64D, Prime32B, Prime64E, Prime32A];
        int blocks = (data.Length - 1) / BlockBytes;
        for (int block = 0; block <= blocks; block++)
        {
            int stripes = block < blocks ? StripesInBlock : (data.Length - 1 - (blocks * BlockBytes)) / StripeBytes;
            for (int i = 0; i < stripes; i++)
            {
                Accumulate(lanes, data[((block * BlockBytes) + (i * StripeBytes))..], Secret[(8 * i)..]);
            }

            if (block < blocks)
            {
                for (int i = 0; i < 8; i++)
                {
                    lanes[i] = (lanes[i] ^ (lanes[i] >> 47) ^ U64(Secret, 128 + (8 * i))) * Prime32A;
                }
            }
        }

        Accumulate(lanes, data[^StripeBytes..], Secret[(192 - StripeBytes - 7)..]);
        ulong sum = (ulong)data.Length * Prime64A;
        for (int i = 0; i < 4; i++)
        {
            sum += Fold(lanes[2 * i] ^ U64(Secret, 11 + (16 * i)), lanes[(2 * i) + 1] ^ U64(Secret, 19 + (16 * i)));
        }

        return Avalanche(sum);
    }

    private static void Accumulate(Span<ulong> lanes, ReadOnlySpan<byte> stripe, ReadOnlySpan<byte> secret)
    {
        for (int i = 0; i < 8; i++)
        {
            ulong value = U64(stripe, 8 * i);
            ulong key = value ^ U64(secret, 8 * i);
            lanes[i ^ 1] += value;
            lanes[i] += (key & 0xffffffff) * (key >> 32);
        }
    }

    private static ulong Mix(ReadOnlySpan<byte> data, int at, int secretAt) =>
        Fold(U64(data, at) ^ U64(Secret, secretAt), U64(data, at + 8) ^ U64(Secret, secretAt + 8));

    private static ulong Fold(ulong a, ulong b)
    {
        ulong high = Math.BigMul(a, b, out ulong low);
        return low ^ high;
    }

    private static ulong Avalanche(ulong hash)
    {
        hash = (hash ^ (hash >> 37)) * MixA;
        return hash ^ (hash >> 32);
    }

    private static ulong Avalanche64(ulong hash)
    {
        hash = (hash ^ (hash >> 33)) * Prime64B;
        hash = (hash ^ (hash >> 29)) * Prime64C;
        return hash ^ (hash >> 32);
    }

    private static ulong U64(ReadOnlySpan<byte> data, int at) => BinaryPrimitives.ReadUInt64LittleEndian(data[at..]);

    private static uint U32(ReadOnlySpan<byte> data, int at) => BinaryPrimitives.ReadUInt32LittleEndian(data[at..]);
}

// The digest kernels, as compiled into this binary, against published vectors and against their scalar twins. A kernel that is wrong at one
// length or alignment would call good data damaged, or damaged data good.
using System.Text;
using Sluice.Native.Codecs;

namespace Sluice.Server.SelfTest;

/// <summary>A digest as a function; 32-bit ones widened.</summary>
public delegate ulong DigestKernel(ReadOnlySpan<byte> data);

/// <summary>A digest that may take its data in pieces, which end where <paramref name="cuts"/> say, rising.</summary>
public delegate ulong PiecewiseKernel(ReadOnlySpan<byte> data, ReadOnlySpan<int> cuts);

/// <summary>A published digest.</summary>
public sealed record KernelVector(byte[] Data, ulong Digest);

/// <summary>Checks of digest kernels.</summary>
public static class KernelChecks
{
    private const int LengthsAll = 1100; // every length up to here: past one XXH3 block of 1,024 and all tails
    private const int LengthMax = 64 << 10;
    private const int RandomCases = 100;
    private const int Alignments = 64;
    private const int Seed = 8123; // replays a failure

    private static readonly KernelVector[] s_xxh64 =
    [
        new([], 0xef46db3751d8e999),
        new(Encoding.ASCII.GetBytes("abc"), 0x44bc2cf5ad770999),
        new(Encoding.ASCII.GetBytes("123456789"), 0x8cb841db40e6ae83),
    ];

    private static readonly KernelVector[] s_xxh3 =
    [
        new([], 0x2d06800538d394c2),
        new(Encoding.ASCII.GetBytes("abc"), 0x78af5f94892f3950),
    ];

    // RFC 3720, appendix B.4, and the check value of the CRC catalogue.
    private static readonly KernelVector[] s_crc32c =
    [
        new([], 0),
        new(Encoding.ASCII.GetBytes("123456789"), 0xe3069283),
        new(new byte[32], 0x8a9136aa),
        new(Filled(32, 0xff), 0x62a8ab43),
        new([.. Enumerable.Range(0, 32).Select(value => (byte)value)], 0x46dd794e),
    ];

    // NVM command set specification, table of test cases, and the check value of the CRC catalogue.
    private static readonly KernelVector[] s_crc64Nvme =
    [
        new([], 0),
        new(Encoding.ASCII.GetBytes("123456789"), 0xae8b14860a799888),
        new(new byte[4096], 0x6482d367eb22b64e),
        new(Filled(4096, 0xff), 0xc0ddba7302eca3ac),
    ];

    /// <summary>All kernels.</summary>
    public static IReadOnlyList<SelfCheck> All { get; } =
    [
        new("xxh64-vectors", () => Vectors(data => XxHash64.Hash(data), s_xxh64)),
        new("xxh64-kernel", () => Compare(data => XxHash64.Hash(data), data => ScalarXxHash64.Hash(data, 0))),
        new("xxh64-seeded", () => Compare(data => XxHash64.Hash(data, 1103515245), data => ScalarXxHash64.Hash(data, 1103515245))),
        new("xxh64-stream", () => ComparePieces(Stream(XxHashStream.New64), data => ScalarXxHash64.Hash(data, 0))),
        new("xxh3-vectors", () => Vectors(data => XxHash3.Hash(data), s_xxh3)),
        new("xxh3-kernel", () => Compare(data => XxHash3.Hash(data), ScalarXxHash3.Hash)),
        new("xxh3-stream", () => ComparePieces(Stream(XxHashStream.New3), ScalarXxHash3.Hash)),
        new("crc32c-vectors", () => Vectors(data => Crc32C.Hash(data), s_crc32c)),
        new("crc32c-kernel", () => Compare(data => Crc32C.Hash(data), data => Crc32C.Scalar(0, data))),
        new("crc32c-pieces", () => ComparePieces(Crc32CPieces, data => Crc32C.Scalar(0, data))),
        new("crc64nvme-vectors", () => Vectors(data => Crc64Nvme.Hash(data), s_crc64Nvme)),
        new("crc64nvme-kernel", () => Compare(data => Crc64Nvme.Hash(data), ScalarCrc64Nvme.Hash)),
        .. Crc64Nvme.Levels.Select(level => new SelfCheck(
            "crc64nvme-" + level.ToString().ToLowerInvariant(), () => Compare(data => Crc64Nvme.Append(0, data, level), ScalarCrc64Nvme.Hash))),
        new("crc64nvme-pieces", () => ComparePieces(Crc64Pieces, ScalarCrc64Nvme.Hash)),
    ];

    /// <summary>Fails unless the kernel has every published digest.</summary>
    public static string Vectors(DigestKernel kernel, IReadOnlyList<KernelVector> vectors)
    {
        foreach (KernelVector vector in vectors)
        {
            SelfTestRun.Same(vector.Digest, kernel(vector.Data), $"the digest of the published vector of {vector.Data.Length} bytes");
        }

        return $"{vectors.Count} published vectors";
    }

    /// <summary>Fails unless kernel and twin agree at every short length, at random long ones, and at every alignment.</summary>
    public static string Compare(DigestKernel kernel, DigestKernel twin)
    {
        var random = new Random(Seed);
        byte[] data = RandomBytes(random);
        int cases = 0;
        for (int length = 0; length < LengthsAll + RandomCases; length++, cases++)
        {
            int take = length < LengthsAll ? length : random.Next(LengthsAll, LengthMax);
            CompareAt(kernel, twin, data, (length * 29 % Alignments, take)); // 29 and 64 have no common factor: all alignments come up
        }

        for (int alignment = 0; alignment < Alignments; alignment++, cases++)
        {
            CompareAt(kernel, twin, data, (alignment, 1024 + 63));
        }

        return $"{cases} comparisons with the scalar twin";
    }

    /// <summary>Fails unless data in pieces has the digest of the whole.</summary>
    public static string ComparePieces(PiecewiseKernel kernel, DigestKernel twin)
    {
        var random = new Random(Seed);
        byte[] data = RandomBytes(random);
        for (int round = 0; round < RandomCases; round++)
        {
            ReadOnlySpan<byte> part = data.AsSpan(round % Alignments, random.Next(4096));
            int[] cuts = [random.Next(part.Length + 1), random.Next(part.Length + 1), random.Next(part.Length + 1)];
            Array.Sort(cuts);
            SelfTestRun.Same(twin(part), kernel(part, cuts), $"the digest of {part.Length} bytes cut at {string.Join(", ", cuts)}");
        }

        return $"{RandomCases} cuts";
    }

    private static void CompareAt(DigestKernel kernel, DigestKernel twin, byte[] data, (int Alignment, int Length) at)
    {
        ReadOnlySpan<byte> part = data.AsSpan(at.Alignment, at.Length);
        SelfTestRun.Same(twin(part), kernel(part), $"the digest of {at.Length} bytes at alignment {at.Alignment}");
    }

    private static PiecewiseKernel Stream(Func<XxHashStream> make) => (data, cuts) =>
    {
        using XxHashStream stream = make();
        int from = 0;
        foreach (int cut in cuts)
        {
            stream.Append(data[from..cut]);
            from = cut;
        }

        stream.Append(data[from..]);
        return stream.Digest();
    };

    // Appends up to the second cut and combines with the rest: both ways that the engine joins digests.
    private static ulong Crc32CPieces(ReadOnlySpan<byte> data, ReadOnlySpan<int> cuts)
    {
        uint head = Crc32C.Append(Crc32C.Hash(data[..cuts[0]]), data[cuts[0]..cuts[1]]);
        return Crc32C.Combine(head, Crc32C.Hash(data[cuts[1]..]), data.Length - cuts[1]);
    }

    private static ulong Crc64Pieces(ReadOnlySpan<byte> data, ReadOnlySpan<int> cuts)
    {
        ulong head = Crc64Nvme.Append(Crc64Nvme.Hash(data[..cuts[0]]), data[cuts[0]..cuts[1]]);
        return Crc64Nvme.Combine(head, Crc64Nvme.Hash(data[cuts[1]..]), data.Length - cuts[1]);
    }

    private static byte[] RandomBytes(Random random)
    {
        var data = new byte[LengthMax + Alignments];
        random.NextBytes(data);
        return data;
    }

    private static byte[] Filled(int length, byte value)
    {
        var data = new byte[length];
        data.AsSpan().Fill(value);
        return data;
    }
}

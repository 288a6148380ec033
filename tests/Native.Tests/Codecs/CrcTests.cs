using Sluice.Native.Codecs;

namespace Sluice.Native.Tests.Codecs;

/// <summary>
/// The two CRCs against their check values and against division a bit at a time, which shares nothing with what is tested but the
/// polynomial.
/// </summary>
public sealed class CrcTests
{
    [Fact]
    public void Crc32CHasItsCheckValue() => Assert.Equal(0xe3069283, Crc32C.Hash("123456789"u8));

    [Fact]
    public void Crc64NvmeHasItsCheckValue() => Assert.Equal(0xae8b14860a799888, Crc64Nvme.Hash("123456789"u8));

    [Fact]
    public void TheDigestOfNothingIsZero()
    {
        Assert.Equal(0U, Crc32C.Hash([]));
        Assert.Equal(0UL, Crc64Nvme.Hash([]));
    }

    [Fact]
    public void Crc32CHasTheValuesOfRfc3720()
    {
        Assert.Equal(0x8a9136aaU, Crc32C.Hash(new byte[32]));
        byte[] ones = new byte[32];
        Array.Fill(ones, (byte)0xff);
        Assert.Equal(0x62a8ab43U, Crc32C.Hash(ones));
        Assert.Equal(0x46dd794eU, Crc32C.Hash([.. Enumerable.Range(0, 32).Select(i => (byte)i)]));
        Assert.Equal(0x113fdb5cU, Crc32C.Hash([.. Enumerable.Range(0, 32).Select(i => (byte)(31 - i))]));
    }

    [Fact]
    public void EveryLengthUpTo300AgreesWithTheTwinsAtAnyAlignment()
    {
        var random = new Random(64);
        var data = new byte[512];
        for (int length = 0; length <= 300; length++)
        {
            for (int round = 0; round < 4; round++)
            {
                random.NextBytes(data);
                ReadOnlySpan<byte> piece = data.AsSpan(random.Next(64), length);
                uint before32 = (uint)random.NextInt64();
                ulong before64 = (ulong)random.NextInt64();
                Assert.Equal(Bits32(0, piece), Crc32C.Hash(piece));
                Assert.Equal(Bits32(before32, piece), Crc32C.Append(before32, piece));
                Assert.Equal(Bits32(before32, piece), Crc32C.Scalar(before32, piece));
                Assert.Equal(Bits64(0, piece), Crc64Nvme.Hash(piece));
                Assert.Equal(Bits64(before64, piece), Crc64Nvme.Append(before64, piece));
                Assert.Equal(Bits64(before64, piece), Crc64Nvme.Scalar(before64, piece));
            }
        }
    }

    [Theory]
    [InlineData(4095)]
    [InlineData(4096)]
    [InlineData(65_537)]
    public void LongInputsAgreeWithTheTwins(int length)
    {
        var data = new byte[length];
        new Random(length).NextBytes(data);
        Assert.Equal(Bits32(0, data), Crc32C.Hash(data));
        Assert.Equal(Bits64(0, data), Crc64Nvme.Hash(data));
    }

    public static TheoryData<CarrylessLevel> Levels => [.. Crc64Nvme.Levels];

    /// <summary>Around every vector, step and threshold of the wide loops.</summary>
    [Theory]
    [MemberData(nameof(Levels))]
    public void EveryLevelAgreesWithTheTableAtEveryLengthAndAlignment(CarrylessLevel level)
    {
        var random = new Random((int)level);
        var data = new byte[2048];
        random.NextBytes(data);
        for (int length = 0; length <= 1400; length++)
        {
            ReadOnlySpan<byte> piece = data.AsSpan(random.Next(64), length);
            ulong before = (ulong)random.NextInt64();
            Assert.Equal(Crc64Nvme.Scalar(before, piece), Crc64Nvme.Append(before, piece, level));
        }
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void EveryLevelAgreesWithTheTableOnALongSpan(CarrylessLevel level)
    {
        var data = new byte[(1 << 20) + 77];
        new Random(7).NextBytes(data);
        Assert.Equal(Crc64Nvme.Scalar(0, data), Crc64Nvme.Append(0, data, level));
        data[700_000] ^= 4;
        Assert.NotEqual(Crc64Nvme.Scalar(0, data), Crc64Nvme.Append(1, data, level));
    }

    [Fact]
    public void TheLevelsBeginWithTheTable() => Assert.Equal(CarrylessLevel.Table, Crc64Nvme.Levels[0]);

    [Fact]
    public void EveryFlippedBitChangesTheDigest()
    {
        var data = new byte[200];
        new Random(3).NextBytes(data);
        (uint of32, ulong of64) = (Crc32C.Hash(data), Crc64Nvme.Hash(data));
        for (int bit = 0; bit < data.Length * 8; bit++)
        {
            data[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.NotEqual(of32, Crc32C.Hash(data));
            Assert.NotEqual(of64, Crc64Nvme.Hash(data));
            data[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void APartitionedInputCombinesToTheDigestOfTheWhole()
    {
        var random = new Random(12);
        for (int round = 0; round < 300; round++)
        {
            var data = new byte[random.Next(0, 2000)];
            random.NextBytes(data);
            int cut = random.Next(0, data.Length + 1);
            ReadOnlySpan<byte> a = data.AsSpan(0, cut);
            ReadOnlySpan<byte> b = data.AsSpan(cut);
            Assert.Equal(Bits32(0, data), Crc32C.Combine(Crc32C.Hash(a), Crc32C.Hash(b), b.Length));
            Assert.Equal(Bits64(0, data), Crc64Nvme.Combine(Crc64Nvme.Hash(a), Crc64Nvme.Hash(b), b.Length));
        }
    }

    [Fact]
    public void CombiningCoversLengthsBeyond32Bits()
    {
        // Appending n zero bytes twice is appending 2n once: the doubling reaches lengths that no test could hash.
        uint of32 = 0x12345678;
        ulong of64 = 0x123456789abcdef0;
        (uint zeros32, ulong zeros64) = (Crc32C.Hash(new byte[1024]), Crc64Nvme.Hash(new byte[1024]));
        for (long length = 1024; length < 1L << 40; length *= 2)
        {
            (uint twice32, ulong twice64) = (Crc32C.Combine(zeros32, zeros32, length), Crc64Nvme.Combine(zeros64, zeros64, length));
            Assert.Equal(
                Crc32C.Combine(of32, twice32, 2 * length), Crc32C.Combine(Crc32C.Combine(of32, zeros32, length), zeros32, length));
            Assert.Equal(
                Crc64Nvme.Combine(of64, twice64, 2 * length), Crc64Nvme.Combine(Crc64Nvme.Combine(of64, zeros64, length), zeros64, length));
            (zeros32, zeros64) = (twice32, twice64);
        }
    }

    /// <summary>Megabytes in pieces of every size, empty ones too, put together from the left, from the right and by halves.</summary>
    [Fact]
    public void ManyPiecesCombineToTheDigestOfTheWholeInAnyGrouping()
    {
        var random = new Random(13);
        for (int round = 0; round < 12; round++)
        {
            var data = new byte[random.Next(0, 4 << 20)];
            random.NextBytes(data);
            int[] cuts = [0, .. Enumerable.Range(0, random.Next(1, 60)).Select(_ => random.Next(data.Length + 1)), data.Length];
            cuts = [.. cuts.Concat(cuts.Take(random.Next(cuts.Length))).Order()]; // those that come twice have nothing between them
            Joined[] pieces = [.. cuts.Zip(cuts.Skip(1), (from, to) => Joined.Of(data.AsSpan(from, to - from)))];
            Joined whole = new(Crc32C.Scalar(0, data), Crc64Nvme.Scalar(0, data), data.Length);
            Assert.Equal(whole, pieces.Aggregate((a, b) => a.Then(b)));
            Assert.Equal(whole, pieces.Reverse().Aggregate((b, a) => a.Then(b)));
            Assert.Equal(whole, Halves(pieces));
        }
    }

    /// <summary>Numbers that stand for pieces which nobody could hash: what is joined first makes no difference.</summary>
    [Fact]
    public void CombiningIsAssociativeForLengthsUpToATebibyte()
    {
        var random = new Random(14);
        for (int round = 0; round < 2000; round++)
        {
            (Joined a, Joined b, Joined c) = (Joined.Any(random), Joined.Any(random), Joined.Any(random));
            Assert.Equal(a.Then(b).Then(c), a.Then(b.Then(c)));
        }
    }

    [Fact]
    public void APieceOfNothingChangesNothing()
    {
        var random = new Random(15);
        for (int round = 0; round < 200; round++)
        {
            Joined piece = Joined.Any(random);
            Assert.Equal(piece, piece.Then(default));
            Assert.Equal(piece, default(Joined).Then(piece));
        }
    }

    [Fact]
    public void CombiningAllocatesNothingAndRefusesALengthBelowZero()
    {
        _ = (Crc32C.Combine(1, 2, 3), Crc64Nvme.Combine(1, 2, 3));
        long before = GC.GetAllocatedBytesForCurrentThread();
        (uint of32, ulong of64) = (Crc32C.Combine(1, 2, long.MaxValue), Crc64Nvme.Combine(1, 2, long.MaxValue));
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.NotEqual((0U, 0UL), (of32, of64));
        Assert.Throws<ArgumentOutOfRangeException>(() => Crc32C.Combine(1, 2, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Crc64Nvme.Combine(1, 2, -1));
    }

    private static Joined Halves(ReadOnlySpan<Joined> pieces) =>
        pieces.Length == 1 ? pieces[0] : Halves(pieces[..(pieces.Length / 2)]).Then(Halves(pieces[(pieces.Length / 2)..]));

    private static uint Bits32(uint digest, ReadOnlySpan<byte> data)
    {
        uint state = ~digest;
        for (int bit = 0; bit < data.Length * 8; bit++)
        {
            bool one = ((state ^ ((uint)data[bit / 8] >> (bit % 8))) & 1) != 0;
            state = (state >> 1) ^ (one ? 0x82f63b78U : 0);
        }

        return ~state;
    }

    private static ulong Bits64(ulong digest, ReadOnlySpan<byte> data)
    {
        ulong state = ~digest;
        for (int bit = 0; bit < data.Length * 8; bit++)
        {
            bool one = ((state ^ ((ulong)data[bit / 8] >> (bit % 8))) & 1) != 0;
            state = (state >> 1) ^ (one ? 0x9a6c9329ac4bc9b5UL : 0);
        }

        return ~state;
    }

    /// <summary>Both digests of a piece, and its length.</summary>
    private readonly record struct Joined(uint Of32, ulong Of64, long Bytes)
    {
        public static Joined Of(ReadOnlySpan<byte> piece) => new(Crc32C.Hash(piece), Crc64Nvme.Hash(piece), piece.Length);

        public static Joined Any(Random random) => new((uint)random.NextInt64(), (ulong)random.NextInt64(), random.NextInt64(1L << random.Next(1, 41)));

        public Joined Then(Joined next) =>
            new(Crc32C.Combine(Of32, next.Of32, next.Bytes), Crc64Nvme.Combine(Of64, next.Of64, next.Bytes), Bytes + next.Bytes);
    }
}

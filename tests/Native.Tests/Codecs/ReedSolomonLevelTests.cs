// Every level of instructions that this processor has, against the scalar twin: each length up to past several vectors of the widest level and
// all tails, each alignment, sources and outputs at alignments of their own, every coefficient, and nothing written outside of the outputs.
using Sluice.Native.Codecs;

namespace Sluice.Native.Tests.Codecs;

public sealed class ReedSolomonLevelTests
{
    private const int Guard = 64; // bytes before and after each unit that have to stay: a vector of the widest level
    private const byte GuardByte = 0xee;

    public static TheoryData<GaloisLevel> Levels => [.. ReedSolomon.Levels];

    [Fact]
    public void ScalarIsAlwaysThereAndTheFastestIsTaken()
    {
        Assert.Equal(GaloisLevel.Scalar, ReedSolomon.Levels[0]);
        Assert.Equal(ReedSolomon.Levels.Order(), ReedSolomon.Levels);
        Assert.Equal(ReedSolomon.Levels[^1], new ReedSolomon(4, 2).Level);
    }

    [Fact]
    public void TheNumbersOfTheLevelsAreThoseOfTheKernel() => Assert.Equal(
        [(0, "Scalar"), (1, "Ssse3"), (2, "Avx2"), (3, "Avx512"), (4, "GfniAvx2"), (5, "GfniAvx512")],
        Enum.GetValues<GaloisLevel>().Select(level => ((int)level, level.ToString())));

    [Fact]
    public void ALevelThatIsNotThereIsRefused() => Assert.Throws<PlatformNotSupportedException>(() => new ReedSolomon(4, 2, (GaloisLevel)6));

    [Theory]
    [MemberData(nameof(Levels))]
    public void EveryLengthAndAlignmentAgreesWithTheTwin(GaloisLevel level)
    {
        var random = new Random(20260102);
        for (int length = 0; length <= 1100; length++)
        {
            (int data, int parity) = (random.Next(1, 6), 1 + (length % 6)); // all sizes of a group of outputs, and two groups
            Assert.True(AgreesWithTwin(level, Shape(data, parity, length, random)), $"{data}+{parity} units of {length} bytes");
        }
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void EveryCoefficientAgreesWithTheTwin(GaloisLevel level)
    {
        // The coefficients of a code are 32 of the 255, and recovery uses any: rows of one coefficient, straight to the kernel.
        byte[] bytes = [.. Enumerable.Range(0, 256).Select(value => (byte)value), 1, 2, 3];
        for (int coefficient = 0; coefficient < 256; coefficient++)
        {
            var expected = new byte[bytes.Length];
            ScalarReedSolomon.MultiplyAdd((byte)coefficient, bytes, expected);
            var actual = new byte[bytes.Length];
            new CoefficientMatrix(level, 1, [(byte)coefficient]).Sum([bytes], [actual]);
            Assert.Equal(expected, actual);
        }
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void LargeUnitsAndLargeGeometriesAgreeWithTheTwin(GaloisLevel level)
    {
        var random = new Random(20260103);
        Assert.True(AgreesWithTwin(level, Shape(4, 2, 64 << 10, random)));
        Assert.True(AgreesWithTwin(level, Shape(3, 7, (64 << 10) + 17, random))); // several groups over several columns
        Assert.True(AgreesWithTwin(level, Shape(32, 32, 4096 + 333, random)));
        Assert.True(AgreesWithTwin(level, Shape(1, 32, 8191, random)));
        Assert.True(AgreesWithTwin(level, Shape(32, 1, 8193, random)));
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void UnitsAddedOneByOneInAnyOrderAndInPiecesMakeTheSameParity(GaloisLevel level)
    {
        var random = new Random(20260104);
        for (int round = 0; round < 100; round++)
        {
            (int data, int parity, int length) = (random.Next(1, 13), random.Next(1, 9), random.Next(0, 3000));
            Stripe stripe = Stripe.Random(data, parity, length, random);
            var codec = new ReedSolomon(data, parity, level);
            Memory<byte>[] sums = stripe.Room(parity);
            int[] order = [.. Enumerable.Range(0, data)];
            random.Shuffle(order);
            int cut = random.Next(length + 1);
            foreach (int index in order)
            {
                foreach (Range piece in new[] { ..cut, cut.. })
                {
                    Memory<byte>[] pieces = [.. sums.Select(sum => sum[piece])];
                    if (index == order[0])
                    {
                        codec.Begin(index, stripe.Data[index][piece], pieces);
                    }
                    else
                    {
                        codec.Accumulate(index, stripe.Data[index][piece], pieces);
                    }
                }
            }

            Assert.True(stripe.Has([.. Enumerable.Range(data, parity)], sums), $"round {round}: {data}+{parity} units of {length} bytes");
        }
    }

    [Fact]
    public void AWrongCoefficientIsCaught() => Assert.False(AgreesWithTwin(
        GaloisLevel.Scalar, Shape(5, 3, 100, new Random(1)), (parity, data) => (byte)(ReedSolomon.Coefficient(parity, data) ^ (parity == 2 && data == 4 ? 1 : 0))));

    [Fact]
    public void AByteTooManyIsCaught()
    {
        byte[] guarded = Guarded(10, 0);
        Assert.True(GuardsHold(guarded, 10, 0));
        guarded[Guard + 10] ^= 1;
        Assert.False(GuardsHold(guarded, 10, 0));
    }

    private static (int Data, int Parity, int Length, Random Random) Shape(int data, int parity, int length, Random random) => (data, parity, length, random);

    /// <summary>Whether Encode and Accumulate of a level, on units at odd alignments, give what the twin gives with these coefficients.</summary>
    private static bool AgreesWithTwin(
        GaloisLevel level, (int Data, int Parity, int Length, Random Random) shape, Func<int, int, byte>? coefficient = null)
    {
        (int dataUnits, int parityUnits, int length, Random random) = shape;
        int[] shifts = [.. Enumerable.Range(0, dataUnits + parityUnits).Select(_ => random.Next(Guard))];
        byte[][] homes = [.. shifts.Select(shift => Guarded(length, shift))];
        Memory<byte>[] units = [.. homes.Select((home, i) => home.AsMemory(Guard + shifts[i], length))];
        byte[][] expected = [.. Enumerable.Range(0, parityUnits).Select(_ => new byte[length])];
        foreach (Memory<byte> unit in units)
        {
            random.NextBytes(unit.Span); // parity too, which has to be overwritten
        }

        for (int parity = 0; parity < parityUnits; parity++)
        {
            for (int data = 0; data < dataUnits; data++)
            {
                ScalarReedSolomon.MultiplyAdd((coefficient ?? ReedSolomon.Coefficient)(parity, data), units[data].Span, expected[parity]);
            }
        }

        var codec = new ReedSolomon(dataUnits, parityUnits, level);
        ReadOnlyMemory<byte>[] sources = [.. units.Take(dataUnits).Select(unit => (ReadOnlyMemory<byte>)unit)];
        Memory<byte>[] outputs = units[dataUnits..];
        codec.Encode(sources, outputs);
        bool agrees = Same(expected, outputs);

        int again = random.Next(dataUnits);
        codec.Accumulate(again, sources[again], outputs); // takes that one out
        for (int parity = 0; parity < parityUnits; parity++)
        {
            ScalarReedSolomon.MultiplyAdd((coefficient ?? ReedSolomon.Coefficient)(parity, again), sources[again].Span, expected[parity]);
        }

        return agrees && Same(expected, outputs) && homes.Select((home, i) => GuardsHold(home, length, shifts[i])).All(holds => holds);
    }

    private static bool Same(byte[][] expected, Memory<byte>[] actual) =>
        expected.Zip(actual).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second.Span));

    private static byte[] Guarded(int length, int shift)
    {
        var home = new byte[Guard + shift + length + Guard];
        home.AsSpan().Fill(GuardByte);
        return home;
    }

    private static bool GuardsHold(byte[] home, int length, int shift) =>
        !home.AsSpan(0, Guard + shift).ContainsAnyExcept(GuardByte) && !home.AsSpan(Guard + shift + length).ContainsAnyExcept(GuardByte);
}

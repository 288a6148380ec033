// Erasure coding, as compiled into this binary: each level of instructions that the processor has against the scalar twin, parity as it is
// persisted, and lost units brought back. A level that is wrong at one length would make slices that nothing can be rebuilt from.
// Loops, not LINQ: ahead of time each of its operators over one more type of value is compiled with every other one, 2.3 MB of the binary for these.
using Sluice.Native.Codecs;

namespace Sluice.Server.SelfTest;

/// <summary>Writes the parity units of data units, all of one length.</summary>
public delegate void ParityKernel(ReadOnlySpan<ReadOnlyMemory<byte>> data, ReadOnlySpan<Memory<byte>> parity);

/// <summary>Checks of erasure coding.</summary>
public static class ErasureChecks
{
    private const int LengthsAll = 600; // every length up to here: past two steps of the widest level, 4 vectors of 64 bytes, and all tails
    private const int LengthLong = (8 << 10) + 37; // past two columns
    private const int Alignments = 64;
    private const int Seed = 8123; // replays a failure

    /// <summary>All of them.</summary>
    public static IReadOnlyList<SelfCheck> All { get; } = Make();

    /// <summary>Fails unless the parity that a kernel of a geometry writes is the twin's, for all short lengths and some long ones.</summary>
    public static string Compare(Func<int, int, ParityKernel> kernel)
    {
        var random = new Random(Seed);
        int cases = 0;
        for (int length = 0; length <= LengthsAll; length++, cases++)
        {
            CompareAt(kernel, (1 + (length % 5), 1 + (length % 6), length), random);
        }

        foreach ((int data, int parity) in ((int, int)[])[(8, 3), (10, 4), (32, 32)])
        {
            CompareAt(kernel, (data, parity, LengthLong), random);
            cases++;
        }

        return $"{cases} comparisons with the scalar twin";
    }

    /// <summary>Fails unless parity is what it was when the first slice was written.</summary>
    public static string Golden(Func<int, int, ParityKernel> kernel)
    {
        var data = new ReadOnlyMemory<byte>[4];
        for (int unit = 0; unit < data.Length; unit++)
        {
            var bytes = new byte[16];
            for (int i = 0; i < bytes.Length; i++)
            {
                bytes[i] = (byte)((31 * unit) + (7 * i) + 1);
            }

            data[unit] = bytes;
        }

        Memory<byte>[] parity = [new byte[16], new byte[16]];
        kernel(4, 2)(data, parity);
        SelfTestRun.Same("f761d32b971aefdccc7e2ee06a6e6a16", Convert.ToHexStringLower(parity[0].Span), "the first parity unit of 4+2");
        SelfTestRun.Same("6d6956dc12888c64af42ab17ef1aa4cd", Convert.ToHexStringLower(parity[1].Span), "the second parity unit of 4+2");
        return "4+2";
    }

    private static List<SelfCheck> Make()
    {
        var checks = new List<SelfCheck>();
        foreach (GaloisLevel level in ReedSolomon.Levels)
        {
            string name = "reed-solomon-" + level.ToString().ToLowerInvariant();
            checks.Add(new SelfCheck(name, () => Compare((data, parity) => new ReedSolomon(data, parity, level).Encode)));
        }

        checks.Add(new SelfCheck("reed-solomon-golden", () => Golden((data, parity) => new ReedSolomon(data, parity).Encode)));
        checks.Add(new SelfCheck("reed-solomon-recovery", Recovery));
        return checks;
    }

    private static string Recovery()
    {
        const int Data = 4, Units = 6, Length = 777;
        var random = new Random(Seed);
        var codec = new ReedSolomon(Data, Units - Data);
        Memory<byte>[] units = RandomUnits(Units, Length, random);
        codec.Encode(Readable(units.AsSpan(0, Data)), units.AsSpan(Data));
        for (int first = 0; first < Units; first++)
        {
            for (int second = first + 1; second < Units; second++)
            {
                var available = new List<int>();
                var read = new List<Memory<byte>>();
                for (int unit = 0; unit < Units; unit++)
                {
                    if (unit != first && unit != second)
                    {
                        available.Add(unit);
                        read.Add(units[unit]);
                    }
                }

                Memory<byte>[] missing = [new byte[Length], new byte[Length]];
                codec.PlanRecovery(available.ToArray(), [first, second]).Reconstruct(Readable(read.ToArray()), missing);
                bool same = missing[0].Span.SequenceEqual(units[first].Span) && missing[1].Span.SequenceEqual(units[second].Span);
                SelfTestRun.That(same, $"units {first} and {second} of 4+2 come back as something else");
            }
        }

        return "all 15 losses of two units of 4+2";
    }

    private static void CompareAt(Func<int, int, ParityKernel> kernel, (int Data, int Parity, int Length) shape, Random random)
    {
        Memory<byte>[] units = RandomUnits(shape.Data + shape.Parity, shape.Length, random);
        kernel(shape.Data, shape.Parity)(Readable(units.AsSpan(0, shape.Data)), units.AsSpan(shape.Data));
        var expected = new byte[shape.Length];
        for (int parity = 0; parity < shape.Parity; parity++)
        {
            Array.Clear(expected);
            for (int data = 0; data < shape.Data; data++)
            {
                ScalarReedSolomon.MultiplyAdd(ReedSolomon.Coefficient(parity, data), units[data].Span, expected);
            }

            bool same = units[shape.Data + parity].Span.SequenceEqual(expected);
            SelfTestRun.That(same, $"parity unit {parity} of {shape.Data}+{shape.Parity} with {shape.Length} bytes is not the twin's");
        }
    }

    private static Memory<byte>[] RandomUnits(int count, int length, Random random)
    {
        var units = new Memory<byte>[count];
        for (int unit = 0; unit < count; unit++)
        {
            units[unit] = new byte[Alignments + length].AsMemory(random.Next(Alignments), length);
            random.NextBytes(units[unit].Span);
        }

        return units;
    }

    private static ReadOnlyMemory<byte>[] Readable(ReadOnlySpan<Memory<byte>> units)
    {
        var readable = new ReadOnlyMemory<byte>[units.Length];
        for (int unit = 0; unit < units.Length; unit++)
        {
            readable[unit] = units[unit];
        }

        return readable;
    }
}

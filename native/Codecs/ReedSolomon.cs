using System.Diagnostics;

namespace Sluice.Native.Codecs;

/// <summary>
/// Systematic Reed–Solomon code over GF(2^8) (polynomial 0x11d): D data units as they are, and P parity units, of which any D bring back the other
/// P. Parity unit p has, at each byte, the sum over the data units d of <see cref="Coefficient"/>(p, d) times their byte there: a Cauchy matrix, every
/// square part of which can be inverted. It depends on neither D nor P, and is persisted with every slice: it never changes.
/// Units are numbered 0 to D-1 (data) and D to D+P-1 (parity); all units of a call have one length, in bytes, which may be anything, 0 included,
/// so that a stripe may be encoded in pieces. Memory is the caller's and is used during a call only. A codec is immutable and for any
/// number of threads; no call but <see cref="PlanRecovery"/> allocates.
/// </summary>
public sealed class ReedSolomon
{
    /// <summary>The most data units, and the most parity units.</summary>
    public const int UnitsMax = 32;

    private readonly CoefficientMatrix _parity;

    /// <summary>A codec at the fastest level.</summary>
    /// <param name="dataUnits">D, 1 to <see cref="UnitsMax"/>; else <see cref="ArgumentOutOfRangeException"/>.</param>
    /// <param name="parityUnits">P, likewise.</param>
    public ReedSolomon(int dataUnits, int parityUnits)
        : this(dataUnits, parityUnits, Levels[^1])
    {
    }

    /// <summary>A codec at a level.</summary>
    /// <param name="dataUnits">D, 1 to <see cref="UnitsMax"/>; else <see cref="ArgumentOutOfRangeException"/>.</param>
    /// <param name="parityUnits">P, likewise.</param>
    /// <param name="level">One of <see cref="Levels"/>; else <see cref="PlatformNotSupportedException"/>.</param>
    public ReedSolomon(int dataUnits, int parityUnits, GaloisLevel level)
    {
        CheckCount(dataUnits, nameof(dataUnits));
        CheckCount(parityUnits, nameof(parityUnits));
        if (!Has(level))
        {
            throw new PlatformNotSupportedException($"this processor lacks the instructions of {level}");
        }

        DataUnits = dataUnits;
        ParityUnits = parityUnits;
        Level = level;
        var rows = new byte[parityUnits * dataUnits];
        for (int i = 0; i < rows.Length; i++)
        {
            rows[i] = Coefficient(i / dataUnits, i % dataUnits);
        }

        _parity = new CoefficientMatrix(level, dataUnits, rows);
    }

    /// <summary>The levels that this processor has, slowest first.</summary>
    public static IReadOnlyList<GaloisLevel> Levels { get; } = Array.FindAll(Enum.GetValues<GaloisLevel>(), Has);

    /// <summary>D.</summary>
    public int DataUnits { get; }

    /// <summary>P.</summary>
    public int ParityUnits { get; }

    /// <summary>The instructions in use.</summary>
    public GaloisLevel Level { get; }

    /// <summary>The factor of data unit <paramref name="data"/> in parity unit <paramref name="parity"/>: 1 / ((32 + parity) xor data), both below 32.</summary>
    public static byte Coefficient(int parity, int data)
    {
        CheckIndex(parity, UnitsMax, nameof(parity));
        CheckIndex(data, UnitsMax, nameof(data));
        return ScalarReedSolomon.Inverse((byte)((UnitsMax + parity) ^ data));
    }

    /// <summary>Writes all parity units of a stripe.</summary>
    /// <param name="data">D units.</param>
    /// <param name="parity">P units, overwritten. They overlap nothing; other counts or lengths, too: <see cref="ArgumentException"/>.</param>
    public void Encode(ReadOnlySpan<ReadOnlyMemory<byte>> data, ReadOnlySpan<Memory<byte>> parity) => _parity.Sum(data, parity);

    /// <summary>Writes what the parity units are with one data unit alone, the others being zero: the first of a stripe, whichever it is.</summary>
    /// <param name="index">Which, 0 to D-1; else <see cref="ArgumentOutOfRangeException"/>.</param>
    /// <param name="unit">The data unit, or a piece of it.</param>
    /// <param name="parity">The same piece of P units, overwritten; as in <see cref="Encode"/>.</param>
    public void Begin(int index, ReadOnlyMemory<byte> unit, ReadOnlySpan<Memory<byte>> parity) => _parity.Add(index, unit, parity, accumulate: false);

    /// <summary>
    /// Adds one more data unit to the parity units, in any order. They are those of the stripe once each unit was added exactly once; adding
    /// one again takes it out.
    /// </summary>
    /// <param name="index">Which, 0 to D-1; else <see cref="ArgumentOutOfRangeException"/>.</param>
    /// <param name="unit">The data unit, or a piece of it.</param>
    /// <param name="parity">The same piece of P units; as in <see cref="Encode"/>.</param>
    public void Accumulate(int index, ReadOnlyMemory<byte> unit, ReadOnlySpan<Memory<byte>> parity) => _parity.Add(index, unit, parity, accumulate: true);

    /// <summary>Works out how the missing units come from the available ones, for any number of stripes. Some ten microseconds; keep it.</summary>
    /// <param name="available">The numbers of D units that will be read, in the order in which they will be given.</param>
    /// <param name="missing">The numbers of 1 to P other units, in the order in which they will be given.</param>
    /// <exception cref="ArgumentException">Other counts, numbers beyond D+P-1, or a number twice.</exception>
    public RecoveryPlan PlanRecovery(ReadOnlySpan<int> available, ReadOnlySpan<int> missing)
    {
        CheckNumbers(available, missing);
        byte[] inverse = Invert(available);
        var rows = new byte[missing.Length * DataUnits];
        for (int i = 0; i < missing.Length; i++)
        {
            Span<byte> row = rows.AsSpan(i * DataUnits, DataUnits);
            ReadOnlySpan<byte> wanted = GeneratorRow(missing[i]);
            for (int data = 0; data < DataUnits; data++)
            {
                ScalarReedSolomon.MultiplyAdd(wanted[data], inverse.AsSpan(data * DataUnits, DataUnits), row);
            }
        }

        return new RecoveryPlan(new CoefficientMatrix(Level, DataUnits, rows));
    }

    private static bool Has(GaloisLevel level) => GaloisImports.sluice_gf_has((int)level) != 0;

    private static void CheckCount(int count, string name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, UnitsMax, name);
    }

    private static void CheckIndex(int index, int count, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, count, name);
    }

    private void CheckNumbers(ReadOnlySpan<int> available, ReadOnlySpan<int> missing)
    {
        if (available.Length != DataUnits)
        {
            throw new ArgumentException($"{available.Length} units are given; {DataUnits} are needed and used", nameof(available));
        }

        if (missing.Length is 0 || missing.Length > ParityUnits)
        {
            throw new ArgumentException($"{missing.Length} units are missing; the code brings back 1 to {ParityUnits}", nameof(missing));
        }

        ulong seen = 0;
        foreach (int number in (ReadOnlySpan<int>)[.. available, .. missing])
        {
            if (number < 0 || number >= DataUnits + ParityUnits || (seen & (1UL << number)) != 0)
            {
                throw new ArgumentException($"unit {number} is none of 0 to {DataUnits + ParityUnits - 1}, or is named twice");
            }

            seen |= 1UL << number;
        }
    }

    /// <summary>How a unit is made of the data units: itself alone, or its row of the Cauchy matrix.</summary>
    private ReadOnlySpan<byte> GeneratorRow(int number)
    {
        if (number >= DataUnits)
        {
            return _parity.Row(number - DataUnits);
        }

        var row = new byte[DataUnits];
        row[number] = 1;
        return row;
    }

    /// <summary>The matrix that makes the data units of the available ones, by Gauss and Jordan; rows of D.</summary>
    private byte[] Invert(ReadOnlySpan<int> available)
    {
        int width = 2 * DataUnits; // the matrix on the left, what becomes its inverse on the right
        var work = new byte[DataUnits * width];
        for (int i = 0; i < DataUnits; i++)
        {
            GeneratorRow(available[i]).CopyTo(work.AsSpan(i * width));
            work[(i * width) + DataUnits + i] = 1;
        }

        for (int column = 0; column < DataUnits; column++)
        {
            ClearColumn(work, width, column);
        }

        var inverse = new byte[DataUnits * DataUnits];
        for (int i = 0; i < DataUnits; i++)
        {
            work.AsSpan((i * width) + DataUnits, DataUnits).CopyTo(inverse.AsSpan(i * DataUnits));
        }

        return inverse;
    }

    /// <summary>Makes the column that of the unit matrix.</summary>
    private void ClearColumn(byte[] work, int width, int column)
    {
        int found = column;
        while (work[(found * width) + column] == 0)
        {
            found++;
            if (found == DataUnits)
            {
                throw new UnreachableException("D rows of identity and Cauchy matrix are independent");
            }
        }

        Span<byte> swapped = work.AsSpan(found * width, width), pivot = work.AsSpan(column * width, width);
        byte scale = ScalarReedSolomon.Inverse(swapped[column]);
        for (int i = 0; i < width; i++)
        {
            byte scaled = ScalarReedSolomon.Multiply(scale, swapped[i]);
            swapped[i] = pivot[i];
            pivot[i] = scaled;
        }

        for (int row = 0; row < DataUnits; row++)
        {
            Span<byte> other = work.AsSpan(row * width, width);
            if (row != column && other[column] != 0)
            {
                ScalarReedSolomon.MultiplyAdd(other[column], pivot, other);
            }
        }
    }
}

using System.Buffers;
using System.Runtime.CompilerServices;

namespace Sluice.Native.Codecs;

/// <summary>Outputs that are sums of products of sources, byte by byte: one row of coefficients an output. Immutable, for any number of threads.</summary>
internal sealed unsafe class CoefficientMatrix
{
    private readonly GaloisLevel _level;
    private readonly int _sources;
    private readonly int _outputs;
    private readonly byte[] _rows; // of each output, all sources
    private readonly byte[] _columns; // of each source, all outputs

    /// <param name="level">One that the processor has.</param>
    /// <param name="sources">1 to 32.</param>
    /// <param name="rows">Of each output the coefficients of all sources; owned by the matrix from here on.</param>
    public CoefficientMatrix(GaloisLevel level, int sources, byte[] rows)
    {
        _level = level;
        _sources = sources;
        _outputs = rows.Length / sources;
        _rows = rows;
        _columns = new byte[rows.Length];
        for (int output = 0; output < _outputs; output++)
        {
            for (int source = 0; source < sources; source++)
            {
                _columns[(source * _outputs) + output] = rows[(output * sources) + source];
            }
        }
    }

    public ReadOnlySpan<byte> Row(int output) => _rows.AsSpan(output * _sources, _sources);

    /// <summary>Overwrites the outputs with the sums over all sources.</summary>
    public void Sum(ReadOnlySpan<ReadOnlyMemory<byte>> sources, ReadOnlySpan<Memory<byte>> outputs)
    {
        if (sources.Length != _sources)
        {
            throw new ArgumentException($"{sources.Length} units where {_sources} are to be read", nameof(sources));
        }

        Run(_rows, sources, outputs, accumulate: false);
    }

    /// <summary>Adds one source's share to the outputs, or overwrites them with it.</summary>
    public void Add(int source, ReadOnlyMemory<byte> unit, ReadOnlySpan<Memory<byte>> outputs, bool accumulate)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(source);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(source, _sources);
        Run(_columns.AsSpan(source * _outputs, _outputs), new ReadOnlySpan<ReadOnlyMemory<byte>>(in unit), outputs, accumulate);
    }

    private void Run(ReadOnlySpan<byte> coefficients, ReadOnlySpan<ReadOnlyMemory<byte>> sources, ReadOnlySpan<Memory<byte>> outputs, bool accumulate)
    {
        if (outputs.Length != _outputs)
        {
            throw new ArgumentException($"{outputs.Length} units where {_outputs} are to be written", nameof(outputs));
        }

        // SAFETY: the addresses are of memory that stays pinned until the kernel is back, CheckLength and CheckApart have seen that each has the length that the
        // kernel is told and that nothing written overlaps anything else; the counts are at most UnitsMax, for which both arrays and Pins have room.
        byte** addresses = stackalloc byte*[2 * ReedSolomon.UnitsMax];
        int length = sources[0].Length;
        Pins pins = default;
        int pinned = 0;
        try
        {
            foreach (ReadOnlyMemory<byte> unit in sources)
            {
                CheckLength(unit.Length, length);
                pins[pinned] = unit.Pin();
                addresses[pinned] = (byte*)pins[pinned].Pointer;
                pinned++;
            }

            foreach (Memory<byte> unit in outputs)
            {
                CheckLength(unit.Length, length);
                pins[pinned] = unit.Pin();
                addresses[pinned] = (byte*)pins[pinned].Pointer;
                CheckApart(addresses, pinned, length);
                pinned++;
            }

            fixed (byte* coefficient = coefficients)
            {
                GaloisImports.sluice_gf_sum(
                    (int)_level, coefficient, sources.Length, _outputs, addresses, addresses + sources.Length, (nuint)length, accumulate ? 1 : 0);
            }
        }
        finally
        {
            while (pinned > 0)
            {
                pins[--pinned].Dispose();
            }
        }
    }

    private static void CheckLength(int actual, int length)
    {
        if (actual != length)
        {
            throw new ArgumentException($"a unit of {actual} bytes among units of {length}");
        }
    }

    /// <summary>Throws when the unit at <paramref name="index"/> shares bytes with an earlier one.</summary>
    // SAFETY: addresses are compared, none is followed; the array has index + 1 entries.
    private static void CheckApart(byte** addresses, int index, int length)
    {
        nint at = (nint)addresses[index];
        for (int other = 0; other < index; other++)
        {
            if (Math.Abs(at - (nint)addresses[other]) < length)
            {
                throw new ArgumentException("a unit that is to be written overlaps another unit");
            }
        }
    }

    /// <summary>Room for the pins of one call, on the stack.</summary>
    [InlineArray(2 * ReedSolomon.UnitsMax)]
    private struct Pins
    {
        private MemoryHandle _first;
    }
}

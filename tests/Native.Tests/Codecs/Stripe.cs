using Sluice.Native.Codecs;

namespace Sluice.Native.Tests.Codecs;

/// <summary>Units of a stripe as arrays, with their parity made by the scalar twin from the definition.</summary>
internal sealed class Stripe
{
    private Stripe(int dataUnits, byte[][] units)
    {
        DataUnits = dataUnits;
        Units = units;
        for (int parity = 0; parity < units.Length - dataUnits; parity++)
        {
            for (int data = 0; data < dataUnits; data++)
            {
                ScalarReedSolomon.MultiplyAdd(ReedSolomon.Coefficient(parity, data), units[data], units[dataUnits + parity]);
            }
        }
    }

    public int DataUnits { get; }

    /// <summary>Data, then parity.</summary>
    public byte[][] Units { get; }

    public ReadOnlyMemory<byte>[] Data => Select(Enumerable.Range(0, DataUnits));

    public ReadOnlyMemory<byte>[] Parity => Select(Enumerable.Range(DataUnits, Units.Length - DataUnits));

    public static Stripe Random(int dataUnits, int parityUnits, int length, Random random) =>
        Of(dataUnits, parityUnits, length, (_, unit) => random.NextBytes(unit));

    public static Stripe Of(int dataUnits, int parityUnits, int length, Action<int, byte[]> fill)
    {
        byte[][] units = [.. Enumerable.Range(0, dataUnits + parityUnits).Select(_ => new byte[length])];
        for (int data = 0; data < dataUnits; data++)
        {
            fill(data, units[data]);
        }

        return new Stripe(dataUnits, units);
    }

    public ReadOnlyMemory<byte>[] Select(IEnumerable<int> numbers) => [.. numbers.Select(number => (ReadOnlyMemory<byte>)Units[number])];

    /// <summary>Room for so many units, full of something, so that a byte that is not written shows.</summary>
    public Memory<byte>[] Room(int count) => [.. Enumerable.Range(0, count).Select(_ =>
    {
        var room = new byte[Units[0].Length];
        room.AsSpan().Fill(0xa5);
        return (Memory<byte>)room;
    })];

    /// <summary>Whether those units, worked out, are the ones of the stripe.</summary>
    public bool Has(ReadOnlySpan<int> numbers, ReadOnlySpan<Memory<byte>> units)
    {
        bool same = true;
        for (int i = 0; i < numbers.Length; i++)
        {
            same &= units[i].Span.SequenceEqual(Units[numbers[i]]);
        }

        return same;
    }
}

using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Sluice.Native.Codecs;

namespace Sluice.Bench;

/// <summary>
/// GB of data in a second of processor time: whole stripes encoded, units added one by one as a PUT does, P data units brought back; and ISA-L's encoder with
/// the same matrix where Debian's libisal2 is installed. Every contender has a turn in each of the rounds, forwards and then backwards; the best turn counts,
/// since a neighbour on the machine only ever takes.
/// </summary>
internal static class ReedSolomonBench
{
    private const int Rounds = 6;
    private const int Page = 4096;

    private static readonly (int Data, int Parity, int UnitBytes)[] s_shapes =
        [(8, 3, 1 << 20), (8, 3, 64 << 10), (8, 3, 4 << 10), (4, 2, 1 << 20), (10, 4, 1 << 20), (16, 8, 1 << 20)];

    public static int Run(double turnSeconds)
    {
        Console.WriteLine("GB of data a CPU second  encode      one by one     recover");
        foreach ((int data, int parity, int unitBytes) in s_shapes)
        {
            Shape(data, parity, unitBytes, turnSeconds);
        }

        return 0;
    }

    private static void Shape(int data, int parity, int unitBytes, double turnSeconds)
    {
        Memory<byte>[] units = Units(data + (2 * parity), unitBytes);
        List<(string Name, Action[] Ways)> contenders = [.. ReedSolomon.Levels.Select(level => (level.ToString(), Ways(new ReedSolomon(data, parity, level), units)))];
        if (Isal.IsThere)
        {
            contenders.Add(("ISA-L", [Isal.Encoder(data, parity, units)]));
        }

        var best = new double[contenders.Count, 3];
        for (int round = 0; round < Rounds; round++)
        {
            for (int turn = 0; turn < contenders.Count; turn++)
            {
                int which = round % 2 == 0 ? turn : contenders.Count - 1 - turn;
                for (int way = 0; way < contenders[which].Ways.Length; way++)
                {
                    double rate = (double)data * unitBytes / 1e9 / Seconds(contenders[which].Ways[way], turnSeconds);
                    best[which, way] = Math.Max(best[which, way], rate);
                }
            }
        }

        Console.WriteLine($"{data}+{parity}, units of {unitBytes >> 10} KiB");
        for (int i = 0; i < contenders.Count; i++)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {contenders[i].Name,-16}{Text(best[i, 0]),12}{Text(best[i, 1]),16}{Text(best[i, 2]),12}"));
        }
    }

    private static string Text(double rate) => rate == 0 ? "" : rate.ToString("f1", CultureInfo.InvariantCulture);

    /// <summary>Units one after another from a page on, as buffers of a slab are, and pinned, so that ISA-L can have their addresses.</summary>
    public static Memory<byte>[] Units(int count, int unitBytes)
    {
        byte[] all = GC.AllocateUninitializedArray<byte>(Page + (count * unitBytes), pinned: true);
        RandomNumberGenerator.Fill(all);
        int first = Page - (int)(Marshal.UnsafeAddrOfPinnedArrayElement(all, 0) % Page);
        return [.. Enumerable.Range(0, count).Select(i => MemoryMarshal.CreateFromPinnedArray(all, first + (i * unitBytes), unitBytes))];
    }

    private static Action[] Ways(ReedSolomon codec, Memory<byte>[] units)
    {
        (int dataUnits, int parityUnits) = (codec.DataUnits, codec.ParityUnits);
        ReadOnlyMemory<byte>[] data = [.. units.Take(dataUnits).Select(unit => (ReadOnlyMemory<byte>)unit)];
        Memory<byte>[] parity = units[dataUnits..(dataUnits + parityUnits)];
        int losses = Math.Min(dataUnits, parityUnits);
        Memory<byte>[] missing = units[(dataUnits + parityUnits)..(dataUnits + parityUnits + losses)];
        int[] available = [.. Enumerable.Range(losses, dataUnits)];
        ReadOnlyMemory<byte>[] read = [.. available.Select(number => (ReadOnlyMemory<byte>)units[number])];
        RecoveryPlan plan = codec.PlanRecovery(available, [.. Enumerable.Range(0, losses)]);
        return
        [
            () => codec.Encode(data, parity),
            () =>
            {
                codec.Begin(0, data[0], parity);
                for (int i = 1; i < dataUnits; i++)
                {
                    codec.Accumulate(i, data[i], parity);
                }
            },
            () => plan.Reconstruct(read, missing),
        ];
    }

    private static double Seconds(Action once, double turnSeconds)
    {
        once();
        int times = 0;
        long started = Stopwatch.GetTimestamp();
        TimeSpan before = Environment.CpuUsage.TotalTime;
        while (Stopwatch.GetElapsedTime(started).TotalSeconds < turnSeconds)
        {
            once();
            times++;
        }

        return (Environment.CpuUsage.TotalTime - before).TotalSeconds / times;
    }
}

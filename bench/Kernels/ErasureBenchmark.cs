using BenchmarkDotNet.Attributes;
using Sluice.Bench.Machine;
using Sluice.Bench.Rows;
using Sluice.Native.Codecs;

namespace Sluice.Bench.Kernels;

/// <summary>Parity of a stripe of 8+3, by ISA-L with the same matrix and by the codec.</summary>
public class ErasureBenchmark
{
    /// <summary>D.</summary>
    internal const int Data = 8;

    private const int Parity = 3;

    private readonly ReedSolomon _codec = new(Data, Parity);
    private ReadOnlyMemory<byte>[] _data = [];
    private Memory<byte>[] _parity = [];
    private Action _isal = () => { };

    /// <summary>Of a slice in one stripe.</summary>
    [Params(64 * (int)Sizes.KiB, (int)Sizes.MiB)]
    public int UnitBytes { get; set; }

    /// <summary>Makes a stripe, and sees that both give the same parity.</summary>
    [GlobalSetup]
    public void Make()
    {
        Memory<byte>[] units = ReedSolomonBench.Units(Data + Parity, UnitBytes);
        _data = [.. units.Take(Data).Select(unit => (ReadOnlyMemory<byte>)unit)];
        _parity = units[Data..];
        _isal = Isal.IsThere ? Isal.Encoder(Data, Parity, units) : throw new BenchException("there is no libisal.so.2: install Debian's libisal2, or begin with make bench, which does");
    }

    /// <summary>Debian's libisal2.</summary>
    [Benchmark(Description = "ISA-L")]
    public void EncodeByIsal() => _isal();

    /// <summary>Ours, at the highest level of this processor.</summary>
    [Benchmark(Description = "sluice")]
    public void Encode() => _codec.Encode(_data, _parity);
}

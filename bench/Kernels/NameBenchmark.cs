using System.Text;
using BenchmarkDotNet.Attributes;
using Sluice.Engine.Placement;

namespace Sluice.Bench.Kernels;

/// <summary>From the name of an object to that of its file.</summary>
public class NameBenchmark
{
    private readonly byte[] _path = new byte[4096];
    private readonly byte[] _readable = Readable.ToArray();
    private readonly byte[] _odd = Encoding.UTF8.GetBytes($"a//%b/{new string('x', 300)}/..");

    /// <summary>Of the kind that data sets have.</summary>
    internal static ReadOnlySpan<byte> Readable => "train/shard-000123/sample-00045678.jpg"u8;

    /// <summary>Nothing of it can stay as it is.</summary>
    [Benchmark(Description = "encode, odd")]
    public int EncodeOdd() => NameCodec.Encode(_odd, _path);

    /// <summary>All of it can.</summary>
    [Benchmark(Description = "encode, readable")]
    public int EncodeReadable() => NameCodec.Encode(_readable, _path);
}

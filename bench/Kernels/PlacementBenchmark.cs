using System.Globalization;
using System.Text;
using BenchmarkDotNet.Attributes;
using Sluice.Engine.Placement;

namespace Sluice.Bench.Kernels;

/// <summary>From a name to the best of so many mountpaths.</summary>
public class PlacementBenchmark
{
    private readonly byte[] _prefix = "ais/@#/bucket/"u8.ToArray();
    private readonly byte[] _name = NameBenchmark.Readable.ToArray();
    private ulong[] _ids = [];

    /// <summary>How many there are to choose from.</summary>
    [Params(1, 4, 16, 64)]
    public int Mountpaths { get; set; }

    /// <summary>Names the mountpaths.</summary>
    [GlobalSetup]
    public void Name() =>
        _ids = [.. Enumerable.Range(0, Mountpaths).Select(i => Hrw.IdDigest(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"mountpath-{i}"))))];

    /// <summary>Both digests and the choice.</summary>
    [Benchmark(Description = "of")]
    public int Best() => Hrw.BestNode(Hrw.Digest(_prefix, _name), _ids);
}

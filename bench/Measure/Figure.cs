namespace Sluice.Bench.Measure;

/// <summary>Which of two values is the better one.</summary>
internal enum Better
{
    Higher,
    Lower,
}

/// <summary>
/// What is measured. Judged figures may fail a gate; the others are told. A tail of a distribution swings by itself between two runs of one binary,
/// so it is told only.
/// </summary>
internal sealed record Figure(string Name, string Unit, Better Better, bool IsJudged)
{
    public static readonly Figure Requests = new("throughput", "1/s", Better.Higher, IsJudged: true);
    public static readonly Figure Rate = new("rate", "GiB/s", Better.Higher, IsJudged: false);
    public static readonly Figure CpuPerRequest = new("CPU/request", "µs", Better.Lower, IsJudged: true);
    public static readonly Figure CpuPerGiB = new("CPU/GiB", "s", Better.Lower, IsJudged: false);
    public static readonly Figure P50 = new("p50", "µs", Better.Lower, IsJudged: true);
    public static readonly Figure P99 = new("p99", "µs", Better.Lower, IsJudged: false);
    public static readonly Figure P999 = new("p99.9", "µs", Better.Lower, IsJudged: false);
    public static readonly Figure Resident = new("RSS", "MiB", Better.Lower, IsJudged: true);
    public static readonly Figure Start = new("start", "ms", Better.Lower, IsJudged: true);
    public static readonly Figure Time = new("time", "ns", Better.Lower, IsJudged: true);

    /// <summary>In the order of the columns.</summary>
    public static readonly IReadOnlyList<Figure> All = [Requests, Rate, CpuPerRequest, CpuPerGiB, P50, P99, P999, Resident, Start, Time];

    /// <summary>How much better <paramref name="ours"/> is than <paramref name="reference"/>: above 1 is better, whichever way the figure goes.</summary>
    public double Ratio(double reference, double ours) => Better == Better.Higher ? ours / reference : reference / ours;
}

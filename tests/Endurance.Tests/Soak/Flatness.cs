using System.Globalization;

namespace Sluice.Endurance.Tests.Soak;

/// <summary>Something that a server holds, and how much more of it there may be at the end of a run: of what there was at first, plus so many.</summary>
public sealed record Gauge(string Name, string Unit, double Share, double Slack);

/// <summary>A gauge over a run: the medians of its thirds, and whether the last one is within the bound.</summary>
public sealed record GaugeResult(string Name, string Unit, double First, double Middle, double Last, double Bound, bool IsFlat)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Name,-12} {First,10:F1} {Middle,10:F1} {Last,10:F1}   at most {Bound:F1} {Unit}: {(IsFlat ? "flat" : "NOT FLAT")}");
}

/// <summary>
/// Judges whether something grows by comparing the thirds of a run. Medians, so that one sample in the midst of something decides nothing. Where something
/// leaks steadily, the medians of the outer thirds are two thirds of all that leaked apart.
/// </summary>
public static class Flatness
{
    /// <summary>Fewer samples than that tell nothing: three a third.</summary>
    public const int SamplesMin = 9;

    /// <summary>Judges the samples of a run in their order; throws when there are too few of them.</summary>
    public static GaugeResult Judge(Gauge gauge, IReadOnlyList<double> samples)
    {
        if (samples.Count < SamplesMin)
        {
            throw new ArgumentException($"{samples.Count} samples of {gauge.Name} tell nothing; {SamplesMin} are the least");
        }

        int third = samples.Count / 3;
        double first = Median(samples.Take(third));
        double middle = Median(samples.Skip(third).Take(samples.Count - (2 * third)));
        double last = Median(samples.TakeLast(third));
        double bound = (first * (1 + gauge.Share)) + gauge.Slack;
        return new GaugeResult(gauge.Name, gauge.Unit, first, middle, last, bound, last <= bound);
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}

using Sluice.Bench.Measure;

namespace Sluice.Bench.Gate;

/// <summary>One figure in one round, in the order in which it was measured: base, head, head, base.</summary>
internal readonly record struct GateRound(double BaseFirst, double HeadFirst, double HeadLast, double BaseLast);

/// <summary>What the rounds say about a figure.</summary>
internal enum Outcome
{
    /// <summary>Nothing shows that the head is worse.</summary>
    Good,

    /// <summary>The head is worse than allowed, beyond what the noise explains.</summary>
    Worse,

    /// <summary>As <see cref="Good"/>, but the noise would have hidden a loss that matters.</summary>
    Blind,
}

/// <summary>The verdict on one figure. All three numbers are factors; 1 is no difference.</summary>
/// <param name="Ratio">The head against the base; below 1 is worse, whichever way the figure goes.</param>
/// <param name="Noise">How far a ratio of two equal builds may be from 1 in this run: at least three standard errors.</param>
/// <param name="Drift">How the machine moved from the beginning of a round to its end, by the base's own pair.</param>
internal readonly record struct GateVerdict(Figure Figure, double Ratio, double Noise, double Drift, Outcome Outcome);

/// <summary>
/// Decides, from samples alone, whether the head is worse than the base. In A-B-B-A a linear drift cancels out of a round's ratio. The noise is
/// measured by the same run in two ways, of which the larger counts: pairs of one binary within a round (A/A and B/B), and how rounds differ, each with
/// processes of its own. Medians throughout, so that one disturbed round moves nothing.
/// </summary>
internal static class GateJudge
{
    /// <summary>The least ratio that is let through without asking whether it is noise.</summary>
    public const double RatioMin = 0.95;

    /// <summary>Fewer rounds do not tell how rounds differ.</summary>
    public const int RoundsMin = 4;

    /// <summary>Standard errors that count as noise. With normal noise one equal figure in 700 would go beyond, and it would have to be 5 % worse as well.</summary>
    private const double StandardErrors = 3;

    /// <summary>A loss of 15 % has to show, or the verdict is that nothing can be said.</summary>
    private const double VisibleRatioMin = 0.85;

    /// <summary>Median absolute deviation to standard deviation, for a normal distribution: 1 / Φ⁻¹(3/4).</summary>
    private const double DeviationOfMedian = 1.4826;

    /// <summary>Standard error of a median to that of a mean, for a normal distribution: √(π/2).</summary>
    private const double ErrorOfMedian = 1.2533;

    /// <exception cref="ArgumentException">There are fewer than <see cref="RoundsMin"/> rounds, or a sample is not above 0.</exception>
    public static GateVerdict Judge(Figure figure, IReadOnlyList<GateRound> rounds)
    {
        if (rounds.Count < RoundsMin)
        {
            throw new ArgumentException($"{rounds.Count} rounds; at least {RoundsMin}", nameof(rounds));
        }

        if (rounds.Any(round => !(round.BaseFirst > 0 && round.HeadFirst > 0 && round.HeadLast > 0 && round.BaseLast > 0)))
        {
            throw new ArgumentException($"{figure.Name}: a sample is not above 0", nameof(rounds));
        }

        double[] ratios = [.. rounds.Select(round => Log(figure, round))];
        double ratio = Math.Exp(Median(ratios));
        double noise = Math.Exp(StandardErrors * Math.Max(ErrorOfPairs(rounds), ErrorOfRounds(ratios)));
        double drift = Math.Exp(Median([.. rounds.Select(round => Math.Log(figure.Ratio(round.BaseFirst, round.BaseLast)))]));
        Outcome outcome = ratio * noise < RatioMin ? Outcome.Worse : 1 / noise < VisibleRatioMin / RatioMin ? Outcome.Blind : Outcome.Good;
        return new GateVerdict(figure, ratio, noise, drift, outcome);
    }

    /// <summary>Logarithm of a round's ratio: geometric means of both pairs.</summary>
    private static double Log(Figure figure, GateRound round) =>
        (Math.Log(figure.Ratio(round.BaseFirst, round.HeadFirst)) + Math.Log(figure.Ratio(round.BaseLast, round.HeadLast))) / 2;

    /// <summary>
    /// Standard error of the ratio of all rounds by pairs of one binary. A pair differs by √2 deviations of a sample; a round's ratio, the difference of
    /// two means of two, has one deviation.
    /// </summary>
    private static double ErrorOfPairs(IReadOnlyList<GateRound> rounds)
    {
        double[] distances = [.. rounds.SelectMany(round => new[]
        {
            Math.Abs(Math.Log(round.BaseLast / round.BaseFirst)), Math.Abs(Math.Log(round.HeadLast / round.HeadFirst)),
        })];
        return ErrorOfMedian * DeviationOfMedian * Median(distances) / Math.Sqrt(2) / Math.Sqrt(rounds.Count);
    }

    /// <summary>Standard error of the ratio of all rounds by how the rounds differ.</summary>
    private static double ErrorOfRounds(double[] ratios)
    {
        double middle = Median(ratios);
        return ErrorOfMedian * DeviationOfMedian * Median([.. ratios.Select(ratio => Math.Abs(ratio - middle))]) / Math.Sqrt(ratios.Length);
    }

    private static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}

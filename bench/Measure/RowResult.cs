namespace Sluice.Bench.Measure;

/// <summary>A figure of ours against the same figure of another contender: of all turns, and the least and the most that a single round gave.</summary>
internal readonly record struct Comparison(double Ratio, double Least, double Most);

/// <summary>All turns of one row. A round holds two turns of each contender, in the order A-B-B-A.</summary>
/// <param name="Subject">The contender that is compared with the others; empty when they do different work.</param>
/// <param name="Rounds">For each round, the samples of each contender.</param>
/// <param name="Note">What a reader has to know about this row; empty when nothing.</param>
internal sealed record RowResult(string Row, string Subject, IReadOnlyList<IReadOnlyDictionary<string, IReadOnlyList<Sample>>> Rounds, string Note)
{
    public IReadOnlyList<string> Contenders => Rounds.Count == 0 ? [] : [.. Rounds[0].Keys];

    /// <summary>Mean of a figure over all turns; null when it was not measured.</summary>
    public double? Mean(string contender, Figure figure) => Mean(Rounds, contender, figure);

    /// <summary>The subject against another contender; null when either has no such figure.</summary>
    public Comparison? Compare(string reference, Figure figure)
    {
        if (Mean(reference, figure) is not { } all || Mean(Subject, figure) is not { } ours)
        {
            return null;
        }

        double[] ratios =
        [
            .. Rounds.Select(round => figure.Ratio(Mean([round], reference, figure) ?? double.NaN, Mean([round], Subject, figure) ?? double.NaN)),
        ];
        return new Comparison(figure.Ratio(all, ours), ratios.Min(), ratios.Max());
    }

    private static double? Mean(IEnumerable<IReadOnlyDictionary<string, IReadOnlyList<Sample>>> rounds, string contender, Figure figure)
    {
        IEnumerable<Sample> measured = rounds.SelectMany(round => round.GetValueOrDefault(contender, [])).Where(sample => sample.Values.ContainsKey(figure));
        double[] values = [.. measured.Select(sample => sample.Values[figure])];
        return values.Length == 0 ? null : values.Average();
    }
}

using System.Globalization;
using System.Text;
using Sluice.Bench.Measure;
using Sluice.Bench.Results;

namespace Sluice.Bench.Gate;

/// <summary>Judges rows, and tells the verdicts as a table.</summary>
internal static class GateReport
{
    public const string Base = "base";
    public const string Head = "head";

    /// <summary>A verdict for each figure that all samples of a row have. Figures that are only told are judged Good at worst.</summary>
    public static IReadOnlyList<GateVerdict> Judge(RowResult row) =>
    [
        .. from figure in Figure.All
           where row.Rounds.All(round => round.Values.All(samples => samples.All(sample => sample.Values.GetValueOrDefault(figure) > 0)))
           let verdict = GateJudge.Judge(figure, [.. row.Rounds.Select(round => Round(round, figure))])
           select figure.IsJudged ? verdict : verdict with { Outcome = Outcome.Good },
    ];

    /// <summary>The rounds of both measurements of a row as one.</summary>
    public static RowResult Pool(RowResult first, RowResult second) => first with { Rounds = [.. first.Rounds, .. second.Rounds] };

    public static string Text(IReadOnlyList<(RowResult Row, IReadOnlyList<GateVerdict> Verdicts)> rows)
    {
        var text = new StringBuilder();
        text.AppendLine("| row | figure | base | head | ratio | noise | drift | verdict |").AppendLine("|---|---|---:|---:|---:|---:|---:|---|");
        foreach ((RowResult row, IReadOnlyList<GateVerdict> verdicts) in rows)
        {
            foreach (GateVerdict verdict in verdicts)
            {
                text.AppendLine(Line(row, verdict));
            }
        }

        return text.ToString();
    }

    private static string Line(RowResult row, GateVerdict verdict)
    {
        string values = string.Join(" | ", new[] { Base, Head }.Select(side => MarkdownResults.Number(row.Mean(side, verdict.Figure)!.Value)));
        string factors = string.Create(
            CultureInfo.InvariantCulture, $"{verdict.Ratio:f3} | ±{(verdict.Noise - 1) * 100:f1} % | {(verdict.Drift - 1) * 100:f1} %");
        return $"| {row.Row} | {verdict.Figure.Name}, {verdict.Figure.Unit} | {values} | {factors} | {Word(verdict)} |";
    }

    private static string Word(GateVerdict verdict) => verdict.Outcome switch
    {
        Outcome.Worse => "**WORSE**",
        Outcome.Blind => string.Create(
            CultureInfo.InvariantCulture, $"too noisy: a loss below {(1 - (GateJudge.RatioMin / verdict.Noise)) * 100:f0} % would not show"),
        _ => verdict.Figure.IsJudged ? "good" : "told only",
    };

    private static GateRound Round(IReadOnlyDictionary<string, IReadOnlyList<Sample>> round, Figure figure) =>
        new(round[Base][0].Values[figure], round[Head][0].Values[figure], round[Head][1].Values[figure], round[Base][1].Values[figure]);
}

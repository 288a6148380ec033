using System.Globalization;
using System.Text;
using Sluice.Bench.Measure;

namespace Sluice.Bench.Results;

/// <summary>Results for people: the machine, then a table a kind of row. docs/PERFORMANCE.md says how to read it.</summary>
internal static class MarkdownResults
{
    /// <summary>What ratios are shown of, in order: of the first figure that a row has. Requests of a fixed size and their bytes have one ratio.</summary>
    private static readonly (string Title, Figure[] Figures)[] s_compared =
    [
        ("throughput", [Figure.Requests, Figure.Rate]), ("CPU", [Figure.CpuPerRequest, Figure.CpuPerGiB]), ("p99", [Figure.P99]),
        ("start", [Figure.Start]), ("time", [Figure.Time]),
    ];

    public static string Text(RunReport report)
    {
        var text = new StringBuilder();
        Head(text, report);
        foreach (IGrouping<string, RowResult> group in report.Rows.GroupBy(row => row.Row.Split('/')[0]))
        {
            Table(text, group.Key, [.. group]);
        }

        if (report.Failures.Count > 0)
        {
            text.AppendLine("## Not measured").AppendLine();
            report.Failures.ForEach(failure => text.AppendLine(CultureInfo.InvariantCulture, $"- `{failure.Row}`: {failure.Reason.ReplaceLineEndings(" ")}"));
        }

        return text.ToString().TrimEnd() + "\n";
    }

    /// <summary>A row as it is told at once.</summary>
    public static IEnumerable<string> Lines(RowResult row) => row.Contenders.Select(contender =>
        $"{contender,-28} " + string.Join("  ", Figure.All.Where(figure => row.Mean(contender, figure) is not null)
            .Select(figure => $"{figure.Name} {Number(row.Mean(contender, figure)!.Value)} {figure.Unit}")) + Told(row, contender));

    private static void Head(StringBuilder text, RunReport report)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        text.AppendLine(culture, $"# {report.Facts.TakenUtc:yyyy-MM-dd}, commit {report.Facts.Commit}{(report.Facts.IsDirty ? " with changes" : "")}").AppendLine();
        if (report.Facts.Warning is { } warning)
        {
            text.AppendLine(culture, $"**{warning}**").AppendLine();
        }

        text.AppendLine(culture, $"{report.Facts.Cpu}, {report.Facts.Cores} cores, {report.Facts.MemoryGiB:f0} GiB, Linux {report.Facts.Kernel},");
        text.AppendLine(culture, $"files on {report.Facts.FileSystem};");
        text.AppendLine(culture, $"server on core {report.Settings.ServerCores}, client on core {report.Settings.ClientCores}; {report.Method};");
        text.AppendLine(culture, $"{report.Settings.Rounds} rounds of A-B-B-A, {report.Settings.Seconds} s a turn, load average {report.Facts.LoadAverage:f2} at the start.");
        text.AppendLine("A ratio says how many times better Sluice is than the line's contender, with the least and the most of a single round.").AppendLine();
    }

    private static void Table(StringBuilder text, string title, IReadOnlyList<RowResult> rows)
    {
        bool IsMeasured(Figure figure) => rows.Any(row => row.Contenders.Any(contender => row.Mean(contender, figure) is not null));
        Figure[] figures = [.. Figure.All.Where(IsMeasured)];
        (string Title, Figure[] Figures)[] compared = [.. s_compared.Where(one => one.Figures.Any(figures.Contains))];
        text.AppendLine(CultureInfo.InvariantCulture, $"## {title}").AppendLine();
        string columns = string.Concat(figures.Select(figure => $" {figure.Name}, {figure.Unit} |")) + string.Concat(compared.Select(one => $" × {one.Title} |"));
        text.AppendLine($"| row | contender |{columns}");
        text.AppendLine($"|---|---|{string.Concat(Enumerable.Repeat("---:|", figures.Length))}{string.Concat(Enumerable.Repeat("---|", compared.Length))}");
        foreach (RowResult row in rows)
        {
            foreach (string contender in row.Contenders)
            {
                string values = string.Concat(figures.Select(figure => $" {(row.Mean(contender, figure) is { } mean ? Number(mean) : "")} |"));
                string ratios = string.Concat(compared.Select(one => $" {Ratio(row, contender, one.Figures)} |"));
                text.AppendLine($"| {row.Row} | {contender} |{values}{ratios}");
            }
        }

        text.AppendLine();
        foreach (RowResult row in rows.Where(row => row.Note.Length > 0))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"- `{row.Row}`: {row.Note}");
        }

        if (rows.Any(row => row.Note.Length > 0))
        {
            text.AppendLine();
        }
    }

    private static string Told(RowResult row, string contender)
    {
        IEnumerable<(string Title, string Text)> known = s_compared.Select(one => (one.Title, Ratio(row, contender, one.Figures)));
        string[] ratios = [.. known.Where(one => one.Text.Length > 0).Select(one => $"{one.Title} × {one.Text}")];
        return ratios.Length == 0 ? "" : "  → " + string.Join(", ", ratios);
    }

    private static string Ratio(RowResult row, string contender, Figure[] figures) =>
        contender != row.Subject && figures.Select(figure => row.Compare(contender, figure)).FirstOrDefault(one => one is not null) is { } first
            ? string.Create(CultureInfo.InvariantCulture, $"{first.Ratio:f2} ({first.Least:f2}–{first.Most:f2})")
            : "";

    /// <summary>Three digits that count.</summary>
    internal static string Number(double value) => Math.Abs(value) switch
    {
        >= 100 => value.ToString("f0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("f1", CultureInfo.InvariantCulture),
        >= 1 => value.ToString("f2", CultureInfo.InvariantCulture),
        _ => value.ToString("f3", CultureInfo.InvariantCulture),
    };
}

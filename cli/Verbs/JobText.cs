using System.Globalization;
using System.Text.Json;
using Sluice.Cli.Terminal;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary>Jobs and what they found, for people and as JSON.</summary>
public static class JobText
{
    /// <summary>Heading of the lines of a list.</summary>
    public static string Heading => $"{"id",-12}  {"kind",-16}  {"state",-8}  {"done",5}  {"objects",9}  {"bytes",10}  {"started",-19}  target";

    public static string Line(JobView job) => PrintableText.Of(
        $"{job.Id,-12}  {job.Kind,-16}  {job.State,-8}  {Percent(job),5}  {Number(job.Objects),9}  {ProgressText.Size(job.Bytes),10}  {Time(job.StartedAt)}  {job.Target}");

    public static string Document(JobView job)
    {
        List<string> lines =
        [
            $"id = {job.Id}",
            $"kind = {job.Kind}",
            $"target = {job.Target}",
            $"state = {job.State}",
            $"started = {Time(job.StartedAt)}",
        ];
        Add(lines, "ended", job.EndedAt is { } ended ? Time(ended) : "");
        Add(lines, "done", Percent(job));
        lines.Add($"objects = {Of(Number(job.Objects), job.ObjectsExpected == 0 ? "" : Number(job.ObjectsExpected))}");
        lines.Add($"bytes = {Of(ProgressText.Size(job.Bytes), job.BytesExpected == 0 ? "" : ProgressText.Size(job.BytesExpected))}");
        lines.Add($"rate = {ProgressText.Size(job.BytesPerSecond)}/s");
        Add(lines, "remaining", job.EndedAt is null && job.Remaining is { } left ? $"{left:d\\.hh\\:mm\\:ss}" : "");
        Add(lines, "failed", job.Failed == 0 ? "" : Number(job.Failed));
        Add(lines, "findings", job.Findings == 0 ? "" : Number(job.Findings));
        Add(lines, "settings", job.Settings);
        Add(lines, "detail", job.Detail);
        Add(lines, "error", job.Error);
        return string.Join('\n', lines.Select(PrintableText.Of));
    }

    public static void Write(Utf8JsonWriter writer, JobView job, JobReport? report = null)
    {
        writer.WriteStartObject();
        writer.WriteString("id", job.Id);
        writer.WriteString("kind", job.Kind);
        writer.WriteString("target", job.Target);
        writer.WriteString("state", job.State);
        writer.WriteString("started", job.StartedAt);
        if (job.EndedAt is { } ended)
        {
            writer.WriteString("ended", ended);
        }

        if (job.Progress is { } share)
        {
            writer.WriteNumber("progress", share);
        }

        if (job.Remaining is { } left)
        {
            writer.WriteNumber("remaining_seconds", left.TotalSeconds);
        }

        writer.WriteNumber("objects", job.Objects);
        writer.WriteNumber("objects_expected", job.ObjectsExpected);
        writer.WriteNumber("bytes", job.Bytes);
        writer.WriteNumber("bytes_expected", job.BytesExpected);
        writer.WriteNumber("bytes_per_second", job.BytesPerSecond);
        writer.WriteNumber("failed", job.Failed);
        writer.WriteNumber("findings", job.Findings);
        writer.WriteString("settings", job.Settings);
        writer.WriteString("detail", job.Detail);
        writer.WriteString("error", job.Error);
        if (report is not null)
        {
            WriteFindings(writer, "report", report.Findings);
        }

        writer.WriteEndObject();
    }

    /// <summary>The findings as a table, a line each; empty when there are none.</summary>
    public static string Table(JobReport report)
    {
        if (report.Findings.Count == 0)
        {
            return "";
        }

        int[] widths = new int[4];
        List<string[]> rows = [["mountpath", "bucket", "what", "done", "name"]];
        rows.AddRange(report.Findings.Select(finding => new[]
        {
            Dash(finding.Mountpath), Dash(finding.Bucket), finding.Kind, finding.Action, $"{finding.Name}: {finding.Detail}",
        }));
        foreach (string[] row in rows)
        {
            for (int i = 0; i < widths.Length; i++)
            {
                widths[i] = Math.Max(widths[i], row[i].Length);
            }
        }

        var lines = rows.Select(row => string.Concat(row.Take(widths.Length).Select((cell, i) => cell.PadRight(widths[i] + 2))) + row[^1]).ToList();
        if (report.Count > report.Findings.Count)
        {
            lines.Add($"and {report.Count - report.Findings.Count} more");
        }

        return string.Join('\n', lines.Select(PrintableText.Of));
    }

    public static void WriteFindings(Utf8JsonWriter writer, string member, IEnumerable<JobFindingView> findings)
    {
        writer.WriteStartArray(member);
        foreach (JobFindingView finding in findings)
        {
            writer.WriteStartObject();
            writer.WriteString("mountpath", finding.Mountpath);
            writer.WriteString("bucket", finding.Bucket);
            writer.WriteString("name", finding.Name);
            writer.WriteString("kind", finding.Kind);
            writer.WriteString("detail", finding.Detail);
            writer.WriteString("action", finding.Action);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void Add(List<string> lines, string key, string value)
    {
        if (value.Length > 0)
        {
            lines.Add($"{key} = {value}");
        }
    }

    private static string Of(string done, string all) => all.Length == 0 ? done : $"{done} of {all}";

    private static string Dash(string text) => text.Length == 0 ? "-" : text;

    private static string Percent(JobView job) =>
        job.Progress is { } share ? ((int)(share * 100)).ToString(CultureInfo.InvariantCulture) + " %" : "";

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
}

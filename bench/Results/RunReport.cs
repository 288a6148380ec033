using System.Globalization;
using Sluice.Bench.Machine;
using Sluice.Bench.Measure;
using Sluice.Bench.Run;

namespace Sluice.Bench.Results;

/// <summary>Everything a run has found so far, and its two files.</summary>
internal sealed class RunReport(MachineFacts facts, BenchSettings settings)
{
    public MachineFacts Facts => facts;

    public BenchSettings Settings => settings;

    /// <summary>How processor time is counted and cores are set on this machine.</summary>
    public string Method { get; } = ControlGroups.Method(settings.ServerCores);

    public List<RowResult> Rows { get; } = [];

    /// <summary>Rows that could not be measured, each with the reason.</summary>
    public List<(string Row, string Reason)> Failures { get; } = [];

    /// <summary>A file of the results: DATE-COMMIT; a run of some rows takes no other's place.</summary>
    public string PathOf(string directory, string extension)
    {
        string kind = (facts.IsDirty ? "-dirty" : "") + (settings.Rows.Length > 0 ? "-some" : "");
        return Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"{facts.TakenUtc:yyyy-MM-dd}-{facts.Commit}{kind}.{extension}"));
    }

    public async Task WriteAsync(string directory, CancellationToken token)
    {
        Directory.CreateDirectory(directory);
        await File.WriteAllTextAsync(PathOf(directory, "md"), MarkdownResults.Text(this), token);
        await File.WriteAllBytesAsync(PathOf(directory, "json"), JsonResults.Bytes(this), token);
    }
}

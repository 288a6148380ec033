using System.Globalization;
using Sluice.Loader.Flags;
using Sluice.Loader.Statistics;

namespace Sluice.Loader.Run;

/// <summary>What is told after the final block beyond the contract: what was verified, what was late, what the loader itself cost.</summary>
internal sealed class Summary(LoadOptions options, LoadStatistics total)
{
    /// <summary>Writes the lines that apply. <paramref name="processor"/> is this process's time while it measured.</summary>
    public async Task WriteAsync(TextWriter output, TimeSpan processor)
    {
        long requests = total.Count;
        if (options.Verify)
        {
            await output.WriteLineAsync(
                $"Verified: {Cells.Count(total.VerifiedContents)} contents and {Cells.Count(total.VerifiedChecksums)} checksums"
                + $" of {Cells.Count(total.ReadCount)} GETs");
        }

        if (options.Rate > 0)
        {
            await output.WriteLineAsync(
                $"Open loop: {Cells.Count(options.Rate)} requests/s; {Cells.Count(total.Late)} began late,"
                + $" {Cells.Count(total.Dropped)} were dropped, at most {Cells.Count(total.BacklogMax)} waited");
        }

        string each = requests > 0 ? string.Create(CultureInfo.InvariantCulture, $", {processor.TotalMicroseconds / requests:F2}µs a request") : "";
        string all = string.Create(CultureInfo.InvariantCulture, $"Loader: {processor.TotalSeconds:F2}s of processor time");
        await output.WriteLineAsync($"{all}{each}; {Cells.Count(total.Connections)} connections made");
    }
}

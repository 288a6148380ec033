using System.Diagnostics;
using System.Globalization;

namespace Sluice.Bench.Run;

/// <summary>
/// A line a step: which row of how many, what is done, and when all will be over. The estimate is what rows claim, corrected by how long the finished
/// ones took.
/// </summary>
internal sealed class Progress(TextWriter output, IReadOnlyList<(string Name, TimeSpan Estimate)> rows)
{
    private readonly long _started = Stopwatch.GetTimestamp();
    private int _row = -1;

    /// <summary>The next row begins.</summary>
    public void Next() => _row++;

    /// <summary>Tells a step of the present row.</summary>
    public void Say(string step)
    {
        (string name, _) = rows[_row];
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"[{_row + 1,3}/{rows.Count}] {name,-32} {step,-58} {Left(Stopwatch.GetElapsedTime(_started)):hh\\:mm\\:ss} left"));
        output.Flush();
    }

    /// <summary>Time left when so much has passed at the beginning of the present row.</summary>
    internal TimeSpan Left(TimeSpan elapsed)
    {
        TimeSpan done = Sum(rows.Take(_row));
        TimeSpan left = Sum(rows.Skip(_row));
        double factor = done > TimeSpan.Zero && elapsed > done * 0.5 ? Math.Clamp(elapsed / (done + rows[_row].Estimate), 0.5, 4) : 1;
        return left * factor;
    }

    private static TimeSpan Sum(IEnumerable<(string Name, TimeSpan Estimate)> some) => some.Aggregate(TimeSpan.Zero, (sum, row) => sum + row.Estimate);
}

using System.Globalization;

namespace Sluice.Cli.Terminal;

/// <summary>How far a transfer is. A total below zero is not known yet.</summary>
public readonly record struct ProgressSample(long BytesDone, long BytesTotal, long ObjectsDone, long ObjectsTotal, double BytesPerSecond);

/// <summary>The progress line, as a function of its numbers alone.</summary>
public static class ProgressText
{
    private const int BarCells = 24;
    private static readonly string[] s_units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

    /// <summary>One line without a line end, cut to <paramref name="columns"/>.</summary>
    public static string Render(ProgressSample sample, int columns)
    {
        string objects = sample.ObjectsTotal is 0 or 1 ? ""
            : sample.ObjectsTotal < 0 ? $"  {sample.ObjectsDone} objects"
            : $"  {sample.ObjectsDone}/{sample.ObjectsTotal} objects";
        string rate = $"{Size((long)sample.BytesPerSecond)}/s";
        string line;
        if (sample.BytesTotal < 0)
        {
            line = $"{Size(sample.BytesDone)}  {rate}{objects}";
        }
        else
        {
            double part = sample.BytesTotal == 0 ? 1 : Math.Clamp((double)sample.BytesDone / sample.BytesTotal, 0, 1);
            int cells = (int)(part * BarCells);
            string bar = $"[{new string('=', cells)}{new string(' ', BarCells - cells)}]";
            string percent = ((int)(part * 100)).ToString(CultureInfo.InvariantCulture).PadLeft(3);
            line = $"{bar} {percent} %  {Size(sample.BytesDone)} / {Size(sample.BytesTotal)}  {rate}  ETA {Remaining(sample)}{objects}";
        }

        return line.Length <= columns ? line : line[..Math.Max(columns, 0)];
    }

    /// <summary>A size for people: one decimal, binary units.</summary>
    public static string Size(long bytes)
    {
        double value = bytes;
        int power = 0;
        while (value >= 1024 && power < s_units.Length - 1)
        {
            (value, power) = (value / 1024, power + 1);
        }

        return power == 0 ? $"{bytes} B" : string.Create(CultureInfo.InvariantCulture, $"{value:0.0} {s_units[power]}");
    }

    /// <summary>What a transfer of many objects came to; the unverified ones are named when there are any.</summary>
    public static string Sum(long objects, long bytes, long unverified) =>
        $"{objects} objects, {Size(bytes)}{(unverified == 0 ? "" : $", {unverified} of them not verified")}";

    private static string Remaining(ProgressSample sample)
    {
        long left = Math.Max(sample.BytesTotal - sample.BytesDone, 0);
        double seconds = left == 0 ? 0 : Math.Ceiling(left / sample.BytesPerSecond);
        // Below a byte a second there is no honest estimate; a hundred hours is no useful one.
        return !double.IsFinite(seconds) || seconds >= 360_000 ? "--:--"
            : seconds >= 3600 ? $"{(int)seconds / 3600}:{(int)seconds / 60 % 60:00}:{(int)seconds % 60:00}"
            : $"{(int)seconds / 60}:{(int)seconds % 60:00}";
    }
}

// Texts of settings to values and back. Each refusal is the rest of a sentence that begins with where the text stands.
using System.Globalization;
using System.Net;
using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Space;

namespace Sluice.Server.Settings;

/// <summary>Least and most of a duration, both allowed.</summary>
public readonly record struct DurationRange(TimeSpan Least, TimeSpan Most);

/// <summary>The parsers behind <see cref="SettingsTable"/>.</summary>
internal static class SettingParsers
{
    private static readonly (string Name, LogLevel Level)[] s_levels =
    [
        ("trace", LogLevel.Trace), ("debug", LogLevel.Debug), ("info", LogLevel.Information), ("warn", LogLevel.Warning),
        ("error", LogLevel.Error), ("critical", LogLevel.Critical), ("none", LogLevel.None),
        ("information", LogLevel.Information), ("warning", LogLevel.Warning),
    ];

    private static readonly (string Unit, long Bytes)[] s_units =
        [("PiB", 1L << 50), ("TiB", 1L << 40), ("GiB", 1L << 30), ("MiB", 1L << 20), ("KiB", 1L << 10)];

    public static Parsed<string> Directory(SettingText text) => CanonicalPath.OfDirectory(text.Text, text.Directory);

    /// <summary>An absolute path of a directory. Symbolic links stay: clients name files by the path that they know.</summary>
    public static Parsed<string> PromoteRoot(SettingText text)
    {
        Parsed<string> canonical = Directory(text);
        return canonical.Problem is not null ? canonical : new(Path.GetFullPath(text.Text, text.Directory), null);
    }

    /// <summary>An absolute path. Symbolic links stay: who renews a file by moving a link means the link.</summary>
    public static Parsed<string> File(SettingText text)
    {
        if (text.Text.Contains('\0', StringComparison.Ordinal))
        {
            return Refused<string>("the path contains a NUL character");
        }

        string path = Path.GetFullPath(text.Text, text.Directory);
        return System.IO.File.Exists(path) ? new(path, null)
            : Refused<string>(System.IO.Directory.Exists(path)
                ? $"{path} is a directory, not a file"
                : $"{path} does not exist, or this user may not reach it");
    }

    public static Parsed<IPEndPoint> EndPoint(SettingText text)
    {
        int colon = text.Text.LastIndexOf(':');
        string host = colon < 0 ? "" : text.Text[..colon];
        bool bracketed = host.Length > 2 && host[0] == '[' && host[^1] == ']';
        if (host.Length == 0 || (host.Contains(':', StringComparison.Ordinal) && !bracketed))
        {
            return Refused<IPEndPoint>($"'{text.Text}' is not HOST:PORT; write 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080");
        }

        string address = host == "localhost" ? "127.0.0.1" : bracketed ? host[1..^1] : host;
        if (!IPAddress.TryParse(address, out IPAddress? parsed) || IsShorthand(address))
        {
            return Refused<IPEndPoint>($"'{host}' is not an IP address; write the address of an interface, 0.0.0.0 for all, or localhost");
        }

        return ushort.TryParse(text.Text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port)
            ? new(new IPEndPoint(parsed, port), null)
            : Refused<IPEndPoint>($"'{text.Text[(colon + 1)..]}' is not a port; a port is a number from 0 to 65535");
    }

    public static Parsed<string> Uuid(SettingText text) => Guid.TryParseExact(text.Text, "D", out Guid uuid)
        ? new(uuid.ToString("D"), null)
        : Refused<string>($"'{text.Text}' is not the uuid of a mountpath; write its hexadecimal digits as 8-4-4-4-12");

    public static Parsed<long> Memory(SettingText text)
    {
        if (!SizeText.TryParse(text.Text, out long bytes))
        {
            return Refused<long>($"'{text.Text}' is not a size; write a number with a unit, as 512MiB or 4GiB");
        }

        return bytes >= SettingsTable.MemoryBytesMin
            ? new(bytes, null)
            : Refused<long>($"{text.Text} is too little; the least is {SizeText.Format(SettingsTable.MemoryBytesMin)}");
    }

    public static Parsed<int> RequestCount(SettingText text) =>
        int.TryParse(text.Text, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count >= 1
            ? new(count, null)
            : Refused<int>($"'{text.Text}' is not a number of requests; write a whole number from 1");

    public static Parsed<SpaceMarks> Marks(SettingText text)
    {
        string[] parts = text.Text.Split(',');
        var percents = new int[4];
        for (int i = 0; i < percents.Length; i++)
        {
            if (parts.Length != percents.Length || !int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out percents[i]))
            {
                return Refused<SpaceMarks>($"'{text.Text}' is not four percentages; write for example {SpaceMarks.Default}");
            }
        }

        var marks = new SpaceMarks(percents[0], percents[1], percents[2], percents[3]);
        return marks.Problem is { } problem ? Refused<SpaceMarks>(problem) : new(marks, null);
    }

    public static Parsed<IoBackend> Io(SettingText text)
    {
        foreach (IoBackend io in Enum.GetValues<IoBackend>())
        {
            if (text.Text == NameOf(io))
            {
                return new(io, null);
            }
        }

        return Refused<IoBackend>($"'{text.Text}' is not a kind of I/O; take auto, uring, sockets or threads");
    }

    public static Parsed<LogFormat> Format(SettingText text) => text.Text switch
    {
        "text" => new(LogFormat.Text, null),
        "json" => new(LogFormat.Json, null),
        _ => Refused<LogFormat>($"'{text.Text}' is not a log format; take text or json"),
    };

    public static Parsed<LogLevel> Level(SettingText text)
    {
        foreach ((string name, LogLevel level) in s_levels)
        {
            if (name.Equals(text.Text, StringComparison.OrdinalIgnoreCase))
            {
                return new(level, null);
            }
        }

        return Refused<LogLevel>($"'{text.Text}' is not a log level; take trace, debug, info, warn, error, critical or none");
    }

    public static Parsed<bool> Boolean(SettingText text) => text.Text switch
    {
        "true" => new(true, null),
        "false" => new(false, null),
        _ => Refused<bool>($"'{text.Text}' is neither true nor false"),
    };

    public static Parsed<TimeSpan> Duration(SettingText text, DurationRange range)
    {
        if (!DurationText.TryParse(text.Text, out TimeSpan duration))
        {
            return Refused<TimeSpan>($"'{text.Text}' is not a duration; write a number with a unit, as 30s, 500ms or 1m30s");
        }

        return duration >= range.Least && duration <= range.Most
            ? new(duration, null)
            : Refused<TimeSpan>($"{text.Text} is not from {DurationText.Format(range.Least)} to {DurationText.Format(range.Most)}");
    }

    /// <summary>The size in the largest unit that divides it, so that it reads back to the same bytes.</summary>
    public static string ExactSize(long bytes)
    {
        foreach ((string unit, long size) in s_units)
        {
            if (bytes != 0 && bytes % size == 0)
            {
                return string.Create(CultureInfo.InvariantCulture, $"{bytes / size}{unit}");
            }
        }

        return bytes.ToString(CultureInfo.InvariantCulture);
    }

    public static string NameOf(bool value) => value ? "true" : "false";

    public static string NameOf(IoBackend io) => io switch
    {
        IoBackend.Auto => "auto",
        IoBackend.Uring => "uring",
        IoBackend.Sockets => "sockets",
        _ => "threads",
    };

    public static string NameOf(LogFormat format) => format == LogFormat.Text ? "text" : "json";

    public static string NameOf(LogLevel level) => s_levels.First(row => row.Level == level).Name;

    // IPAddress.TryParse takes "1" and "127.1" too; an operator who writes them made a mistake.
    private static bool IsShorthand(string address) =>
        !address.Contains(':', StringComparison.Ordinal) && address.Count(c => c == '.') != 3;

    private static Parsed<T> Refused<T>(string problem) => new(default, problem);
}

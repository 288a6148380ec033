using System.Globalization;

namespace Sluice.Bench.Rows;

/// <summary>Sizes as rows name them.</summary>
internal static class Sizes
{
    public const long KiB = 1 << 10;
    public const long MiB = 1 << 20;
    public const long GiB = 1 << 30;

    /// <summary>4KiB, 16MiB, 1GiB.</summary>
    public static string Text(long bytes) => bytes switch
    {
        >= GiB when bytes % GiB == 0 => string.Create(CultureInfo.InvariantCulture, $"{bytes / GiB}GiB"),
        >= MiB when bytes % MiB == 0 => string.Create(CultureInfo.InvariantCulture, $"{bytes / MiB}MiB"),
        >= KiB when bytes % KiB == 0 => string.Create(CultureInfo.InvariantCulture, $"{bytes / KiB}KiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes}B"),
    };
}

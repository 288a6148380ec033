using System.Globalization;

namespace Sluice.Bench.Run;

/// <summary>What a run was told.</summary>
internal sealed record BenchSettings
{
    /// <summary>Names or patterns of rows, parted by commas; empty for all of the chosen set.</summary>
    public string Rows { get; init; } = "";

    /// <summary>Rounds of A-B-B-A a row; 1 to 100.</summary>
    public int Rounds { get; init; } = 2;

    /// <summary>Length of a turn; 1 to 600.</summary>
    public double Seconds { get; init; } = 2;

    /// <summary>All rows, not only those of a short run.</summary>
    public bool IsFull { get; init; }

    /// <summary>PUT goes to the directory itself, not to a fresh file system on a loop device in it.</summary>
    public bool IsInPlace { get; init; }

    /// <summary>The table goes into docs/PERFORMANCE.md too.</summary>
    public bool IsDocumented { get; init; }

    /// <summary>The published binary.</summary>
    public string Binary { get; init; } = "";

    /// <summary>Root of the source, for the commit.</summary>
    public string Repository { get; init; } = "";

    /// <summary>Where objects are stored: on the disk that is to be measured.</summary>
    public string Directory { get; init; } = Path.Combine(Path.GetTempPath(), "sluice-bench");

    /// <summary>Where results are written.</summary>
    public string Output { get; init; } = "";

    /// <summary>Cores of the server, as taskset(1) takes them.</summary>
    public string ServerCores { get; init; } = DefaultCores(isServer: true);

    /// <summary>Cores of the client.</summary>
    public string ClientCores { get; init; } = DefaultCores(isServer: false);

    /// <summary>How many cores the server has: nginx is given as many workers.</summary>
    public int ServerCoreCount => Each(ServerCores).Count();

    /// <summary>How many cores the client has.</summary>
    public int ClientCoreCount => Each(ClientCores).Count();

    /// <summary>Cores of a list such as 0-3,8.</summary>
    internal static IEnumerable<int> Each(string cores) => cores.Split(',').SelectMany(part =>
    {
        int[] ends = [.. part.Split('-').Select(end => int.Parse(end, CultureInfo.InvariantCulture))];
        return Enumerable.Range(ends[0], ends[^1] - ends[0] + 1);
    });

    /// <summary>
    /// One core for the server, a second one for the client, whatever the machine has: a figure of one core is comparable. With a single core both
    /// share it.
    /// </summary>
    private static string DefaultCores(bool isServer) => isServer || Environment.ProcessorCount == 1 ? "0" : "1";
}

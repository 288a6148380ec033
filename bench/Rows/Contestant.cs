using Sluice.Bench.Run;
using Sluice.Bench.Servers;

namespace Sluice.Bench.Rows;

/// <summary>A server by name: nginx, or a binary of ours with flags. A binary has mountpaths of its own, since a mountpath has one owner.</summary>
/// <param name="Binary">Null for nginx.</param>
internal sealed record Contestant(string Name, string? Binary, params string[] Flags)
{
    public static readonly Contestant Nginx = new("nginx", null);

    public bool IsNginx => Binary is null;

    public static Contestant Ours(BenchSettings settings) => new("sluice", settings.Binary);

    /// <summary>The same engine where io_uring is refused: Kestrel's own sockets and file I/O by threads.</summary>
    public static Contestant Fallback(BenchSettings settings) => new("sluice, sockets and threads", settings.Binary, "--io", "threads");

    /// <summary>Where it has what it stores, below the directory of a row.</summary>
    public string Home(string row) => Path.Combine(row, string.Concat(Name.Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : '-')));

    /// <summary>The server, not started yet.</summary>
    public IServer Make(BenchSettings settings, string row, IReadOnlyList<string> mountpaths, NginxOptions nginx, params string[] more)
    {
        string home = Home(row);
        Directory.CreateDirectory(home);
        return IsNginx
            ? new NginxServer(Name, home, settings.ServerCores, settings.ServerCoreCount, nginx)
            : new SluiceServer(Name, Binary!, settings.ServerCores, mountpaths, [.. Flags, .. more]);
    }
}

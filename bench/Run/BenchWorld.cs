using Sluice.Bench.Clients;
using Sluice.Bench.Machine;

namespace Sluice.Bench.Run;

/// <summary>What rows share: settings, a directory of this run, and clients. Disposing removes the directory.</summary>
internal sealed class BenchWorld : IDisposable
{
    private int _directories;

    public BenchWorld(BenchSettings settings, CancellationToken token)
    {
        (Settings, Token) = (settings, token);
        Home = Path.Combine(settings.Directory, $"run-{Environment.ProcessId}");
        Directory.CreateDirectory(Home);
    }

    public BenchSettings Settings { get; }

    /// <summary>Cancelled when the run is to end early.</summary>
    public CancellationToken Token { get; }

    /// <summary>The directory of this run.</summary>
    public string Home { get; }

    /// <summary>An empty directory for a row.</summary>
    public string MakeDirectory(string row)
    {
        string path = Path.Combine(Home, $"{++_directories}-{row.Replace('/', '-')}");
        Directory.CreateDirectory(path);
        return path;
    }

    /// <summary>A client by the name that rows have it under.</summary>
    public IClient Client(string name) => name switch
    {
        "wrk" => new WrkClient(Home, Settings.ClientCores, Settings.ClientCoreCount),
        "load" => Load,
        _ => throw new BenchException($"there is no client {name}"),
    };

    /// <summary>wrk with OpenSSL settings of a row's own.</summary>
    public IClient WrkOverTls(string configuration) =>
        new WrkClient(Home, Settings.ClientCores, Settings.ClientCoreCount) { OpenSslConfiguration = configuration };

    /// <summary>The load generator, for rows with flags of their own.</summary>
    public LoadClient Load => new(Home, Settings.ClientCores, Settings.Binary);

    /// <summary>Removes what a row stored.</summary>
    public static void Remove(string directory)
    {
        if (directory.Length > 0 && Directory.Exists(directory))
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    public void Dispose() => Remove(Home);
}

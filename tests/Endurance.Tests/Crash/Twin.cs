using Sluice.EndToEnd.Tests.Support;

namespace Sluice.Endurance.Tests.Crash;

/// <summary>A known-bad twin of the published binary: the same bytes, with a library preloaded that leaves out what the twin is named for.</summary>
public sealed class Twin : IDisposable
{
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("sluice-twin-");

    private Twin(string omits)
    {
        Variables = new() { ["LD_PRELOAD"] = Path.Combine(_home.FullName, "preload.so"), ["CRASH_TWIN"] = omits };
    }

    /// <summary>What the server is started with.</summary>
    public Dictionary<string, string> Variables { get; }

    /// <summary>Compiles the library. <paramref name="omits"/>: "directories", "files", or "nothing" for a twin that is well.</summary>
    public static async Task<Twin> MakeAsync(string omits)
    {
        var twin = new Twin(omits);
        string source = Path.Combine(AppContext.BaseDirectory, "Crash/preload.c");
        (int code, _, string error) = await SluiceProcess.RunCommandAsync(["gcc", "-O2", "-Wall", "-shared", "-fPIC", "-o", twin.Variables["LD_PRELOAD"], source]);
        Assert.True(code == 0, error);
        return twin;
    }

    /// <inheritdoc/>
    public void Dispose() => _home.Delete(recursive: true);
}

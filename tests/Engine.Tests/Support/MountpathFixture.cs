using Microsoft.Extensions.Logging.Abstractions;

namespace Sluice.Engine.Tests.Support;

/// <summary>
/// Directories that mountpaths are made of, and what an engine says when it is started over them. Nothing may stay open after a refusal.
/// </summary>
public sealed class MountpathFixture : IDisposable
{
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("sluice-paths-");

    public TestedFileIo Io { get; } = new(TestedFileIo.Default, workers: 2);

    public string Home => _home.FullName;

    /// <summary>The path of a mountpath; the directory is made when <paramref name="make"/> says so.</summary>
    public string At(string name, bool make = true)
    {
        string path = Path.Combine(_home.FullName, name);
        return make ? Directory.CreateDirectory(path).FullName : path;
    }

    public static EngineOptions Options(params string[] paths) => new()
    {
        Mountpaths = paths,
        AllowSharedDisk = true,
        MemoryBytes = 16 << 20,
        FlushInterval = TimeSpan.Zero,
        Health = new() { Interval = TimeSpan.Zero },
    };

    /// <summary>Starts and stops an engine; answers what it would have an operator look at.</summary>
    public async Task<IReadOnlyList<string>> AcceptedAsync(EngineOptions options)
    {
        Result<ObjectEngine> opened = await OpenAsync(options);
        Assert.True(opened.Ok, opened.Error?.Message);
        IReadOnlyList<string> warnings = (await opened.Value.StatusAsync()).Warnings;
        await opened.Value.DisposeAsync();
        Assert.Equal(0, Io.OpenCount);
        return warnings;
    }

    /// <summary>The sentence with which an engine refuses to start.</summary>
    public async Task<string> RefusedAsync(EngineOptions options)
    {
        Result<ObjectEngine> opened = await OpenAsync(options);
        Assert.False(opened.Ok, "the mountpaths were accepted");
        Assert.Equal(0, Io.OpenCount);
        return opened.Error!.Message;
    }

    /// <summary>The identity of a mountpath.</summary>
    public static string UuidOf(string path)
    {
        string json = File.ReadAllText(Path.Combine(path, ".sluice/identity")).Split('\n', 2)[1];
        return System.Text.Json.JsonDocument.Parse(json).RootElement.GetProperty("uuid").GetString()!;
    }

    public Task<Result<ObjectEngine>> OpenAsync(EngineOptions options)
    {
        Children.Settle();
        return ObjectEngine.OpenAsync(options, new EngineEnvironment { Io = Io.Io, Time = TimeProvider.System, Log = NullLogger.Instance });
    }

    public void Dispose()
    {
        Assert.Equal(0, Io.OpenCount);
        Io.Dispose();
        _home.Delete(recursive: true);
    }
}

// A folder of a test's own, gone when the test ends, and the machine and command world that tests run in.
using System.Globalization;
using Sluice.Server.Settings;

namespace Sluice.Server.Tests.Support;

/// <summary>A temporary folder with a canonical path.</summary>
public sealed class TestFolder : IDisposable
{
    public TestFolder()
    {
        string path = Directory.CreateTempSubdirectory("sluice-server-").FullName;
        Path = new FileInfo(path).LinkTarget ?? path;
    }

    public string Path { get; }

    public string Make(string name) => Directory.CreateDirectory(System.IO.Path.Combine(Path, name)).FullName;

    public string Write(string name, string text)
    {
        string path = System.IO.Path.Combine(Path, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    public SettingsSources Sources(string? yaml = null) => new()
    {
        ConfigFlag = yaml is null ? null : Write("sluice.yaml", yaml),
        WorkingDirectory = Path,
        Machine = TestMachine.With(memoryMiB: 1000),
    };

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>Machines that tests run on.</summary>
public static class TestMachine
{
    public static MachineReport With(long memoryMiB) => new()
    {
        Cores = 2,
        MemoryBytes = memoryMiB << 20,
        CgroupMemoryBytes = null,
        Kernel = "6.1.0",
        OpenFilesMax = 1024,
        LockedBytesMax = 8 << 20,
        MissingCpuFeatures = [],
    };
}

/// <summary>Runs command lines in this process.</summary>
public sealed class CommandLine(TestFolder folder)
{
    private readonly StringWriter _output = new(CultureInfo.InvariantCulture);
    private readonly StringWriter _error = new(CultureInfo.InvariantCulture);

    public Dictionary<string, string> Environment { get; } = [];

    public string Output => _output.ToString();

    public string Error => _error.ToString();

    public Task<int> RunAsync(params string[] args) => Program.RunAsync(args, new CommandWorld
    {
        Output = _output,
        Error = _error,
        Environment = Environment,
        WorkingDirectory = folder.Path,
        Machine = TestMachine.With(memoryMiB: 1000),
    });
}

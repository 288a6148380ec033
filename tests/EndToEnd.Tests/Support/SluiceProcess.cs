// The published binary as a process: started with mountpaths, stopped or killed, started again. EndToEnd tests meet Sluice as a user would.
using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;

namespace Sluice.EndToEnd.Tests.Support;

/// <summary>A running <c>sluice serve</c>. Disposing kills it if it still runs.</summary>
public sealed partial class SluiceProcess : IDisposable
{
    private const string BinaryVariable = "SLUICE_BINARY";

    private readonly Process _process;
    private readonly StringBuilder _log = new();

    private SluiceProcess(Process process, Task<string> listening)
    {
        _process = process;
        Listening = listening;
    }

    /// <summary>Path of the binary: SLUICE_BINARY, or out/sluice of the repository.</summary>
    public static string Binary { get; } = Environment.GetEnvironmentVariable(BinaryVariable) ?? Find("out/sluice");

    /// <summary>The line that says where it listens; fails when the process ends before.</summary>
    private Task<string> Listening { get; }

    /// <summary>Where it answers.</summary>
    public Uri Endpoint { get; private set; } = null!;

    /// <summary>Its process id.</summary>
    public int Id => _process.Id;

    /// <summary>All it has logged.</summary>
    public string Log
    {
        get
        {
            lock (_log)
            {
                return _log.ToString();
            }
        }
    }

    /// <summary>Starts a server and waits until it listens.</summary>
    public static Task<SluiceProcess> StartAsync(IEnumerable<string> mountpaths, params string[] more) => StartAsync(mountpaths, [], more);

    /// <summary>Starts a server with environment variables of its own and waits until it listens.</summary>
    public static Task<SluiceProcess> StartAsync(IEnumerable<string> mountpaths, Dictionary<string, string> variables, params string[] more)
    {
        ProcessStartInfo start = Command([Binary, .. Serve(mountpaths, more)]);
        foreach ((string name, string value) in variables)
        {
            start.Environment[name] = value;
        }

        return StartAsync(start);
    }

    /// <summary>Starts a server by way of a command that becomes it.</summary>
    public static Task<SluiceProcess> StartUnderAsync(string[] prefix, IEnumerable<string> mountpaths, params string[] more) =>
        StartAsync(Command([.. prefix, Binary, .. Serve(mountpaths, more)]));

    private static string[] Serve(IEnumerable<string> mountpaths, string[] more) =>
        ["serve", "--listen", "127.0.0.1:0", .. mountpaths.SelectMany(path => new[] { "--mountpath", path }), .. more];

    private static ProcessStartInfo Command(string[] command)
    {
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true };
        start.Environment.Remove(BinaryVariable); // ours; the server refuses variables of its prefix that it does not know
        return start;
    }

    private static async Task<SluiceProcess> StartAsync(ProcessStartInfo start)
    {
        var line = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var process = new Process { StartInfo = start, EnableRaisingEvents = true };
        var server = new SluiceProcess(process, line.Task);
        process.ErrorDataReceived += (_, received) =>
        {
            if (received.Data is not { } text)
            {
                line.TrySetException(new InvalidOperationException($"the server ended:\n{server.Log}"));
                return;
            }

            lock (server._log)
            {
                server._log.AppendLine(text);
            }

            if (text.Contains(" listens on ", StringComparison.Ordinal))
            {
                line.TrySetResult(text);
            }
        };
        process.Start();
        process.BeginErrorReadLine();
        string listening = await server.Listening.WaitAsync(TimeSpan.FromSeconds(60));
        server.Endpoint = new Uri($"http://{ListensOn().Match(listening).Groups[1].Value}");
        return server;
    }

    /// <summary>Runs any verb of the binary to its end.</summary>
    public static Task<(int Code, string Output, string Error)> RunAsync(string? input, Uri? endpoint, params string[] arguments) =>
        RunCommandAsync([Binary, .. arguments], input, endpoint);

    /// <summary>Runs a verb of the binary by way of a command that becomes it.</summary>
    public static Task<(int Code, string Output, string Error)> RunUnderAsync(string[] prefix, params string[] arguments) =>
        RunCommandAsync([.. prefix, Binary, .. arguments]);

    /// <summary>Runs any command to its end.</summary>
    public static async Task<(int Code, string Output, string Error)> RunCommandAsync(string[] command, string? input = null, Uri? endpoint = null)
    {
        ProcessStartInfo start = Command(command);
        (start.RedirectStandardInput, start.RedirectStandardOutput) = (true, true);
        start.Environment["SLUICE_ENDPOINT"] = endpoint?.GetLeftPart(UriPartial.Authority) ?? "http://127.0.0.1:1";
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(2));
        return (process.ExitCode, await output, await error);
    }

    /// <summary>Sends SIGTERM and answers the exit code.</summary>
    public Task<int> StopAsync()
    {
        Signal("TERM");
        return EndAsync();
    }

    /// <summary>Waits for its end and answers the exit code.</summary>
    public async Task<int> EndAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        return _process.ExitCode;
    }

    /// <summary>Sends a signal.</summary>
    public void Signal(string name)
    {
        using Process kill = Process.Start("kill", [$"-{name}", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private static string Find(string relative)
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            string path = Path.Combine(at.FullName, relative);
            if (File.Exists(path))
            {
                return path;
            }
        }

        throw new FileNotFoundException($"{relative} is not there; run \"make publish\"");
    }

    [GeneratedRegex(@"listens on ([^\s:]+:\d+)")]
    private static partial Regex ListensOn();
}

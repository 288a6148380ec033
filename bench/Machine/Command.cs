using System.Diagnostics;

namespace Sluice.Bench.Machine;

/// <summary>What a command printed and how it ended.</summary>
internal sealed record CommandResult(int ExitCode, string Output, string Error);

/// <summary>A step of the bench that could not be made; the message says which and why.</summary>
internal sealed class BenchException(string message) : Exception(message);

/// <summary>Commands that are run to their end.</summary>
internal static class Command
{
    /// <summary>Runs a command and answers what it printed; kills it when the token is cancelled.</summary>
    public static async Task<CommandResult> TryRunAsync(
        IReadOnlyList<string> words, CancellationToken token, string? directory = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(words[0], words.Skip(1)) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.WorkingDirectory = directory ?? "";
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        Task<string> error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return new CommandResult(process.ExitCode, await output, await error);
    }

    /// <summary>Runs a command and answers its output.</summary>
    /// <exception cref="BenchException">It ended with another status than 0.</exception>
    public static async Task<string> RunAsync(
        IReadOnlyList<string> words, CancellationToken token, string? directory = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        CommandResult result = await TryRunAsync(words, token, directory, environment);
        return result.ExitCode == 0
            ? result.Output
            : throw new BenchException($"{string.Join(' ', words)}: status {result.ExitCode}: {Tail(result.Error + result.Output)}");
    }

    /// <summary>The end of a long text, where compilers and servers say what was wrong.</summary>
    private static string Tail(string text) => text.Length <= 2000 ? text.Trim() : text[^2000..].Trim();
}

using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;

namespace Sluice.Cli.Tests.Support;

/// <summary>One command line, run in this process, and what came out of it.</summary>
public sealed record CommandRun(ExitCode Code, string Output, byte[] OutputBytes, string Error)
{
    /// <summary>Output as JSON lines.</summary>
    public IReadOnlyList<JsonObject> JsonLines =>
        [.. Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!.AsObject())];

    /// <summary>Runs <c>sluice</c> with the stub's endpoint in the environment, or without any if <paramref name="endpoint"/> is null;
    /// a clock means that somebody watches on a terminal.</summary>
    public static async Task<CommandRun> OfAsync(
        string? endpoint,
        string[] arguments,
        byte[]? input = null,
        TimeProvider? terminalClock = null,
        Func<string, LocalFileKind>? kindOf = null,
        CancellationToken token = default)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        // Its content can still be read when the verb has closed it.
        var bytes = new MemoryStream();
        var environment = new ClientEnvironment
        {
            Output = output,
            Error = error,
            OpenInput = () => new MemoryStream(input ?? []),
            OpenOutput = () => bytes,
            KindOf = kindOf ?? (_ => LocalFileKind.File),
            Variable = name => name == "SLUICE_ENDPOINT" ? endpoint : null,
            ErrorIsTerminal = terminalClock is not null,
            Clock = terminalClock ?? TimeProvider.System,
        };
        // As the composition root does it: no response files, no handler of exceptions.
        ParseResult parsed = Root(environment).Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            return new CommandRun(ExitCode.Usage, "", [], parsed.Errors[0].Message);
        }

        int code = await parsed.InvokeAsync(new InvocationConfiguration
        {
            Output = output,
            Error = error,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        },
        token);
        return new CommandRun((ExitCode)code, output.ToString(), bytes.ToArray(), error.ToString());
    }

    /// <summary>A root as the composition root builds it.</summary>
    public static RootCommand Root(ClientEnvironment environment)
    {
        var root = new RootCommand("Sluice. " + ClientCommands.ExitCodeHelp);
        foreach (Command verb in ClientCommands.All(environment))
        {
            root.Add(verb);
        }

        return root;
    }

    /// <summary>UTF-8 of a text.</summary>
    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}

using System.CommandLine;
using Sluice.Cli.Terminal;
using Sluice.Contract;

namespace Sluice.Cli;

/// <summary>What every client verb understands, and how each of them is run: one boundary that turns any failure into a sentence and a code.</summary>
internal sealed class VerbOptions
{
    /// <summary>Where a server on this machine listens unless told otherwise.</summary>
    public const string DefaultEndpoint = "http://127.0.0.1:8080";

    /// <summary>Variable that names the endpoint.</summary>
    public const string EndpointVariable = "SLUICE_ENDPOINT";

    /// <summary>Enough to hide a round trip's latency for small objects; large ones fill a network with fewer.</summary>
    private const int JobsDefault = 8;

    private const int JobsMax = 256;

    private readonly ClientEnvironment _environment;
    private readonly TlsFlags _tls;

    public VerbOptions(ClientEnvironment environment)
    {
        _environment = environment;
        _tls = new TlsFlags(environment);
        Endpoint = new Option<string?>("--endpoint")
        {
            Description = $"server to talk to; else ${EndpointVariable}, else {DefaultEndpoint}",
            HelpName = "URL",
            Recursive = true,
        };
        Json = new Option<bool>("--json") { Description = "print JSON: one document, or one object a line", Recursive = true };
    }

    public Option<string?> Endpoint { get; }

    public Option<bool> Json { get; }

    /// <summary>What every verb takes.</summary>
    public IEnumerable<Option> Shared => [Endpoint, Json, .. _tls.Options];

    /// <summary>A fresh <c>--jobs</c> option.</summary>
    public static Option<int> Jobs()
    {
        var jobs = new Option<int>("--jobs", "-j")
        {
            Description = $"transfers at a time, 1 to {JobsMax}",
            HelpName = "N",
            DefaultValueFactory = _ => JobsDefault,
        };
        jobs.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && (!int.TryParse(result.Tokens[0].Value, out int value) || value is < 1 or > JobsMax))
            {
                result.AddError($"--jobs takes a number from 1 to {JobsMax}");
            }
        });
        return jobs;
    }

    /// <summary>An object's or directory's address, or a usage error.</summary>
    public static ObjectAddress ObjectOf(string text)
    {
        string? problem = null;
        return ObjectAddress.HasScheme(text) && ObjectAddress.TryParse(text, out ObjectAddress? address, out problem)
            ? address
            : throw new UsageException(problem ?? $"\"{text}\" is not an address of the form ais://bucket/name");
    }

    /// <summary>A bucket's address, or a usage error; the scheme may be left out.</summary>
    public static BucketAddress BucketOf(string text) =>
        BucketAddress.TryParse(text, out BucketAddress? bucket, out string? problem) ? bucket : throw new UsageException(problem);

    /// <summary>Gives <paramref name="command"/> its action.</summary>
    public void Bind(
        Command command, Func<ParseResult, VerbRun, CancellationToken, Task<ExitCode>> body, bool showsProgress = false) =>
        command.SetAction(async (parse, token) => (int)await RunAsync(parse, body, showsProgress, token));

    /// <summary>A run against the server that a command line names. The caller disposes it.</summary>
    public VerbRun Open(ParseResult parse, bool showsProgress = false)
    {
        string endpoint = parse.GetValue(Endpoint) is { Length: > 0 } given ? given
            : _environment.Variable(EndpointVariable) is { Length: > 0 } variable ? variable
            : DefaultEndpoint;
        return new VerbRun(_environment, new VerbTarget(endpoint, _tls.Of(parse)), parse.GetValue(Json), showsProgress);
    }

    private async Task<ExitCode> RunAsync(
        ParseResult parse, Func<ParseResult, VerbRun, CancellationToken, Task<ExitCode>> body, bool showsProgress, CancellationToken token)
    {
        ExitCode code;
        // The first signal unwinds what is under way, so that no unfinished file stays behind; the second ends the process as usual.
        using var interruption = new Interruption(token);
        token = interruption.Token;
        try
        {
            using VerbRun run = Open(parse, showsProgress);
            code = await body(parse, run, token);
            await _environment.Output.FlushAsync(token);
            return code;
        }
        catch (OperationCanceledException) when (token.IsCancellationRequested)
        {
            await _environment.Error.WriteLineAsync("sluice: interrupted");
            code = ExitCode.Failed;
        }
        catch (Exception failure)
        {
            await _environment.Error.WriteLineAsync($"sluice: {PrintableText.Sentence(failure)}{TlsFlags.Hint(failure)}");
            code = ExitCodes.Of(failure);
        }

        await FlushWhatWasPrintedAsync();
        return code;
    }

    private async Task FlushWhatWasPrintedAsync()
    {
        try
        {
            await _environment.Output.FlushAsync(CancellationToken.None);
        }
        catch (IOException)
        {
            // The verb has failed already and said why; that its earlier lines are lost too is the same full disk or closed pipe.
        }
    }
}

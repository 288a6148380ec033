using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Sluice.Cli.Terminal;
using Sluice.Contract;

namespace Sluice.Cli;

/// <summary>Which server a verb talks to, and how it is trusted.</summary>
internal sealed record VerbTarget(string Endpoint, ClientTls Tls);

/// <summary>
/// One run of one verb: its client, and the one place that it prints through. Lines of parallel transfers never mix, and the progress line
/// steps aside for them.
/// </summary>
internal sealed class VerbRun : IDisposable
{
    // Names stay readable; what is printed is JSON on a terminal or in a pipe, never inside HTML.
    private static readonly JsonWriterOptions s_line = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonWriterOptions s_document = s_line with { Indented = true };

    private readonly ClientEnvironment _environment;

    public VerbRun(ClientEnvironment environment, VerbTarget target, bool isJson, bool showsProgress)
    {
        _environment = environment;
        IsJson = isJson;
        try
        {
            Client = new SluiceClient(target.Endpoint, target.Tls);
        }
        catch (ArgumentException failure)
        {
            throw new UsageException(failure.Message.Split(" (Parameter", 2)[0]);
        }

        bool draws = showsProgress && !isJson && environment.ErrorIsTerminal;
        Meter = new ProgressMeter(environment.Clock, draws ? environment.Error : null);
    }

    public SluiceClient Client { get; }

    public bool IsJson { get; }

    public ProgressMeter Meter { get; }

    public LocalFileKind KindOf(string path) => _environment.KindOf(path);

    public Stream OpenInput() => _environment.OpenInput();

    public Stream OpenOutput() => _environment.OpenOutput();

    /// <summary>Waits a while by the environment's clock.</summary>
    public Task DelayAsync(TimeSpan time, CancellationToken token) => Task.Delay(time, _environment.Clock, token);

    /// <summary>Prints one result: a line for people, or one JSON value on one line.</summary>
    public void Print(Func<string> text, Action<Utf8JsonWriter> json)
    {
        string line = IsJson ? Json(json, s_line) : text();
        Meter.Aside(() => _environment.Output.WriteLine(line));
    }

    /// <summary>As <see cref="Print"/>, for a verb that prints one document: the JSON is indented.</summary>
    public void PrintDocument(Func<string> text, Action<Utf8JsonWriter> json)
    {
        string document = IsJson ? Json(json, s_document) : text();
        Meter.Aside(() => _environment.Output.WriteLine(document));
    }

    /// <summary>Prints only with <c>--json</c>: what a person takes for granted.</summary>
    public void PrintJson(Action<Utf8JsonWriter> json)
    {
        if (IsJson)
        {
            Print(() => "", json);
        }
    }

    /// <summary>Prints only for people: sums that a script takes itself.</summary>
    public void PrintText(string text)
    {
        if (!IsJson)
        {
            Print(() => text, _ => { });
        }
    }

    /// <summary>Sends on what has been printed so far: for a verb whose reader should not wait for its end.</summary>
    public Task FlushAsync(CancellationToken token) => _environment.Output.FlushAsync(token);

    /// <summary>Tells a person what was done with less certainty than usual; a script reads it in the JSON.</summary>
    public void Note(string subject, string sentence)
    {
        if (!IsJson)
        {
            Meter.Aside(() => _environment.Error.WriteLine($"sluice: {PrintableText.Of(subject)}: {sentence}"));
        }
    }

    /// <summary>Says beside an error what may be done about it.</summary>
    public void Tell(string sentence) => Meter.Aside(() => _environment.Error.WriteLine($"sluice: {PrintableText.Of(sentence)}"));

    /// <summary>Asks a person. Whatever is not yes is no, and so is no answer at all.</summary>
    public async Task<bool> ConfirmAsync(string question, CancellationToken token)
    {
        Meter.Aside(() =>
        {
            _environment.Error.Write($"{PrintableText.Of(question)} [y/N] ");
            _environment.Error.Flush();
        });
        using var input = new StreamReader(_environment.OpenInput());
        string? answer = await Task.Run(input.ReadLine, CancellationToken.None).WaitAsync(token); // a terminal's reads end with a line alone
        return answer?.Trim().ToUpperInvariant() is "Y" or "YES";
    }

    /// <summary>Prints why something failed, as one sentence, and gives the code for it.</summary>
    public ExitCode Fail(Exception failure, string? subject = null)
    {
        string sentence = PrintableText.Sentence(failure);
        string about = subject is null || sentence.Contains(PrintableText.Of(subject), StringComparison.Ordinal) ? "" : PrintableText.Of(subject) + ": ";
        Meter.Aside(() => _environment.Error.WriteLine($"sluice: {about}{sentence}"));
        return ExitCodes.Of(failure);
    }

    public void Dispose()
    {
        Meter.Dispose();
        Client.Dispose();
    }

    private static string Json(Action<Utf8JsonWriter> json, JsonWriterOptions options)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(bytes, options))
        {
            json(writer);
        }

        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }
}

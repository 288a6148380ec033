using System.CommandLine;
using System.Globalization;
using Sluice.Cli.Completion;
using Sluice.Cli.Transfers;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary><c>cat</c>: objects, or a range of one, to standard output.</summary>
internal static class CatVerb
{
    public static Command Create(VerbOptions options)
    {
        var addresses = new AddressArgument<string[]>("address", AddressKind.Object) { Description = "ais://BUCKET/NAME; several are written one after the other", Arity = ArgumentArity.OneOrMore };
        var range = new Option<string?>("--range")
        {
            Description = "bytes to write, counted from 0: 0-99 the first hundred, 100- all after them, -100 the last hundred",
            HelpName = "FIRST-LAST",
        };
        var command = new Command("cat", "Write objects to standard output") { addresses, range };
        options.Bind(command, async (parse, run, token) =>
        {
            AskedRange? bytes = parse.GetValue(range) is { } text ? RangeOf(text) : null;
            ObjectAddress[] sources = [.. parse.GetRequiredValue(addresses).Select(VerbOptions.ObjectOf)];
            if (sources.FirstOrDefault(source => source.Name.Length == 0) is { } nameless)
            {
                throw new UsageException($"\"{nameless}\" names no object");
            }

            var download = new Download(run.Client, run.Meter);
            await using Stream output = run.OpenOutput();
            foreach (ObjectAddress source in sources)
            {
                await download.ToStreamAsync(source, bytes, output, token);
            }

            return ExitCode.Ok;
        });
        return command;
    }

    private static AskedRange RangeOf(string text)
    {
        string[] ends = text.Split('-');
        long first = -1;
        long last = -1;
        bool isRange = ends.Length == 2 && text.Length > 1
            && (ends[0].Length == 0 || long.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out first))
            && (ends[1].Length == 0 || long.TryParse(ends[1], NumberStyles.None, CultureInfo.InvariantCulture, out last))
            && (first < 0 || last < 0 || first <= last);
        return isRange
            ? new AskedRange(first < 0 ? null : first, last < 0 ? null : last)
            : throw new UsageException($"\"{text}\" is not a range of the form FIRST-LAST, FIRST- or -COUNT");
    }
}

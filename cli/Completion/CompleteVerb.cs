using System.CommandLine;
using System.CommandLine.Parsing;
using Sluice.Cli.Terminal;
using Sluice.Contract;

namespace Sluice.Cli.Completion;

/// <summary>
/// <c>complete</c>, hidden: what the completion scripts ask at a Tab. It is given a command line up to the cursor and answers what its last word may become, one a
/// line; a directory and a bucket end with a slash, and the word may go on. Its code is 0 when that word names something on the server, also when nothing is known
/// of it; else the shell offers files. Nobody waits for it longer than a second, and it never complains.
/// </summary>
internal static class CompleteVerb
{
    /// <summary>More than a person looks through.</summary>
    private const int CandidatesMax = 100;

    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(1);

    public static Command Create(VerbOptions options, ClientEnvironment environment)
    {
        var words = new Argument<string[]>("word") { Description = "the command line without the command's own name", Arity = ArgumentArity.ZeroOrMore };
        var line = new Option<string?>("--line") { Description = "the command line as bash has it", HelpName = "TEXT" };
        var typed = new Option<string?>("--typed") { Description = "of that line, the end that bash puts something else in the place of", HelpName = "TEXT", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("complete", "What the last word of a command line may become") { words, line, typed };
        command.Hidden = true;
        command.SetAction(async (parse, token) =>
        {
            ShellLine? shell = parse.GetValue(line) is { } text ? ShellLine.Parse(text) : null;
            string[] given = shell is null ? parse.GetValue(words) ?? [] : [.. shell.Words.Skip(1)];
            if (given.Length == 0 || shell is { CanBeCompleted: false } || KindOf(parse.RootCommandResult.Command, given) is not { } asked)
            {
                return (int)ExitCode.Usage;
            }

            string word = given[^1];
            foreach (string candidate in await CandidatesAsync(options, environment, asked, word, token))
            {
                string whole = shell is null ? candidate : shell.Extended(parse.GetValue(typed) ?? "", candidate[word.Length..]);
                await environment.Output.WriteLineAsync(whole.AsMemory(), token);
            }

            await environment.Output.FlushAsync(token);
            return (int)ExitCode.Ok;
        });
        return command;
    }

    /// <summary>What the last word names, and the command line without it; null when that is nothing on the server.</summary>
    private static (AddressKind Kind, ParseResult Line)? KindOf(Command root, string[] words)
    {
        if (words[^1].StartsWith('-') && !words.AsSpan(..^1).Contains("--"))
        {
            return null; // an option
        }

        // Whatever is typed so far, what stands there tells by its place what it is.
        string place = Guid.NewGuid().ToString();
        ParseResult parsed = root.Parse([.. words[..^1], place], new ParserConfiguration { ResponseFileTokenReplacer = null });
        Argument? argument = parsed.CommandResult.Children.OfType<ArgumentResult>()
            .FirstOrDefault(each => each.Tokens.Any(token => token.Value == place))?.Argument;
        return argument is IAddressArgument address && address.IsAddress(parsed) ? (address.Kind, parsed) : null;
    }

    private static async Task<IReadOnlyList<string>> CandidatesAsync(
        VerbOptions options, ClientEnvironment environment, (AddressKind Kind, ParseResult Line) asked, string word, CancellationToken token)
    {
        using var deadline = new CancellationTokenSource(s_deadline, environment.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(token, deadline.Token);
        try
        {
            using VerbRun run = options.Open(asked.Line);
            bool isWithinBucket = ObjectAddress.HasScheme(word) && ObjectAddress.TryParse(word, out ObjectAddress? address, out _) && word[^(address.Name.Length + 1)] == '/';
            IEnumerable<string> candidates = !isWithinBucket ? await BucketsAsync(run.Client, asked.Kind, word, either.Token)
                : asked.Kind == AddressKind.Object ? await ObjectsAsync(run.Client, word, either.Token)
                : [];
            // What a terminal would obey rather than show, or what has several lines, cannot be typed either.
            return [.. candidates.Where(each => each.StartsWith(word, StringComparison.Ordinal) && PrintableText.Of(each) == each).Distinct().Take(CandidatesMax)];
        }
        catch (Exception)
        {
            return []; // no server, no bucket, no leave, no time: there is nothing to offer, and nobody has asked why
        }
    }

    private static async Task<IEnumerable<string>> BucketsAsync(SluiceClient client, AddressKind kind, string word, CancellationToken token)
    {
        IReadOnlyList<BucketAddress> buckets = await client.ListBucketsAsync("", token);
        IEnumerable<string> whole = buckets.Select(bucket => kind == AddressKind.Bucket ? bucket.ToString() : $"{bucket}/");
        return kind == AddressKind.Bucket && word.Length > 0
            ? whole.Concat(buckets.Where(bucket => bucket.IsGlobal && bucket.Provider == "ais").Select(bucket => bucket.Name))
            : whole;
    }

    /// <summary>One page of one level. A server may take the name of a directory for the directory: what lies below it then stands for it here.</summary>
    private static async Task<IEnumerable<string>> ObjectsAsync(SluiceClient client, string word, CancellationToken token)
    {
        if (!ObjectAddress.TryParse(word, out ObjectAddress? address, out _))
        {
            return [];
        }

        string bucket = word[..^address.Name.Length]; // as it was typed
        var query = new ListQuery { Prefix = address.Name, Properties = "name", PageSize = CandidatesMax, Flags = ListFlags.NameOnly | ListFlags.NoRecursion };
        ListedPage page = await client.ListPageAsync(address.Bucket, query, null, token);
        return page.Entries.Where(entry => entry.Name.StartsWith(address.Name, StringComparison.Ordinal)).Select(entry =>
        {
            int slash = entry.Name.IndexOf('/', address.Name.Length);
            return bucket + (slash < 0 ? entry.Name : entry.Name[..(slash + 1)]);
        });
    }
}

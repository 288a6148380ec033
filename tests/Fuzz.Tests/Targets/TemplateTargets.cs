using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Jobs;
using Sluice.Fuzz.Tests.Harness;
using Sluice.Transport.Api;

namespace Sluice.Fuzz.Tests.Targets;

/// <summary>Templates of names, against a second reader of patterns that has numbers without end; and the message that has objects removed by one.</summary>
public static partial class TemplateTargets
{
    private const int NamesTried = 300;

    private static readonly (int Fixed, int EachByte) s_readerAllocationMax = (64 << 10, 4096); // patterns keep what they met, and the numbers are objects

    private static readonly BucketName s_bucket = BucketName.TryCreate("ais", "", "", "b", out BucketName? name, out string? problem) ? name : throw new ArgumentException(problem);

    /// <summary>What is taken is what the second reader has. The twin multiplies in 64 bits and looks at the product.</summary>
    public static Fuzzed Templates
    {
        get
        {
            var target = new FuzzTarget<Expansion>
            {
                Name = "name template",
                Seeds = Mutator.Texts(
                    "a{001..010..3}b", "x{1..2}-{08..10}", "a-@100-z", "p@9-@0100", "a%04dz", "%07d", "dir/", "*", "{0..9223372036854775807..9223372036854775807}", "{0..4294967295..4294967295}"),
                Words = Mutator.Texts("{", "}", "..", "{1..2}", "{0..4294967295}", "{0..9999999}", "@", "@0", "%0", "%01d", "d", "*", "-1", "000", "é", "\ud83d\ude00", "\0"),
                Parse = input => NameTemplate.TryParse(Text(input), out NameTemplate? template, out string? problem) ? Expansion.Of(template)
                    : problem is { Length: > 0 and < 120 } && !problem.Contains('\n', StringComparison.Ordinal) ? null : throw new InvalidOperationException($"refused with: {problem}"),
                Format = expansion => Encoding.UTF8.GetBytes(expansion.Template),
                Describe = expansion => $"{expansion}",
                Check = (input, expansion) => Expected(Text(input), isWrapping: false) == expansion ? NamesProblem(expansion) : $"is {expansion}",
                AllocationMax = (16 << 10, 256),
                InputsOfSuite = 15_000,
            };
            return new Fuzzed(target, target with { Parse = input => Expected(Text(input), isWrapping: true), AllocationMax = s_readerAllocationMax }, "is Expansion");
        }
    }

    /// <summary>Templates that the second reader has and the first refuses are as wrong: the same inputs the other way round. The twin refuses zeros in front.</summary>
    public static Fuzzed RefusedTemplates
    {
        get
        {
            FuzzTarget<Expansion> target = ((FuzzTarget<Expansion>)Templates.Target) with
            {
                Name = "name template that is refused",
                Parse = input => Expected(Text(input), isWrapping: false),
                Check = (input, expansion) => !NameTemplate.TryParse(Text(input), out NameTemplate? template, out string? problem) ? $"is refused: {problem}"
                    : Expansion.Of(template) == expansion ? null : $"is {Expansion.Of(template)}",
                AllocationMax = s_readerAllocationMax,
                InputsOfSuite = 8000,
            };
            return new Fuzzed(target, target with
            {
                Check = (input, expansion) => Text(input).Contains("{0", StringComparison.Ordinal) ? "is refused: zero" : target.Check!(input, expansion),
            },
            "is refused");
        }
    }

    /// <summary>What a deletion speaks of. The twin takes an empty list for no list, and with it the whole bucket.</summary>
    public static Fuzzed Deletions
    {
        get
        {
            var target = new FuzzTarget<DeletionRequest>
            {
                Name = "deletion message",
                Seeds = Mutator.Texts(
                    """{"template":"a{1..3}","objnames":null,"num-workers":7,"coer":true}""", """{"objnames":["a","b/c","é"],"Template":"","num-workers":-1}""",
                    """{"template":"d/*","non-recurs":true}""", """{"template":"user@","is-prefix":true}""", "{}"),
                Words = Mutator.Texts("[]", "null", "\"\"", "\"a\",", "{1..2}", "@9", "\\ud800", "\\u0000", "..", "true", "-1", "128", "129", "\"objnames\":", "\"template\":"),
                Parse = json => ReadValue(json, static value => DeletionMessage.Read(s_bucket, value) is { Ok: true } read ? read.Value : null),
                Format = request => Encoding.UTF8.GetBytes(Written(request)),
                Describe = Written,
                Check = (json, request) => request.Objects is { IsPrefix: true, Prefix.Length: 0 }
                    && ReadValue(json, static value => ActionMessage.Member(value, "objnames") is { ValueKind: JsonValueKind.Array } ? "a list" : null) is not null ? "removes everything for a list"
                    : request.Workers is >= -1 and <= Limits.JobWorkersMax ? null : $"has {request.Workers} workers",
                AllocationMax = (64 << 10, 512),
                InputsOfSuite = 8000,
            };
            return new Fuzzed(target, target with
            {
                Parse = json => target.Parse(json) ?? ReadValue(json, static value => ActionMessage.Member(value, "objnames") is { ValueKind: JsonValueKind.Array } names && names.GetArrayLength() == 0
                    ? new DeletionRequest { Bucket = s_bucket, Objects = NameSelection.OfPrefix("", isFlat: false).Value } : null),
            },
            "removes everything");
        }
    }

    [GeneratedRegex(@"\A(?<gap>[^{]*)(?:\{(?<first>[0-9]+)\.\.(?<last>[0-9]+)(?:\.\.(?<step>[0-9]+)|(?<step>))\}(?<gap>[^{]*))+\z")]
    private static partial Regex Braces { get; }

    [GeneratedRegex(@"\A(?<gap>[^@]*)(?:@(?<last>(?>[0-9]+))(?<gap>[^@]*))+\z")]
    private static partial Regex Ats { get; }

    [GeneratedRegex(@"\A(?<gap>[^%]*)%0(?<width>[0-9]+)d(?<gap>[^%]*)\z")]
    private static partial Regex Percents { get; }

    internal static T? ReadValue<T>(byte[] json, Func<JsonElement, T?> read)
        where T : class
    {
        if (!ActionMessage.TryParse(json, out ActionMessage? message, out _))
        {
            return null;
        }

        using (message)
        {
            return read(message.Root);
        }
    }

    private static string Written(DeletionRequest request)
    {
        string what = request.Objects.List is { } list ? $"\"objnames\":[{string.Join(',', list.Select(name => JsonText($"{name}")))}]"
            : request.Objects.Template is { } template ? $"\"template\":{JsonText($"{template}")}"
            : $"\"template\":{JsonText(Encoding.UTF8.GetString(request.Objects.Prefix.Span))},\"is-prefix\":true";
        string flags = $"\"coer\":{(request.ContinuesOnError ? "true" : "false")},\"non-recurs\":{(request.Objects.IsFlat ? "true" : "false")}";
        return string.Create(CultureInfo.InvariantCulture, $"{{{what},{flags},\"num-workers\":{request.Workers}}}");
    }

    private static string JsonText(string text) => $"\"{JsonEncodedText.Encode(text)}\"";

    private static string Text(byte[] input) => Encoding.UTF8.GetString(input);

    private static Expansion? Expected(string text, bool isWrapping)
    {
        if (Encoding.UTF8.GetByteCount(text) > NameTemplate.TextBytesMax)
        {
            return null;
        }

        (char sign, Regex pattern) = text.Contains('{', StringComparison.Ordinal) ? ('{', Braces) : text.Contains('@', StringComparison.Ordinal) ? ('@', Ats) : ('%', Percents);
        if (!text.Contains(sign, StringComparison.Ordinal))
        {
            string prefix = text.EndsWith('*') ? text[..^1] : text;
            return new Expansion(text, prefix, 0, prefix, prefix);
        }

        Match match = pattern.Match(text);
        if (!match.Success)
        {
            return null;
        }

        string[] gaps = Captures(match, "gap");
        (BigInteger count, ulong wrapped) = (1, 1);
        (StringBuilder first, StringBuilder last) = (new(gaps[0]), new(gaps[0]));
        (BigInteger From, BigInteger To, BigInteger Step, int Width)[] ranges = [.. Ranges(match)];
        for (int i = 1; i < gaps.Length; i++)
        {
            (BigInteger from, BigInteger to, BigInteger step, int width) = ranges[i - 1];
            if (from > to || step == 0 || BigInteger.Max(BigInteger.Max(from, to), step) > long.MaxValue || width is 0 or > NameTemplate.TextBytesMax)
            {
                return null;
            }

            count = BigInteger.Min(count * (((to - from) / step) + 1), NameTemplate.NamesMax + 1);
            wrapped *= (ulong)(((to - from) / step) + 1);
            first.Append(Padded(from, width)).Append(gaps[i]);
            last.Append(Padded(from + ((to - from) / step * step), width)).Append(gaps[i]);
        }

        return isWrapping ? wrapped <= NameTemplate.NamesMax ? new Expansion(text, gaps[0], (long)wrapped, $"{first}", $"{last}") : null
            : count <= NameTemplate.NamesMax ? new Expansion(text, gaps[0], (long)count, $"{first}", $"{last}") : null;
    }

    private static IEnumerable<(BigInteger From, BigInteger To, BigInteger Step, int Width)> Ranges(Match match)
    {
        if (Captures(match, "width") is [var digits])
        {
            BigInteger width = BigInteger.Min(Value(digits), 40);
            return [(0, BigInteger.Pow(10, (int)width) - 1, 1, (int)width)];
        }

        (string[] firsts, string[] lasts, string[] steps) = (Captures(match, "first"), Captures(match, "last"), Captures(match, "step"));
        return lasts.Select((last, i) => firsts.Length == 0 ? (0, Value(last), 1, last.Length)
            : (Value(firsts[i]), Value(last), steps[i].Length > 0 ? Value(steps[i]) : 1, Math.Min(firsts[i].Length, last.Length)));
    }

    private static string[] Captures(Match match, string group) => [.. match.Groups[group].Captures.Select(capture => capture.Value)];

    private static BigInteger Value(string digits) => BigInteger.Parse(digits, CultureInfo.InvariantCulture);

    private static string Padded(BigInteger number, int width) => number.ToString(CultureInfo.InvariantCulture).PadLeft(width, '0');

    /// <summary>The names are as many as was said, from the first to the last, where they are few.</summary>
    private static string? NamesProblem(Expansion expansion)
    {
        if (!NameTemplate.TryParse(expansion.Template, out NameTemplate? template, out _) || template.Count is 0 or > NamesTried)
        {
            return null;
        }

        List<string> names = [.. template.Names()];
        return names.Count == expansion.Count && names[0] == expansion.First && names[^1] == expansion.Last ? null : $"has {names.Count} names, from {names[0]} to {names[^1]}";
    }

    /// <summary>What a template says.</summary>
    public sealed record Expansion(string Template, string Prefix, long Count, string First, string Last)
    {
        /// <summary>What one says that was read.</summary>
        public static Expansion Of(NameTemplate template) => new(template.ToString(), template.Prefix, template.Count, template.First, template.Last);
    }
}

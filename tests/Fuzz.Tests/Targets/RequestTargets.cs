using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Fuzz.Tests.Harness;
using Sluice.Transport.Api;
using Sluice.Transport.Http;

namespace Sluice.Fuzz.Tests.Targets;

/// <summary>What stands in the head of a request: target, range, custom metadata, and the layout of times that a listing is asked for.</summary>
public static partial class RequestTargets
{
    private static readonly TimeSpan s_standsStill = TimeSpan.FromSeconds(4); // more than a twin is given, and not for ever

    /// <summary>
    /// A range header, with the size of the object in front, against a second reader that has numbers without end. The twin does not stop at the object's.
    /// </summary>
    public static Fuzzed Ranges
    {
        get
        {
            var target = new FuzzTarget<object>
            {
                Name = "range header",
                Seeds = [.. ((string[])["bytes=0-0", "bytes=5-", "bytes=-5", " BYTES= 1 - 99 ", "bytes=9-9"]).Select(text => Mutator.Numbered(10, text)), Mutator.Numbered(1L << 40, "bytes=0-")],
                Words = Mutator.Texts("bytes=", "-", ",", "0-1", " ", "\t", "9223372036854775807", "9223372036854775808"),
                Parse = input => Size(input) is { } size && RangeHeader.TryParse(Text(input), size, out ByteRange range) ? range : null,
                Check = (input, range) => Expected(Text(input), Size(input)!.Value) is { } right && right == (ByteRange)range ? null : $"is {range}",
                InputsOfSuite = 15_000,
            };
            return new Fuzzed(target, target with
            {
                Parse = input => Size(input) is { } size && RangePattern.Match(Text(input)) is { Success: true } match && match.Groups[1].Length > 0 && match.Groups[2].Length > 0
                    && long.TryParse(match.Groups[1].Value, out long first) && long.TryParse(match.Groups[2].Value, out long last) && first <= last && first < size
                    ? new ByteRange(first, last - first + 1) : target.Parse(input),
            },
            "is ByteRange");
        }
    }

    /// <summary>Ranges that the second reader has and the first refuses are as wrong: the same inputs the other way round. The twin refuses spaces.</summary>
    public static Fuzzed RefusedRanges
    {
        get
        {
            FuzzTarget<object> target = ((FuzzTarget<object>)Ranges.Target) with
            {
                Name = "range header that is refused",
                Parse = input => Size(input) is { } size && Expected(Text(input), size) is { } range ? range : null,
                Check = (input, range) => RangeHeader.TryParse(Text(input), Size(input)!.Value, out ByteRange read) ? read == (ByteRange)range ? null : $"is {read}" : "is refused",
                InputsOfSuite = 8000,
            };
            return new Fuzzed(target, target with
            {
                Check = (input, range) => Text(input).Contains(' ', StringComparison.Ordinal) ? "is refused" : target.Check!(input, range),
            },
            "is refused");
        }
    }

    /// <summary>A request's target: bucket, object and parameters. The twin decodes twice.</summary>
    public static Fuzzed Targets
    {
        get
        {
            var target = new FuzzTarget<Asked>
            {
                Name = "request target",
                Seeds = Mutator.Texts(
                    "/v1/objects/b/a%2Fb/c?provider=ais&props=name%2Csize&x", "http://host/v1/objects//b/%25252F", "*", "/v1/objects/b/%C3%A9+?a=b+c&a=d", "/v1/health", "/v1/objects/b/a#b?c"),
                Words = Mutator.Texts("%2F", "%25", "%", "%zz", "%0", "?", "&", "=", "//", "+", "%C3%A9", "%FF", "%00", "#", "://", "&provider=ais"),
                Parse = input => Read(Encoding.UTF8.GetString(input), decodings: 1),
                Format = Write,
                Describe = asked => $"{asked.Bucket}|{Convert.ToHexString(asked.Name)}|{asked.Provider}|{asked.Properties}",
                AllocationMax = (16 << 10, 128),
                InputsOfSuite = 8000,
            };
            return new Fuzzed(target, target with { Parse = input => Read(Encoding.UTF8.GetString(input), decodings: 2) }, "another");
        }
    }

    /// <summary>Custom metadata in a header. The twin does not expect a pair without a value.</summary>
    public static Fuzzed CustomMetadata
    {
        get
        {
            var target = new FuzzTarget<IReadOnlyList<KeyValuePair<string, string>>>
            {
                Name = "custom metadata header",
                Seeds = Mutator.Texts("k=v", "a=b, c=d,e=", "k=v=w,k=x", "é=ü"),
                Words = Mutator.Texts("=", ",", ", ", "k=", "=v", " ", "\t"),
                Parse = input => ObjectHeaders.TryReadCustom(
                    Header(HeaderNames.CustomMetadata, input), out IReadOnlyList<KeyValuePair<string, string>> custom, out Failure? refusal) && refusal is null ? custom : null,
                Format = custom => Encoding.UTF8.GetBytes(string.Join(',', custom.Select(pair => $"{pair.Key}={pair.Value}"))),
                Describe = custom => string.Join(',', custom),
                Check = (_, custom) => custom.DistinctBy(pair => pair.Key).Count() == custom.Count && custom.All(pair => pair.Key.Length > 0) ? null : "has a key twice, or none",
                AllocationMax = (16 << 10, 256),
                InputsOfSuite = 8000,
            };
            return new Fuzzed(target, target with
            {
                Parse = input =>
                {
                    string[][] pairs = [.. Encoding.UTF8.GetString(input).Split(',').Select(pair => pair.Split('='))];
                    return [.. pairs.Select(pair => new KeyValuePair<string, string>(pair[0], pair[1]))];
                },
            },
            "throws IndexOutOfRange");
        }
    }

    /// <summary>Layouts of times, with a time in front. The twin stands still where no element begins.</summary>
    public static Fuzzed TimeLayouts
    {
        get
        {
            var target = new FuzzTarget<string>
            {
                Name = "time layout",
                Seeds = [Mutator.Numbered(0, ""), Mutator.Numbered(1_700_000_000_123_456_789, "2006-01-02T15:04:05.999999999Z07:00"), Mutator.Numbered(1, "Monday, _2 January 06 03:04:05.000 PM MST -0700 002")],
                Words = Mutator.Texts(".000", ".999", ",0", ".9", "January", "Jan", "_2", "Z07:00", "-07", "2006", "0"),
                Parse = input => input.Length >= 8 ? GoTimeFormat.Format(Math.Abs(BitConverter.ToInt64(input) / 2), Text(input)) : null,
                Check = (input, text) => text.Length <= 64 + (8 * input.Length) ? null : $"has {text.Length} characters for a layout of {input.Length}",
                AllocationMax = (16 << 10, 256),
                InputsOfSuite = 8000,
            };
            return new Fuzzed(target, target with
            {
                Seeds = [.. target.Seeds.Take(2)], // it must take its seeds
                Parse = input =>
                {
                    long start = Stopwatch.GetTimestamp();
                    for (int at = 8; at < input.Length; at += input.AsSpan(at).StartsWith("Jan"u8) ? 0 : 1)
                    {
                        if (Stopwatch.GetElapsedTime(start) > s_standsStill)
                        {
                            break;
                        }
                    }

                    return target.Parse(input);
                },
            },
            "does not come back");
        }
    }

    [GeneratedRegex(@"^\s*bytes=\s*([0-9]*)\s*-\s*([0-9]*)\s*$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex RangePattern { get; }

    private static long? Size(byte[] input) => input.Length >= 8 && BitConverter.ToInt64(input) is >= 0 and <= Limits.ObjectBytesMax and var size ? size : null;

    private static string Text(byte[] input) => Encoding.Latin1.GetString(input, 8, input.Length - 8);

    /// <summary>RFC 9110 §14.1.2. Numbers past 63 bits are refused, whatever they would mean.</summary>
    private static ByteRange? Expected(string header, long size)
    {
        Match match = RangePattern.Match(header);
        BigInteger? first = Number(match.Groups[1].Value), last = Number(match.Groups[2].Value);
        if (!match.Success || (first is null && last is null) || first > long.MaxValue || last > long.MaxValue || last < first)
        {
            return null;
        }

        BigInteger from = first ?? BigInteger.Max(0, size - last!.Value);
        BigInteger to = first is null || last is null ? size - 1 : BigInteger.Min(last.Value, size - 1);
        return from <= to ? new ByteRange((long)from, (long)(to - from + 1)) : null;
    }

    private static BigInteger? Number(string digits) => digits.Length == 0 ? null : BigInteger.Parse(digits, CultureInfo.InvariantCulture);

    private static Asked? Read(string raw, int decodings)
    {
        if (!RequestTarget.TryParse(raw, out RequestTarget? target, out _))
        {
            return null;
        }

        int position = 0;
        for (int i = 0; i < 2; i++)
        {
            _ = target.NextSegment(ref position);
        }

        string bucket = target.NextSegment(ref position).ToString();
        if (!target.TryRest(position, out ReadOnlyMemory<byte> name))
        {
            return null;
        }

        byte[] bytes = name.ToArray();
        for (int i = 1; i < decodings; i++)
        {
            bytes = Encoding.UTF8.GetBytes(Uri.UnescapeDataString(Encoding.UTF8.GetString(bytes)));
        }

        _ = (target.IsProbe, target.IsObject, target.IsOn("x"), target.RawPath);
        return new Asked(bucket, bytes, target.Parameter("provider") ?? "", target.Parameter("props") ?? "");
    }

    private static byte[] Write(Asked asked)
    {
        string name = string.Concat(asked.Name.Select(value => $"%{value:x2}"));
        string query = $"provider={PercentEncoding.Escape(asked.Provider, keepSlash: false)}&props={PercentEncoding.Escape(asked.Properties, keepSlash: false)}";
        string bucket = asked.Bucket.Length == 0 ? "" : PercentEncoding.Escape(asked.Bucket, keepSlash: false);
        return Encoding.ASCII.GetBytes($"/v1/objects/{bucket}/{name}?{query}");
    }

    private static HeaderDictionary Header(string name, byte[] value) => new() { [name] = Encoding.UTF8.GetString(value) };

    /// <summary>What a target asks for.</summary>
    public sealed record Asked(string Bucket, byte[] Name, string Provider, string Properties);
}

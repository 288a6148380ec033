using System.Globalization;
using System.Text;
using System.Text.Json;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Fuzz.Tests.Harness;
using Sluice.Transport.Api;

namespace Sluice.Fuzz.Tests.Targets;

/// <summary>The message that has objects copied to another bucket, and the unified names that say where something is to go.</summary>
public static class CopyTargets
{
    private static readonly BucketName s_bucket = BucketName.TryCreate("ais", "", "", "b", out BucketName? name, out string? problem) ? name : throw new ArgumentException(problem);

    /// <summary>What is asked for is what is read. The twin overlooks that it is only to count.</summary>
    public static Fuzzed Messages
    {
        get
        {
            var target = new FuzzTarget<BucketCopyRequest>
            {
                Name = "copy message",
                Seeds = Mutator.Texts(
                    """{"tobck":{"name":"c","provider":"ais","namespace":null},"template":"a{1..3}","prepend":"p/","ext":{"jpeg":".jpg"},"dry_run":true}""",
                    """{"tobck":{"name":"c","provider":"ais","namespace":{"uuid":"","name":"n"}},"objnames":["a","b/é"],"coer":true,"num-workers":-1}""",
                    """{"ToBck":{"name":"c"},"template":"d/*","non-recurs":true,"prefix":"d/e","synchronize":true,"latest-ver":false,"force":true}"""),
                Words = Mutator.Texts(
                    "null", "\"\"", "[]", "true", "false", "-1", "129", "\".\"", "\"..\"", "\"%\"", "\\ud800", "\\u0000", "\"tobck\":", "\"ext\":", "\"dry_run\":", "\"prepend\":", "{1..2}"),
                Parse = json => TemplateTargets.ReadValue(json, static value => CopyMessage.ReadList(s_bucket, value) is { Ok: true } read ? read.Value : null),
                Format = static request => Encoding.UTF8.GetBytes(Written(request)),
                Describe = Written,
                Check = static (json, request) =>
                    !request.IsDryRun && TemplateTargets.ReadValue(json, static value => ActionMessage.Member(value, "dry_run") is { ValueKind: JsonValueKind.True } ? "dry" : null) is not null
                        ? "writes though it was to count" : null,
                AllocationMax = (64 << 10, 512),
                InputsOfSuite = 8000,
            };
            return new Fuzzed(target, target with { Parse = json => target.Parse(json) is { } request ? request with { IsDryRun = false } : null }, "writes though");
        }
    }

    /// <summary>A bucket, and what follows it untouched. The twin takes what has no namespace.</summary>
    public static Fuzzed UnifiedNames
    {
        get
        {
            var target = new FuzzTarget<Place>
            {
                Name = "unified name",
                Seeds = Mutator.Texts("ais/@#/b/o", "ais/@#/b/", "ais/@#/b", "ais/@uuid123#ns/b/d/é", "s3/@#/b/a//b", "ais/@#n/b.c-d_e/%25"),
                Words = Mutator.Texts("/", "//", "@", "#", "@#", "ais", "gs", "..", "\0", "é"),
                Parse = input => UnifiedName.TryParse(input, out BucketName? bucket, out ReadOnlyMemory<byte> rest, out _) ? new Place(bucket.ToString(), Convert.ToHexString(rest.Span)) { Bucket = bucket } : null,
                Format = static place => [.. Encoding.UTF8.GetBytes($"{place.Bucket.Provider}/@{place.Bucket.NamespaceUuid}#{place.Bucket.NamespaceName}/{place.Bucket.Name}/"), .. Convert.FromHexString(place.Rest)],
                Describe = static place => $"{place.Name} {place.Rest}",
                Check = static (input, place) => input.AsSpan().EndsWith(Convert.FromHexString(place.Rest)) && input.Contains((byte)'@') && input.Contains((byte)'#') ? null : "is no unified name",
                AllocationMax = (16 << 10, 64),
                InputsOfSuite = 8000,
            };
            return new Fuzzed(
                target,
                target with { Parse = input => target.Parse(input) ?? (input.AsSpan().StartsWith("ais/"u8) && !input.Contains((byte)'#') ? new Place(s_bucket.ToString(), "") { Bucket = s_bucket } : null) },
                "is no unified name");
        }
    }

    private static string Written(BucketCopyRequest request)
    {
        string what = request.Objects.List is { } list ? $"\"objnames\":[{string.Join(',', list.Select(name => Text($"{name}")))}]"
            : request.Objects.Template is { } template ? $"\"template\":{Text($"{template}")}"
            : $"\"template\":{Text(Encoding.UTF8.GetString(request.Objects.Prefix.Span))},\"is-prefix\":true";
        string to = $"{{\"name\":{Text(request.To.Name)},\"provider\":{Text(request.To.Provider)},\"namespace\":{{\"uuid\":{Text(request.To.NamespaceUuid)},\"name\":{Text(request.To.NamespaceName)}}}}}";
        string extensions = string.Join(',', request.Extensions.Select(pair => $"{Text("." + pair.Key)}:{Text("." + pair.Value)}"));
        string flags = string.Join(',', new[] { ("dry_run", request.IsDryRun), ("synchronize", request.Synchronises), ("coer", request.ContinuesOnError), ("non-recurs", request.Objects.IsFlat) }
            .Select(flag => $"\"{flag.Item1}\":{(flag.Item2 ? "true" : "false")}"));
        string texts = $"\"prefix\":{Text(Encoding.UTF8.GetString(request.Filter.Span))},\"prepend\":{Text(Encoding.UTF8.GetString(request.Prepend.Span))}";
        return string.Create(CultureInfo.InvariantCulture, $"{{\"tobck\":{to},{what},{texts},\"ext\":{{{extensions}}},{flags},\"num-workers\":{request.Workers}}}");
    }

    private static string Text(string text) => $"\"{JsonEncodedText.Encode(text)}\"";

    /// <summary>What a unified name says.</summary>
    public sealed record Place(string Name, string Rest)
    {
        /// <summary>The bucket.</summary>
        public required BucketName Bucket { get; init; }
    }
}

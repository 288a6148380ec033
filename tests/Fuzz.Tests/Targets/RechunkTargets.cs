using System.Globalization;
using System.Text;
using System.Text.Json;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Fuzz.Tests.Harness;
using Sluice.Transport.Api;

namespace Sluice.Fuzz.Tests.Targets;

/// <summary>The message that has a bucket's objects split or put together.</summary>
public static class RechunkTargets
{
    private static readonly BucketName s_bucket = BucketName.TryCreate("ais", "", "", "b", out BucketName? name, out string? problem) ? name : throw new ArgumentException(problem);

    /// <summary>What is asked for is what is read. The twin takes a limit that is not said for none, and puts every object together.</summary>
    public static Fuzzed Messages
    {
        get
        {
            var target = new FuzzTarget<RechunkRequest>
            {
                Name = "rechunk message",
                Seeds = Mutator.Texts(
                    """{"objsize-limit":"1GiB","chunk-size":"64MiB","prefix":"a/é"}""", """{"objsize-limit":0,"chunk-size":0,"sync-remote":false}""",
                    """{"Chunk-Size":67108864,"prefix":""}""", """{"objsize-limit":null,"prefix":null}""", "{}"),
                Words = Mutator.Texts("null", "\"\"", "0", "-1", "\"64MiB\"", "\"1EiB\"", "1e3", "1.5", "\\ud800", "\\u0000", "true", "\"objsize-limit\":", "\"chunk-size\":", "\"prefix\":"),
                Parse = json => TemplateTargets.ReadValue(json, static value => RechunkMessage.Read(s_bucket, value) is { Ok: true } read ? read.Value : null),
                Format = static request => Encoding.UTF8.GetBytes(Written(request)),
                Describe = Written,
                Check = Problem,
                AllocationMax = (64 << 10, 512),
                InputsOfSuite = 8000,
            };
            return new Fuzzed(target, target with { Parse = json => target.Parse(json) is { } request ? request with { SizeLimitBytes = request.SizeLimitBytes ?? 0 } : null }, "has a limit");
        }
    }

    private static string? Problem(byte[] json, RechunkRequest request) =>
        request.SizeLimitBytes is not null
            && TemplateTargets.ReadValue(json, static value => ActionMessage.Member(value, "objsize-limit") is { ValueKind: JsonValueKind.Undefined or JsonValueKind.Null } ? "unsaid" : null) is not null
            ? "has a limit that was not said"
            : null;

    private static string Written(RechunkRequest request)
    {
        string limit = request.SizeLimitBytes?.ToString(CultureInfo.InvariantCulture) ?? "null";
        string chunk = request.ChunkBytes?.ToString(CultureInfo.InvariantCulture) ?? "null";
        return $"{{\"objsize-limit\":{limit},\"chunk-size\":{chunk},\"prefix\":\"{JsonEncodedText.Encode(Encoding.UTF8.GetString(request.Prefix.Span))}\"}}";
    }
}

using System.Text;
using System.Text.Json;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Fuzz.Tests.Harness;
using Sluice.Transport.Api;

namespace Sluice.Fuzz.Tests.Targets;

/// <summary>The message that has files of the server promoted.</summary>
public static class PromoteTargets
{
    private static readonly BucketName s_bucket = BucketName.TryCreate("ais", "", "", "b", out BucketName? name, out string? problem) ? name : throw new ArgumentException(problem);
    private static readonly NodeIdentity s_node = new("tabcdefgh", "cluster01", "threads", "1");

    /// <summary>What is asked for is what is read. The twin removes files that were to stay.</summary>
    public static Fuzzed Messages
    {
        get
        {
            var target = new FuzzTarget<PromotionRequest>
            {
                Name = "promote message",
                Seeds = Mutator.Texts(
                    """{"action":"promote","name":"/a/b","value":{"tid":"","src":"/a/b","obj":"p/","rcr":true,"ovw":false,"dls":true,"notshr":false}}""",
                    """{"action":"promote","name":"/é"}""",
                    """{"Action":"promote","Value":{"SRC":"/a","Tid":"tabcdefgh","Ovw":true}}"""),
                Words = Mutator.Texts("null", "\"\"", "[]", "true", "false", "7", "\"/\"", "\"..\"", "\\ud800", "\\u0000", "\"src\":", "\"obj\":", "\"dls\":", "\"tid\":"),
                Parse = static json => Read(json),
                Format = static request => Encoding.UTF8.GetBytes($$"""{"value":{{Written(request)}}}"""),
                Describe = Written,
                Check = static (json, request) => request.Source.IsEmpty ? "promotes nothing" : request.DeletesSource && !Contains(json, "dls"u8) && !Contains(json, "\\u"u8) ? "removes what nobody named" : null,
                AllocationMax = (64 << 10, 512),
                InputsOfSuite = 8000,
            };
            return new Fuzzed(target, target with { Parse = json => target.Parse(json) is { } request ? request with { DeletesSource = true } : null }, "removes what nobody named");
        }
    }

    private static PromotionRequest? Read(byte[] json)
    {
        if (!ActionMessage.TryParse(json, out ActionMessage? message, out _))
        {
            return null;
        }

        using (message)
        {
            return PromoteMessage.Read(s_bucket, message, s_node) is { Ok: true } read ? read.Value : null;
        }
    }

    private static string Written(PromotionRequest request) => JsonSerializer.Serialize(new Dictionary<string, object>
    {
        ["src"] = Encoding.UTF8.GetString(request.Source.Span),
        ["obj"] = Encoding.UTF8.GetString(request.Prefix.Span),
        ["rcr"] = request.IsRecursive,
        ["ovw"] = request.Overwrites,
        ["dls"] = request.DeletesSource,
    });

    private static bool Contains(byte[] json, ReadOnlySpan<byte> word) => Encoding.UTF8.GetString(json).Contains(Encoding.UTF8.GetString(word), StringComparison.OrdinalIgnoreCase);
}

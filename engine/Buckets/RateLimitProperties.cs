using System.Globalization;
using System.Text.Json;
using Sluice.Contract;

namespace Sluice.Engine.Buckets;

/// <summary>The section <c>rate_limit</c> of a bucket's properties (contract: buckets §3). Limiting is not built: neither side can be switched on.</summary>
public sealed record RateLimitProperties
{
    private const int RetriesMin = 1, RetriesMax = 10, TokensMax = 1_000_000_000;
    private static readonly TimeSpan s_shortest = TimeSpan.FromSeconds(1), s_longest = TimeSpan.FromHours(1);

    /// <summary>What a bucket has when nothing is said.</summary>
    public static RateLimitProperties Default { get; } = new();

    /// <summary><c>rate_limit.backend</c>: what is asked of a remote backend.</summary>
    public Side Backend { get; init; } = new();

    /// <summary><c>rate_limit.frontend</c>: what clients ask of this server.</summary>
    public Side Frontend { get; init; } = new();

    /// <summary>Applies one property of the section.</summary>
    internal static Result<RateLimitProperties> Apply(RateLimitProperties to, JsonProperty property)
    {
        if (property.Name is not ("backend" or "frontend"))
        {
            return PropertyValues.Refused($"property \"rate_limit.{PropertyValues.Printable(property.Name)}\" {PropertyValues.NotBuilt}");
        }

        bool isFrontend = property.Name == "frontend";
        Result<Side> side = PropertyValues.ApplySection(isFrontend ? to.Frontend : to.Backend, property, (before, one) => ApplySide(before, isFrontend, one));
        return !side.Ok ? side.Error!
            : isFrontend && side.Value.BurstSize > side.Value.TokensMax / 2
                ? PropertyValues.Refused("property \"rate_limit.frontend.burst_size\" must not be more than half of rate_limit.frontend.max_tokens")
            : isFrontend ? to with { Frontend = side.Value } : to with { Backend = side.Value };
    }

    /// <summary>Writes the section.</summary>
    internal void WriteJson(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        foreach (bool isFrontend in (ReadOnlySpan<bool>)[false, true])
        {
            Side side = isFrontend ? Frontend : Backend;
            writer.WriteStartObject(isFrontend ? "frontend" : "backend");
            writer.WriteBoolean("enabled", false);
            writer.WriteString("interval", DurationText.Format(side.Interval));
            writer.WriteNumber("max_tokens", side.TokensMax);
            writer.WriteNumber(isFrontend ? "burst_size" : "num_retries", isFrontend ? side.BurstSize : side.Retries);
            writer.WriteString("per_op_max_tokens", side.TokensOfVerbs);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static Result<Side> ApplySide(Side to, bool isFrontend, JsonProperty property)
    {
        string section = isFrontend ? "rate_limit.frontend" : "rate_limit.backend";
        return property.Name switch
        {
            "interval" => PropertyValues.Duration(section, property, s_shortest, s_longest, interval => to with { Interval = interval }),
            "max_tokens" => PropertyValues.Integer(section, property, 1, TokensMax, tokens => to with { TokensMax = (int)tokens }),
            "num_retries" when !isFrontend => PropertyValues.Integer(section, property, RetriesMin, RetriesMax, retries => to with { Retries = (int)retries }),
            "burst_size" when isFrontend => PropertyValues.Integer(section, property, 0, TokensMax, burst => to with { BurstSize = (int)burst }),
            "per_op_max_tokens" => PropertyValues.Text(
                section, property, 128, "like \"get:1000 put:500\", of the verbs get, put and delete", AreTokensOfVerbs, tokens => to with { TokensOfVerbs = tokens }),
            _ => PropertyValues.OffOrNotBuilt(to, section, property, "enabled"),
        };
    }

    private static bool AreTokensOfVerbs(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries).All(static part =>
    {
        int colon = part.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 && part[..colon].ToUpperInvariant() is "GET" or "PUT" or "DELETE"
            && int.TryParse(part.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int tokens) && tokens > 0;
    });

    /// <summary>The limits of one side.</summary>
    public sealed record Side
    {
        /// <summary><c>interval</c>: for which the tokens are, a second to an hour.</summary>
        public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(1);

        /// <summary><c>max_tokens</c>: requests in it, from 1.</summary>
        public int TokensMax { get; init; } = 1000;

        /// <summary><c>num_retries</c> of the backend, 1 to 10.</summary>
        public int Retries { get; init; } = 3;

        /// <summary><c>burst_size</c> of the frontend: requests above that at once; at most half of the tokens.</summary>
        public int BurstSize { get; init; } = 375;

        /// <summary><c>per_op_max_tokens</c>: <c>verb:count</c> with blanks between; empty for the same of all.</summary>
        public string TokensOfVerbs { get; init; } = "";
    }
}

namespace Sluice.Loader.Flags;

/// <summary>How the value of a flag is written.</summary>
public enum FlagKind
{
    /// <summary>Any text.</summary>
    Text,

    /// <summary>A whole number.</summary>
    Number,

    /// <summary>A size: 4KiB, 1.5g, or plain bytes.</summary>
    Size,

    /// <summary>A duration: 90s, 1h30m, or 0.</summary>
    Duration,

    /// <summary>True by its mere presence; false as <c>-flag=false</c>.</summary>
    Switch,

    /// <summary>A JSON object.</summary>
    Json,
}

/// <summary>One flag of the contract, or of ours.</summary>
/// <param name="Name">Without dashes.</param>
/// <param name="Group">Heading it is listed under.</param>
/// <param name="Kind">How its value is written.</param>
/// <param name="Default">Value that stands for its absence, as it would be written; empty for none.</param>
/// <param name="Meaning">What it does, for the help.</param>
/// <param name="Missing">Why it is known and refused, as the end of a sentence; null when it is built.</param>
public sealed record Flag(string Name, string Group, FlagKind Kind, string Default, string Meaning, string? Missing = null);

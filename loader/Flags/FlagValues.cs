using System.Globalization;
using Sluice.Contract;

namespace Sluice.Loader.Flags;

/// <summary>The values of a parsed line, with the table's defaults for what is absent. Values were checked by the parser.</summary>
public sealed class FlagValues(IReadOnlyDictionary<string, string> given)
{
    /// <summary>True when the flag was on the line.</summary>
    public bool Has(string name) => given.ContainsKey(name);

    /// <summary>A text.</summary>
    public string Text(string name) => given.TryGetValue(name, out string? value) ? value : FlagTable.Find(name)!.Default;

    /// <summary>A whole number from 0.</summary>
    public long Number(string name) => long.Parse(Text(name), CultureInfo.InvariantCulture);

    /// <summary>A size in bytes.</summary>
    public long Size(string name)
    {
        _ = SizeText.TryParse(Text(name), out long size);
        return size;
    }

    /// <summary>A duration.</summary>
    public TimeSpan Duration(string name)
    {
        _ = DurationText.TryParse(Text(name), out TimeSpan duration);
        return duration;
    }

    /// <summary>A switch.</summary>
    public bool IsOn(string name) => FlagParser.Truth(Text(name)) == true;
}

using System.Globalization;
using System.Text.RegularExpressions;

namespace Sluice.EndToEnd.Tests.Support;

/// <summary>Reads what <c>sluice load</c> prints.</summary>
internal static partial class LoadOutput
{
    /// <summary>Count and errors of an operation in the final block.</summary>
    public static (long Count, long Errors) Final(string output, string operation)
    {
        Match row = FinalRow().Matches(output).Last(match => match.Groups["op"].Value == operation);
        return (Number(row.Groups["count"].Value), Number(row.Groups["errors"].Value));
    }

    private static long Number(string text) => long.Parse(text, NumberStyles.AllowThousands, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^\d\d:\d\d:\d\d  (?<op>[A-Z-]+) +(?<count>[\d,]+) +\t[^(\n]*\t(?<errors>[\d,]+)$", RegexOptions.Multiline)]
    private static partial Regex FinalRow();
}

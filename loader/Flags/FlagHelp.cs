using System.Text;

namespace Sluice.Loader.Flags;

/// <summary>The text of <c>sluice load --help</c>: the flags in groups.</summary>
public static class FlagHelp
{
    /// <summary>Column at which meanings begin.</summary>
    private const int MeaningColumn = 34;

    /// <summary>The whole text.</summary>
    public static string Text()
    {
        var text = new StringBuilder();
        text.Append("sluice load: many workers PUT and GET objects of one bucket, and a table tells how fast.\n\n");
        text.Append("Flags are written -flag=value or --flag value; a switch without value means true.\n");
        text.Append("AIS_ENDPOINT, as http://HOST:PORT, stands for -ip and -port.\n");
        foreach (IGrouping<string, Flag> group in FlagTable.All.GroupBy(flag => flag.Group))
        {
            text.Append('\n').Append(group.Key).Append('\n');
            foreach (Flag flag in group)
            {
                text.Append($"  -{flag.Name}{Unit(flag.Kind)}".PadRight(MeaningColumn - 2)).Append("  ").Append(flag.Meaning);
                text.Append(flag.Default.Length > 0 && flag.Kind != FlagKind.Switch ? $" (default {flag.Default})" : "");
                text.Append(flag.Kind == FlagKind.Switch && flag.Default == "true" ? " (default true)" : "").Append('\n');
            }
        }

        return text.ToString();
    }

    private static string Unit(FlagKind kind) => kind switch
    {
        FlagKind.Text => "=TEXT",
        FlagKind.Number => "=N",
        FlagKind.Size => "=SIZE",
        FlagKind.Duration => "=TIME",
        FlagKind.Json => "=JSON",
        _ => "",
    };
}

using System.Globalization;
using System.Net;
using System.Text;

namespace Sluice.Bench.Flame;

/// <summary>
/// A tree of stacks as a picture that any browser shows: a box a frame, as wide as its share of the samples, callers below what they call. Without scripts, so that
/// it also shows where pictures may not run any; the title of a box, seen when the pointer rests on it, has the whole name and the share.
/// </summary>
internal static class FlameSvg
{
    private const double Width = 1200;
    private const double RowHeight = 16;
    private const double Margin = 8;
    private const double Heading = 40;
    private const double CharacterWidth = 6.4; // of the font below, on average
    private const double NarrowestBox = 0.4; // a box that nobody could see

    public static string Render(FlameNode root, string title, string note)
    {
        double height = Heading + (root.Depth * RowHeight) + Margin;
        var text = new StringBuilder();
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {height}\" font-family=\"monospace\" font-size=\"11\">");
        text.AppendLine(CultureInfo.InvariantCulture, $"<rect width=\"{Width}\" height=\"{height}\" fill=\"#fdfcf8\"/>");
        text.AppendLine(CultureInfo.InvariantCulture, $"<text x=\"{Margin}\" y=\"16\" font-size=\"14\" font-weight=\"bold\">{Escape(title)}</text>");
        text.AppendLine(CultureInfo.InvariantCulture, $"<text x=\"{Margin}\" y=\"32\" fill=\"#555\">{Escape(note)}</text>");
        Box(text, root, Margin, Width - (2 * Margin), height - Margin - RowHeight, root.Samples);
        return text.AppendLine("</svg>").ToString();
    }

    private static void Box(StringBuilder text, FlameNode node, double left, double width, double top, long all)
    {
        if (width < NarrowestBox)
        {
            return;
        }

        string share = (100.0 * node.Samples / all).ToString("f1", CultureInfo.InvariantCulture);
        text.Append(CultureInfo.InvariantCulture, $"<g><title>{Escape(node.Name)}: {share} %, {node.Samples} samples</title>");
        text.Append(
            CultureInfo.InvariantCulture,
            $"<rect x=\"{left:f1}\" y=\"{top:f0}\" width=\"{Math.Max(width - 0.3, 0.1):f1}\" height=\"{RowHeight - 1}\" fill=\"{Colour(node.Name)}\"/>");
        int letters = (int)((width - 4) / CharacterWidth);
        if (letters >= 3)
        {
            string label = node.Name.Length <= letters ? node.Name : node.Name[..(letters - 1)] + "…";
            text.Append(CultureInfo.InvariantCulture, $"<text x=\"{left + 2:f1}\" y=\"{top + 11:f0}\">{Escape(label)}</text>");
        }

        text.AppendLine("</g>");
        double at = left;
        foreach (FlameNode child in node.Children)
        {
            double part = width * child.Samples / Math.Max(node.Samples, 1);
            Box(text, child, at, part, top - RowHeight, all);
            at += part;
        }
    }

    /// <summary>Blue for the kernel, orange for the rest; the shade follows from the name, so that a frame looks the same in every picture.</summary>
    private static string Colour(string name)
    {
        uint hash = 2166136261; // FNV-1a
        foreach (char letter in name)
        {
            hash = unchecked((hash ^ letter) * 16777619);
        }

        uint shade = hash % 40;
        return name.EndsWith("_[k]", StringComparison.Ordinal)
            ? string.Create(CultureInfo.InvariantCulture, $"hsl(205,55%,{58 + (shade / 2)}%)")
            : string.Create(CultureInfo.InvariantCulture, $"hsl({22 + (shade / 2)},80%,{60 + (shade / 3)}%)");
    }

    private static string Escape(string text) => WebUtility.HtmlEncode(text);
}

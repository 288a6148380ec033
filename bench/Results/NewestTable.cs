using Sluice.Bench.Machine;

namespace Sluice.Bench.Results;

/// <summary>Puts the newest table into docs/PERFORMANCE.md, between two marks that stay.</summary>
internal static class NewestTable
{
    public const string Begin = "<!-- newest table: begin -->";
    public const string End = "<!-- newest table: end -->";

    /// <summary>The document with other results in it. Their headings move two levels down.</summary>
    /// <exception cref="BenchException">The marks are not there.</exception>
    public static string Replace(string document, string results)
    {
        int begin = document.IndexOf(Begin, StringComparison.Ordinal), end = document.IndexOf(End, StringComparison.Ordinal);
        if (begin < 0 || end < begin)
        {
            throw new BenchException($"docs/PERFORMANCE.md lacks the lines \"{Begin}\" and \"{End}\"");
        }

        IEnumerable<string> lines = results.TrimEnd().Split('\n').Select(line => line.StartsWith('#') ? "##" + line : line);
        return string.Concat(document.AsSpan(0, begin + Begin.Length), $"\n\n{string.Join('\n', lines)}\n\n", document.AsSpan(end));
    }
}

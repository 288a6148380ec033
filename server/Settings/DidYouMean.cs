// A misspelt name is refused; this finds the name that was meant.
namespace Sluice.Server.Settings;

/// <summary>Nearest of some known names.</summary>
public static class DidYouMean
{
    private const int NameLengthMax = 64; // longer ones are no misspelling of ours; bounds the work

    /// <summary><c>; did you mean X?</c>, or nothing when no known name is near.</summary>
    public static string Suffix(string name, IEnumerable<string> known) =>
        Nearest(name, known) is { } nearest ? $"; did you mean {nearest}?" : "";

    /// <summary>The known name with the fewest changes, at most a third of its length; null when none is near.</summary>
    public static string? Nearest(string name, IEnumerable<string> known)
    {
        string? best = null;
        int fewest = int.MaxValue;
        foreach (string candidate in name.Length <= NameLengthMax ? known : [])
        {
            int changes = Changes(Plain(name), Plain(candidate));
            if (changes < fewest && changes <= Math.Max(1, candidate.TrimStart('-').Length / 3))
            {
                (best, fewest) = (candidate, changes);
            }
        }

        return best;
    }

    private static string Plain(string name) => name.Replace('_', '-').ToLowerInvariant();

    /// <summary>Insertions, deletions, replacements and swaps of neighbours from one to the other (optimal string alignment).</summary>
    private static int Changes(string from, string to)
    {
        var row = new int[from.Length + 1, to.Length + 1];
        for (int i = 0; i <= from.Length; i++)
        {
            for (int j = 0; j <= to.Length; j++)
            {
                row[i, j] = i == 0 || j == 0 ? i + j : Cheapest(row, from, to, (i, j));
            }
        }

        return row[from.Length, to.Length];
    }

    private static int Cheapest(int[,] row, string from, string to, (int From, int To) at)
    {
        (int i, int j) = at;
        int cost = from[i - 1] == to[j - 1] ? 0 : 1;
        int cheapest = Math.Min(row[i - 1, j - 1] + cost, Math.Min(row[i - 1, j], row[i, j - 1]) + 1);
        bool swapped = i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
        return swapped ? Math.Min(cheapest, row[i - 2, j - 2] + 1) : cheapest;
    }
}

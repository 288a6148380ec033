namespace Sluice.Tidy.Tests.Support;

/// <summary>What a rule says of files.</summary>
internal static class Rule
{
    /// <summary>The tree has no violation; all that it has are shown, each on a line.</summary>
    public static void Holds(IEnumerable<string> violations)
    {
        string all = string.Join('\n', violations);
        Assert.True(all.Length == 0, all);
    }

    /// <summary>The known-bad twin has at least one: a rule that finds nothing here proves nothing above.</summary>
    public static void Catches(IEnumerable<string> violations) => Assert.NotEmpty(violations);

    /// <summary>What looks bad and is not.</summary>
    public static void Passes(IEnumerable<string> violations) => Assert.Empty(violations);
}

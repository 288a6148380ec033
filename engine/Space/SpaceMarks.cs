namespace Sluice.Engine.Space;

/// <summary>How full a mountpath may be, in percent of its bytes or inodes (contract: storage §7).</summary>
/// <param name="Cleanup">Leftovers are cleaned up from here on.</param>
/// <param name="Low">Eviction goes down to here.</param>
/// <param name="High">Eviction begins here.</param>
/// <param name="OutOfSpace">Nothing more is stored.</param>
public sealed record SpaceMarks(int Cleanup, int Low, int High, int OutOfSpace)
{
    /// <summary>The contract's.</summary>
    public static readonly SpaceMarks Default = new(65, 75, 90, 95);

    /// <summary>What is wrong with them, in a sentence; null when they rise as they must.</summary>
    public string? Problem => Cleanup > 0 && Cleanup <= Low && Low <= High && High <= OutOfSpace && OutOfSpace <= 100
        ? null
        : $"the marks {this} do not fit: expecting 0 < cleanup <= low <= high <= out of space <= 100";

    /// <summary>As it is written in settings.</summary>
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Cleanup},{Low},{High},{OutOfSpace}");
}

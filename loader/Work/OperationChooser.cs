namespace Sluice.Loader.Work;

/// <summary>What is done next.</summary>
public enum Choice
{
    /// <summary>PUT of a new object.</summary>
    Put,

    /// <summary>GET.</summary>
    Get,

    /// <summary>GET, then PUT of the same object.</summary>
    Update,
}

/// <summary>
/// Draws operations by their percentages (contract: load generator §2). Every decision is a draw of its own, so that a percentage of a
/// percentage is what it says. The same seed makes the same choices. One user at a time.
/// </summary>
public sealed class OperationChooser(int percentPut, int percentUpdate, ulong seed)
{
    private const int Whole = 100;

    private SplitMix _random = new(seed);

    /// <summary>The next choice.</summary>
    public Choice Next() =>
        Draw(percentPut) ? Choice.Put
        : Draw(percentUpdate) ? Choice.Update
        : Choice.Get;

    private bool Draw(int percent) => percent > 0 && (percent >= Whole || _random.Below(Whole) < (ulong)percent);
}

namespace Sluice.Loader.Work;

/// <summary>What is done next.</summary>
public enum Choice
{
    /// <summary>PUT of a new object.</summary>
    Put,

    /// <summary>PUT of a new object in parts.</summary>
    Multipart,

    /// <summary>GET.</summary>
    Get,

    /// <summary>GET in ranges at the same time.</summary>
    Stream,

    /// <summary>GET, then PUT of the same object.</summary>
    Update,
}

/// <summary>
/// Draws operations by their percentages (contract: load generator §2). Every decision is a draw of its own, so that a percentage of a
/// percentage is what it says. The same seed makes the same choices. One user at a time.
/// </summary>
/// <param name="percentPut">PUTs, of all, 0 to 100.</param>
/// <param name="percentMultipart">Those in parts, of the PUTs, 0 to 100.</param>
/// <param name="percentStream">Those in ranges at the same time, of the GETs, 0 to 100.</param>
/// <param name="percentUpdate">Those that a PUT follows, of the other GETs, 0 to 100.</param>
/// <param name="seed">Seed of the choices.</param>
public sealed class OperationChooser(int percentPut, int percentMultipart, int percentStream, int percentUpdate, ulong seed)
{
    private const int Whole = 100;

    private SplitMix _random = new(seed);

    /// <summary>The next choice.</summary>
    public Choice Next() =>
        Draw(percentPut) ? NextPut()
        : Draw(percentStream) ? Choice.Stream
        : Draw(percentUpdate) ? Choice.Update
        : Choice.Get;

    /// <summary>The next choice where there is nothing to GET.</summary>
    public Choice NextPut() => Draw(percentMultipart) ? Choice.Multipart : Choice.Put;

    private bool Draw(int percent) => percent > 0 && (percent >= Whole || _random.Below(Whole) < (ulong)percent);
}

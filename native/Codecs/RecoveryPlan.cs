namespace Sluice.Native.Codecs;

/// <summary>
/// How units that are missing come from D others; made by <see cref="ReedSolomon.PlanRecovery"/>, good for every stripe of the same losses. Immutable,
/// for any number of threads; nothing allocates. Units of a call have one length, in bytes; other counts, lengths or overlaps of what is
/// written with anything: <see cref="ArgumentException"/>.
/// </summary>
public sealed class RecoveryPlan
{
    private readonly CoefficientMatrix _matrix;

    internal RecoveryPlan(CoefficientMatrix matrix) => _matrix = matrix;

    /// <summary>Writes the missing units.</summary>
    /// <param name="available">D units, in the order in which the plan was asked for them.</param>
    /// <param name="missing">The missing ones, in their order there; overwritten.</param>
    public void Reconstruct(ReadOnlySpan<ReadOnlyMemory<byte>> available, ReadOnlySpan<Memory<byte>> missing) => _matrix.Sum(available, missing);

    /// <summary>Writes the share of one available unit: the first to arrive, whichever it is.</summary>
    /// <param name="place">Its place among the available ones, 0 to D-1; else <see cref="ArgumentOutOfRangeException"/>.</param>
    /// <param name="unit">The unit, or a piece of it.</param>
    /// <param name="missing">The same piece of the missing ones, overwritten.</param>
    public void Begin(int place, ReadOnlyMemory<byte> unit, ReadOnlySpan<Memory<byte>> missing) => _matrix.Add(place, unit, missing, accumulate: false);

    /// <summary>Adds the share of one more; the missing units are there once each available one was added exactly once.</summary>
    /// <param name="place">Its place among the available ones, 0 to D-1; else <see cref="ArgumentOutOfRangeException"/>.</param>
    /// <param name="unit">The unit, or a piece of it.</param>
    /// <param name="missing">The same piece of the missing ones.</param>
    public void Accumulate(int place, ReadOnlyMemory<byte> unit, ReadOnlySpan<Memory<byte>> missing) =>
        _matrix.Add(place, unit, missing, accumulate: true);
}

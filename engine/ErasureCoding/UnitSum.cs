using Sluice.Native.Codecs;

namespace Sluice.Engine.ErasureCoding;

/// <summary>
/// Units, or a piece of each, that are added up from D others of their stripe, which come in pieces of <see cref="ErasureMemory.ScratchBytes"/> or in one, in whatever
/// order the disks bring them. The units are borrowed from the caller. Any thread.
/// </summary>
internal sealed class UnitSum(RecoveryPlan plan, params Memory<byte>[] units)
{
    private readonly Lock _gate = new(); // held for one piece: some ten microseconds
    private uint _begun; // a bit for each piece that has a first share; guarded by _gate

    static UnitSum() => Invariant.That(Buckets.EcProperties.UnitBytesMax / ErasureMemory.ScratchBytes <= 32, "there is a bit for every piece");

    /// <summary>Adds a piece, which begins at that byte of its unit, of the source at that place of the plan; each once.</summary>
    public void Add(int place, Memory<byte> piece, int at)
    {
        Memory<byte>[] sums = Array.ConvertAll(units, unit => unit.Slice(at, piece.Length));
        uint bit = 1u << (at / ErasureMemory.ScratchBytes);
        lock (_gate)
        {
            if ((_begun & bit) == 0)
            {
                _begun |= bit;
                plan.Begin(place, piece, sums);
            }
            else
            {
                plan.Accumulate(place, piece, sums);
            }
        }
    }
}

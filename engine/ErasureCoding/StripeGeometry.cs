using Sluice.Engine.Buckets;

namespace Sluice.Engine.ErasureCoding;

/// <summary>Where a byte of an object lies: in a data slice, and how many of the object's bytes follow it there before the unit ends.</summary>
public readonly record struct UnitPlace(int Stripe, int Slice, int InUnit, int Count);

/// <summary>
/// How an object is laid over its slices. It is cut into stripes of <see cref="DataSlices"/> units; unit u lies on data slice u modulo their number,
/// one stripe behind the other, so that every slice has one unit of each stripe and all slices have one length. Units have <see cref="UnitBytes"/>, those
/// of a last stripe that is not full <see cref="LastUnitBytes"/>; what the object does not fill of them is zero. Slices are counted from 0 here, data
/// slices first; their files are numbered from 1.
/// </summary>
public readonly record struct StripeGeometry
{
    /// <summary>Last units are whole pages, so that every slice can be read past the page cache.</summary>
    public const int LastUnitAlignmentBytes = 4096;

    /// <summary>Units that an object of known size has at most: their digests, 8 bytes each, are 8 MiB at most for all data slices together.</summary>
    public const int UnitsMax = 1 << 20;

    /// <summary>Data slices, 1 to 32.</summary>
    public required int DataSlices { get; init; }

    /// <summary>Parity slices, 1 to 32.</summary>
    public required int ParitySlices { get; init; }

    /// <summary>Bytes of a unit.</summary>
    public required int UnitBytes { get; init; }

    /// <summary>Bytes of a unit of the last stripe when that is not full; 0 when there is no such stripe.</summary>
    public required int LastUnitBytes { get; init; }

    /// <summary>Bytes of the object.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>All slices.</summary>
    public int SliceCount => DataSlices + ParitySlices;

    /// <summary>Stripes, a last one that is not full included.</summary>
    public int StripeCount => checked((int)(FullStripes + (LastUnitBytes > 0 ? 1 : 0)));

    /// <summary>Bytes of each slice.</summary>
    public long SliceBytes => (FullStripes * UnitBytes) + LastUnitBytes;

    private long StripeBytes => (long)DataSlices * UnitBytes;

    private long FullStripes => SizeBytes / StripeBytes;

    /// <summary>The layout of an object of known size: the last units are as small as they can be.</summary>
    public static StripeGeometry Of(long sizeBytes, int dataSlices, int paritySlices, int unitBytes)
    {
        int unit = UnitFor(sizeBytes, unitBytes);
        long rest = sizeBytes % ((long)dataSlices * unit);
        return new StripeGeometry
        {
            DataSlices = dataSlices,
            ParitySlices = paritySlices,
            UnitBytes = unit,
            LastUnitBytes = (int)RoundUp((rest + dataSlices - 1) / dataSlices, LastUnitAlignmentBytes),
            SizeBytes = sizeBytes,
        };
    }

    /// <summary>The unit of an object of that size: what is asked for, or more where that would make too many units.</summary>
    public static int UnitFor(long sizeBytes, int unitBytes) => (int)Math.Max(unitBytes, RoundUp(sizeBytes / UnitsMax, EcProperties.UnitBytesMin));

    /// <summary>Bytes of the units of a stripe.</summary>
    public int UnitBytesOf(int stripe) => stripe < FullStripes ? UnitBytes : LastUnitBytes;

    /// <summary>Where a stripe begins in each slice.</summary>
    public long OffsetOf(int stripe) => (long)stripe * UnitBytes;

    /// <summary>The place of a byte, which the object has.</summary>
    public UnitPlace PlaceOf(long offset)
    {
        Invariant.That(offset >= 0 && offset < SizeBytes, "the byte is one of the object's");
        int stripe = (int)(offset / StripeBytes);
        long inStripe = offset % StripeBytes;
        int unit = UnitBytesOf(stripe);
        int inUnit = (int)(inStripe % unit);
        return new UnitPlace(stripe, (int)(inStripe / unit), inUnit, (int)Math.Min(unit - inUnit, SizeBytes - offset));
    }

    /// <summary>Bytes of the object in a unit of a data slice; the rest of it is zero.</summary>
    public int ContentOf(int stripe, int slice)
    {
        int unit = UnitBytesOf(stripe);
        return (int)Math.Clamp(SizeBytes - (stripe * StripeBytes) - ((long)slice * unit), 0, unit);
    }

    /// <summary>What is wrong with numbers that were read, in a sentence; null when they are a layout.</summary>
    public string? Problem()
    {
        if (DataSlices is < 1 or > EcProperties.SlicesMax || ParitySlices is < 1 or > EcProperties.SlicesMax)
        {
            return $"{DataSlices} data and {ParitySlices} parity slices are out of range";
        }

        if (UnitBytes is < EcProperties.UnitBytesMin or > EcProperties.UnitBytesMax || UnitBytes % EcProperties.UnitBytesMin != 0)
        {
            return $"unit of {UnitBytes} bytes is out of range";
        }

        long rest = SizeBytes % StripeBytes;
        bool isLastRight = rest == 0
            ? LastUnitBytes == 0
            : LastUnitBytes > 0 && LastUnitBytes <= UnitBytes && LastUnitBytes % LastUnitAlignmentBytes == 0 && (long)LastUnitBytes * DataSlices >= rest;
        return isLastRight ? null : $"last unit of {LastUnitBytes} bytes does not fit the object's size";
    }

    private static long RoundUp(long bytes, long to) => (bytes + to - 1) / to * to;
}

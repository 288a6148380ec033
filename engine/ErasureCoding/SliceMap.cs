using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Sluice.Engine.ErasureCoding;

/// <summary>
/// The redundancy map of an erasure-coded object: the layout, and which mountpath has which slice (in a head), or which slice the file is (in a slice).
/// Field 6 of a record, persisted (docs/ON_DISK.md), little-endian:
/// <code>
///  offset  bytes  field
///       0      1  layout: 1, striped, Cauchy Reed–Solomon over GF(2^8)
///       1      1  data slices
///       2      1  parity slices
///       3      1  number of the slice, from 1; one more than there are slices in a replica; 0 in a head
///       4      4  unit in bytes
///       8      4  unit of the last stripe in bytes, 0 when that is full
///      12      8  generation of the slices, which a later change of the head does not change
///      20     16  in a head, for each slice, then for the replica if there is to be one: uuid of its mountpath, in the order of its text
/// </code>
/// </summary>
public sealed class SliceMap
{
    private const byte Layout1 = 1;
    private const int FixedBytes = 20;
    private const int UuidBytes = 16;

    /// <summary>The layout.</summary>
    public required StripeGeometry Geometry { get; init; }

    /// <summary>Generation that the slices' names have.</summary>
    public required ulong Generation { get; init; }

    /// <summary>Which slice the file is, from 1; a replica's is one more than there are slices; 0 in a head.</summary>
    public int Number { get; init; }

    /// <summary>
    /// In a head: the mountpath of each slice, and behind them that of the replica where the object is to have one; <see cref="Guid.Empty"/> for one that is
    /// owed. In a slice: none.
    /// </summary>
    public IReadOnlyList<Guid> Mountpaths { get; init; } = [];

    /// <summary>In a head: there is to be a replica, a whole copy of the object beside its slices.</summary>
    public bool HasReplica => Mountpaths.Count > Geometry.SliceCount;

    /// <summary>In a slice: it is the replica.</summary>
    public bool IsReplica => Number > Geometry.SliceCount;

    /// <summary>Bytes of the field.</summary>
    public int FieldBytes => FixedBytes + (UuidBytes * Mountpaths.Count);

    /// <summary>The same of a file that is one slice.</summary>
    public SliceMap OfSlice(int number) => new() { Geometry = Geometry, Generation = Generation, Number = number };

    /// <summary>The same with another generation of slices.</summary>
    public SliceMap OfGeneration(ulong generation) => new() { Geometry = Geometry, Generation = generation, Mountpaths = Mountpaths };

    /// <summary>The same of a head with the replica there; null: without one.</summary>
    public SliceMap WithReplica(Guid? mountpath)
    {
        IEnumerable<Guid> slices = Mountpaths.Take(Geometry.SliceCount);
        return new() { Geometry = Geometry, Generation = Generation, Mountpaths = [.. mountpath is { } uuid ? slices.Append(uuid) : slices] };
    }

    /// <summary>Writes the field into memory of <see cref="FieldBytes"/>.</summary>
    public void Format(Span<byte> field)
    {
        (field[0], field[1], field[2], field[3]) = (Layout1, (byte)Geometry.DataSlices, (byte)Geometry.ParitySlices, (byte)Number);
        BinaryPrimitives.WriteInt32LittleEndian(field[4..], Geometry.UnitBytes);
        BinaryPrimitives.WriteInt32LittleEndian(field[8..], Geometry.LastUnitBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(field[12..], Generation);
        for (int i = 0; i < Mountpaths.Count; i++)
        {
            Mountpaths[i].TryWriteBytes(field[(FixedBytes + (UuidBytes * i))..], bigEndian: true, out _);
        }
    }

    /// <summary>Reads the field of an object of that size; on refusal <paramref name="problem"/> says what is wrong with it.</summary>
    public static bool TryParse(
        ReadOnlySpan<byte> field, long sizeBytes, [NotNullWhen(true)] out SliceMap? map, [NotNullWhen(false)] out string? problem)
    {
        map = null;
        if (field.Length < FixedBytes || field[0] != Layout1)
        {
            problem = "redundancy map is short or of a layout that is not known";
            return false;
        }

        var geometry = new StripeGeometry
        {
            DataSlices = field[1],
            ParitySlices = field[2],
            UnitBytes = BinaryPrimitives.ReadInt32LittleEndian(field[4..]),
            LastUnitBytes = BinaryPrimitives.ReadInt32LittleEndian(field[8..]),
            SizeBytes = sizeBytes,
        };
        int number = field[3];
        int uuids = (field.Length - FixedBytes) / UuidBytes;
        bool isRight = number == 0 ? uuids == geometry.SliceCount || uuids == geometry.SliceCount + 1 : uuids == 0;
        problem = geometry.Problem()
            ?? (number > geometry.SliceCount + 1 ? $"slice {number} is none of {geometry.SliceCount}" : null)
            ?? (!isRight || field.Length != FixedBytes + (UuidBytes * uuids) ? "redundancy map has a wrong length" : null);
        if (problem is not null)
        {
            return false;
        }

        var mountpaths = new Guid[uuids];
        for (int i = 0; i < uuids; i++)
        {
            mountpaths[i] = new Guid(field.Slice(FixedBytes + (UuidBytes * i), UuidBytes), bigEndian: true);
        }

        map = new SliceMap { Geometry = geometry, Generation = BinaryPrimitives.ReadUInt64LittleEndian(field[12..]), Number = number, Mountpaths = mountpaths };
        return true;
    }
}

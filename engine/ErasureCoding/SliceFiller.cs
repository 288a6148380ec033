using System.Buffers;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Native.Codecs;

namespace Sluice.Engine.ErasureCoding;

/// <summary>A slice that is read: its number from 0, its file, and the digests of its units.</summary>
internal sealed record SliceSource(int Slice, ObjectDisk Disk, FileHandle File, IReadOnlyList<ulong> Digests);

/// <summary>A slice that is written: its number from 0, its work file, and where the digests of its units go.</summary>
internal sealed record SliceTarget(int Slice, WorkFile Work, List<ulong> Digests);

/// <summary>
/// Computes slices from D others, all of which are read at the same time, file to file, in one buffer of a mountpath that is held while the disks work: parity
/// that a PUT had no memory for, and slices that were lost.
/// </summary>
internal static class SliceFiller
{
    /// <summary>
    /// Appends to the targets what they are in <paramref name="stripe"/>, or in all stripes. Answers the slice whose unit is short, fails or does not match its
    /// digest; null when there is none. Throws <see cref="StorageException"/> when a target's disk fails.
    /// </summary>
    public static async ValueTask<int?> FillAsync(StripeGeometry geometry, SliceSource[] sources, SliceTarget[] targets, int? stripe)
    {
        RecoveryPlan plan = ErasureCodecs.Of(geometry.DataSlices, geometry.ParitySlices)
            .PlanRecovery([.. sources.Select(source => source.Slice)], [.. targets.Select(target => target.Slice)]);
        int end = stripe + 1 ?? geometry.StripeCount;
        for (int each = stripe ?? 0; each < end; each++)
        {
            if (await FillStripeAsync(geometry, plan, sources, targets, each) is { } bad)
            {
                return bad;
            }
        }

        return null;
    }

    private static async ValueTask<int?> FillStripeAsync(StripeGeometry geometry, RecoveryPlan plan, SliceSource[] sources, SliceTarget[] targets, int stripe)
    {
        int unitBytes = geometry.UnitBytesOf(stripe);
        int width = Limits.BlockBytes / (sources.Length + targets.Length) & ~(StripeGeometry.LastUnitAlignmentBytes - 1);
        var read = new ulong[sources.Length];
        var written = new ulong[targets.Length];
        using BlockBuffers.Rented rented = await targets[0].Work.Disk.Blocks.RentAsync();
        for (int at = 0; at < unitBytes; at += width)
        {
            int count = Math.Min(width, unitBytes - at);
            Memory<byte>[] sums = [.. targets.Select((_, i) => rented.Memory.Slice((sources.Length + i) * width, count))];
            var sum = new UnitSum(plan, sums);
            var shares = new Task<bool>[sources.Length];
            for (int i = 0; i < sources.Length; i++)
            {
                shares[i] = AddShareAsync(sources[i], i, rented.Memory.Slice(i * width, count), geometry.OffsetOf(stripe) + at, sum, read);
            }

            int bad = Array.IndexOf(await Task.WhenAll(shares), false); // waits for all: they write into the buffer
            if (bad >= 0)
            {
                return sources[bad].Slice;
            }

            for (int i = 0; i < targets.Length; i++)
            {
                WorkFile work = targets[i].Work;
                written[i] = Crc64Nvme.Append(written[i], sums[i].Span);
                work.Disk.Check(
                    await work.Disk.Io.WriteFullyAsync(work.File, new ReadOnlySequence<byte>(sums[i]), geometry.OffsetOf(stripe) + at), "write", work.Path.Span);
            }
        }

        for (int i = 0; i < sources.Length; i++)
        {
            if (sources[i].Digests[stripe] != read[i])
            {
                return sources[i].Slice;
            }
        }

        for (int i = 0; i < targets.Length; i++)
        {
            targets[i].Digests.Add(written[i]);
        }

        return null;
    }

    /// <summary>Reads a piece of one source and adds its share to the sums; false when it fails or is short, and they are worth nothing.</summary>
    private static async Task<bool> AddShareAsync(SliceSource source, int place, Memory<byte> piece, long offset, UnitSum sum, ulong[] digests)
    {
        IoResult<int> got = await source.Disk.Io.ReadFullyAsync(source.File, piece, offset);
        if (!got.Ok || got.Value < piece.Length)
        {
            return false;
        }

        digests[place] = Crc64Nvme.Append(digests[place], piece.Span);
        sum.Add(place, piece, 0);
        return true;
    }
}

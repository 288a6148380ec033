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
/// Computes slices from D others, file to file, in one buffer of a mountpath that is held while the disks work: parity that a PUT had no memory for, and
/// slices that were lost.
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
        int width = Limits.BlockBytes / (targets.Length + 1) & ~(StripeGeometry.LastUnitAlignmentBytes - 1);
        var read = new ulong[sources.Length];
        var written = new ulong[targets.Length];
        using BlockBuffers.Rented rented = await targets[0].Work.Disk.Blocks.RentAsync();
        for (int at = 0; at < unitBytes; at += width)
        {
            int count = Math.Min(width, unitBytes - at);
            Memory<byte>[] sums = [.. targets.Select((_, i) => rented.Memory.Slice((i + 1) * width, count))];
            for (int i = 0; i < sources.Length; i++)
            {
                Memory<byte> piece = rented.Memory[..count];
                IoResult<int> got = await sources[i].Disk.Io.ReadFullyAsync(sources[i].File, piece, geometry.OffsetOf(stripe) + at);
                if (!got.Ok || got.Value < count)
                {
                    return sources[i].Slice;
                }

                read[i] = Crc64Nvme.Append(read[i], piece.Span);
                if (i == 0)
                {
                    plan.Begin(i, piece, sums);
                }
                else
                {
                    plan.Accumulate(i, piece, sums);
                }
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
}

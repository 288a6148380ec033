using System.Buffers;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Native.Memory;

namespace Sluice.Engine.ErasureCoding;

/// <summary>
/// The files of an object that is being encoded: a slice on each of D+P mountpaths, the object's first ones that take a file, and an empty head on the first
/// P+1 of them; with <c>ec.keep_replica</c> a replica besides, on the first. A mountpath that fails is passed over; where none is left in its place, up to half
/// of the parity is owed. The work files are the set's.
/// </summary>
internal sealed class SliceSet : IBodySink, IDisposable
{
    private readonly ReplicaSet _set;
    private readonly StripeEncoder _encoder;
    private readonly Guid[] _mountpaths;
    private WorkFile? _replica;

    private SliceSet(ReplicaSet set, StripeEncoder encoder, Guid[] mountpaths) => (_set, _encoder, _mountpaths) = (set, encoder, mountpaths);

    /// <summary>
    /// Makes the files and adds them to <paramref name="set"/>; of a body of known length <paramref name="lengthBytes"/> says so. Refuses when too few
    /// mountpaths take files.
    /// </summary>
    public static async ValueTask<Result<SliceSet>> CreateAsync(ErasureContext context, ReplicaSet set, IReadOnlyList<ObjectDisk> order, EcProperties ec, long? lengthBytes)
    {
        int wanted = ec.DataSlices + ec.ParitySlices;
        var works = new WorkFile?[wanted];
        List<WorkFile> heads = [];
        int made = 0;
        for (int i = 0; i < order.Count && made < wanted; i++)
        {
            if (await TryCreateAsync(order[i], set) is not { } work)
            {
                continue;
            }

            if (heads.Count <= ec.ParitySlices)
            {
                if (await TryCreateAsync(order[i], set) is not { } head)
                {
                    await work.DisposeAsync();
                    continue;
                }

                heads.Add(head);
            }

            works[made++] = work;
        }

        int least = ec.DataSlices + (ec.ParitySlices / 2);
        StripeGeometry? known = lengthBytes is { } length ? StripeGeometry.Of(length, ec.DataSlices, ec.ParitySlices, ec.UnitBytes) : null;
        ArenaRange? parity = lengthBytes == 0 ? null : context.Memory.TryRentParity((long)(known?.UnitBytes ?? ec.UnitBytes) * ec.ParitySlices);
        if (parity is null)
        {
            context.LateParity.Add();
        }

        WorkFile? replica = ec.KeepReplica ? await TryCreateFirstAsync(order, set) : null;
        IEnumerable<WorkFile?> files = ec.KeepReplica ? works.Append(replica) : works;
        var slices = new SliceSet(
            set, new StripeEncoder(works, ec.DataSlices, ec.UnitBytes, known, parity), [.. files.Select(static work => work?.Disk.Uuid ?? Guid.Empty)])
        {
            _replica = replica,
        };
        for (int i = 0; i < made; i++)
        {
            slices.Add(works[i]!, i);
        }

        if (replica is not null)
        {
            slices.Add(replica, wanted);
        }

        foreach (WorkFile head in heads)
        {
            set.Add(ReplicaMember.Head(head));
        }

        if (made >= least)
        {
            return slices;
        }

        slices.Dispose();
        return ErasureRefusals.TooFew(ec, made);
    }

    /// <inheritdoc/>
    public ValueTask WriteAsync(ReadOnlySequence<byte> piece, long offset) =>
        _replica is null ? _encoder.WriteAsync(piece, offset) : WriteBothAsync(_replica, piece, offset);

    /// <summary>The body is complete: the files are, too, but for their records, which the commit sets.</summary>
    public async ValueTask FinishAsync(long sizeBytes)
    {
        StripeGeometry geometry = await _encoder.FinishAsync(sizeBytes);
        _set.Map = new SliceMap { Geometry = geometry, Generation = 0, Mountpaths = _mountpaths };
    }

    /// <inheritdoc/>
    public void Dispose() => _encoder.Dispose();

    private void Add(WorkFile owned, int slice) => _set.Add(new ReplicaMember
    {
        Role = MemberRole.Part,
        PartKind = PartKind.Slice,
        PartNumber = slice + 1,
        Work = owned,
        SealAsync = (work, head) => RecordFiles.SetAsync(
            work.Disk, work.File, SliceFiles.RecordOf(head, slice, work == _replica ? [] : _encoder.Digests[slice]), work.Path),
    });

    /// <summary>The two are on their way at the same time; the piece is borrowed until both have ended.</summary>
    private async ValueTask WriteBothAsync(WorkFile replica, ReadOnlySequence<byte> piece, long offset)
    {
        ValueTask whole = replica.WriteAsync(piece, offset);
        try
        {
            await _encoder.WriteAsync(piece, offset);
        }
        finally
        {
            await whole;
        }
    }

    private static async ValueTask<WorkFile?> TryCreateFirstAsync(IReadOnlyList<ObjectDisk> order, ReplicaSet set)
    {
        for (int i = 0; i < order.Count; i++)
        {
            if (await TryCreateAsync(order[i], set) is { } work)
            {
                return work;
            }
        }

        return null;
    }

    private static async ValueTask<WorkFile?> TryCreateAsync(ObjectDisk disk, ReplicaSet set)
    {
        try
        {
            return await WorkFile.CreateAsync(disk, set.Bucket, set.Digest);
        }
        catch (StorageException)
        {
            return null; // counted with the disk's faults; the next mountpath takes the slice
        }
    }
}

/// <summary>What is said when there are too few mountpaths.</summary>
internal static class ErasureRefusals
{
    /// <summary>To who switches erasure coding on; null when it can be had, or stays off.</summary>
    public static Failure? Problem(EcProperties ec, int mountpaths)
    {
        int needed = ec.SizeLimitBytes < 0 ? ec.ParitySlices + 1 : ec.DataSlices + ec.ParitySlices;
        return !ec.Enabled || mountpaths >= needed ? null : new Failure(
            ErrorCode.InvalidProperty,
            $"erasure coding with {ec.DataSlices} data and {ec.ParitySlices} parity slices needs {needed} mountpaths, and there are {mountpaths}: "
            + "lower ec.data_slices or ec.parity_slices, or add mountpaths");
    }

    /// <summary>To who writes an object.</summary>
    public static Failure TooFew(EcProperties ec, int mountpaths) => new(
        ErrorCode.Unavailable,
        $"{ec.DataSlices} data and {ec.ParitySlices} parity slices need {ec.DataSlices + ec.ParitySlices} mountpaths, of which {mountpaths} serve");

    /// <summary>To who writes an object that is to be copied.</summary>
    public static Failure TooFewForCopies(EcProperties ec, int mountpaths) => new(
        ErrorCode.Unavailable, $"{ec.ParitySlices + 1} copies need as many mountpaths, of which {mountpaths} serve");
}

using System.Buffers;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Native.Codecs;
using Sluice.Native.Memory;

namespace Sluice.Engine.ErasureCoding;

/// <summary>
/// Takes a body as it comes and writes it to the work files of slices: data units as they are, and parity units, which are added up while the data units of
/// their stripe come, when those are complete. Without memory for parity the parity slices are computed at the end from what was written. One user.
/// </summary>
internal sealed class StripeEncoder : IBodySink, IDisposable
{
    private static readonly byte[] s_zeros = new byte[64 << 10];

    private readonly IReadOnlyList<WorkFile?> _slices;
    private readonly int _data;
    private readonly int _parity;
    private readonly int _unitBytesMax;
    private readonly ReedSolomon _codec;
    private readonly ArenaRange? _parityMemory;
    private readonly Memory<byte>[] _sums;
    private readonly List<ulong>[] _digests;
    private readonly StripeGeometry? _known;
    private int _stripe;
    private int _slice;
    private int _inUnit;
    private int _unitBytes;
    private ulong _digest;

    /// <summary>
    /// Writes to <paramref name="slices"/>, data slices first, which stay the caller's; a parity slice may be missing. Of a body of known length <paramref name="known"/> is the layout;
    /// without it units are <paramref name="unitBytes"/> and the last one is laid out at the end. The parity memory is the encoder's.
    /// </summary>
    public StripeEncoder(IReadOnlyList<WorkFile?> slices, int dataSlices, int unitBytes, StripeGeometry? known, ArenaRange? ownedParity)
    {
        (_slices, _data, _parity, _known, _parityMemory) = (slices, dataSlices, slices.Count - dataSlices, known, ownedParity);
        _unitBytesMax = known?.UnitBytes ?? unitBytes;
        _unitBytes = known?.UnitBytesOf(0) ?? unitBytes;
        _codec = ErasureCodecs.Of(_data, _parity);
        _sums = new Memory<byte>[_parity];
        _digests = [.. slices.Select(_ => new List<ulong>(known?.StripeCount ?? 0))];
    }

    /// <summary>Digests of the units of each slice; complete after <see cref="FinishAsync"/>.</summary>
    public IReadOnlyList<ulong[]> Digests { get; private set; } = [];

    /// <inheritdoc/>
    public async ValueTask WriteAsync(ReadOnlySequence<byte> piece, long offset)
    {
        while (!piece.IsEmpty)
        {
            ReadOnlySequence<byte> part = piece.Slice(0, Math.Min(piece.Length, _unitBytes - _inUnit));
            Add(part);
            await WriteUnitAsync(_slices[_slice]!, part, _inUnit);
            _inUnit += (int)part.Length;
            piece = piece.Slice(part.Length);
            if (_inUnit == _unitBytes)
            {
                await EndUnitAsync();
            }
        }
    }

    /// <summary>The body is complete: fills up the last stripe, and writes what is still owed. Answers the layout.</summary>
    public async ValueTask<StripeGeometry> FinishAsync(long sizeBytes)
    {
        long stripeBytes = (long)_data * _unitBytesMax;
        long rest = sizeBytes % stripeBytes;
        StripeGeometry geometry = _known ?? new StripeGeometry
        {
            DataSlices = _data,
            ParitySlices = _parity,
            UnitBytes = _unitBytesMax,
            LastUnitBytes = LastUnit(rest),
            SizeBytes = sizeBytes,
        };
        Invariant.That(geometry.SizeBytes == sizeBytes && geometry.Problem() is null, "what arrived is what was laid out");
        if (rest > 0)
        {
            _unitBytes = geometry.LastUnitBytes;
            if (_inUnit == _unitBytes)
            {
                await EndUnitAsync(); // of unknown length, it was laid out for more
            }

            for (long missing = (_unitBytes * (long)_data) - rest; missing > 0;)
            {
                int zeros = (int)Math.Min(missing, s_zeros.Length);
                await WriteAsync(new ReadOnlySequence<byte>(s_zeros, 0, zeros), 0);
                missing -= zeros;
            }
        }

        if (_parityMemory is null)
        {
            await AddParityAsync(geometry);
        }

        Digests = [.. _digests.Select(list => list.ToArray())];
        for (int slice = 0; slice < _slices.Count; slice++)
        {
            byte[] trailer = SliceFiles.TrailerOf(Digests[slice]);
            if (trailer.Length > 0 && _slices[slice] is { } work)
            {
                await WriteAsync(work, new ReadOnlySequence<byte>(trailer), geometry.SliceBytes);
            }
        }

        return geometry;
    }

    /// <inheritdoc/>
    public void Dispose() => _parityMemory?.Dispose();

    /// <summary>
    /// A last stripe of a body whose length was not known has its bytes where they were put when they came: its first unit is as long as
    /// what there is of it, and the others are, too.
    /// </summary>
    private int LastUnit(long rest)
    {
        const int Mask = StripeGeometry.LastUnitAlignmentBytes - 1;
        return (int)((Math.Min(rest, _unitBytesMax) + Mask) & ~Mask);
    }

    private static async ValueTask WriteAsync(WorkFile work, ReadOnlySequence<byte> data, long offset) =>
        work.Disk.Check(await work.Disk.Io.WriteFullyAsync(work.File, data, offset), "write", work.Path.Span);

    private ValueTask WriteUnitAsync(WorkFile work, ReadOnlySequence<byte> part, int inUnit) =>
        WriteAsync(work, part, ((long)_stripe * _unitBytesMax) + inUnit);

    /// <summary>Digest and parity of a part of the current unit.</summary>
    private void Add(ReadOnlySequence<byte> part)
    {
        int at = _inUnit;
        foreach (ReadOnlyMemory<byte> memory in part)
        {
            _digest = Crc64Nvme.Append(_digest, memory.Span);
            if (_parityMemory is not null)
            {
                for (int i = 0; i < _parity; i++)
                {
                    _sums[i] = _parityMemory.Memory.Slice((i * _unitBytesMax) + at, memory.Length);
                }

                if (_slice == 0)
                {
                    _codec.Begin(_slice, memory, _sums);
                }
                else
                {
                    _codec.Accumulate(_slice, memory, _sums);
                }
            }

            at += memory.Length;
        }
    }

    private async ValueTask EndUnitAsync()
    {
        _digests[_slice].Add(_digest);
        (_digest, _inUnit) = (0, 0);
        _slice++;
        if (_slice < _data)
        {
            return;
        }

        for (int i = 0; i < _parity && _parityMemory is not null; i++)
        {
            Memory<byte> sum = _parityMemory.Memory.Slice(i * _unitBytesMax, _unitBytes);
            _digests[_data + i].Add(Crc64Nvme.Hash(sum.Span));
            if (_slices[_data + i] is { } work)
            {
                await WriteUnitAsync(work, new ReadOnlySequence<byte>(sum), 0);
            }
        }

        _slice = 0;
        _stripe++;
        _unitBytes = _known?.UnitBytesOf(_stripe) ?? _unitBytesMax;
    }

    private async ValueTask AddParityAsync(StripeGeometry geometry)
    {
        SliceSource[] sources = [.. _slices.Take(_data).Select((work, slice) => new SliceSource(slice, work!.Disk, work.File, _digests[slice]))];
        SliceTarget[] targets = [.. _slices.Index().Skip(_data).Where(slice => slice.Item is not null).Select(slice => new SliceTarget(slice.Index, slice.Item!, _digests[slice.Index]))];
        if (targets.Length == 0)
        {
            return;
        }

        int? bad = await SliceFiller.FillAsync(geometry, sources, targets, stripe: null);
        Invariant.That(bad is null, "what was written a moment ago is what is read");
    }
}

using System.Buffers;
using Sluice.Engine;
using Sluice.Engine.Io;
using Sluice.Native;
using Sluice.Native.Memory;

namespace Sluice.Transport.Uring;

/// <summary>
/// What goes out between two flushes: a buffer of heads and small bodies, then at most one segment. Guarded by the connection's gate; moved whole,
/// so there is one owner of the memory.
/// </summary>
internal struct OutputUnit
{
    private BufferLease _lease;
    private byte[]? _array; // when more was asked for than a lease has, or no lease was free
    private LoopBuffers? _arrayOf;
    private bool _hasLease;
    private Memory<byte> _memory;

    public OutputSegment Segment;

    /// <summary>Where the bytes that are not sent begin, and where they end.</summary>
    public int Start, End;

    public readonly bool IsEmpty => Start == End && Segment.Left == 0;

    public readonly bool HasMemory => !_memory.IsEmpty;

    /// <summary>Its memory is not of the slab, which bounds itself.</summary>
    public readonly bool HasArray => _array is not null || Segment.HasArray;

    public readonly ReadOnlyMemory<byte> Unsent => _memory[Start..End];

    /// <summary>Bytes that fit behind what was written.</summary>
    public readonly int RoomBytes => _memory.Length - End;

    /// <summary>What is not sent, and as many bytes behind it.</summary>
    public readonly Memory<byte> UnsentAnd(int bytes) => _memory[Start..(End + bytes)];

    /// <summary>At least that many bytes behind what was written.</summary>
    public Memory<byte> Room(int bytes, LoopBuffers buffers)
    {
        if (_memory.Length - End < bytes)
        {
            MakeRoom(bytes, buffers);
        }

        return _memory[End..];
    }

    /// <summary>Bytes were written into the room; no more than there was of it, else whatever lies behind would go out.</summary>
    public void Advance(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)bytes, (uint)(_memory.Length - End), nameof(bytes));
        End += bytes;
    }

    /// <summary>If what was written ends a head, puts lines in front of its end; a head may come in several pieces.</summary>
    public bool TryAddToHead(ReadOnlyMemory<byte> lines, LoopBuffers buffers)
    {
        ReadOnlySpan<byte> end = "\r\n\r\n"u8;
        if (!_memory.Span[Start..End].EndsWith(end))
        {
            return false;
        }

        Room(lines.Length, buffers);
        lines.Span.CopyTo(_memory.Span[(End - end.Length)..]);
        End += lines.Length;
        end.CopyTo(_memory.Span[(End - end.Length)..]);
        return true;
    }

    /// <summary>Everything is sent: lets go of the segment, keeps the memory.</summary>
    public void Finish()
    {
        Segment.Dispose();
        Segment = default;
        Start = End = 0;
    }

    /// <summary>Gives the memory back; nothing may be unsent.</summary>
    public void ReturnMemory()
    {
        if (_hasLease)
        {
            _lease.Dispose();
        }

        if (_array is not null)
        {
            _arrayOf!.CountArray(-_array.Length);
            ArrayPool<byte>.Shared.Return(_array);
        }

        (_memory, _lease, _hasLease, _array, _arrayOf) = (default, default, false, null, null);
    }

    private void MakeRoom(int bytes, LoopBuffers buffers)
    {
        int unsent = End - Start;
        if (_memory.IsEmpty && bytes <= buffers.Heads.BufferBytes && buffers.Heads.TryRent(out _lease))
        {
            (_memory, _hasLease) = (_lease.Memory, true);
            return;
        }

        byte[] array = ArrayPool<byte>.Shared.Rent(Math.Max(unsent + bytes, 4096));
        _memory[Start..End].CopyTo(array);
        ReturnMemory();
        buffers.CountArray(array.Length);
        (_array, _arrayOf, _memory, Start, End) = (array, buffers, array, 0, unsent);
    }
}

/// <summary>
/// Bytes that go out behind a buffer: of a file, which is held open, or of a lease. What a file lacks and no other has is rebuilt, a part at a time, where that
/// can be done.
/// </summary>
internal struct OutputSegment : IDisposable
{
    private readonly FileHandle? _rebuiltWith;
    private FileHandle? _file;
    private IReadFaults? _faults;
    private readonly BufferLease _lease;
    private int _position;
    private bool _isLost; // the file is given up
    private RebuiltBytes _rebuilt; // none before the first part
    private int _rebuiltStart;

    /// <summary>Of a file; the holds on it and on what its bytes can be rebuilt with are the segment's.</summary>
    public OutputSegment(FileHandle held, long offset, int count, IReadFaults? faults, FileHandle? heldToRebuild)
    {
        (_file, Offset, Left, _faults, _rebuiltWith) = (held, offset, count, faults, heldToRebuild);
    }

    /// <summary>Of a buffer, which is the segment's.</summary>
    public OutputSegment(BufferLease owned, int start, int count)
    {
        (_lease, _position, Left) = (owned, start, count);
        HasLease = true;
    }

    /// <summary>They are, or are to be, in memory.</summary>
    public readonly bool IsOfMemory => HasLease || _isLost;

    /// <summary>The next bytes are to be rebuilt before they can be sent.</summary>
    public readonly bool NeedsRebuilding => _isLost && _rebuiltStart == _rebuilt.Memory.Length;

    /// <summary>What was rebuilt is in an array.</summary>
    public readonly bool HasArray => _rebuilt.IsArray;

    private bool HasLease { get; }

    public readonly int Descriptor => _file!.Descriptor;

    public long Offset { get; private set; }

    public int Left { get; private set; }

    public readonly ReadOnlySpan<byte> Bytes =>
        _isLost ? _rebuilt.Memory.Span[_rebuiltStart..] : _lease.Memory.Span.Slice(_position, Left);

    /// <summary>
    /// It could not be read, or ended <paramref name="read"/> bytes from where it was to go on: told, and true when another file has the bytes that
    /// are left and takes its place, or they are to be rebuilt. What a cancelled or interrupted read says is nobody's fault.
    /// </summary>
    public bool TryFallOver(Errno error, int read)
    {
        if (_faults is null || error is Errno.ECANCELED or Errno.EINTR or Errno.EAGAIN)
        {
            return false;
        }

        if (error == Errno.None)
        {
            _faults.EndsAt(Offset + read);
        }
        else
        {
            _faults.ReadFailed(error);
        }

        IReadFaults? another = _faults.HoldAnother(out FileHandle? file);
        if (another is null)
        {
            _isLost = true;
            return true;
        }

        _file!.DangerousRelease();
        (_file, _faults) = (file, another);
        return true;
    }

    /// <summary>
    /// Rebuilds the next bytes, which are the caller's; null when they cannot be had. What it works with is held until then, whatever becomes of the segment
    /// meanwhile. Nothing of it runs before this returns: the caller has the connection's gate.
    /// </summary>
    public readonly ValueTask<RebuiltBytes?> RebuildAsync(LoopBuffers buffers)
    {
        Invariant.That(_rebuiltWith is null || _rebuiltWith.TryHold(), "the segment has a hold");
        return RebuiltBytes.ReadAsync(_faults!, _rebuiltWith, Offset, Left, buffers);
    }

    /// <summary>The next bytes are these, which are the segment's.</summary>
    public void SetRebuilt(RebuiltBytes owned)
    {
        _rebuilt.Dispose();
        (_rebuilt, _rebuiltStart) = (owned, 0);
    }

    public void Advance(int bytes)
    {
        Offset += bytes;
        _position += bytes;
        _rebuiltStart += _isLost ? bytes : 0;
        Left -= bytes;
    }

    public readonly void Dispose()
    {
        _file?.DangerousRelease();
        _rebuiltWith?.DangerousRelease();
        _rebuilt.Dispose();
        if (HasLease)
        {
            _lease.Dispose();
        }
    }
}

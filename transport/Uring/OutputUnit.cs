using System.Buffers;
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
    public readonly bool HasArray => _array is not null;

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

/// <summary>Bytes that go out behind a buffer: of a file, which is held open, or of a lease.</summary>
internal struct OutputSegment : IDisposable
{
    private FileHandle? _file;
    private IReadFaults? _faults;
    private readonly BufferLease _lease;
    private int _position;

    /// <summary>Of a file; the hold on it is the segment's.</summary>
    public OutputSegment(FileHandle held, long offset, int count, IReadFaults? faults)
    {
        (_file, Offset, Left, _faults) = (held, offset, count, faults);
    }

    /// <summary>Of a buffer, which is the segment's.</summary>
    public OutputSegment(BufferLease owned, int start, int count)
    {
        (_lease, _position, Left) = (owned, start, count);
        HasLease = true;
    }

    public readonly bool HasLease { get; }

    public readonly int Descriptor => _file!.Descriptor;

    public long Offset { get; private set; }

    public int Left { get; private set; }

    public readonly ReadOnlySpan<byte> Bytes => _lease.Memory.Span.Slice(_position, Left);

    /// <summary>
    /// It could not be read, or ended <paramref name="read"/> bytes from where it was to go on: told, and true when another file has the bytes that
    /// are left and takes its place. What a cancelled or interrupted read says is nobody's fault.
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
            return false;
        }

        _file!.DangerousRelease();
        (_file, _faults) = (file, another);
        return true;
    }

    public void Advance(int bytes)
    {
        Offset += bytes;
        _position += bytes;
        Left -= bytes;
    }

    public readonly void Dispose()
    {
        _file?.DangerousRelease();
        if (HasLease)
        {
            _lease.Dispose();
        }
    }
}

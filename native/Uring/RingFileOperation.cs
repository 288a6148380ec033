using System.Buffers;

namespace Sluice.Native.Uring;

/// <summary>
/// An operation for the file verbs of a <see cref="RingLoop"/>. Until it completes it keeps what the kernel reads and writes besides the
/// caller's buffer: names, status, the list of pieces and their pins. Meant to be pooled: used again, it allocates nothing.
/// </summary>
public abstract unsafe class RingFileOperation : RingOperation
{
    /// <summary>Pieces of one write at most; more are left for the next (a write may be short).</summary>
    public const int PiecesMax = 64;

    private const int StatusAt = 0, HowAt = 256, NamesAt = 288; // struct statx has 256 bytes, struct open_how 24
    private const int MemoryBytesMin = 1024; // two names of 367 bytes; longer paths get more, once

    // Loop thread only.
    private byte[] _memory = GC.AllocateUninitializedArray<byte>(MemoryBytesMin, pinned: true);
    private LibcImports.IoVector[]? _vectors;
    private MemoryHandle[]? _pins;
    private int _pieces;

    /// <summary>
    /// The verb goes to a kernel worker at once, which may wait, instead of being tried without waiting first (IOSQE_ASYNC). For what is
    /// known to wait, and for a read or write that answered EAGAIN.
    /// </summary>
    public bool MayWaitAtOnce { get; set; }

    /// <summary>What <see cref="RingLoop.StatAt"/> found; valid after it completed with 0 and until the operation is used again.</summary>
    public FileStat Status => Libc.Decode(*(LibcImports.StatxBuffer*)At(StatusAt)); // SAFETY: the memory is pinned and has room for it at that offset

    /// <summary>Called on the loop when the verb is over: what the system call of its name returns, or minus the error number. As <see cref="RingOperation.Completed"/>.</summary>
    protected abstract void Ended(int result);

    /// <inheritdoc/>
    protected sealed override void Completed(RingCompletion completion)
    {
        for (int i = 0; i < _pieces; i++)
        {
            _pins![i].Dispose();
        }

        _pieces = 0;
        Ended(completion.Result);
    }

    internal LibcImports.StatxBuffer* StatusMemory => (LibcImports.StatxBuffer*)At(StatusAt); // SAFETY: as in Status

    internal LibcImports.OpenHow* How => (LibcImports.OpenHow*)At(HowAt); // SAFETY: as in Status

    /// <summary>Copies a name and its terminator to where the kernel may read it.</summary>
    internal Errno TryName(ReadOnlySpan<byte> name, out byte* text) => TryNames(name, default, out text, out _);

    /// <summary>The same with two.</summary>
    internal Errno TryNames(ReadOnlySpan<byte> name, ReadOnlySpan<byte> other, out byte* text, out byte* otherText)
    {
        text = otherText = null;
        if (name.Length >= Libc.PathBytesMax || other.Length >= Libc.PathBytesMax)
        {
            return Errno.ENAMETOOLONG;
        }

        if (name.Contains((byte)0) || other.Contains((byte)0))
        {
            return Errno.EINVAL;
        }

        int bytes = NamesAt + name.Length + 1 + other.Length + 1;
        if (_memory.Length < bytes)
        {
            _memory = GC.AllocateUninitializedArray<byte>(NamesAt + (2 * Libc.PathBytesMax), pinned: true);
        }

        Span<byte> names = _memory.AsSpan(NamesAt);
        name.CopyTo(names);
        names[name.Length] = 0;
        other.CopyTo(names[(name.Length + 1)..]);
        names[name.Length + 1 + other.Length] = 0;
        text = At(NamesAt); // SAFETY: both names and their terminators fit, as computed above; the memory is replaced only while nothing is in flight
        otherText = text + name.Length + 1;
        return Errno.None;
    }

    /// <summary>Pins the pieces of a sequence, up to <see cref="PiecesMax"/>; answers how many.</summary>
    internal int Pieces(in ReadOnlySequence<byte> data, out LibcImports.IoVector* vectors)
    {
        _vectors ??= GC.AllocateArray<LibcImports.IoVector>(PiecesMax, pinned: true);
        _pins ??= new MemoryHandle[PiecesMax];
        foreach (ReadOnlyMemory<byte> piece in data)
        {
            if (_pieces == PiecesMax)
            {
                break;
            }

            if (!piece.IsEmpty)
            {
                _pins[_pieces] = piece.Pin();
                _vectors[_pieces] = new LibcImports.IoVector { Base = (byte*)_pins[_pieces].Pointer, Length = (nuint)piece.Length };
                _pieces++;
            }
        }

        // SAFETY: the array is pinned for its life.
        fixed (LibcImports.IoVector* first = _vectors)
        {
            vectors = first;
        }

        return _pieces;
    }

    private byte* At(int offset)
    {
        // SAFETY: the array is pinned for its life; the callers' offsets and lengths lie within it. It is replaced only while nothing is in flight.
        fixed (byte* start = _memory)
        {
            return start + offset;
        }
    }
}

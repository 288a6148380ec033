using Sluice.Engine.Listing;

namespace Sluice.Engine.Names;

/// <summary>Goes through an index in byte order, a piece at a time: small ones at first and behind a jump, larger ones as it goes on.</summary>
internal sealed class NameCursor(BucketNames names, ReadOnlyMemory<byte> prefix, int pieceMax) : IDisposable
{
    private const int PieceMin = 8; // a virtual directory that is passed over costs one such piece

    private readonly ReadBuffers _buffers = ReadBuffers.Rent();
    private byte[] _from = [];
    private int _at;
    private int _piece; // 0: as large as may be
    private bool _isLast; // behind the buffered rows there is nothing

    /// <summary>A row is there, without reading.</summary>
    public bool HasRow => _at < _buffers.Merged.Count;

    /// <summary>There is none any more.</summary>
    public bool IsAtEnd => !HasRow && _isLast;

    /// <summary>The row's name; gone when the cursor moves.</summary>
    public ReadOnlySpan<byte> Name => _buffers.Merged.NameAt(_at);

    /// <summary>The row's value.</summary>
    public long Value => _buffers.Merged.ValueAt(_at);

    /// <inheritdoc/>
    public void Dispose() => ReadBuffers.Return(_buffers); // once

    /// <summary>To the next row.</summary>
    public void Advance() => _at++;

    /// <summary>Before anything is read: from there on.</summary>
    public void Begin(byte[] from) => _from = from;

    /// <summary>To the first name from there on, which may be behind what was read.</summary>
    public void Seek(byte[] from)
    {
        while (HasRow && Name.SequenceCompareTo(from) < 0)
        {
            _at++;
        }

        if (!HasRow && !_isLast && from.AsSpan().SequenceCompareTo(_from) > 0)
        {
            (_from, _piece) = (from, Math.Min(PieceMin, pieceMax));
        }
    }

    /// <summary>Reads until there is a row or the end. Throws <see cref="IndexLostException"/> when the index is not trusted any more.</summary>
    public async ValueTask FillAsync()
    {
        while (!HasRow && !_isLast)
        {
            int piece = _piece == 0 ? pieceMax : _piece;
            if (!await names.ReadAsync(_from, prefix, piece, _buffers))
            {
                throw new IndexLostException();
            }

            _at = 0;
            _isLast = !_buffers.Merged.IsCut;
            _from = _buffers.Merged.IsCut ? _buffers.Next : _from;
            _piece = Math.Min(2 * piece, pieceMax);
        }
    }
}

/// <summary>An index is not trusted any more in the midst of a listing, which begins again without it.</summary>
internal sealed class IndexLostException : Exception
{
    /// <summary>A listing has to begin again.</summary>
    public IndexLostException()
        : base("an index of names is not trusted any more")
    {
    }
}

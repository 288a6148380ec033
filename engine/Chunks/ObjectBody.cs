using System.Buffers;
using System.IO.Pipelines;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Native;

namespace Sluice.Engine.Chunks;

/// <summary>Reads a block of an object, every byte compared with its digest, into memory of at least <see cref="Limits.BlockBytes"/>; answers its bytes, 0 behind the last.</summary>
internal delegate ValueTask<Result<int>> ReadBlock(Memory<byte> buffer);

/// <summary>
/// The bytes of an object as the body of another one, a block at a time, read when they are asked for. What cannot be read is thrown as <see cref="UnreadableException"/>, and nothing is
/// stored then. For one reader; its owner disposes it.
/// </summary>
internal sealed class ObjectBody(ReadBlock readBlock, IDisposable? open = null, PipeReader? rest = null) : PipeReader, IDisposable
{
    private byte[]? _buffer = ArrayPool<byte>.Shared.Rent(Limits.BlockBytes);
    private ReadOnlySequence<byte> _shown;
    private bool _isAtEnd;

    private bool IsInRest => _isAtEnd && rest is not null;

    /// <summary>The first bytes of a work file, from its beginning, and what follows them in another body, which stays its owner's; null when nothing does.</summary>
    public static ObjectBody Of(WorkFile work, long bytes, PipeReader? rest)
    {
        long offset = 0;
        return new ObjectBody(
            async buffer =>
            {
                int count = (int)Math.Min(Limits.BlockBytes, bytes - offset);
                for (int done = 0; done < count;)
                {
                    IoResult<int> read = await work.Disk.Io.ReadAsync(work.File, buffer[done..count], offset + done);
                    if (!read.Ok || read.Value == 0)
                    {
                        throw work.Disk.Fault("read", read.Ok ? Errno.EIO : read.Error, work.Path.Span);
                    }

                    done += read.Value;
                }

                offset += count;
                return count;
            },
            rest: rest);
    }

    /// <summary>Those of an object that is one file, or lies in slices.</summary>
    public static ObjectBody Of(ObjectReader reader)
    {
        int block = 0;
        return new ObjectBody(async buffer =>
        {
            if (block == reader.Stored.Metadata.BlockCount)
            {
                return 0;
            }

            Result<BlockSource> read = await reader.ReadBlockAsync(block, buffer);
            return read.Ok ? reader.BlockBytes(block++) : read.Error!;
        });
    }

    /// <summary>Those of a chunked object.</summary>
    public static ObjectBody Of(ChunkedReader reader)
    {
        var chunks = new OpenChunks(reader);
        return new ObjectBody(chunks.ReadAsync, chunks);
    }

    /// <inheritdoc/>
    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (IsInRest)
        {
            return await rest!.ReadAsync(cancellationToken);
        }

        if (_shown.IsEmpty && !_isAtEnd)
        {
            Result<int> read = await readBlock(_buffer ?? throw new ObjectDisposedException(nameof(ObjectBody)));
            if (!read.Ok)
            {
                throw new UnreadableException(read.Error!);
            }

            _shown = new ReadOnlySequence<byte>(_buffer, 0, read.Value);
            _isAtEnd = read.Value == 0;
        }

        return IsInRest ? await rest!.ReadAsync(cancellationToken) : new ReadResult(_shown, isCanceled: false, isCompleted: _isAtEnd);
    }

    /// <inheritdoc/>
    public override bool TryRead(out ReadResult result)
    {
        if (IsInRest)
        {
            return rest!.TryRead(out result);
        }

        result = new ReadResult(_shown, isCanceled: false, isCompleted: _isAtEnd);
        return !_shown.IsEmpty || _isAtEnd;
    }

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (IsInRest)
        {
            rest!.AdvanceTo(consumed, examined);
        }
        else
        {
            _shown = _shown.Slice(consumed);
        }
    }

    /// <inheritdoc/>
    public override void CancelPendingRead()
    {
    }

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null)
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _buffer, null) is { } buffer)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            open?.Dispose();
        }
    }

    /// <summary>More is never at hand than a block, but of what follows.</summary>
    protected override ValueTask<ReadResult> ReadAtLeastAsyncCore(int minimumSize, CancellationToken cancellationToken) =>
        IsInRest ? rest!.ReadAtLeastAsync(minimumSize, cancellationToken) : ReadAsync(cancellationToken);

    /// <summary>The chunks one after the other, each open while its blocks are read.</summary>
    private sealed class OpenChunks(ChunkedReader reader) : IDisposable
    {
        private ObjectReader _chunk; // while it is open
        private bool _isOpen;
        private int _next;
        private int _block;

        public async ValueTask<Result<int>> ReadAsync(Memory<byte> buffer)
        {
            if (!_isOpen || _block == _chunk.Stored.Metadata.BlockCount)
            {
                Dispose();
                if (_next == reader.Manifest.Chunks.Count)
                {
                    return 0;
                }

                Result<ObjectReader> opened = await reader.OpenChunkAsync(_next++);
                if (!opened.Ok)
                {
                    return opened.Error!;
                }

                (_chunk, _isOpen, _block) = (opened.Value, true, 0);
            }

            Result<BlockSource> read = await _chunk.ReadBlockAsync(_block, buffer);
            return read.Ok ? _chunk.BlockBytes(_block++) : read.Error!;
        }

        public void Dispose()
        {
            if (_isOpen)
            {
                _chunk.Dispose();
                _isOpen = false;
            }
        }
    }
}

/// <summary>An object that was to be copied cannot be read.</summary>
internal sealed class UnreadableException(Failure failure) : Exception(failure.Message)
{
    /// <summary>Why.</summary>
    public Failure Failure => failure;
}

using System.Buffers;
using Sluice.Engine.Io;
using Sluice.Native.Memory;

namespace Sluice.Transport.Uring;

/// <summary>
/// Bytes in the place of those that no file has: in a buffer of heads or, where none is free, in an array that counts with those that stand in for them. A
/// connection that sends from a drive when it fails has one at a time, until its client has taken it. Disposed once.
/// </summary>
internal readonly struct RebuiltBytes : IDisposable
{
    private readonly LoopBuffers _buffers;
    private readonly BufferLease _lease;
    private readonly byte[]? _array;

    private RebuiltBytes(int count, LoopBuffers buffers)
    {
        _buffers = buffers;
        if (!buffers.Heads.TryRent(out _lease))
        {
            _array = ArrayPool<byte>.Shared.Rent(count);
            buffers.CountArray(_array.Length);
        }

        Memory = (_array ?? _lease.Memory)[..count];
    }

    /// <summary>All of them.</summary>
    public Memory<byte> Memory { get; }

    /// <summary>They are not of the slab, which bounds itself.</summary>
    public bool IsArray => _array is not null;

    /// <summary>
    /// Has up to <paramref name="countMax"/> bytes from <paramref name="offset"/> rebuilt; as many as a buffer of heads has. The answer is the caller's; null when they
    /// cannot be had. Lets go of <paramref name="held"/> at the end. Nothing of it runs before this returns.
    /// </summary>
    public static async ValueTask<RebuiltBytes?> ReadAsync(IReadFaults faults, FileHandle? held, long offset, int countMax, LoopBuffers buffers)
    {
        await Task.Yield();
        RebuiltBytes bytes = default;
        bool isDone = false;
        try
        {
            bytes = new RebuiltBytes(Math.Min(countMax, buffers.Heads.BufferBytes), buffers);
            isDone = await faults.RebuildAsync(bytes.Memory, offset);
            return isDone ? bytes : null;
        }
        finally
        {
            held?.DangerousRelease();
            if (!isDone)
            {
                bytes.Dispose();
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_array is not null)
        {
            _buffers.CountArray(-_array.Length);
            ArrayPool<byte>.Shared.Return(_array);
        }
        else if (_buffers is not null)
        {
            _lease.Dispose();
        }
    }
}

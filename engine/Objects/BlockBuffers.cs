using Sluice.Native.Memory;

namespace Sluice.Engine.Objects;

/// <summary>
/// The buffers that blocks of one mountpath are read into to be verified, or of several where memory is short: a slab of few, and a queue before it.
/// Whoever rents one waits for nothing but the disk while it has it, so the queue always moves.
/// </summary>
public sealed class BlockBuffers : IDisposable
{
    /// <summary>Four reads of a block in flight keep a drive busy; 4 x 1 MiB for each mountpath, untouched until something is verified.</summary>
    public const int CountMax = 4;

    private readonly BufferSlab _slab;
    private readonly SemaphoreSlim _free;

    /// <summary>So many buffers, from 1; of a block each, or of <paramref name="bufferBytes"/>, a power of two.</summary>
    public BlockBuffers(int count, int bufferBytes = Limits.BlockBytes)
    {
        _slab = new BufferSlab(bufferBytes, count);
        _free = new SemaphoreSlim(count, count);
    }

    /// <summary>Buffers that are rented.</summary>
    public int RentedCount => _slab.OutstandingCount;

    /// <summary>
    /// <paramref name="count"/> buffers for <paramref name="mountpaths"/>: the mountpath of index <c>i</c> takes the slab of index <c>i</c> modulo their
    /// number. The caller disposes them.
    /// </summary>
    public static BlockBuffers[] Share(int count, int mountpaths)
    {
        int slabs = Math.Clamp(count, 1, mountpaths);
        return [.. Enumerable.Range(0, slabs).Select(_ => new BlockBuffers(Math.Clamp(count / slabs, 1, CountMax)))];
    }

    /// <summary>A buffer of <see cref="Limits.BlockBytes"/>; waits while all are rented. The caller disposes it.</summary>
    public async ValueTask<Rented> RentAsync()
    {
        await _free.WaitAsync();
        bool rented = _slab.TryRent(out BufferLease lease);
        Invariant.That(rented, "the queue lets in as many as there are buffers");
        return new Rented(lease, _free);
    }

    /// <summary>Unmaps the buffers. None may be rented.</summary>
    public void Dispose()
    {
        _slab.Dispose();
        _free.Dispose();
    }

    /// <summary>A rented buffer and its place in the queue.</summary>
    public readonly struct Rented : IDisposable
    {
        private readonly BufferLease _lease;
        private readonly SemaphoreSlim _free;

        internal Rented(BufferLease lease, SemaphoreSlim free)
        {
            _lease = lease;
            _free = free;
        }

        /// <summary>The buffer; never kept past <see cref="Dispose"/>.</summary>
        public Memory<byte> Memory => _lease.Memory;

        /// <summary>Gives it back; once.</summary>
        public void Dispose()
        {
            _lease.Dispose();
            _free.Release();
        }
    }
}

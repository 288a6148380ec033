using Sluice.Engine;
using Sluice.Native.Memory;
using Sluice.Native.Uring;

namespace Sluice.Transport.Cold;

/// <summary>
/// The buffers that cold reads fill. Most of them travel: they become a connection's, which gives them back when its client has taken the
/// bytes, and that may be never. So nobody waits for one. Who gets none takes a scratch buffer, whose holder waits for nothing but a disk, so
/// that the queue before them always moves; it is as long as there are requests. Any thread.
/// </summary>
internal sealed class ReadBuffers : IDisposable
{
    private readonly BufferSlab _travelling;
    private readonly BufferSlab _scratch;
    private readonly SemaphoreSlim _scratchFree;
    private long _refused;

    /// <summary>The buffers that the options say.</summary>
    public ReadBuffers(ColdReadOptions options)
    {
        options.Check();
        _travelling = new BufferSlab(options.BufferBytes, options.BufferCount);
        _scratch = new BufferSlab(options.BufferBytes, options.ScratchCount);
        _scratchFree = new SemaphoreSlim(options.ScratchCount, options.ScratchCount);
    }

    /// <summary>Buffers that are rented, of both kinds.</summary>
    public int RentedCount => _travelling.OutstandingCount + _scratch.OutstandingCount;

    /// <summary>Times that a response wanted its first buffer and got none.</summary>
    public long RefusedCount => Volatile.Read(ref _refused);

    /// <summary>
    /// A buffer to read into and give away. The first that a response wants may be the last that there is; those to read ahead with are had
    /// only while half are free, so that a few who do not take what they asked for leave something to others.
    /// </summary>
    public bool TryRent(bool isFirst, out BufferLease lease)
    {
        lease = default;
        if (!isFirst && _travelling.OutstandingCount * 2 >= _travelling.CountMax)
        {
            return false;
        }

        bool rented = _travelling.TryRent(out lease);
        if (!rented && isFirst)
        {
            Interlocked.Increment(ref _refused);
        }

        return rented;
    }

    /// <summary>
    /// Has a loop register the buffers that travel as it first reads into them; false when it has not enough places. On the loop. It keeps the pages
    /// until it ends. Scratch buffers are read into by way of the page cache, where it would save nothing.
    /// </summary>
    public bool RegisterWith(RingLoop loop) => loop.RegisterBuffers(_travelling);

    /// <summary>A buffer to keep while a disk works; waits while all are rented. The caller disposes it.</summary>
    public async ValueTask<Scratch> RentScratchAsync()
    {
        await _scratchFree.WaitAsync();
        bool rented = _scratch.TryRent(out BufferLease lease);
        Invariant.That(rented, "the queue lets in as many as there are buffers");
        return new Scratch(lease, _scratchFree);
    }

    /// <summary>Unmaps the buffers. None may be rented.</summary>
    public void Dispose()
    {
        _travelling.Dispose();
        _scratch.Dispose();
        _scratchFree.Dispose();
    }

    /// <summary>A rented scratch buffer and its place in the queue.</summary>
    internal readonly struct Scratch(BufferLease lease, SemaphoreSlim free) : IDisposable
    {
        /// <summary>The buffer; never kept past <see cref="Dispose"/>.</summary>
        public Memory<byte> Memory => lease.Memory;

        /// <summary>Gives it back; once.</summary>
        public void Dispose()
        {
            lease.Dispose();
            free.Release();
        }
    }
}

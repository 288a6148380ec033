using Sluice.Engine.Objects;
using Sluice.Native.Uring;

namespace Sluice.Transport.Cold;

/// <summary>
/// What responses share when they read what is not in memory: the buffers, and the memory of what was read before. The rule, with its figures, is in
/// docs/decisions/0006-cold-reads.md: past the page cache at first, through it where that will have paid. Disposed after the connections.
/// </summary>
public sealed class ColdReads : IDisposable
{
    private readonly ReuseTable _reuse;
    private long _directBytes, _cachedBytes;

    /// <summary>Reads nothing yet.</summary>
    public ColdReads(ColdReadOptions options)
    {
        Options = options;
        Buffers = new ReadBuffers(options);
        _reuse = new ReuseTable(options.CacheBytes);
    }

    /// <summary>The sizes.</summary>
    public ColdReadOptions Options { get; }

    /// <summary>The buffers.</summary>
    internal ReadBuffers Buffers { get; }

    /// <summary>
    /// Has the loops that connections read on keep the buffers' pages, which halves what the kernel does for a read past the cache; false when one of
    /// them cannot, and then its reads go the plain way. Once, before the first connection; the loops keep the pages until they end.
    /// </summary>
    public async Task<bool> RegisterAsync(IEnumerable<RingLoop> loops)
    {
        bool all = true;
        foreach (RingLoop loop in loops)
        {
            all &= await loop.RunAsync(() => ValueTask.FromResult(Buffers.RegisterWith(loop)));
        }

        return all;
    }

    /// <summary>Counters: bytes read past the page cache and through it, buffers rented now, and times that none was free.</summary>
    public IEnumerable<KeyValuePair<string, long>> Counters() =>
    [
        new("cold.direct_bytes", Volatile.Read(ref _directBytes)),
        new("cold.cached_bytes", Volatile.Read(ref _cachedBytes)),
        new("cold.leases", Buffers.RentedCount),
        new("cold.spent", Buffers.RefusedCount),
    ];

    /// <inheritdoc/>
    public void Dispose() => Buffers.Dispose();

    /// <summary>True when a range of an object is read past the page cache; asked once a response, when a first part of it was found missing.</summary>
    internal bool IsDirect(StoredObject stored, long offset, long end) => _reuse.Look(stored.Metadata.Generation, offset, end) switch
    {
        Reuse.First => true,
        Reuse.Unknown => stored.Metadata.SizeBytes > Options.SmallObjectBytesMax,
        _ => false,
    };

    /// <summary>Bytes came past the cache.</summary>
    internal void CountDirect(int bytes) => Interlocked.Add(ref _directBytes, bytes);

    /// <summary>Bytes came through the cache.</summary>
    internal void CountCached(int bytes) => Interlocked.Add(ref _cachedBytes, bytes);
}

using System.Runtime.CompilerServices;
using Sluice.Engine.Pooling;
using Sluice.Native;

namespace Sluice.Engine.Io;

/// <summary>How far a directory that is asked for must exist.</summary>
public enum DirectoryUse
{
    /// <summary>ENOENT when it does not exist.</summary>
    Existing,

    /// <summary>Made with its ancestors where missing; their entries need not be on stable storage yet.</summary>
    Create,

    /// <summary>Made where missing; when the lease is given, the entry of the directory and of every ancestor is on stable storage.</summary>
    CreateDurable,
}

/// <summary>
/// The open directories of one mountpath, by path. All making and removing of directories goes through it, which gives three things:
/// fsyncs of one directory are shared (<see cref="SharedSync"/>); a directory's entry in its parent is known to be durable or not; and
/// pruning cannot race with making, because a directory that is leased is not removed and one that is being removed is not leased.
/// <para>
/// What exists at start counts as durable: the mountpath is synced before the table is used. What was made and then could not be
/// opened or synced does not, and is remembered. Bookkeeping is guarded by one monitor,
/// never held across an await. Whoever opens or removes an entry marks it busy and may wait for the parent's entry while it
/// does: waits go from the longer path to the shorter, so they end.
/// </para>
/// </summary>
public sealed class DirectoryTable : IDisposable
{
    private readonly IFileIo _io;
    private readonly int _openMax;
    private readonly Lock _gate = new();
    private readonly Dictionary<byte[], DirectoryEntry> _entries = new(PathComparer.Instance);
    private readonly Dictionary<byte[], DirectoryEntry>.AlternateLookup<ReadOnlySpan<byte>> _byPath;
    private readonly HashSet<byte[]> _doubtful = new(PathComparer.Instance); // made, and their entries lost to a fault before they were durable
    private readonly LinkedList<DirectoryEntry> _idle = new(); // least recently used first
    private readonly DirectoryEntry _root;
    private int _volatileCount;
    private bool _hasFailedSync;

    /// <summary>Directories below <paramref name="root"/>, which stays its owner's.</summary>
    public DirectoryTable(IFileIo io, FileHandle root, int openMax = Limits.DirectoriesOpenMax)
    {
        _io = io;
        _openMax = openMax;
        _byPath = _entries.GetAlternateLookup<ReadOnlySpan<byte>>();
        _root = new DirectoryEntry(this, []) { Handle = root, Durable = true, Leases = 1 };
    }

    /// <summary>Directories open, the root not counted.</summary>
    public int OpenCount
    {
        get
        {
            lock (_gate)
            {
                return _entries.Count;
            }
        }
    }

    /// <summary>
    /// An fsync of a directory has failed since the table was made: a name in it may be seen and not be on stable storage, whatever later syncs say (fsync(2): the
    /// kernel drops what it could not write, and tells it once).
    /// </summary>
    public bool HasFailedSync => Volatile.Read(ref _hasFailedSync);

    /// <summary>
    /// A directory by its path below the mountpath. Fails with ENOENT (<see cref="DirectoryUse.Existing"/> only), ENOTDIR when a file
    /// stands where a directory is needed, or what the disk says. The caller disposes the lease.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public async ValueTask<IoResult<DirectoryLease>> AcquireAsync(ReadOnlyMemory<byte> path, DirectoryUse use)
    {
        while (true)
        {
            DirectoryEntry entry;
            DirectoryLease lease = default;
            Task? busy;
            lock (_gate)
            {
                use = use == DirectoryUse.Create && _volatileCount > _openMax ? DirectoryUse.CreateDurable : use;
                if (path.IsEmpty)
                {
                    entry = _root;
                }
                else if (!_byPath.TryGetValue(path.Span, out entry!))
                {
                    entry = new DirectoryEntry(this, path.ToArray()) { Busy = NewSignal() };
                    _entries.Add(entry.Path, entry);
                    busy = null;
                    goto open;
                }

                busy = entry.Busy?.Task;
                if (busy is null)
                {
                    lease = Lease(entry);
                    if (entry.Durable || use != DirectoryUse.CreateDurable)
                    {
                        return new IoResult<DirectoryLease>(lease);
                    }
                }
            }

            if (busy is not null)
            {
                await busy;
                continue;
            }

            return await MadeDurableAsync(entry, lease);

        open:
            return await OpenAsync(entry, use);
        }
    }

    /// <summary>
    /// Removes empty directories from <paramref name="path"/> upwards, down to but not including <paramref name="stop"/>, as far as
    /// they are empty and nobody leases them. A directory that stays is no error: an empty one left behind is harmless.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    public async ValueTask PruneAsync(ReadOnlyMemory<byte> path, ReadOnlyMemory<byte> stop)
    {
        while (path.Length > stop.Length && await TryRemoveAsync(path))
        {
            path = ParentOf(path);
        }
    }

    /// <summary>Forgets everything at and below a path that was renamed away; leases that are out stay valid until they are disposed.</summary>
    public void ForgetBelow(ReadOnlyMemory<byte> path)
    {
        List<FileHandle> closed = [];
        lock (_gate)
        {
            foreach (DirectoryEntry entry in _entries.Values.Where(entry => IsBelow(entry.Path, path.Span)).ToList())
            {
                Remove(entry);
                if (entry.Leases == 0 && entry.Handle is not null)
                {
                    closed.Add(entry.Handle);
                }
            }
        }

        closed.ForEach(handle => handle.Dispose());
    }

    /// <summary>The directories whose entry is not durable yet; to be told to <see cref="MarkDurable"/> after a syncfs that began later.</summary>
    public IReadOnlyList<object> VolatileEntries()
    {
        lock (_gate)
        {
            return _volatileCount == 0 ? [] : [.. _entries.Values.Where(entry => !entry.Durable && entry.Handle is not null)];
        }
    }

    /// <summary>A syncfs that began after <see cref="VolatileEntries"/> was asked has succeeded.</summary>
    public void MarkDurable(IReadOnlyList<object> entries)
    {
        lock (_gate)
        {
            foreach (DirectoryEntry entry in entries.Cast<DirectoryEntry>())
            {
                SetDurable(entry);
            }
        }
    }

    /// <summary>Closes every directory. No lease may be out.</summary>
    public void Dispose()
    {
        List<DirectoryEntry> all;
        lock (_gate)
        {
            all = [.. _entries.Values];
            _entries.Clear();
            _idle.Clear();
        }

        foreach (DirectoryEntry entry in all)
        {
            Invariant.That(entry.Leases == 0, "directory leases are returned before the table closes");
            entry.Handle?.Dispose();
        }
    }

    /// <summary>The path without its last component; empty for a path of one component.</summary>
    internal static ReadOnlyMemory<byte> ParentOf(ReadOnlyMemory<byte> path) => path[..Math.Max(0, path.Span.LastIndexOf((byte)'/'))];

    /// <summary>The last component.</summary>
    internal static ReadOnlyMemory<byte> LeafOf(ReadOnlyMemory<byte> path) => path[(path.Span.LastIndexOf((byte)'/') + 1)..];

    /// <summary>A lease ends.</summary>
    internal void Return(DirectoryEntry entry, DirectoryHold hold)
    {
        FileHandle? closed = null;
        lock (_gate)
        {
            Invariant.That(entry.Leases > 0, "a lease is returned once");
            entry.SpareHolds.Push(hold);
            entry.Leases--;
            if (entry.Leases == 0 && entry != _root)
            {
                if (entry.Forgotten)
                {
                    closed = entry.Handle;
                }
                else
                {
                    _idle.AddLast(entry.IdleNode);
                }
            }
        }

        closed?.Dispose();
    }

    /// <summary>
    /// fsync(2) of an open directory, for its <see cref="SharedSync"/>, and then a look whether the file system is still there: XFS that has shut down drops
    /// a rename and lets the fsync of the directory succeed, which has nothing to do any more. Its fstat(2) then says EIO.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    internal async ValueTask<IoResult> SyncAsync(DirectoryEntry entry)
    {
        IoResult synced = await _io.SyncAsync(entry.Handle!);
        synced = synced.Ok ? (await _io.StatAsync(entry.Handle!)).WithoutValue() : synced;
        if (!synced.Ok)
        {
            Volatile.Write(ref _hasFailedSync, true);
        }

        return synced;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static bool IsBelow(ReadOnlySpan<byte> path, ReadOnlySpan<byte> top) =>
        path.StartsWith(top) && (path.Length == top.Length || path[top.Length] == (byte)'/');

    private async ValueTask<IoResult<DirectoryLease>> OpenAsync(DirectoryEntry entry, DirectoryUse use)
    {
        var opened = IoResult<FileHandle>.Failed(Errno.EBADF);
        bool durable = false;
        DirectoryLease lease = default;
        try
        {
            (opened, durable) = await OpenOrMakeAsync(entry.Path, use);
        }
        finally
        {
            // Also when it throws, since the mountpath has left: whoever waits for this directory finds that out for himself.
            List<FileHandle> evicted = [];
            TaskCompletionSource busy;
            lock (_gate)
            {
                busy = entry.Busy!;
                entry.Busy = null;
                if (opened.Ok)
                {
                    entry.Handle = opened.Value;
                    entry.Durable = durable || entry.Forgotten;
                    _volatileCount += entry.Durable ? 0 : 1;
                    lease = Lease(entry);
                    Evict(evicted);
                }
                else
                {
                    Remove(entry);
                }
            }

            evicted.ForEach(handle => handle.Dispose());
            busy.SetResult();
        }

        return !opened.Ok ? IoResult<DirectoryLease>.Failed(opened.Error)
            : durable || use != DirectoryUse.CreateDurable ? new IoResult<DirectoryLease>(lease)
            : await MadeDurableAsync(entry, lease);
    }

    private async ValueTask<(IoResult<FileHandle> Opened, bool Durable)> OpenOrMakeAsync(byte[] path, DirectoryUse use)
    {
        IoResult<FileHandle> opened = await _io.OpenAsync(_root.Handle!, path, OpenIntent.Directory);
        if (opened.Ok || opened.Error != Errno.ENOENT || use == DirectoryUse.Existing)
        {
            return (opened, !(opened.Ok && TakeDoubt(path)));
        }

        IoResult<DirectoryLease> above = await AcquireAsync(ParentOf(path), use);
        if (!above.Ok)
        {
            return (IoResult<FileHandle>.Failed(above.Error), false);
        }

        using DirectoryLease parent = above.Value;
        IoResult made = await _io.MakeDirectoryAsync(parent.Handle, LeafOf(path));
        if (!made.Ok && made.Error != Errno.EEXIST)
        {
            return (IoResult<FileHandle>.Failed(made.Error), false);
        }

        opened = await _io.OpenAsync(_root.Handle!, path, OpenIntent.Directory);
        if (opened.Ok && use != DirectoryUse.CreateDurable)
        {
            return (opened, false);
        }

        // fsync(2): a new name is durable only after its directory is synced
        IoResult synced = opened.Ok ? await parent.SyncAsync() : opened.WithoutValue();
        if (synced.Ok)
        {
            return (opened, true);
        }

        CloseAndDoubt(opened, path);
        return (IoResult<FileHandle>.Failed(synced.Error), false);
    }

    /// <summary>It stands there and nobody has its entry; who comes next finds it, and must not take it for durable.</summary>
    private void CloseAndDoubt(IoResult<FileHandle> opened, byte[] path)
    {
        if (opened.Ok)
        {
            opened.Value.Dispose();
        }

        lock (_gate)
        {
            _doubtful.Add(path);
        }
    }

    /// <summary>The doubt goes over to the entry; true when there was one.</summary>
    private bool TakeDoubt(byte[] path)
    {
        lock (_gate)
        {
            return _doubtful.Remove(path);
        }
    }

    /// <summary>Makes the entry of a leased directory durable, ancestors first; gives the lease on, or returns it when that fails.</summary>
    private async ValueTask<IoResult<DirectoryLease>> MadeDurableAsync(DirectoryEntry entry, DirectoryLease lease)
    {
        IoResult<DirectoryLease> above = await AcquireAsync(ParentOf(entry.Path), DirectoryUse.CreateDurable);
        IoResult synced = above.WithoutValue();
        if (above.Ok)
        {
            using DirectoryLease parent = above.Value;
            synced = await parent.SyncAsync();
        }

        if (!synced.Ok)
        {
            lease.Dispose();
            return IoResult<DirectoryLease>.Failed(synced.Error);
        }

        lock (_gate)
        {
            SetDurable(entry);
        }

        return new IoResult<DirectoryLease>(lease);
    }

    private async ValueTask<bool> TryRemoveAsync(ReadOnlyMemory<byte> path)
    {
        DirectoryEntry entry;
        lock (_gate)
        {
            if (!_byPath.TryGetValue(path.Span, out entry!))
            {
                entry = new DirectoryEntry(this, path.ToArray());
                _entries.Add(entry.Path, entry);
            }
            else if (entry.Busy is not null || entry.Leases > 0)
            {
                return false;
            }

            entry.Busy = NewSignal();
        }

        IoResult<DirectoryLease> above = await AcquireAsync(ParentOf(path), DirectoryUse.Existing);
        IoResult removed = above.WithoutValue();
        if (above.Ok)
        {
            using DirectoryLease parent = above.Value;
            removed = await _io.UnlinkAsync(parent.Handle, LeafOf(path), EntryKind.Directory);
        }

        bool gone = removed.Ok || removed.Error == Errno.ENOENT;
        TaskCompletionSource busy;
        FileHandle? closed = null;
        lock (_gate)
        {
            busy = entry.Busy!;
            entry.Busy = null;
            if (gone || entry.Handle is null)
            {
                closed = entry.Handle;
                Remove(entry);
            }
        }

        closed?.Dispose();
        busy.SetResult();
        return gone;
    }

    // The helpers below are called under the monitor.
    private DirectoryLease Lease(DirectoryEntry entry)
    {
        entry.Leases++;
        if (entry.IdleNode.List is not null)
        {
            _idle.Remove(entry.IdleNode);
        }

        return new DirectoryLease(entry.SpareHolds.TryPop(out DirectoryHold? spare) ? spare : new DirectoryHold(entry));
    }

    private void SetDurable(DirectoryEntry entry)
    {
        if (!entry.Durable)
        {
            entry.Durable = true;
            _volatileCount--;
        }
    }

    private void Remove(DirectoryEntry entry)
    {
        if (_entries.TryGetValue(entry.Path, out DirectoryEntry? present) && present == entry)
        {
            _entries.Remove(entry.Path);
            _volatileCount -= entry.Durable || entry.Handle is null ? 0 : 1;
            entry.Durable = true;
        }

        entry.Forgotten = true;
        if (entry.IdleNode.List is not null)
        {
            _idle.Remove(entry.IdleNode);
        }
    }

    private void Evict(List<FileHandle> evicted)
    {
        LinkedListNode<DirectoryEntry>? node = _idle.First;
        while (_entries.Count > _openMax && node is not null)
        {
            (DirectoryEntry entry, node) = (node.Value, node.Next);
            if (entry.Durable && entry.Busy is null)
            {
                Remove(entry);
                evicted.Add(entry.Handle!);
            }
        }
    }
}

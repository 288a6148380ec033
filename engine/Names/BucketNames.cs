using Microsoft.Extensions.Logging;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Names;

/// <summary>
/// The index of one bucket on one mountpath: names of heads in a store, and in memory the changes that are still to go there. It is trusted when it was sealed and nothing has
/// changed since, or when it was made from the directories by this process; while it is not, who lists walks the directories.
/// <para>
/// Who changes a name calls <see cref="BeginAsync"/> before, which sees to the mark, <see cref="Set"/> while readers of the name are kept out, and <see cref="Doubt"/> when
/// what became of the change cannot be known. The name's writer lock keeps the order of changes of one name.
/// </para>
/// </summary>
internal sealed partial class BucketNames(DiskNames owner, Bucket bucket)
{
    private static readonly TimeSpan s_restsFor = TimeSpan.FromMinutes(1);

    private readonly int _changesAtOnce = owner.Stores.ChangesAtOnce; // then they are taken over in the background: sorted, they share pages
    private readonly int _changesMax = 4 * owner.Stores.ChangesAtOnce; // then writers wait for that. 16,384 x some 100 bytes, 1.6 MB, twice
    private readonly ObjectDisk _disk = owner.Disk;
    private readonly SemaphoreSlim _turn = new(1, 1); // loading, marking, applying, the ends of making and sealing
    private readonly Lock _gate = new(); // held for a few microseconds
    private volatile bool _isLoaded; // set under the turn
    private int _isMarked; // the mark is durably gone: names may change. Set under the turn
    private INameStore? _store; // under the turn, and trusted readers

    // Guarded by the gate.
    private IndexState _state = IndexState.Untrusted;
    private NameDelta _active = new();
    private NameDelta _frozen = new(); // being taken over, or empty
    private bool _isApplying;
    private bool _isForgotten;
    private long _failedAt; // when it could not be made; 0: it could, or nobody tried

    /// <summary>Whose names they are.</summary>
    public Bucket Bucket => bucket;

    /// <summary>Lists go by it.</summary>
    public bool IsTrusted
    {
        get
        {
            lock (_gate)
            {
                return _state == IndexState.Trusted;
            }
        }
    }

    /// <summary>Changes in memory.</summary>
    public int PendingCount
    {
        get
        {
            lock (_gate)
            {
                return _active.Count + _frozen.Count;
            }
        }
    }

    /// <summary>A name is going to change. Throws <see cref="StorageException"/> when that cannot be noted on the disk.</summary>
    public ValueTask BeginAsync() => Volatile.Read(ref _isMarked) != 0 && _active.Count < _changesMax ? default : BeginSlowlyAsync();

    /// <summary>The name has this value from now on.</summary>
    public void Set(ReadOnlySpan<byte> name, long value)
    {
        bool applies;
        lock (_gate)
        {
            if (_state == IndexState.Untrusted)
            {
                return;
            }

            _active.Set(name, value);
            applies = _active.Count >= _changesAtOnce && !_isApplying;
            _isApplying |= applies;
        }

        if (applies)
        {
            owner.Run(ApplyInTurnAsync);
        }
    }

    /// <summary>What stands on the disk is not known: the index is made again.</summary>
    public void Doubt(string reason)
    {
        lock (_gate)
        {
            if (_state != IndexState.Trusted)
            {
                _mustBeginAgain |= _state == IndexState.Building;
                return;
            }

            Distrust();
        }

        owner.Log.LogWarning("mountpath {Mountpath}, bucket {Bucket}: the index of names is made again: {Reason}", _disk.Path, bucket.Name, reason);
        owner.MakeSoon(this);
    }

    /// <summary>Reads the mark and opens what it speaks of, once. True when the index is trusted.</summary>
    public async ValueTask<bool> LoadAsync()
    {
        if (_isLoaded)
        {
            return IsTrusted;
        }

        await _turn.WaitAsync();
        try
        {
            await LoadInTurnAsync();
            return IsTrusted;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>
    /// Names from <paramref name="from"/> on that start with <paramref name="prefix"/>, with their values, in order: at most about that many. False when the index is not trusted
    /// (any more). Throws <see cref="NameStoreException"/>.
    /// </summary>
    public async ValueTask<bool> ReadAsync(ReadOnlyMemory<byte> from, ReadOnlyMemory<byte> prefix, int countMax, ReadBuffers buffers)
    {
        INameStore store;
        buffers.Clear();
        lock (_gate)
        {
            if (_state != IndexState.Trusted)
            {
                return false;
            }

            // Before the store: what goes there in between is seen twice, and not at all the other way round.
            _active.CopyTo(from.Span, prefix.Span, countMax, buffers.Active);
            _frozen.CopyTo(from.Span, prefix.Span, countMax, buffers.Frozen);
            store = _store!;
        }

        try
        {
            await store.ReadAsync(from, prefix, countMax, buffers.Stored);
        }
        catch (NameStoreException exception)
        {
            Doubt(exception.Message);
            return false;
        }

        buffers.Merge();
        return true;
    }

    /// <summary>
    /// Everything that changed is in the store, and that is sealed: the next start trusts it. For who has flushed the mountpath, when no name changes any more. Does nothing when it is
    /// not trusted. Throws <see cref="StorageException"/>.
    /// </summary>
    public async ValueTask SealAsync()
    {
        await _turn.WaitAsync();
        try
        {
            if (_isMarked == 0 || !IsTrusted)
            {
                return;
            }

            await ApplyAsync(keepGone: false);
            Guid stamp = owner.NewStamp();
            await _store!.SealAsync(stamp);
            await NameMarks.SetAsync(_disk, bucket.Bid, stamp);
            Volatile.Write(ref _isMarked, 0);
        }
        catch (NameStoreException exception)
        {
            owner.Log.LogWarning("mountpath {Mountpath}: {Problem}", _disk.Path, exception.Message);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Nothing is kept any more; with <paramref name="remove"/> the files go too. What is under way ends.</summary>
    public async ValueTask ForgetAsync(bool remove)
    {
        lock (_gate)
        {
            _isForgotten = true;
            Distrust();
        }

        await _turn.WaitAsync();
        try
        {
            _store?.Dispose();
            _store = null;
            if (remove)
            {
                await NameMarks.RemoveAsync(_disk, bucket.Bid);
                await owner.Stores.RemoveAsync(_disk, bucket.Bid);
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    private async ValueTask BeginSlowlyAsync()
    {
        await _turn.WaitAsync();
        try
        {
            await LoadInTurnAsync();
            if (_isMarked == 0)
            {
                await NameMarks.RemoveAsync(_disk, bucket.Bid);
                Volatile.Write(ref _isMarked, 1);
            }

            await TryApplyAsync(only: _changesMax);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async ValueTask LoadInTurnAsync()
    {
        if (_isLoaded || _isForgotten)
        {
            return;
        }

        if (owner.TrustsMarks && await NameMarks.ReadAsync(_disk, bucket.Bid) is { } stamp)
        {
            _store = await owner.Stores.OpenAsync(_disk, bucket.Bid, stamp);
        }

        _isLoaded = true;
        lock (_gate)
        {
            _state = _store is not null && !_isForgotten ? IndexState.Trusted : IndexState.Untrusted;
        }

        if (_store is null)
        {
            owner.MakeSoon(this);
        }
    }

    private async Task ApplyInTurnAsync()
    {
        await _turn.WaitAsync();
        try
        {
            await TryApplyAsync(only: 1);
        }
        finally
        {
            _turn.Release();
            lock (_gate)
            {
                _isApplying = false;
            }
        }
    }

    /// <summary>Under the turn: takes the changes over when there are so many. A store that fails is doubted.</summary>
    private async ValueTask TryApplyAsync(int only)
    {
        IndexState state;
        lock (_gate)
        {
            state = _active.Count >= only ? _state : IndexState.Untrusted;
        }

        try
        {
            await (state == IndexState.Untrusted ? default : ApplyAsync(keepGone: state == IndexState.Building));
        }
        catch (NameStoreException exception)
        {
            Doubt(exception.Message);
        }
    }

    /// <summary>Under the turn, in a state that has a store.</summary>
    private async ValueTask ApplyAsync(bool keepGone)
    {
        NameDelta changes;
        INameStore store = _store!;
        lock (_gate)
        {
            Invariant.That(_frozen.Count == 0, "one takes changes over at a time");
            (_active, _frozen) = (_frozen, _active);
            changes = _frozen;
        }

        if (changes.Count > 0)
        {
            await store.ApplyAsync(changes, keepGone);
        }

        lock (_gate)
        {
            if (_frozen == changes)
            {
                changes.Clear();
            }
        }
    }

    /// <summary>Somebody walks because it is not trusted: it is tried again, when the last time that it could not be made is some while ago.</summary>
    public void AskAgain()
    {
        lock (_gate)
        {
            if (_state != IndexState.Untrusted || _failedAt == 0 || owner.Time.GetElapsedTime(_failedAt) < s_restsFor)
            {
                return;
            }

            _failedAt = 0;
        }

        owner.MakeSoon(this);
    }

    /// <summary>Under the gate. The store is closed by who makes it again, under the turn.</summary>
    private void Distrust()
    {
        _state = IndexState.Untrusted;
        (_active, _frozen) = (new NameDelta(), new NameDelta()); // somebody may be reading the old ones
    }

    private enum IndexState
    {
        /// <summary>Changes are not noted.</summary>
        Untrusted,

        /// <summary>Changes are noted, and the directories read.</summary>
        Building,

        /// <summary>Lists go by it.</summary>
        Trusted,
    }
}

namespace Sluice.Engine.Objects;

/// <summary>
/// A bounded map from object (bucket generation and name) to a value, sharded by digest, evicting by second chance (CLOCK). Two use it: the
/// metadata cache, and the cache of open files, whose values are disposed when they leave. Entries are replaced whole; a lookup that hits
/// allocates nothing.
/// </summary>
public sealed class BoundedCache<TValue> : IDisposable
    where TValue : class
{
    private readonly Shard[] _shards = new Shard[Limits.Shards];
    private readonly Action<TValue>? _leaving;

    /// <summary>Holds at most <paramref name="entriesMax"/> entries; <paramref name="leaving"/> gets each value that goes.</summary>
    public BoundedCache(int entriesMax, Action<TValue>? leaving = null)
    {
        int each = Math.Max(1, entriesMax / Limits.Shards);
        _leaving = leaving;
        for (int i = 0; i < _shards.Length; i++)
        {
            _shards[i] = new Shard(each);
        }
    }

    /// <summary>Entries present.</summary>
    public int Count => _shards.Sum(shard => shard.Count);

    /// <summary>The value, or null. <paramref name="use"/> runs under the shard's monitor (to take a hold) and may refuse the value.</summary>
    public TValue? Find(ulong digest, ulong bid, ReadOnlySpan<byte> name, Func<TValue, bool>? use = null) =>
        ShardOf(digest).Find(digest, bid, name, use);

    /// <summary>Puts a value in; what was there, or what must make room, leaves. The name is copied, unless it
    /// was there.</summary>
    public void Put(ulong digest, ulong bid, ReadOnlySpan<byte> name, TValue value) => Leave(ShardOf(digest).Put(digest, bid, name, value));

    /// <summary>Takes the entry of that digest out, whatever its name is: a collision costs a miss.</summary>
    public void Remove(ulong digest) => Leave(ShardOf(digest).Remove(digest));

    /// <summary>Takes everything of one bucket out.</summary>
    public void RemoveBucket(ulong bid)
    {
        foreach (Shard shard in _shards)
        {
            foreach (TValue value in shard.RemoveWhere(bid))
            {
                Leave(value);
            }
        }
    }

    /// <summary>Everything leaves.</summary>
    public void Dispose() => Array.ForEach(_shards, shard => shard.RemoveWhere(null).ForEach(Leave));

    private void Leave(TValue? value)
    {
        if (value is not null)
        {
            _leaving?.Invoke(value);
        }
    }

    private Shard ShardOf(ulong digest) => _shards[(int)(digest >> 32) & (Limits.Shards - 1)];

    /// <summary>One entry; <see cref="Used"/> is its second chance.</summary>
    private sealed class Entry
    {
        public required ulong Digest;
        public required ulong Bid;
        public required byte[] Name;
        public required TValue Value;
        public int Slot;
        public bool Used;
    }

    private sealed class Shard(int entriesMax)
    {
        private readonly Lock _gate = new();
        private readonly Dictionary<ulong, Entry> _byDigest = [];
        private readonly List<Entry> _clock = [];
        private int _hand;

        public int Count
        {
            get
            {
                lock (_gate)
                {
                    return _byDigest.Count;
                }
            }
        }

        public TValue? Find(ulong digest, ulong bid, ReadOnlySpan<byte> name, Func<TValue, bool>? use)
        {
            lock (_gate)
            {
                if (!_byDigest.TryGetValue(digest, out Entry? entry) || entry.Bid != bid || !name.SequenceEqual(entry.Name)
                    || use?.Invoke(entry.Value) == false)
                {
                    return null;
                }

                entry.Used = true;
                return entry.Value;
            }
        }

        /// <summary>Answers the value that has to leave, if any.</summary>
        public TValue? Put(ulong digest, ulong bid, ReadOnlySpan<byte> name, TValue value)
        {
            lock (_gate)
            {
                if (_byDigest.TryGetValue(digest, out Entry? present) && present.Bid == bid && name.SequenceEqual(present.Name))
                {
                    (TValue before, present.Value, present.Used) = (present.Value, value, false);
                    return before;
                }

                TValue? leaving = TakeOut(digest);
                var entry = new Entry { Digest = digest, Bid = bid, Name = name.ToArray(), Value = value };
                if (_clock.Count == entriesMax)
                {
                    Entry victim = NextVictim();
                    leaving = victim.Value; // a full clock means that nothing was taken out above
                    _byDigest.Remove(victim.Digest);
                    entry.Slot = victim.Slot;
                    _clock[victim.Slot] = entry;
                }
                else
                {
                    entry.Slot = _clock.Count;
                    _clock.Add(entry);
                }

                _byDigest.Add(digest, entry);
                return leaving;
            }
        }

        public TValue? Remove(ulong digest)
        {
            lock (_gate)
            {
                return TakeOut(digest);
            }
        }

        public List<TValue> RemoveWhere(ulong? bid)
        {
            lock (_gate)
            {
                List<Entry> gone = [.. _byDigest.Values.Where(entry => bid is null || entry.Bid == bid)];
                gone.ForEach(entry => TakeOut(entry.Digest));
                return gone.ConvertAll(entry => entry.Value);
            }
        }

        private TValue? TakeOut(ulong digest)
        {
            if (!_byDigest.Remove(digest, out Entry? entry))
            {
                return null;
            }

            Entry last = _clock[^1];
            (_clock[entry.Slot], last.Slot) = (last, entry.Slot);
            _clock.RemoveAt(_clock.Count - 1);
            return entry.Value;
        }

        private Entry NextVictim()
        {
            while (true)
            {
                _hand = _hand + 1 < _clock.Count ? _hand + 1 : 0;
                if (!_clock[_hand].Used)
                {
                    return _clock[_hand];
                }

                _clock[_hand].Used = false;
            }
        }
    }
}

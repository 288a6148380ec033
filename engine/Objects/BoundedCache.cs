namespace Sluice.Engine.Objects;

/// <summary>
/// A bounded map from object (bucket generation and name) to a value, sharded by digest, evicting by second chance (CLOCK). Two use it: the
/// metadata cache, and the cache of open files, whose values are disposed when they leave. Entries are replaced whole; a lookup that hits
/// allocates nothing. An entry that is larger than others may count as several.
/// </summary>
public sealed class BoundedCache<TValue> : IDisposable
    where TValue : class
{
    private readonly Shard[] _shards = new Shard[Limits.Shards];
    private readonly Action<TValue>? _leaving;
    private readonly Func<TValue, int>? _weightOf;

    /// <summary>
    /// Holds at most <paramref name="entriesMax"/> entries; <paramref name="leaving"/> gets each value that goes. An entry counts as many as
    /// <paramref name="weightOf"/> says, from 1; one that no shard can hold leaves at once.
    /// </summary>
    public BoundedCache(int entriesMax, Action<TValue>? leaving = null, Func<TValue, int>? weightOf = null)
    {
        int each = Math.Max(1, entriesMax / Limits.Shards);
        _leaving = leaving;
        _weightOf = weightOf;
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

    /// <summary>Puts a value in; what was there, or what must make room, leaves. The name is copied when it is new.</summary>
    public void Put(ulong digest, ulong bid, ReadOnlySpan<byte> name, TValue value)
    {
        int weight = _weightOf?.Invoke(value) ?? 1;
        if (ShardOf(digest).TryReplace(digest, bid, name, value, weight) is { } before)
        {
            Leave(before);
            return;
        }

        var entry = new Entry { Digest = digest, Bid = bid, Name = name.ToArray(), Value = value, Weight = weight };
        ShardOf(digest).Put(entry)?.ForEach(Leave);
    }

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
        public required int Weight;
        public int Slot;
        public bool Used;
    }

    private sealed class Shard(int weightMax)
    {
        private readonly Lock _gate = new();
        private readonly Dictionary<ulong, Entry> _byDigest = [];
        private readonly List<Entry> _clock = [];
        private int _hand;
        private int _weight;

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

        /// <summary>Gives the entry of that name another value, if that needs no more room than there is; answers the one before, or null.</summary>
        public TValue? TryReplace(ulong digest, ulong bid, ReadOnlySpan<byte> name, TValue value, int weight)
        {
            lock (_gate)
            {
                if (!_byDigest.TryGetValue(digest, out Entry? entry) || entry.Bid != bid || !name.SequenceEqual(entry.Name)
                    || weight > weightMax - (_weight - entry.Weight))
                {
                    return null;
                }

                TValue before = entry.Value;
                _weight += weight - entry.Weight;
                (entry.Value, entry.Weight, entry.Used) = (value, weight, false);
                return before;
            }
        }

        /// <summary>Answers the values that have to leave; null when there are none.</summary>
        public List<TValue>? Put(Entry entry)
        {
            lock (_gate)
            {
                TValue? old = TakeOut(entry.Digest);
                List<TValue>? leaving = old is null ? null : [old];
                if (entry.Weight > weightMax)
                {
                    return [.. leaving ?? [], entry.Value];
                }

                while (_weight > weightMax - entry.Weight)
                {
                    (leaving ??= []).Add(TakeOut(NextVictim().Digest)!); // the newest takes the victim's slot, just behind the hand
                }

                entry.Slot = _clock.Count;
                _clock.Add(entry);
                _byDigest.Add(entry.Digest, entry);
                _weight += entry.Weight;
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
            _weight -= entry.Weight;
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

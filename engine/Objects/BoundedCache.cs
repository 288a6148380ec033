namespace Sluice.Engine.Objects;

/// <summary>
/// A bounded map from object (bucket generation and name) to a value, sharded by digest, evicting by second chance (CLOCK). Two use it: the
/// metadata cache, and the cache of open files, whose values are disposed when they leave. Entries are replaced whole; a lookup that hits
/// allocates nothing, nor does a full cache whose names are of one length. An entry that is larger than others may count as several.
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
        Leaving leaving = ShardOf(digest).Put(digest, bid, name, value, weight);
        Leave(leaving.First);
        leaving.Further?.ForEach(Leave);
    }

    /// <summary>Takes the entry of that digest out, whatever its name is: a collision costs a miss.</summary>
    public void Remove(ulong digest) => Leave(ShardOf(digest).Remove(digest));

    /// <summary>Takes everything of one bucket out.</summary>
    public void RemoveBucket(ulong bid) => RemoveWhere((entryBid, _) => entryBid == bid);

    /// <summary>Takes every value out that is asked for; each shard is looked through under its monitor.</summary>
    public void RemoveWhere(Func<TValue, bool> isWanted) => RemoveWhere((_, value) => isWanted(value));

    /// <summary>Everything leaves.</summary>
    public void Dispose() => RemoveWhere(static (_, _) => true);

    private void RemoveWhere(Func<ulong, TValue, bool> isWanted) => Array.ForEach(_shards, shard => shard.RemoveWhere(isWanted).ForEach(Leave));

    private void Leave(TValue? value)
    {
        if (value is not null)
        {
            _leaving?.Invoke(value);
        }
    }

    private Shard ShardOf(ulong digest) => _shards[(int)(digest >> 32) & (Limits.Shards - 1)];

    /// <summary>Values that have to leave: mostly none or one.</summary>
    private struct Leaving
    {
        public TValue? First;
        public List<TValue>? Further;

        public void Add(TValue value)
        {
            if (First is null)
            {
                First = value;
            }
            else
            {
                (Further ??= []).Add(value);
            }
        }
    }

    /// <summary>One entry; <see cref="Used"/> is its second chance. One that is taken out may be used again: none is known outside its shard's monitor.</summary>
    private sealed class Entry
    {
        public ulong Digest;
        public ulong Bid;
        public byte[] Name = [];
        public TValue Value = null!;
        public int Weight;
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

        /// <summary>Answers the values that have to leave.</summary>
        public Leaving Put(ulong digest, ulong bid, ReadOnlySpan<byte> name, TValue value, int weight)
        {
            var leaving = default(Leaving);
            lock (_gate)
            {
                if (_byDigest.TryGetValue(digest, out Entry? known) && known.Bid == bid && name.SequenceEqual(known.Name)
                    && weight <= weightMax - (_weight - known.Weight))
                {
                    leaving.Add(known.Value);
                    _weight += weight - known.Weight;
                    (known.Value, known.Weight, known.Used) = (value, weight, false);
                    return leaving;
                }

                Entry? spare = TakeOut(digest); // it needs more room than there is, or is another name of that digest
                if (spare is not null)
                {
                    leaving.Add(spare.Value);
                }

                if (weight > weightMax)
                {
                    leaving.Add(value);
                    return leaving;
                }

                while (_weight > weightMax - weight)
                {
                    spare = TakeOut(NextVictim().Digest)!; // the newest takes the victim's slot, just behind the hand
                    leaving.Add(spare.Value);
                }

                Add(spare ?? new Entry(), digest, bid, name, value, weight);
            }

            return leaving;
        }

        public TValue? Remove(ulong digest)
        {
            lock (_gate)
            {
                return TakeOut(digest)?.Value;
            }
        }

        public List<TValue> RemoveWhere(Func<ulong, TValue, bool> isWanted)
        {
            lock (_gate)
            {
                List<Entry> gone = [.. _byDigest.Values.Where(entry => isWanted(entry.Bid, entry.Value))];
                gone.ForEach(entry => TakeOut(entry.Digest));
                return gone.ConvertAll(entry => entry.Value);
            }
        }

        private void Add(Entry entry, ulong digest, ulong bid, ReadOnlySpan<byte> name, TValue value, int weight)
        {
            if (entry.Name.Length != name.Length)
            {
                entry.Name = new byte[name.Length];
            }

            name.CopyTo(entry.Name);
            (entry.Digest, entry.Bid, entry.Value, entry.Weight, entry.Slot, entry.Used) = (digest, bid, value, weight, _clock.Count, false);
            _clock.Add(entry);
            _byDigest.Add(digest, entry);
            _weight += weight;
        }

        private Entry? TakeOut(ulong digest)
        {
            if (!_byDigest.Remove(digest, out Entry? entry))
            {
                return null;
            }

            Entry last = _clock[^1];
            (_clock[entry.Slot], last.Slot) = (last, entry.Slot);
            _clock.RemoveAt(_clock.Count - 1);
            _weight -= entry.Weight;
            return entry;
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

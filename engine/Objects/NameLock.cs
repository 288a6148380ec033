namespace Sluice.Engine.Objects;

/// <summary>
/// Locks on object names, sharded by digest; the only locks in the engine that are held across an await.
/// <para>
/// A name has at most one <b>writer</b>, from its version check to its directory fsync. <b>Readers</b> hold the name only while they open
/// the file and fill the caches; a writer lets them go on and keeps them out for the moment of <b>publishing</b> (rename and cache
/// replace). No lock is held while a client sends or receives.
/// </para>
/// <para>
/// Lock order: bucket (<c>BucketTable</c>) → object → the objects whose names are proper ancestors of it ("a/b" → "a"), longest first.
/// A name is its 64-bit digest here: two names with one digest share a lock, which costs a wait, never correctness.
/// </para>
/// </summary>
public sealed class NameLock
{
    private readonly Shard[] _shards = new Shard[Limits.Shards];

    /// <summary>No name is locked.</summary>
    public NameLock()
    {
        for (int i = 0; i < _shards.Length; i++)
        {
            _shards[i] = new Shard();
        }
    }

    /// <summary>Names that somebody holds or waits for; 0 when the engine is idle.</summary>
    public int HeldCount => _shards.Sum(shard => shard.Count);

    /// <summary>Becomes the name's only writer, in order of arrival. Ends with <see cref="ReleaseWriter"/>.</summary>
    public ValueTask AcquireWriterAsync(ulong digest) => ShardOf(digest).AcquireWriter(digest);

    /// <summary>Lets the next writer in.</summary>
    public void ReleaseWriter(ulong digest) => ShardOf(digest).ReleaseWriter(digest);

    /// <summary>The writer waits until no reader holds the name and keeps new ones out. Ends with <see cref="EndPublish"/>.</summary>
    public ValueTask BeginPublishAsync(ulong digest) => ShardOf(digest).BeginPublish(digest);

    /// <summary>Readers may go on.</summary>
    public void EndPublish(ulong digest) => ShardOf(digest).EndPublish(digest);

    /// <summary>Holds the name against publishing. Ends with <see cref="ReleaseReader"/>.</summary>
    public ValueTask AcquireReaderAsync(ulong digest) => ShardOf(digest).AcquireReader(digest);

    /// <summary>Ends <see cref="AcquireReaderAsync"/>.</summary>
    public void ReleaseReader(ulong digest) => ShardOf(digest).ReleaseReader(digest);

    /// <summary>Who holds the name now; out of date the moment it is answered.</summary>
    public LockState State(ulong digest) => ShardOf(digest).State(digest);

    private Shard ShardOf(ulong digest) => _shards[(int)(digest >> 32) & (Limits.Shards - 1)];

    /// <summary>One name that is held or waited for.</summary>
    private sealed class Entry
    {
        // Guarded by the shard's monitor.
        public int Readers;
        public bool HasWriter;
        public bool Publishing;
        public TaskCompletionSource? Publisher;
        public readonly Queue<TaskCompletionSource> Writers = new();
        public readonly List<TaskCompletionSource> WaitingReaders = [];

        public bool IsIdle => Readers == 0 && !HasWriter && Writers.Count == 0 && WaitingReaders.Count == 0;
    }

    /// <summary>A part of the table with a monitor of its own; nothing is awaited under it and waiters are completed outside it.</summary>
    private sealed class Shard
    {
        private const int SpareMax = 64; // entries kept for reuse: more than the names a shard has in flight at once

        private readonly Dictionary<ulong, Entry> _entries = [];
        private readonly Stack<Entry> _spare = new();

        public int Count
        {
            get
            {
                lock (_entries)
                {
                    return _entries.Count;
                }
            }
        }

        public ValueTask AcquireWriter(ulong digest)
        {
            lock (_entries)
            {
                Entry entry = Of(digest);
                if (!entry.HasWriter)
                {
                    entry.HasWriter = true;
                    return ValueTask.CompletedTask;
                }

                TaskCompletionSource turn = NewWaiter();
                entry.Writers.Enqueue(turn);
                return new ValueTask(turn.Task);
            }
        }

        public void ReleaseWriter(ulong digest)
        {
            TaskCompletionSource? next;
            lock (_entries)
            {
                Entry entry = _entries[digest];
                Invariant.That(entry.HasWriter, "only a writer releases");
                Invariant.That(!entry.Publishing, "publishing ends before the writer does");
                entry.HasWriter = entry.Writers.TryDequeue(out next);
                DropIfIdle(digest, entry);
            }

            next?.SetResult();
        }

        public ValueTask BeginPublish(ulong digest)
        {
            lock (_entries)
            {
                Entry entry = _entries[digest];
                Invariant.That(entry.HasWriter, "only a writer publishes");
                Invariant.That(!entry.Publishing, "a writer publishes once at a time");
                entry.Publishing = true;
                if (entry.Readers == 0)
                {
                    return ValueTask.CompletedTask;
                }

                entry.Publisher = NewWaiter();
                return new ValueTask(entry.Publisher.Task);
            }
        }

        public void EndPublish(ulong digest)
        {
            TaskCompletionSource[] readers;
            lock (_entries)
            {
                Entry entry = _entries[digest];
                Invariant.That(entry.Publishing, "publishing was begun");
                entry.Publishing = false;
                readers = entry.WaitingReaders.Count == 0 ? [] : [.. entry.WaitingReaders];
                entry.Readers += readers.Length;
                entry.WaitingReaders.Clear();
            }

            foreach (TaskCompletionSource reader in readers)
            {
                reader.SetResult();
            }
        }

        public ValueTask AcquireReader(ulong digest)
        {
            lock (_entries)
            {
                Entry entry = Of(digest);
                if (!entry.Publishing)
                {
                    entry.Readers++;
                    return ValueTask.CompletedTask;
                }

                TaskCompletionSource turn = NewWaiter();
                entry.WaitingReaders.Add(turn);
                return new ValueTask(turn.Task);
            }
        }

        public void ReleaseReader(ulong digest)
        {
            TaskCompletionSource? publisher = null;
            lock (_entries)
            {
                Entry entry = _entries[digest];
                Invariant.That(entry.Readers > 0, "only a reader releases");
                entry.Readers--;
                if (entry.Readers == 0)
                {
                    (publisher, entry.Publisher) = (entry.Publisher, null);
                }

                DropIfIdle(digest, entry);
            }

            publisher?.SetResult();
        }

        public LockState State(ulong digest)
        {
            lock (_entries)
            {
                return !_entries.TryGetValue(digest, out Entry? entry) ? LockState.Unlocked
                    : entry.HasWriter ? LockState.WriteLocked
                    : entry.Readers > 0 ? LockState.ReadLocked
                    : LockState.Unlocked;
            }
        }

        // Continuations run elsewhere: completing a waiter must not run its request on the releaser's stack.
        private static TaskCompletionSource NewWaiter() => new(TaskCreationOptions.RunContinuationsAsynchronously);

        private Entry Of(ulong digest)
        {
            if (!_entries.TryGetValue(digest, out Entry? entry))
            {
                entry = _spare.TryPop(out Entry? spare) ? spare : new Entry();
                _entries.Add(digest, entry);
            }

            return entry;
        }

        private void DropIfIdle(ulong digest, Entry entry)
        {
            if (entry.IsIdle)
            {
                _entries.Remove(digest);
                if (_spare.Count < SpareMax)
                {
                    _spare.Push(entry);
                }
            }
        }
    }
}

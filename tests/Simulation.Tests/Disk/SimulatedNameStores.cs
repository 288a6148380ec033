using Sluice.Engine.Io;
using Sluice.Engine.Names;
using Sluice.Engine.Objects;

namespace Sluice.Simulation.Tests.Disk;

/// <summary>
/// Stores of names that outlive their engines. What was not sealed is in the kernel's hands: a kill leaves it, half a change included, and a power cut any part of it; the stamp of the last
/// seal stays in any case, as it does in a file of SQLite whose pages were written since.
/// </summary>
public sealed class SimulatedNameStores : INameStores
{
    private readonly Dictionary<(string Mountpath, ulong Bid), Content> _files = [];

    /// <inheritdoc/>
    public int ChangesAtOnce => 6;

    /// <summary>A known-bad one: removals are not taken over.</summary>
    public bool ForgetsRemovals { get; init; }

    /// <summary>A known-bad one: what directories say replaces what changed meanwhile.</summary>
    public bool OverridesChanges { get; init; }

    /// <summary>Stores that were found as they had been sealed.</summary>
    public int OpenedCount { get; private set; }

    /// <summary>Stores that were made.</summary>
    public int CreatedCount { get; private set; }

    /// <summary>Changes that were taken over before a seal.</summary>
    public int AppliedCount { get; private set; }

    /// <inheritdoc/>
    public async ValueTask<INameStore?> OpenAsync(ObjectDisk disk, ulong bid, Guid stamp)
    {
        await TurnAsync(disk);
        if (!_files.TryGetValue((disk.Path, bid), out Content? content) || content.Stamp != stamp)
        {
            return null;
        }

        OpenedCount++;
        return new Store(this, disk, content);
    }

    /// <inheritdoc/>
    public async ValueTask<INameStore> CreateAsync(ObjectDisk disk, ulong bid)
    {
        await TurnAsync(disk);
        CreatedCount++;
        return new Store(this, disk, _files[(disk.Path, bid)] = new Content());
    }

    /// <inheritdoc/>
    public async ValueTask RemoveAsync(ObjectDisk disk, ulong bid)
    {
        await TurnAsync(disk);
        _files.Remove((disk.Path, bid));
    }

    /// <summary>The engine is gone, and the power with it if the crash says so.</summary>
    public void End(Crash crash)
    {
        var random = new Random(crash.Seed);
        foreach (Content content in _files.Values)
        {
            if (crash.Kind != CrashKind.Kill)
            {
                content.Lose(random);
            }
        }
    }

    /// <summary>Others come in between, as far as the history says so.</summary>
    private static async ValueTask TurnAsync(ObjectDisk disk) => await disk.Io.StatAtAsync(disk.Root, ".sluice"u8.ToArray());

    /// <summary>What a file holds.</summary>
    private sealed class Content
    {
        private SortedDictionary<byte[], long> _sealed = new(ByteOrder);

        public Guid Stamp { get; private set; }

        public SortedDictionary<byte[], long> Names { get; private set; } = new(ByteOrder);

        private static Comparer<byte[]> ByteOrder { get; } = Comparer<byte[]>.Create(static (one, other) => one.AsSpan().SequenceCompareTo(other));

        public void Seal(Guid stamp)
        {
            Stamp = stamp;
            _sealed = new(Names, ByteOrder);
        }

        public void Lose(Random random)
        {
            var left = new SortedDictionary<byte[], long>(_sealed, ByteOrder);
            foreach (byte[] name in Names.Keys.Union(_sealed.Keys).Where(_ => random.Next(2) == 0).ToList())
            {
                if (Names.TryGetValue(name, out long value))
                {
                    left[name] = value;
                }
                else
                {
                    left.Remove(name);
                }
            }

            Names = left;
        }
    }

    private sealed class Store(SimulatedNameStores owner, ObjectDisk disk, Content content) : INameStore
    {
        private bool _isClosed;

        public async ValueTask ReadAsync(ReadOnlyMemory<byte> from, ReadOnlyMemory<byte> prefix, int countMax, NameRows rows)
        {
            await BeginAsync();
            foreach ((byte[] name, long value) in content.Names.Where(pair => pair.Key.AsSpan().SequenceCompareTo(from.Span) >= 0).Take(countMax))
            {
                if (!name.AsSpan().StartsWith(prefix.Span))
                {
                    return;
                }

                rows.Add(name, value);
            }

            rows.IsCut = rows.Count == countMax;
        }

        public async ValueTask ApplyAsync(NameDelta changes, bool keepGone)
        {
            for (int at = changes.FirstFrom(default), i = 0; at != 0; at = changes.Next(at), i++)
            {
                if (i % 3 == 0)
                {
                    await BeginAsync();
                }

                if (changes.ValueAt(at) == NameValue.Gone && !keepGone)
                {
                    _ = owner.ForgetsRemovals || content.Names.Remove(changes.NameAt(at).ToArray());
                }
                else
                {
                    content.Names[changes.NameAt(at).ToArray()] = changes.ValueAt(at);
                }

                owner.AppliedCount++;
            }
        }

        public async ValueTask AddMissingAsync(NameDelta found)
        {
            await BeginAsync();
            for (int at = found.FirstFrom(default); at != 0; at = found.Next(at))
            {
                if (owner.OverridesChanges || !content.Names.ContainsKey(found.NameAt(at).ToArray()))
                {
                    content.Names[found.NameAt(at).ToArray()] = found.ValueAt(at);
                }
            }
        }

        public async ValueTask DropGoneAsync()
        {
            await BeginAsync();
            foreach (byte[] name in content.Names.Where(static pair => pair.Value == NameValue.Gone).Select(static pair => pair.Key).ToList())
            {
                content.Names.Remove(name);
            }
        }

        public async ValueTask SealAsync(Guid stamp)
        {
            await BeginAsync();
            content.Seal(stamp);
        }

        public void Dispose() => _isClosed = true;

        private async ValueTask BeginAsync()
        {
            await TurnAsync(disk);
            if (_isClosed)
            {
                throw new NameStoreException("it is closed");
            }
        }
    }
}

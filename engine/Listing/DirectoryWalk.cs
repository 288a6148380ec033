using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;
using Sluice.Native;

namespace Sluice.Engine.Listing;

/// <summary>
/// Names in byte order by a best-first walk over the directories of all mountpaths at once. A queue holds what was seen and not yet
/// answered, by the smallest name that it can still yield: a file its name, a directory its name and '/', a directory of pieces the bytes
/// so far. What comes out first is either a name, which is then the next one, or a directory, which is then read. So only directories
/// that the page needs are read, and the mountpaths are merged without extra work.
/// <para>
/// Memory: of each directory that is read at most <see cref="_keepMax"/> entries are kept, the smallest that are wanted; a directory that had
/// more leaves an entry that reads it again from there. Files that are no object's and entries that are being removed are passed over.
/// </para>
/// </summary>
public sealed class DirectoryWalk : INameIndex, IMovedNames, IDisposable
{
    private readonly PriorityQueue<Item, byte[]> _queue = new(ByteOrder.Instance);
    private readonly ReadOnlyMemory<byte> _prefix;
    private readonly int _keepMax;
    private readonly List<ReadOnlyMemory<byte>> _skipped = [];
    private readonly ConcurrentQueue<byte[]> _told = []; // by those who move objects between mountpaths
    private readonly MovedNames? _moved;
    private readonly bool _withHidden;
    private byte[] _after; // every name up to this one has been answered or is not wanted

    /// <summary>
    /// Walks the bucket's objects on <paramref name="disks"/>: names that start with <paramref name="prefix"/> and are greater than
    /// <paramref name="after"/>, for pages of about <paramref name="pageSize"/>. With <paramref name="moved"/> none is missed that goes from one
    /// mountpath to another meanwhile; what moves then is held, so it is for walks of one page. Files of uploads
    /// are met <paramref name="withHidden"/> only.
    /// </summary>
    public DirectoryWalk(
        IReadOnlyList<ObjectDisk> disks, ReadOnlyMemory<byte> objects, ReadOnlyMemory<byte> prefix, ReadOnlyMemory<byte> after, int pageSize,
        MovedNames? moved = null, bool withHidden = false)
    {
        _withHidden = withHidden;
        _prefix = prefix;
        _after = after.ToArray();
        _keepMax = pageSize + 3; // a page, and the entries of the largest key, which are dropped after a cut
        foreach (ObjectDisk disk in disks)
        {
            _queue.Enqueue(new Item(ItemKind.Directory, disk, objects.ToArray(), [], []), []);
        }

        _moved = moved;
        moved?.Add(this);
    }

    /// <summary>Directories read so far; tests see by it what a page costs.</summary>
    public int DirectoriesRead { get; private set; }

    /// <summary>Entries that are held now.</summary>
    public int HeldCount => _queue.Count;

    /// <summary>The most entries that were held.</summary>
    public int HeldMax { get; private set; }

    /// <inheritdoc/>
    public async ValueTask<byte[]?> NextAsync()
    {
        while (TryDequeue(out Item? item, out byte[]? key))
        {
            if (item.Kind != ItemKind.Name)
            {
                await ReadAsync(item);
                HeldMax = Math.Max(HeldMax, _queue.Count);
            }
            else if (IsWanted(key) && await ExistsAsync(item))
            {
                Volatile.Write(ref _after, key); // the same name on another mountpath is a leftover of a move
                return key;
            }
        }

        return null;
    }

    /// <inheritdoc/>
    public void Skip(ReadOnlyMemory<byte> prefix) => _skipped.Add(prefix);

    /// <inheritdoc/>
    public void Dispose()
    {
        _moved?.Remove(this);
        _queue.Clear();
    }

    /// <summary>An object of that name goes from one mountpath to another. Any thread.</summary>
    void IMovedNames.Tell(ReadOnlySpan<byte> name)
    {
        if (name.StartsWith(_prefix.Span) && (name[0] != 0 || _withHidden) && name.SequenceCompareTo(Volatile.Read(ref _after)) > 0)
        {
            _told.Enqueue(name.ToArray());
        }
    }

    /// <summary>What a directory that was read last may lack has been told before its file went, so it is in the queue before anything behind it is answered.</summary>
    private bool TryDequeue([NotNullWhen(true)] out Item? item, [NotNullWhen(true)] out byte[]? key)
    {
        while (_told.TryDequeue(out byte[]? name))
        {
            _queue.Enqueue(new Item(ItemKind.Name, Disk: null, [], name, []), name);
        }

        return _queue.TryDequeue(out item, out key);
    }

    private bool IsWanted(ReadOnlySpan<byte> name) =>
        name.SequenceCompareTo(_after) > 0 && name.StartsWith(_prefix.Span) && !IsSkipped(name);

    /// <summary>True when some name that starts with <paramref name="start"/> may be wanted.</summary>
    private bool MayHold(ReadOnlySpan<byte> start)
    {
        ReadOnlySpan<byte> prefix = _prefix.Span;
        bool inPrefix = start.Length < prefix.Length ? prefix.StartsWith(start) : start.StartsWith(prefix);
        return inPrefix && (start.SequenceCompareTo(_after) > 0 || _after.AsSpan().StartsWith(start)) && !IsSkipped(start);
    }

    private bool IsSkipped(ReadOnlySpan<byte> start)
    {
        foreach (ReadOnlyMemory<byte> skipped in _skipped)
        {
            if (start.StartsWith(skipped.Span))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The leaf of a directory is there or not: that is asked when its turn comes.</summary>
    private static async ValueTask<bool> ExistsAsync(Item item)
    {
        if (item.Path.Length == 0 || !item.Disk!.IsOpen)
        {
            return item.Path.Length == 0; // read off its directory, or told
        }

        IoResult<FileStatus> status = await item.Disk.Io.StatAtAsync(item.Disk.Root, item.Path);
        return status.Ok && status.Value.Kind == EntryKind.File;
    }

    private async ValueTask ReadAsync(Item item)
    {
        if ((item.Start.Length > 0 && !MayHold(item.Start)) || !item.Disk!.IsOpen)
        {
            return;
        }

        IoResult<FileHandle> opened = await item.Disk.Io.OpenAsync(item.Disk.Root, item.Path, OpenIntent.Directory);
        if (opened.Error is Errno.ENOENT or Errno.ENOTDIR)
        {
            return; // removed while we walked, or a bucket without objects here
        }

        using FileHandle directory = item.Disk.Check(opened, "open", item.Path);
        var smallest = new SmallestEntries(this, item, _keepMax);
        item.Disk.Check(await item.Disk.Io.ListAsync(directory, smallest), "getdents", item.Path);
        DirectoriesRead++;
        if (smallest.WasCut)
        {
            byte[] last = smallest.DropLargest();
            _queue.Enqueue(item with { Kind = ItemKind.Rest, After = last }, last);
        }

        foreach ((Item entry, byte[] key) in smallest.Entries)
        {
            _queue.Enqueue(entry, key);
        }
    }

    /// <summary>Something to be answered or read.</summary>
    /// <param name="Kind">What it is.</param>
    /// <param name="Disk">Mountpath; null of a name that was told.</param>
    /// <param name="Path">Path below the mountpath; empty for a name that needs no second look.</param>
    /// <param name="Start">What all names below it begin with; the bucket's own directory begins with nothing.</param>
    /// <param name="After">Only entries whose key is greater.</param>
    private sealed record Item(ItemKind Kind, ObjectDisk? Disk, byte[] Path, byte[] Start, byte[] After);

    private enum ItemKind
    {
        Name,
        Directory,
        Rest,
    }

    private sealed class ByteOrder : IComparer<byte[]>
    {
        public static readonly ByteOrder Instance = new();

        public int Compare(byte[]? x, byte[]? y) => x.AsSpan().SequenceCompareTo(y);
    }

    /// <summary>Takes a directory's entries and keeps the smallest ones that are wanted: a heap with the largest of them on top.</summary>
    private sealed class SmallestEntries(DirectoryWalk walk, Item from, int keepMax) : IEntrySink
    {
        private static readonly IComparer<byte[]> s_largestFirst = Comparer<byte[]>.Create((x, y) => y.AsSpan().SequenceCompareTo(x));
        private readonly PriorityQueue<Item, byte[]> _kept = new(s_largestFirst);

        public bool WasCut { get; private set; }

        public IEnumerable<(Item Entry, byte[] Key)> Entries => _kept.UnorderedItems;

        /// <summary>
        /// After a cut: drops the entries of the largest key, of which one may have been cut while another was kept (a name and a piece
        /// directory can have the same), and answers the largest key that is left. At most two entries share a key.
        /// </summary>
        public byte[] DropLargest()
        {
            _kept.TryDequeue(out _, out byte[]? dropped);
            while (_kept.TryPeek(out _, out byte[]? next) && next.AsSpan().SequenceEqual(dropped))
            {
                _kept.Dequeue();
            }

            Invariant.That(_kept.TryPeek(out _, out byte[]? largest), "three entries have two keys");
            return largest!;
        }

        public void Add(ReadOnlySpan<byte> name, EntryKind kind)
        {
            ComponentKind component = NameCodec.ReadComponent(name, out ReadOnlySpan<byte> raw);
            switch (kind)
            {
                case EntryKind.File when component is ComponentKind.Element or ComponentKind.LastPiece:
                    AddName([.. from.Start, .. raw], []);
                    break;
                case EntryKind.Directory when component == ComponentKind.Piece:
                    AddDirectory([.. from.Start, .. raw], name);
                    break;
                case EntryKind.Directory when component is ComponentKind.Element or ComponentKind.LastPiece:
                    AddDirectory([.. from.Start, .. raw, (byte)'/'], name);
                    AddName([.. from.Start, .. raw], [.. from.Path, (byte)'/', .. name, (byte)'/', .. ObjectPath.ReservedLeaf.Span]);
                    break;
                default:
                    break; // the leaf is asked for by its directory; anything else is none of ours
            }
        }

        private void AddName(byte[] name, byte[] leafPath)
        {
            if (walk.IsWanted(name))
            {
                Keep(new Item(ItemKind.Name, from.Disk, leafPath, name, []), name);
            }
        }

        private void AddDirectory(byte[] start, ReadOnlySpan<byte> component)
        {
            if (walk.MayHold(start) && (start[0] != 0 || walk._withHidden))
            {
                Keep(new Item(ItemKind.Directory, from.Disk, [.. from.Path, (byte)'/', .. component], start, []), start);
            }
        }

        private void Keep(Item item, byte[] key)
        {
            if (from.After.Length > 0 && key.AsSpan().SequenceCompareTo(from.After) <= 0)
            {
                return;
            }

            _kept.Enqueue(item, key);
            if (_kept.Count > keepMax)
            {
                _kept.Dequeue();
                WasCut = true;
            }
        }
    }
}

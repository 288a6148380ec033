using System.Collections.Concurrent;
using Sluice.Engine.Buckets;
using Sluice.Engine.Listing;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Names;

/// <summary>
/// The names of a bucket in byte order from the indexes of its mountpaths, and from a walk over the directories of those whose index is not trusted. For one page, as a walk is.
/// </summary>
internal sealed class MergedNames : INameIndex, IMovedNames, IDisposable
{
    private readonly List<NameCursor> _cursors = [];
    private readonly SortedSet<byte[]> _told = new(ByteOrder);
    private readonly ConcurrentQueue<byte[]> _toldNow = [];
    private readonly ReadOnlyMemory<byte> _prefix;
    private readonly MovedNames _moved;
    private DirectoryWalk? _walk;
    private byte[]? _walked; // its next name
    private byte[] _after;
    private ReadOnlyMemory<byte> _skipped; // what is below the last one; names ascend

    private MergedNames(Bucket bucket, ReadOnlyMemory<byte> prefix, ReadOnlyMemory<byte> after)
    {
        (_prefix, _after, _moved) = (prefix, after.ToArray(), bucket.Moved);
        _moved.Add(this);
    }

    private static IComparer<byte[]> ByteOrder { get; } = Comparer<byte[]>.Create(static (one, other) => one.AsSpan().SequenceCompareTo(other));

    /// <inheritdoc/>
    public NamedSize? LastSize { get; private set; }

    /// <summary>Mountpaths whose directories are walked.</summary>
    public int WalkedCount { get; private set; }

    /// <summary>
    /// Over the bucket's objects on <paramref name="disks"/>: names that start with <paramref name="prefix"/> and are greater than <paramref name="after"/>, for a page of about
    /// <paramref name="pageSize"/>. With <paramref name="walksAll"/> no index is used.
    /// </summary>
    public static async ValueTask<MergedNames> OpenAsync(
        IReadOnlyList<ObjectDisk> disks, Bucket bucket, ReadOnlyMemory<byte> prefix, ReadOnlyMemory<byte> after, int pageSize, bool walksAll)
    {
        List<(ObjectDisk Disk, BucketNames? Trusted)> looked = [];
        foreach (ObjectDisk disk in disks)
        {
            BucketNames? names = walksAll ? null : disk.Names?.Of(bucket);
            bool isTrusted = names is not null && await names.LoadAsync();
            if (!isTrusted)
            {
                names?.AskAgain();
            }

            looked.Add((disk, isTrusted ? names : null));
        }

        var merged = new MergedNames(bucket, prefix, after);
        byte[] from = after.Span.SequenceCompareTo(prefix.Span) < 0 ? prefix.ToArray() : [.. after.Span, 0];
        int piece = Math.Max(pageSize / Math.Max(disks.Count, 1) * 9 / 8, 16) + 1;
        foreach (BucketNames names in looked.Select(static one => one.Trusted).OfType<BucketNames>())
        {
            var cursor = new NameCursor(names, prefix, piece);
            cursor.Begin(from);
            merged._cursors.Add(cursor);
        }

        List<ObjectDisk> walked = [.. looked.Where(static one => one.Trusted is null).Select(static one => one.Disk)];
        merged.WalkedCount = walked.Count;
        merged._walk = walked.Count == 0 ? null : new DirectoryWalk(walked, bucket.Objects, prefix, after, pageSize, bucket.Moved);
        return merged;
    }

    /// <inheritdoc/>
    public async ValueTask<byte[]?> NextAsync()
    {
        while (true)
        {
            foreach (NameCursor cursor in _cursors)
            {
                if (!cursor.HasRow && !cursor.IsAtEnd)
                {
                    await cursor.FillAsync();
                }
            }

            if (_walk is not null && _walked is null && (_walked = await _walk.NextAsync()) is null)
            {
                _walk.Dispose();
                _walk = null;
            }

            if (Take() is not { } name)
            {
                return null;
            }

            bool isWanted = name.AsSpan().SequenceCompareTo(_after) > 0 && (_skipped.IsEmpty || !name.AsSpan().StartsWith(_skipped.Span));
            if (isWanted)
            {
                Volatile.Write(ref _after, name);
                return name;
            }
        }
    }

    /// <inheritdoc/>
    public void Skip(ReadOnlyMemory<byte> prefix)
    {
        byte[] behind = Successor(prefix.Span);
        foreach (NameCursor cursor in _cursors)
        {
            cursor.Seek(behind);
        }

        _walk?.Skip(prefix);
        _skipped = prefix;
    }

    /// <inheritdoc/>
    public void Tell(ReadOnlySpan<byte> name)
    {
        if (name.StartsWith(_prefix.Span) && name[0] != 0 && name.SequenceCompareTo(Volatile.Read(ref _after)) > 0)
        {
            _toldNow.Enqueue(name.ToArray());
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _moved.Remove(this);
        _walk?.Dispose();
        _cursors.ForEach(static cursor => cursor.Dispose());
        _cursors.Clear();
    }

    /// <summary>The smallest name of all, which is behind all of them then; null when there is none.</summary>
    private byte[]? Take()
    {
        while (_toldNow.TryDequeue(out byte[]? told))
        {
            _told.Add(told);
        }

        NameCursor? first = null;
        foreach (NameCursor cursor in _cursors)
        {
            first = cursor.HasRow && (first is null || cursor.Name.SequenceCompareTo(first.Name) < 0) ? cursor : first;
        }

        byte[]? other = _told.Min;
        other = _walked is not null && (other is null || ByteOrder.Compare(_walked, other) < 0) ? _walked : other;
        if ((other is null || first?.Name.SequenceCompareTo(other) < 0 ? first?.Name.ToArray() : other) is not { } name)
        {
            return null;
        }

        long? value = null;
        foreach (NameCursor cursor in _cursors)
        {
            if (cursor.HasRow && cursor.Name.SequenceEqual(name))
            {
                value = value is null || value == cursor.Value ? cursor.Value : NameValue.Unknown; // being moved, or overwritten: the object says
                cursor.Advance();
            }
        }

        bool isElsewhere = _told.Remove(name);
        if (_walked is not null && _walked.AsSpan().SequenceEqual(name))
        {
            (_walked, isElsewhere) = (null, true);
        }

        LastSize = isElsewhere || value is null ? null : NameValue.SizeOf(value.Value);
        return name;
    }

    /// <summary>The first name behind all that start with a prefix, which does not end with 0xff: those are no UTF-8.</summary>
    private static byte[] Successor(ReadOnlySpan<byte> prefix)
    {
        byte[] behind = prefix.ToArray();
        behind[^1]++;
        return behind;
    }
}

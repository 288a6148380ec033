using Sluice.Engine.Names;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Listing;

/// <summary>
/// Makes a page out of an index of names: attributes, virtual directories, continuation. A full page has its last name as token; a page that
/// is not full has none, so that an empty page never has one. A page is full, too, when its names are long.
/// </summary>
public static class Lister
{
    /// <summary>
    /// Lists one page. <paramref name="attributes"/> answers what an object is, or null when it is none (it was removed meanwhile, or is of an
    /// earlier bucket): the name is passed over and the page filled further. Without it names are taken as they are.
    /// </summary>
    public static async ValueTask<ListPage> ListAsync(
        INameIndex index,
        ListRequest request,
        Func<ObjectName, ValueTask<ObjectAttributes?>>? attributes,
        CancellationToken cancellation)
    {
        Invariant.That(request.PageSize is > 0 and <= Limits.ListPageEntriesMax, "the page size is checked before it gets here");
        var entries = new List<ListEntry>(Math.Min(request.PageSize, 1024));
        int bytes = 0;
        while (entries.Count < request.PageSize && bytes < Limits.ListPageBytesMax)
        {
            cancellation.ThrowIfCancellationRequested();
            byte[]? name = await index.NextAsync();
            if (name is null)
            {
                break;
            }

            if (request.NonRecursive && DirectoryOf(name, request.Prefix.Length) is { } directory)
            {
                if (index.LastSize is not null || await IsLiveAsync(name, attributes))
                {
                    index.Skip(directory);
                    if (directory.AsSpan().SequenceCompareTo(request.After.Span) > 0)
                    {
                        entries.Add(new ListEntry { Name = directory, IsDirectory = true });
                        bytes += directory.Length;
                    }
                }

                continue;
            }

            if (!ObjectName.TryCreate(name, out ObjectName objectName, out _))
            {
                continue;
            }

            if (request.WithSizes && index.LastSize is { } size)
            {
                entries.Add(new ListEntry { Name = name, Size = size });
                bytes += name.Length;
                continue;
            }

            ObjectAttributes? known = attributes is null ? null : await attributes(objectName);
            if (attributes is null || known is not null)
            {
                entries.Add(request.WithSizes && known is { } one
                    ? new ListEntry { Name = name, Size = new NamedSize(one.SizeBytes, one.ChunkCount > 0) }
                    : new ListEntry { Name = name, Attributes = known });
                bytes += name.Length + (known?.Custom.Sum(pair => pair.Key.Length + pair.Value.Length) ?? 0);
            }
        }

        return new ListPage
        {
            Entries = entries,
            ContinuationToken = entries.Count == request.PageSize || bytes >= Limits.ListPageBytesMax ? entries[^1].Name : ReadOnlyMemory<byte>.Empty,
        };
    }

    /// <summary>The virtual directory that a name is folded into: up to the first '/' behind the prefix; null when there is none.</summary>
    private static byte[]? DirectoryOf(byte[] name, int prefixLength)
    {
        int slash = name.AsSpan(prefixLength).IndexOf((byte)'/');
        return slash < 0 ? null : name[..(prefixLength + slash + 1)];
    }

    private static async ValueTask<bool> IsLiveAsync(byte[] name, Func<ObjectName, ValueTask<ObjectAttributes?>>? attributes) =>
        attributes is null || (ObjectName.TryCreate(name, out ObjectName objectName, out _) && await attributes(objectName) is not null);
}

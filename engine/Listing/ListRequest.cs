using Sluice.Engine.Buckets;
using Sluice.Engine.Names;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Listing;

/// <summary>One page of a bucket's names to be listed, in byte-wise ascending order.</summary>
public sealed class ListRequest
{
    /// <summary>Bucket to list.</summary>
    public required BucketName Bucket { get; init; }

    /// <summary>Only names that start with these bytes; empty for all. Need not be valid UTF-8 at its end.</summary>
    public ReadOnlyMemory<byte> Prefix { get; init; }

    /// <summary>Only names greater than these bytes: a continuation token or a start-after name; empty for the beginning.</summary>
    public ReadOnlyMemory<byte> After { get; init; }

    /// <summary>Entries of a full page; 1 to <c>Limits.ListPageEntriesMax</c>.</summary>
    public required int PageSize { get; init; }

    /// <summary>List the names directly below the prefix, and each sub-directory once with a trailing '/' (virtual directories).</summary>
    public bool NonRecursive { get; init; }

    /// <summary>Fill in <see cref="ListEntry.Attributes"/>; costs a look at each object. Name-only listings leave it out.</summary>
    public bool WithAttributes { get; init; }

    /// <summary>Fill in <see cref="ListEntry.Size"/>, which an index of names may know without a look; instead of the attributes.</summary>
    public bool WithSizes { get; init; }
}

/// <summary>One line of a listing.</summary>
public sealed class ListEntry
{
    /// <summary>The name as UTF-8; ends with '/' for a virtual directory. Owned by the entry.</summary>
    public required ReadOnlyMemory<byte> Name { get; init; }

    /// <summary>A virtual directory.</summary>
    public bool IsDirectory { get; init; }

    /// <summary>What is known of the object; null for directories and name-only listings.</summary>
    public ObjectAttributes? Attributes { get; init; }

    /// <summary>The object's size, where sizes were asked for; null for directories.</summary>
    public NamedSize? Size { get; init; }
}

/// <summary>One page.</summary>
public sealed class ListPage
{
    /// <summary>Entries, ascending.</summary>
    public required IReadOnlyList<ListEntry> Entries { get; init; }

    /// <summary>Where the next page starts: the last name of a full page; empty when this page is not full. Never set on an empty page.</summary>
    public required ReadOnlyMemory<byte> ContinuationToken { get; init; }
}

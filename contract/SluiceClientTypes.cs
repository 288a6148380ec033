// What a client call asks and answers, apart from the calls themselves.
namespace Sluice.Contract;

/// <summary>Flags of a listing request (contract: buckets §8).</summary>
[Flags]
public enum ListFlags : long
{
    /// <summary>Everything, recursively.</summary>
    None = 0,

    /// <summary>Only objects that are present.</summary>
    Cached = 1 << 0,

    /// <summary>Names only.</summary>
    NameOnly = 1 << 4,

    /// <summary>Names and sizes only.</summary>
    NameSize = 1 << 5,

    /// <summary>Virtual directories instead of what lies below them.</summary>
    NoRecursion = 1 << 11,
}

/// <summary>What to list.</summary>
public sealed record ListQuery
{
    /// <summary>Only names that start with this.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>Properties wanted, comma separated; empty for the server's default.</summary>
    public string Properties { get; init; } = "";

    /// <summary>Entries a page, 0 for the server's default.</summary>
    public int PageSize { get; init; }

    /// <summary>How to list.</summary>
    public ListFlags Flags { get; init; }
}

/// <summary>One listed object or virtual directory.</summary>
/// <param name="Name">Full name; a directory's ends with '/'.</param>
/// <param name="SizeBytes">Size; 0 for a directory.</param>
/// <param name="IsDirectory">True for a virtual directory.</param>
/// <param name="Checksum">Digest in hexadecimal; empty unless asked for.</param>
/// <param name="Version">Version; empty unless asked for.</param>
/// <param name="AccessTime">Last access as the server formats it; empty unless asked for.</param>
/// <param name="IsChunked">True for an object that is kept in chunks, as one that was uploaded in parts is; false unless asked for.</param>
public sealed record ListedObject(string Name, long SizeBytes, bool IsDirectory, string Checksum, string Version, string AccessTime, bool IsChunked)
{
    /// <summary>True for an object that the cluster has, rather than only a backend of its bucket.</summary>
    public bool IsCached { get; init; }

    /// <summary>Whether it is where it belongs.</summary>
    public ListedStatus Status { get; init; }

    /// <summary>Number of whole copies; 0 unless asked for.</summary>
    public int Copies { get; init; }

    /// <summary>Data and parity slices, such as <c>4:2[encoded]</c>; empty unless asked for, and of an object that has none.</summary>
    public string Erasure { get; init; } = "";

    /// <summary>Custom metadata, as <c>[key:value key:value]</c>; empty unless asked for.</summary>
    public string Custom { get; init; } = "";

    /// <summary>Node and mountpath; empty unless asked for.</summary>
    public string Location { get; init; } = "";
}

/// <summary>The status of a listed object, with the wire's numbers.</summary>
public enum ListedStatus
{
    /// <summary>It is where it belongs.</summary>
    Ok = 0,

    /// <summary>It is on a node where it does not belong.</summary>
    MisplacedNode = 1,

    /// <summary>It is on a mountpath where it does not belong.</summary>
    MisplacedMountpath = 2,

    /// <summary>It is a copy of another one.</summary>
    Copy = 3,

    /// <summary>It is a copy, and what it is a copy of is gone.</summary>
    CopyAlone = 4,
}

/// <summary>One page of a listing.</summary>
/// <param name="Entries">Entries in byte order of their names.</param>
/// <param name="Uuid">Ties the pages of one listing together.</param>
/// <param name="ContinuationToken">Where the next page starts; empty after the last.</param>
public sealed record ListedPage(IReadOnlyList<ListedObject> Entries, string Uuid, string ContinuationToken);

/// <summary>Attributes of an object as response headers carry them; a text is empty when the server did not send it.</summary>
public sealed record ObjectAttributesView
{
    /// <summary>Size of the object in bytes; of a ranged GET, too, the whole object's. −1 when the answer does not tell.</summary>
    public long SizeBytes { get; init; }

    /// <summary>Digest algorithm.</summary>
    public string ChecksumType { get; init; } = "";

    /// <summary>Digest, lower-case hexadecimal.</summary>
    public string ChecksumValue { get; init; } = "";

    /// <summary>Version.</summary>
    public string Version { get; init; } = "";

    /// <summary>Last access, nanoseconds since 1970, decimal.</summary>
    public string AccessTime { get; init; } = "";

    /// <summary>Where the object lies.</summary>
    public string Location { get; init; } = "";

    /// <summary>Number of copies, decimal.</summary>
    public string Copies { get; init; } = "";

    /// <summary>Number of chunks, decimal, of an object that was uploaded in parts.</summary>
    public string Chunks { get; init; } = "";

    /// <summary>Custom metadata in the order received.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Custom { get; init; } = [];
}

/// <summary>Bytes of an object, both ends inclusive; one end may be open.</summary>
/// <param name="First">First byte; null with a last one for the object's last <paramref name="Last"/> bytes.</param>
/// <param name="Last">Last byte; null for up to the end.</param>
public readonly record struct AskedRange(long? First, long? Last);

/// <summary>An object being read. The caller disposes it, which also gives its connection back or closes it.</summary>
public sealed class ObjectDownload : IDisposable
{
    private readonly HttpResponseMessage _response;

    internal ObjectDownload(HttpResponseMessage response, ObjectAttributesView attributes, Stream content)
    {
        _response = response;
        Attributes = attributes;
        Content = content;
    }

    /// <summary>Attributes of the object.</summary>
    public ObjectAttributesView Attributes { get; }

    /// <summary>The bytes; a connection that ends early throws, it never looks like the end of the object.</summary>
    public Stream Content { get; }

    /// <summary>Bytes that <see cref="Content"/> will give; −1 when the server did not say.</summary>
    public long ContentBytes => _response.Content.Headers.ContentLength ?? -1;

    /// <summary>True when this is a part of the object: its digest does not cover these bytes.</summary>
    public bool IsPartial => (int)_response.StatusCode == 206;

    /// <inheritdoc/>
    public void Dispose() => _response.Dispose();
}

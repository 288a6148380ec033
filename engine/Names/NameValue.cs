using Sluice.Engine.Objects;

namespace Sluice.Engine.Names;

/// <summary>What an index keeps beside a name: the object's size and whether it has chunks, in one number. Persisted; may only grow.</summary>
public static class NameValue
{
    /// <summary>A file stands under the name, and who wants to know more looks at it.</summary>
    public const long Unknown = -1;

    /// <summary>Nothing stands under it: a removal that is still to be applied.</summary>
    public const long Gone = -2;

    /// <summary>That of a head with this record: what listings show of it.</summary>
    public static long Of(ObjectMetadata metadata) => Of(new NamedSize(metadata.ContentBytes, metadata.Chunked is { ChunkCount: > 0 }));

    /// <summary>That of a size.</summary>
    public static long Of(NamedSize size) => (size.Bytes << 1) | (size.IsChunked ? 1L : 0);

    /// <summary>The size, when it is known.</summary>
    public static NamedSize? SizeOf(long value) => value < 0 ? null : new NamedSize(value >> 1, (value & 1) != 0);
}

/// <summary>What a listing of names and sizes shows of an object.</summary>
/// <param name="Bytes">Its size.</param>
/// <param name="IsChunked">It has chunks.</param>
public readonly record struct NamedSize(long Bytes, bool IsChunked);

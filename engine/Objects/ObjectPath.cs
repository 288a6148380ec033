using Sluice.Engine.Io;
using Sluice.Engine.Placement;

namespace Sluice.Engine.Objects;

/// <summary>
/// Place of an object below a mountpath: the directory and the last component. An object has two possible places: its own name, and,
/// while a directory of that name exists ("a" beside "a/b"), the reserved leaf <c>%o</c> inside it. Lookups try both.
/// </summary>
public sealed class ObjectPath
{
    private static readonly byte[] s_leaf = "%o"u8.ToArray();

    private ObjectPath(byte[] whole, bool isLeaf)
    {
        Whole = whole;
        IsLeaf = isLeaf;
    }

    /// <summary>The whole path.</summary>
    public ReadOnlyMemory<byte> Whole { get; }

    /// <summary>True for the reserved leaf.</summary>
    public bool IsLeaf { get; }

    /// <summary>The directory.</summary>
    public ReadOnlyMemory<byte> Directory => DirectoryTable.ParentOf(Whole);

    /// <summary>The last component.</summary>
    public ReadOnlyMemory<byte> Leaf => DirectoryTable.LeafOf(Whole);

    /// <summary>Place of an object under its own name, below a content directory.</summary>
    public static ObjectPath Plain(ReadOnlyMemory<byte> content, ReadOnlySpan<byte> name)
    {
        Span<byte> encoded = stackalloc byte[NameCodec.EncodedBytesMax];
        int bytes = NameCodec.Encode(name, encoded);
        return new ObjectPath([.. content.Span, (byte)'/', .. encoded[..bytes]], isLeaf: false);
    }

    /// <summary>The place of a part that has an object's bytes, which no lookup finds by the object's name.</summary>
    internal static ObjectPath OfPart(byte[] path) => new(path, isLeaf: false);

    /// <summary>The reserved leaf in the directory of the object's name.</summary>
    public ObjectPath AsLeaf()
    {
        Invariant.That(!IsLeaf, "a leaf has no leaf");
        return new ObjectPath([.. Whole.Span, (byte)'/', .. s_leaf], isLeaf: true);
    }

    /// <summary>The name of the object at a path below a content directory; false when no object's path is like that.</summary>
    public static bool TryReadName(ReadOnlyMemory<byte> content, ReadOnlySpan<byte> path, out ObjectName name)
    {
        name = default;
        if (path.Length <= content.Length + 1 || !path.StartsWith(content.Span) || path[content.Length] != (byte)'/')
        {
            return false;
        }

        ReadOnlySpan<byte> encoded = path[(content.Length + 1)..];
        if (encoded.EndsWith(s_leaf) && encoded.Length > s_leaf.Length && encoded[^(s_leaf.Length + 1)] == (byte)'/')
        {
            encoded = encoded[..^(s_leaf.Length + 1)];
        }

        var decoded = new byte[ObjectName.BytesMax];
        return NameCodec.TryDecode(encoded, decoded, out int bytes) && ObjectName.TryCreate(decoded.AsMemory(0, bytes), out name, out _);
    }

    /// <summary>The reserved component.</summary>
    public static ReadOnlyMemory<byte> ReservedLeaf => s_leaf;
}

using Sluice.Engine.Chunks;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Placement;

/// <summary>
/// Object name ↔ path below a content directory. A name is split at '/'; an element is written as itself unless a file system cannot hold
/// it or it begins with '%', which is ours:
/// <code>
///   empty                 %e
///   .  and  ..            %.  and  %..
///   %x                    %%x
///   longer than a name    %+&lt;253 bytes&gt; as directories, then %=&lt;the rest&gt;
///   NUL                   %c: in the names of files of uploads alone (ChunkName)
///   (reserved)            %o: the object that has this directory's own name
/// </code>
/// so that a name that ends with '/' ends with an empty element. The encoding is a bijection onto the paths that <see cref="TryDecode"/>
/// accepts; those have no component that is empty, "." or "..", none longer than 255 bytes, and never the reserved one.
/// </summary>
public static class NameCodec
{
    private static readonly byte[] s_hidden = [0];

    /// <summary>Longest component: NAME_MAX of ext4 and XFS.</summary>
    public const int ComponentBytesMax = 255;

    /// <summary>Bytes of a long element in one piece: the component less its two marks.</summary>
    public const int PieceBytes = ComponentBytesMax - 2;

    /// <summary>
    /// Longest path: each of 1,024 bytes may be a '/' that makes one more empty element, "%e" and its '/': 3 x 1,024 + 2. Pieces and marks of
    /// other names add less than three bytes a byte.
    /// </summary>
    public const int EncodedBytesMax = (3 * ObjectName.BytesMax) + 2;

    /// <summary>Writes the path of a name; answers its length. <paramref name="path"/> has room for <see cref="EncodedBytesMax"/>.</summary>
    public static int Encode(ReadOnlySpan<byte> name, Span<byte> path)
    {
        Invariant.That(name.Length is > 0 and <= ObjectName.BytesMax, "names are checked before they get here");
        int written = 0;
        while (true)
        {
            int slash = name.IndexOf((byte)'/');
            written += EncodeElement(slash < 0 ? name : name[..slash], path[written..]);
            if (slash < 0)
            {
                return written;
            }

            path[written++] = (byte)'/';
            name = name[(slash + 1)..];
        }
    }

    /// <summary>
    /// Reads a path back into the name that encodes to it; false for every path that none does. <paramref name="name"/> has room for
    /// <see cref="ObjectName.BytesMax"/>.
    /// </summary>
    public static bool TryDecode(ReadOnlySpan<byte> path, Span<byte> name, out int bytes)
    {
        bytes = 0;
        int elementStart = 0;
        bool inPieces = false;
        while (true)
        {
            int slash = path.IndexOf((byte)'/');
            ReadOnlySpan<byte> component = slash < 0 ? path : path[..slash];
            ComponentKind kind = ReadComponent(component, out ReadOnlySpan<byte> raw);
            bool fits = kind switch
            {
                ComponentKind.Piece => slash >= 0,
                ComponentKind.LastPiece => inPieces,
                ComponentKind.Element => !inPieces,
                _ => false,
            };
            if (!fits || raw.Length + bytes > name.Length || bytes + raw.Length > ObjectName.BytesMax)
            {
                return false;
            }

            raw.CopyTo(name[bytes..]);
            bytes += raw.Length;
            inPieces = kind == ComponentKind.Piece;
            if (kind == ComponentKind.LastPiece && !NeedsPieces(name[elementStart..bytes]))
            {
                return false;
            }

            if (slash < 0)
            {
                return bytes > 0;
            }

            path = path[(slash + 1)..];
            if (!inPieces)
            {
                if (bytes == Math.Min(name.Length, ObjectName.BytesMax))
                {
                    return false;
                }

                name[bytes++] = (byte)'/';
                elementStart = bytes;
            }
        }
    }

    /// <summary>What one component is, and the bytes of the name that it stands for.</summary>
    public static ComponentKind ReadComponent(ReadOnlySpan<byte> component, out ReadOnlySpan<byte> raw)
    {
        raw = component;
        if (component.IsEmpty || component.Length > ComponentBytesMax || component.SequenceEqual("."u8) || component.SequenceEqual(".."u8)
            || component.Contains((byte)0))
        {
            return ComponentKind.Invalid;
        }

        if (component[0] != (byte)'%')
        {
            return ComponentKind.Element;
        }

        ReadOnlySpan<byte> rest = component[1..];
        raw = rest;
        if (rest.SequenceEqual("o"u8))
        {
            return ComponentKind.OwnLeaf;
        }

        if (rest.SequenceEqual("."u8) || rest.SequenceEqual(".."u8))
        {
            return ComponentKind.Element;
        }

        if (rest.SequenceEqual("e"u8))
        {
            raw = default;
            return ComponentKind.Element;
        }

        if (component.SequenceEqual(ChunkName.DirectoryName))
        {
            raw = s_hidden;
            return ComponentKind.Element;
        }

        raw = rest.IsEmpty ? rest : rest[1..];
        return rest.IsEmpty ? ComponentKind.Invalid : rest[0] switch
        {
            (byte)'%' => Quoted(rest, out raw),
            (byte)'+' when raw.Length == PieceBytes => ComponentKind.Piece,
            (byte)'=' when raw.Length is > 0 and <= PieceBytes => ComponentKind.LastPiece,
            _ => ComponentKind.Invalid,
        };
    }

    private static ComponentKind Quoted(ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> raw)
    {
        raw = rest; // "%%x" stands for "%x"
        return ComponentKind.Element;
    }

    private static int EncodeElement(ReadOnlySpan<byte> element, Span<byte> to)
    {
        if (element.IsEmpty)
        {
            "%e"u8.CopyTo(to);
            return 2;
        }

        if (element.SequenceEqual(s_hidden))
        {
            ChunkName.DirectoryName.CopyTo(to);
            return ChunkName.DirectoryName.Length;
        }

        if (NeedsPieces(element))
        {
            return EncodePieces(element, to);
        }

        int marks = IsQuoted(element) ? 1 : 0;
        to[0] = (byte)'%';
        element.CopyTo(to[marks..]);
        return marks + element.Length;
    }

    private static bool IsQuoted(ReadOnlySpan<byte> element) =>
        element[0] == (byte)'%' || element.SequenceEqual("."u8) || element.SequenceEqual(".."u8);

    private static bool NeedsPieces(ReadOnlySpan<byte> element) => element.Length + (IsQuoted(element) ? 1 : 0) > ComponentBytesMax;

    private static int EncodePieces(ReadOnlySpan<byte> element, Span<byte> to)
    {
        int written = 0;
        for (; element.Length > PieceBytes; element = element[PieceBytes..])
        {
            "%+"u8.CopyTo(to[written..]);
            element[..PieceBytes].CopyTo(to[(written + 2)..]);
            to[written + ComponentBytesMax] = (byte)'/';
            written += ComponentBytesMax + 1;
        }

        "%="u8.CopyTo(to[written..]);
        element.CopyTo(to[(written + 2)..]);
        return written + 2 + element.Length;
    }
}

/// <summary>What a component of an encoded path is.</summary>
public enum ComponentKind
{
    /// <summary>Nothing that the encoding makes.</summary>
    Invalid,

    /// <summary>One element of the name.</summary>
    Element,

    /// <summary>A piece of a long element; more follow below it.</summary>
    Piece,

    /// <summary>The last piece of a long element.</summary>
    LastPiece,

    /// <summary>The reserved leaf: the object with the directory's own name.</summary>
    OwnLeaf,
}

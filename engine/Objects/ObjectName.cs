using System.Diagnostics.CodeAnalysis;
using System.Text;
using Sluice.Engine.Chunks;

namespace Sluice.Engine.Objects;

/// <summary>
/// Name of an object within its bucket: 1 to <see cref="BytesMax"/> bytes of valid UTF-8 without NUL. The bytes are borrowed: they stay
/// valid for the call that they were passed to; who keeps a name copies it (<see cref="Copy"/>). Anything that the file system cannot
/// hold ("..", empty elements, long elements) is legal here and encoded by <c>NameCodec</c>; what the native API refuses on top of that
/// is <see cref="TryCreateNative"/>'s business.
/// </summary>
public readonly struct ObjectName : IEquatable<ObjectName>
{
    /// <summary>Longest name in bytes: Amazon S3's limit for a key.</summary>
    public const int BytesMax = 1024;

    private ObjectName(ReadOnlyMemory<byte> utf8)
    {
        Utf8 = utf8;
    }

    /// <summary>True for a file of an upload: not an object that clients know by name.</summary>
    public bool IsHidden => Utf8.Length > 0 && Utf8.Span[0] == 0;

    /// <summary>The name as UTF-8.</summary>
    public ReadOnlyMemory<byte> Utf8 { get; }

    /// <summary>
    /// Checks what holds for every API: length, valid UTF-8 (no overlong forms, no surrogates), no NUL but in the names that the engine gives to files of uploads
    /// (<see cref="ChunkName"/>), which no API takes.
    /// </summary>
    public static bool TryCreate(ReadOnlyMemory<byte> utf8, out ObjectName name, [NotNullWhen(false)] out string? problem)
    {
        problem = utf8.Length == 0 ? "object name is empty"
            : utf8.Length > BytesMax ? $"object name is {utf8.Length} bytes long; the limit is {BytesMax}"
            : utf8.Span.Contains((byte)0) && !ChunkName.TryRead(utf8.Span, out _) ? "object name contains a NUL byte"
            : !System.Text.Unicode.Utf8.IsValid(utf8.Span) ? "object name is not valid UTF-8"
            : null;
        name = problem is null ? new ObjectName(utf8) : default;
        return problem is null;
    }

    /// <summary>
    /// The native API's stricter rules (contract: buckets §1): no <c>.</c> or <c>..</c> elements, no trailing '/', no control characters.
    /// </summary>
    public static bool TryCreateNative(ReadOnlyMemory<byte> utf8, out ObjectName name, [NotNullWhen(false)] out string? problem)
    {
        if (!TryCreate(utf8, out name, out problem))
        {
            return false;
        }

        ReadOnlySpan<byte> rest = utf8.Span;
        problem = rest[^1] == (byte)'/' ? "object name ends with a slash"
            : HasControl(rest) ? "object name contains a control character"
            : null;
        while (problem is null && !rest.IsEmpty)
        {
            int slash = rest.IndexOf((byte)'/');
            ReadOnlySpan<byte> element = slash < 0 ? rest : rest[..slash];
            problem = element.SequenceEqual("."u8) || element.SequenceEqual(".."u8) ? "object name contains a \".\" or \"..\" element" : null;
            rest = slash < 0 ? default : rest[(slash + 1)..];
        }

        name = problem is null ? name : default;
        return problem is null;
    }

    /// <summary>A name from text; for tests, tools and constants.</summary>
    public static ObjectName From(string text) =>
        TryCreate(Encoding.UTF8.GetBytes(text), out ObjectName name, out string? problem) ? name : throw new ArgumentException(problem, nameof(text));

    /// <summary>The same name over bytes of its own.</summary>
    public ObjectName Copy() => new(Utf8.ToArray());

    /// <inheritdoc/>
    public bool Equals(ObjectName other) => Utf8.Span.SequenceEqual(other.Utf8.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is ObjectName other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(Utf8.Span);
        return hash.ToHashCode();
    }

    /// <summary>The name as text; that of a file of an upload as its path says it, since it is read in logs.</summary>
    public override string ToString() => IsHidden
        ? Encoding.ASCII.GetString(ChunkName.DirectoryName) + Encoding.ASCII.GetString(Utf8.Span[1..])
        : Encoding.UTF8.GetString(Utf8.Span);

    /// <summary>True when both are the same bytes.</summary>
    public static bool operator ==(ObjectName left, ObjectName right) => left.Equals(right);

    /// <summary>True when they differ.</summary>
    public static bool operator !=(ObjectName left, ObjectName right) => !left.Equals(right);

    private static bool HasControl(ReadOnlySpan<byte> name) => name.IndexOfAnyInRange((byte)0, (byte)0x1f) >= 0 || name.Contains((byte)0x7f);
}

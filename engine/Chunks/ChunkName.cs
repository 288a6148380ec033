using System.Buffers;
using System.Globalization;
using System.Text;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Chunks;

/// <summary>
/// A file of an upload: an object of the bucket whose name no client can say, since it begins with NUL: <c>NUL / upload, 16 hexadecimal digits / number, five
/// decimal ones</c>, below <c>%ob/%c</c> on a disk. So it is placed, protected, verified, repaired and moved like every other; listings pass over it. Number 0 is
/// the upload's note (<see cref="Manifest"/>), the others are chunks.
/// </summary>
public readonly record struct ChunkName(ulong UploadId, int Number)
{
    private static readonly SearchValues<char> s_digits = SearchValues.Create("0123456789abcdef");

    /// <summary>Bytes of the name.</summary>
    private const int Bytes = 2 + 16 + 1 + 5;

    /// <summary>Directory of all uploads, below that of a bucket's objects.</summary>
    public static ReadOnlySpan<byte> DirectoryName => "%c"u8;

    /// <summary>The upload as clients are told of it: 16 hexadecimal digits.</summary>
    public string UploadText => TextOf(UploadId);

    /// <summary>An upload as clients are told of it: 16 hexadecimal digits.</summary>
    public static string TextOf(ulong uploadId) => uploadId.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>Reads what <see cref="TextOf"/> writes.</summary>
    public static bool TryReadUpload(ReadOnlySpan<char> text, out ulong uploadId)
    {
        uploadId = 0;
        return text.Length == 16 && !text.ContainsAnyExcept(s_digits)
            && ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uploadId) && uploadId != 0;
    }

    /// <summary>The name as the engine stores it.</summary>
    public ObjectName ToObjectName()
    {
        bool isName = ObjectName.TryCreate(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"\0/{UploadId:x16}/{Number:d5}")), out ObjectName name, out string? problem);
        Invariant.That(isName, problem);
        return name;
    }

    /// <summary>Reads the name of a file of an upload; false for that of any other object.</summary>
    public static bool TryRead(ReadOnlySpan<byte> name, out ChunkName chunk)
    {
        chunk = default;
        if (name.Length != Bytes || name[0] != 0 || name[1] != (byte)'/' || name[18] != (byte)'/' || name[19..].ContainsAnyExceptInRange((byte)'0', (byte)'9'))
        {
            return false;
        }

        Span<char> upload = stackalloc char[16];
        Encoding.Latin1.GetChars(name[2..18], upload);
        int number = int.Parse(name[19..], NumberStyles.None, CultureInfo.InvariantCulture);
        if (!TryReadUpload(upload, out ulong uploadId) || number > Limits.ChunksMax)
        {
            return false;
        }

        chunk = new ChunkName(uploadId, number);
        return true;
    }
}

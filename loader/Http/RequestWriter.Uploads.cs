// Requests of an upload in parts (contract: objects §8): begin, part, complete, abort.
using Sluice.Contract;

namespace Sluice.Loader.Http;

public sealed partial class RequestWriter
{
    /// <summary>Longest id of an upload, as it stands in a request target.</summary>
    public const int UploadIdBytesMax = 256;

    private const int UploadQueryBytesMax = UploadIdBytesMax + 64; // the names of two parameters and a number of 4 digits

    private const int EntryBytesMax = 32; // {"part-number":9999,"etag":""}, and a comma

    private static readonly byte[] s_begin = Message(Actions.BeginUpload, "null}"u8);
    private static readonly byte[] s_abort = Message(Actions.AbortUpload, "null}"u8);
    private static readonly byte[] s_complete = Message(Actions.CompleteUpload, "["u8);

    private readonly byte[] _query;
    private readonly byte[] _lengthStart;
    private readonly byte[] _postStart;
    private readonly byte[] _deleteStart;

    /// <summary>Longest request that completes an upload of <paramref name="parts"/> parts.</summary>
    public static int CompleteBytesMax(int parts) => HeadBytesMax + s_complete.Length + (parts * EntryBytesMax) + 2;

    /// <summary>Writes a whole request that begins an upload and gives its length.</summary>
    public int BeginUpload(Span<byte> into, ReadOnlySpan<byte> name) => Message(into, _postStart, name, default, s_begin);

    /// <summary>Writes the head of a PUT of one part and gives its length; an empty checksum is left out.</summary>
    /// <param name="into">At least <see cref="HeadBytesMax"/> bytes.</param>
    /// <param name="name">Name as it stands in a request target.</param>
    /// <param name="uploadId">The upload's id, as it stands there too; at most <see cref="UploadIdBytesMax"/> bytes.</param>
    /// <param name="number">The part's number, 1 to 9999.</param>
    /// <param name="contentBytes">Size of the part.</param>
    /// <param name="checksum">Its checksum in hexadecimal.</param>
    public int Part(Span<byte> into, ReadOnlySpan<byte> name, ReadOnlySpan<byte> uploadId, int number, long contentBytes, ReadOnlySpan<byte> checksum)
    {
        int at = Target(into, _putStart, name, uploadId);
        at = Append(into, at, "&partNumber="u8);
        at = Append(into, at, number);
        at = Append(into, at, _lengthStart);
        return EndPut(into, at, contentBytes, checksum);
    }

    /// <summary>
    /// Writes a whole request that makes the object of the parts 1 to <paramref name="parts"/> and gives its length, at most
    /// <see cref="CompleteBytesMax"/>.
    /// </summary>
    public int CompleteUpload(Span<byte> into, ReadOnlySpan<byte> name, ReadOnlySpan<byte> uploadId, int parts)
    {
        // The list is made behind the longest head, then the head's end is known, and the list moves up to it.
        Span<byte> body = into[HeadBytesMax..];
        int size = Append(body, 0, s_complete);
        for (int number = 1; number <= parts; number++)
        {
            size = Append(body, size, "{\"part-number\":"u8);
            size = Append(body, size, number);
            size = Append(body, size, number < parts ? ",\"etag\":\"\"},"u8 : ",\"etag\":\"\"}"u8);
        }

        size = Append(body, size, "]}"u8);
        return Message(into, _postStart, name, uploadId, body[..size]);
    }

    /// <summary>Writes a whole request that ends an upload without an object and gives its length.</summary>
    public int AbortUpload(Span<byte> into, ReadOnlySpan<byte> name, ReadOnlySpan<byte> uploadId) => Message(into, _deleteStart, name, uploadId, s_abort);

    private static byte[] Message(string action, ReadOnlySpan<byte> value) =>
        [.. "{\"action\":\""u8, .. System.Text.Encoding.ASCII.GetBytes(action), .. "\",\"name\":\"\",\"value\":"u8, .. value];

    private int Message(Span<byte> into, ReadOnlySpan<byte> start, ReadOnlySpan<byte> name, ReadOnlySpan<byte> uploadId, ReadOnlySpan<byte> body)
    {
        int at = Target(into, start, name, uploadId);
        at = Append(into, at, _lengthStart);
        at = Append(into, at, body.Length);
        at = Append(into, at, "\r\nContent-Type: application/json\r\n\r\n"u8);
        return Append(into, at, body);
    }

    private int Target(Span<byte> into, ReadOnlySpan<byte> start, ReadOnlySpan<byte> name, ReadOnlySpan<byte> uploadId)
    {
        int at = Append(into, 0, start);
        at = Append(into, at, name);
        at = Append(into, at, _query);
        if (!uploadId.IsEmpty)
        {
            at = Append(into, at, "&uploadId="u8);
            at = Append(into, at, uploadId);
        }

        return at;
    }
}

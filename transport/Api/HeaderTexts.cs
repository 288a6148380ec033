using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Objects;
using Sluice.Transport.Http;

namespace Sluice.Transport.Api;

/// <summary>
/// The headers of a GET as texts, made once for each object that is in the cache and kept with it: what is said of an object that does not change need
/// not be made for each of many reads.
/// </summary>
internal sealed class HeaderTexts
{
    private const int LinesBytesMax = 4 << 10;

    private readonly StringValues _checksumType, _checksumValue, _version, _custom, _etag;
    private readonly StringValues _accessed;
    private readonly long _accessedNs;
    private HeadOnlyTexts? _head;
    private byte[]? _lines; // empty: there are none

    private HeaderTexts(ObjectAttributes known)
    {
        if (known.Checksum.Type != ChecksumType.None)
        {
            (_checksumType, _checksumValue) = (Checksum.Name(known.Checksum.Type), known.Checksum.Hex);
        }

        _version = known.Version;
        _custom = ObjectHeaders.CustomLines(known);
        _etag = ObjectHeaders.CustomETag(known);
        (_accessedNs, _accessed) = (known.AccessedNs, known.AccessedNs.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Those of an object as it is known now.</summary>
    public static HeaderTexts Of(StoredObject stored)
    {
        if (stored.Derived is HeaderTexts made && made._accessedNs == stored.AccessedNs)
        {
            return made;
        }

        var texts = new HeaderTexts(stored.Attributes());
        stored.Derived = texts; // of two that are made at once either is right
        return texts;
    }

    /// <summary>
    /// The same as lines for <see cref="IConnectionBodies.TryAddToHead"/>; empty when they are too long for a buffer beside the head, or hold what Kestrel would
    /// refuse. Made once.
    /// </summary>
    public ReadOnlyMemory<byte> Lines => _lines ??= MakeLines();

    /// <summary>Writes them beside length and range.</summary>
    public void Write(IHeaderDictionary headers)
    {
        headers.ContentType = "application/octet-stream";
        headers.AcceptRanges = "bytes";
        headers[HeaderNames.AccessTime] = _accessed;
        Set(headers, HeaderNames.ChecksumType, _checksumType);
        Set(headers, HeaderNames.ChecksumValue, _checksumValue);
        Set(headers, HeaderNames.ObjectVersion, _version);
        Set(headers, HeaderNames.CustomMetadata, _custom);
        if (_etag.Count > 0)
        {
            headers.ETag = _etag;
        }
    }

    /// <summary>Writes what a HEAD without a property list says: everything but what the bucket has to do with. The names are those that the object has.</summary>
    public static void WriteHead(IHeaderDictionary headers, StoredObject stored, BucketName bucket, ObjectName name, NodeIdentity node)
    {
        HeaderTexts texts = Of(stored);
        texts._head ??= HeadOnlyTexts.Of(stored.Attributes(), name, node);
        texts.WriteHead(headers, texts._head, bucket);
        headers.ContentLength = stored.Metadata.ContentBytes;
    }

    private void WriteHead(IHeaderDictionary headers, HeadOnlyTexts head, BucketName bucket)
    {
        headers[HeaderNames.AccessTime] = _accessed;
        Set(headers, HeaderNames.ChecksumType, _checksumType);
        Set(headers, HeaderNames.ChecksumValue, _checksumValue);
        Set(headers, HeaderNames.ObjectVersion, _version);
        Set(headers, HeaderNames.CustomMetadata, _custom);
        headers[HeaderNames.Present] = "true";
        headers[HeaderNames.BucketName] = bucket.Name;
        headers[HeaderNames.BucketProvider] = bucket.Provider;
        headers[HeaderNames.ObjectName] = head.Name;
        headers[HeaderNames.Location] = head.Location;
        headers[HeaderNames.MirrorPaths] = head.MirrorPaths;
        headers[HeaderNames.MirrorCopies] = head.MirrorCopies;
        if (_etag.Count > 0)
        {
            headers.ETag = _etag;
        }
    }

    private byte[] MakeLines()
    {
        var headers = new HeaderDictionary();
        Write(headers);
        var lines = new StringBuilder();
        foreach ((string name, StringValues values) in headers)
        {
            foreach (string? value in values)
            {
                lines.Append("\r\n").Append(name).Append(": ").Append(value);
                if (value.AsSpan().ContainsAnyInRange('\0', '\x1f') || value.AsSpan().Contains('\x7f'))
                {
                    return [];
                }
            }
        }

        byte[] bytes = Encoding.UTF8.GetBytes(lines.ToString());
        return bytes.Length <= LinesBytesMax ? bytes : [];
    }

    private static void Set(IHeaderDictionary headers, string name, StringValues value)
    {
        if (!StringValues.IsNullOrEmpty(value))
        {
            headers[name] = value;
        }
    }

    /// <summary>Made at the first HEAD.</summary>
    private sealed record HeadOnlyTexts(string Name, string Location, string MirrorPaths, string MirrorCopies)
    {
        public static HeadOnlyTexts Of(ObjectAttributes known, ObjectName name, NodeIdentity node) => new(
            name.ToString(),
            ObjectHeaders.Location(known, node),
            ObjectHeaders.MirrorPaths(known),
            ObjectHeaders.Copies(known).ToString(CultureInfo.InvariantCulture));
    }
}

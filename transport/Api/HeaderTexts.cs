using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Objects;

namespace Sluice.Transport.Api;

/// <summary>
/// The headers of a GET as texts, made once for each object that is in the cache and kept with it: what is said of an object that does not change need
/// not be made for each of many reads.
/// </summary>
internal sealed class HeaderTexts
{
    private readonly StringValues _checksumType, _checksumValue, _version, _custom, _etag;
    private readonly StringValues _accessed;
    private readonly long _accessedNs;
    private readonly ObjectAttributes _known;
    private HeadOnlyTexts? _head;

    private HeaderTexts(ObjectAttributes known)
    {
        _known = known;
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

    /// <summary>Writes what a HEAD says, but for the length; the names are those that the object has.</summary>
    public void WriteHead(IHeaderDictionary headers, BucketName bucket, ObjectName name, NodeIdentity node)
    {
        HeadOnlyTexts head = _head ??= new HeadOnlyTexts(name.ToString(), ObjectHeaders.Location(_known, node), ObjectHeaders.MirrorPaths(_known));
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
        headers[HeaderNames.MirrorCopies] = "1";
        if (_etag.Count > 0)
        {
            headers.ETag = _etag;
        }
    }

    private static void Set(IHeaderDictionary headers, string name, StringValues value)
    {
        if (!StringValues.IsNullOrEmpty(value))
        {
            headers[name] = value;
        }
    }

    /// <summary>Made at the first HEAD.</summary>
    private sealed record HeadOnlyTexts(string Name, string Location, string MirrorPaths);
}

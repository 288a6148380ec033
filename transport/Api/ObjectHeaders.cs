using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.ErasureCoding;
using Sluice.Engine.Objects;

namespace Sluice.Transport.Api;

/// <summary>Object attributes as headers, in both directions (contract: objects §1, §3).</summary>
internal static class ObjectHeaders
{
    /// <summary>Properties that a HEAD may ask for.</summary>
    public const string PropertyNames = "name, size, version, checksum, atime, copies, ec, custom, location, chunked, last-modified, etag";

    private static readonly HashSet<string> s_properties = [.. PropertyNames.Split(", ")];

    /// <summary>The first name in a comma list that is no property; null when all are.</summary>
    public static string? UnknownProperty(string props) => Split(props).FirstOrDefault(name => !s_properties.Contains(name));

    /// <summary>What the answer to a PUT says.</summary>
    public static void WriteAttributes(IHeaderDictionary headers, ObjectAttributes known)
    {
        WriteChecksum(headers, known);
        WriteVersion(headers, known);
        headers[HeaderNames.AccessTime] = Text(known.AccessedNs);
        WriteCustom(headers, known);
    }

    /// <summary>How many chunks a chunked object has, and how large they are at most.</summary>
    public static void WriteChunks(IHeaderDictionary headers, int count, long largestBytes)
    {
        headers[HeaderNames.ChunkCount] = Text(count);
        headers[HeaderNames.LargestChunk] = Text(largestBytes);
    }

    /// <summary>HEAD with a property list: size and presence, and what is asked for.</summary>
    public static void WriteHeadV2(
        IHeaderDictionary headers, ObjectAttributes known, BucketName bucket, ObjectName name, string props, NodeIdentity node)
    {
        headers.ContentLength = known.SizeBytes;
        headers[HeaderNames.Present] = "true";
        foreach (string property in Split(props))
        {
            switch (property)
            {
                case "name":
                    headers[HeaderNames.BucketName] = bucket.Name;
                    headers[HeaderNames.BucketProvider] = bucket.Provider;
                    headers[HeaderNames.ObjectName] = name.ToString();
                    break;
                case "version":
                    WriteVersion(headers, known);
                    break;
                case "checksum":
                    WriteChecksum(headers, known);
                    break;
                case "atime":
                    headers[HeaderNames.AccessTime] = Text(known.AccessedNs);
                    break;
                case "copies":
                    WriteCopies(headers, known);
                    break;
                case "ec":
                    WriteErasure(headers, known.Erasure);
                    break;
                case "custom":
                    WriteCustom(headers, known);
                    break;
                case "location":
                    WriteLocation(headers, known, node);
                    break;
                case "chunked" when known.ChunkCount > 0:
                    WriteChunks(headers, known.ChunkCount, known.LargestChunkBytes);
                    break;
                case "last-modified":
                    headers.LastModified = DateTimeOffset.UnixEpoch.AddTicks(known.ModifiedNs / 100).ToString("R", CultureInfo.InvariantCulture);
                    break;
                case "etag" when (CustomETag(known) ?? DerivedETag(known)) is { } etag:
                    headers.ETag = etag;
                    break;
            }
        }
    }

    /// <summary>The digest that a client sent with a body; none when it sent none.</summary>
    public static bool TryReadChecksum(IHeaderDictionary headers, out Checksum checksum, out Failure? refusal)
    {
        string type = headers[HeaderNames.ChecksumType].ToString();
        string value = headers[HeaderNames.ChecksumValue].ToString();
        checksum = Checksum.None;
        refusal = null;
        if (type.Length == 0 && value.Length == 0)
        {
            return true;
        }

        if (type is "none" && value.Length == 0)
        {
            return true;
        }

        if (type.Length == 0 || value.Length == 0)
        {
            refusal = new Failure(ErrorCode.BadRequest, $"{HeaderNames.ChecksumType} and {HeaderNames.ChecksumValue} go together");
            return false;
        }

        if (!Checksum.TryParse(type, value, out checksum, out string? problem))
        {
            refusal = new Failure(ErrorCode.BadRequest, $"{HeaderNames.ChecksumType}: {problem}");
        }

        return refusal is null;
    }

    /// <summary>Custom pairs, one a line or several joined by commas.</summary>
    public static bool TryReadCustom(IHeaderDictionary headers, out IReadOnlyList<KeyValuePair<string, string>> custom, out Failure? refusal)
    {
        (custom, refusal) = ([], null);
        StringValues lines = headers[HeaderNames.CustomMetadata];
        if (lines.Count == 0)
        {
            return true; // most have none
        }

        List<KeyValuePair<string, string>> pairs = [];
        custom = pairs;
        foreach (string? line in lines)
        {
            foreach (string pair in (line ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                int equals = pair.IndexOf('=', StringComparison.Ordinal);
                if (equals <= 0)
                {
                    refusal = new Failure(ErrorCode.BadRequest, $"{HeaderNames.CustomMetadata} must be key=value");
                    return false;
                }

                string key = pair[..equals];
                pairs.RemoveAll(earlier => earlier.Key == key);
                pairs.Add(new(key, pair[(equals + 1)..]));
            }
        }

        return true;
    }

    /// <summary>A location as free text: <c>t[node]:mp[path]</c>.</summary>
    public static string Location(in ObjectAttributes known, NodeIdentity node) => $"{node.Display}:mp[{known.Mountpath}]";

    /// <summary>The mountpaths that hold it, as a list.</summary>
    public static string MirrorPaths(in ObjectAttributes known) =>
        known.CopyMountpaths.Count == 0 ? $"[{known.Mountpath}]" : $"[{known.Mountpath} {string.Join(' ', known.CopyMountpaths)}]";

    /// <summary>How many mountpaths hold it.</summary>
    public static int Copies(in ObjectAttributes known) => 1 + known.CopyMountpaths.Count;

    private static string[] Split(string props) => props.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static void WriteChecksum(IHeaderDictionary headers, ObjectAttributes known)
    {
        if (known.Checksum.Type != ChecksumType.None)
        {
            headers[HeaderNames.ChecksumType] = Checksum.Name(known.Checksum.Type);
            headers[HeaderNames.ChecksumValue] = known.Checksum.Hex;
        }
    }

    private static void WriteVersion(IHeaderDictionary headers, ObjectAttributes known)
    {
        if (known.Version.Length > 0)
        {
            headers[HeaderNames.ObjectVersion] = known.Version;
        }
    }

    private static void WriteCustom(IHeaderDictionary headers, ObjectAttributes known)
    {
        if (known.Custom.Count > 0)
        {
            headers[HeaderNames.CustomMetadata] = CustomLines(known);
        }
    }

    private static void WriteLocation(IHeaderDictionary headers, ObjectAttributes known, NodeIdentity node) =>
        headers[HeaderNames.Location] = Location(known, node);

    /// <summary>How an object of a bucket with erasure coding is kept; nothing of any other.</summary>
    public static void WriteErasure(IHeaderDictionary headers, ErasureLayout? kept)
    {
        if (kept is { } layout)
        {
            headers[HeaderNames.EcGeneration] = layout.Generation.ToString(CultureInfo.InvariantCulture);
            headers[HeaderNames.EcData] = Text(layout.DataSlices);
            headers[HeaderNames.EcParity] = Text(layout.ParitySlices);
            headers[HeaderNames.EcReplicated] = layout.IsReplicated ? "true" : "false";
        }
    }

    /// <summary>The same for a listing: <c>4:2[encoded]</c>, or <c>4:2[replicated]</c>; nothing of any other object.</summary>
    public static string ErasureText(ErasureLayout? kept) => kept is { } layout
        ? string.Create(CultureInfo.InvariantCulture, $"{layout.DataSlices}:{layout.ParitySlices}[{(layout.IsReplicated ? "replicated" : "encoded")}]")
        : "";

    private static void WriteCopies(IHeaderDictionary headers, ObjectAttributes known)
    {
        headers[HeaderNames.MirrorPaths] = MirrorPaths(known);
        headers[HeaderNames.MirrorCopies] = Text(Copies(known));
    }

    /// <summary>Custom pairs, one a line.</summary>
    public static string[] CustomLines(ObjectAttributes known) => [.. known.Custom.Select(pair => $"{pair.Key}={pair.Value}")];

    /// <summary>The ETag that was stored with the object, quoted; null when there is none.</summary>
    public static string? CustomETag(ObjectAttributes known)
    {
        string? etag = known.Custom.FirstOrDefault(pair => pair.Key == "ETag").Value;
        return string.IsNullOrEmpty(etag) ? null : etag.StartsWith('"') ? etag : $"\"{etag}\"";
    }

    /// <summary>The MD5 when that is what the bucket keeps; else digest and time of the write; nothing without a digest.</summary>
    private static string? DerivedETag(ObjectAttributes known) => known.Checksum.Type switch
    {
        ChecksumType.None => null,
        ChecksumType.Md5 => $"\"{known.Checksum.Hex}\"",
        _ => string.Create(CultureInfo.InvariantCulture, $"\"{known.Checksum.Hex}-{known.ModifiedNs:x}\""),
    };

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}

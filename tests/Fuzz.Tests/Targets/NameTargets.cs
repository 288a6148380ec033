using System.Text;
using Sluice.Contract;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;
using Sluice.Fuzz.Tests.Harness;

namespace Sluice.Fuzz.Tests.Targets;

/// <summary>Names of objects, the paths that they have on a disk, and the names of files beside them.</summary>
public static class NameTargets
{
    private static readonly byte[][] s_words = Mutator.Texts(
        "/", "//", "/./", "/../", ".", "..", "%", "%o", "%e", "%.", "%..", "%%", "%+", "%=", "%+" + new string('x', 253) + "/", new string('y', 255), "é", "\0", "\u007f", "\ud83d\ude00");

    /// <summary>Names that the native API takes; each has a path, and comes back from it. The twin cuts spaces off.</summary>
    public static Fuzzed Names
    {
        get
        {
            var target = new FuzzTarget<byte[]>
            {
                Name = "object name",
                Seeds = Mutator.Texts("a", "photos/2024/cat.jpg", "/a//b", "%o/%e", "é/\ud83d\ude00", new string('x', 256), new string('x', 1024), "a b"),
                Words = [.. s_words, [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xff]],
                Parse = input => ObjectName.TryCreateNative(input, out ObjectName name, out _) ? name.Utf8.ToArray() : null,
                Check = (input, name) => Decode(Encode(name)) is { } back && back.AsSpan().SequenceEqual(input) ? IsSafe(Encode(name)) ? null : "has a path that leaves its directory"
                    : "does not come back from its path",
                InputsOfSuite = 12_000,
            };
            return new Fuzzed(target, target with { Parse = input => target.Parse(input)?.AsSpan().TrimEnd((byte)' ').ToArray() is { Length: > 0 } name ? name : null }, "come back");
        }
    }

    /// <summary>Paths as a walk meets them: each is that of one name or of none. The twin takes pieces of any length.</summary>
    public static Fuzzed Paths
    {
        get
        {
            string piece = "%+" + new string('x', NameCodec.PieceBytes);
            var target = new FuzzTarget<byte[]>
            {
                Name = "encoded path",
                Seeds = Mutator.Texts("a", "a/b", "%e/%e", "%./%..", "%%o", $"{piece}/%=xyz", $"a/{piece}/{piece}/%=z/b", new string('y', 255)),
                Words = s_words,
                Parse = Decode,
                Check = (path, name) => name.Length is > 0 and <= ObjectName.BytesMax && Encode(name).AsSpan().SequenceEqual(path) ? IsSafe(path) ? null : "leaves its directory"
                    : $"stands for {InputText.Of(name)}, whose path is {InputText.Of(Encode(name))}",
                InputsOfSuite = 12_000,
            };
            return new Fuzzed(target, target with
            {
                Parse = path => Encoding.Latin1.GetString(path) is ['%', '+', ..] text && text.Split("/%=") is [{ Length: > 2 } first, { Length: > 0 } last] && !first.Contains('/', StringComparison.Ordinal)
                    ? Encoding.Latin1.GetBytes(first[2..] + last) : Decode(path),
            },
            "stands for");
        }
    }

    /// <summary>Files of slices, after a letter those of sidecars. The twin does not mind how a digit is written.</summary>
    public static Fuzzed Parts
    {
        get
        {
            var target = new FuzzTarget<object>
            {
                Name = "name of a part",
                Seeds = Mutator.Texts("s00112233445566aa.00112233445566bb.00007", "s0000000000000000.0000000000000001.99999", "c00112233445566aa.00112233445566bb"),
                Words = Mutator.Texts("\0", " ", "+", "A", "F", "00000", "."),
                Parse = file => file.Length > 0 && PartName.TryRead(KindOf(file), file.AsSpan(1), out PartName name) ? name : null,
                Check = (file, name) => ((PartName)name).Format().AsSpan().SequenceEqual(file.AsSpan(1)) ? null : $"stands for {InputText.Of(((PartName)name).Format())}",
                InputsOfSuite = 20_000,
            };
            return new Fuzzed(target, target with { Parse = file => target.Parse(Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(file).ToLowerInvariant())) }, "stands for");
        }
    }

    /// <summary>Digests as two words, type and digits. The twin leaves the digits to the runtime.</summary>
    public static Fuzzed Checksums
    {
        get
        {
            var target = new FuzzTarget<object>
            {
                Name = "checksum",
                Seeds = Mutator.Texts("xxhash2 0123456789abcdef", "crc32c DEADBEEF", "md5 00112233445566778899aabbccddeeff", "none ", "sha512 " + new string('a', 128)),
                Words = Mutator.Texts("xxhash", "xxh3", "crc64nvme", "sha256", " ", "0x", "g", "\0"),
                Parse = input => Words(input) is [var type, var digits] && Checksum.TryParse(type, digits, out Checksum checksum, out _) ? checksum : null,
                Format = checksum => Encoding.ASCII.GetBytes($"{Checksum.Name(((Checksum)checksum).Type)} {((Checksum)checksum).Hex}"),
                Check = (input, checksum) => string.Equals(Words(input)[1], ((Checksum)checksum).Hex, StringComparison.OrdinalIgnoreCase) ? null : $"is {checksum}",
                InputsOfSuite = 20_000,
            };
            return new Fuzzed(target, target with
            {
                Parse = input => Words(input) is [var type, var digits] && Checksum.TryParseType(type, out ChecksumType known) ? new Checksum(known, Convert.FromHexString(digits)) : null,
            },
            "throws");
        }
    }

    /// <summary>Addresses of buckets and objects. The twin writes no namespace.</summary>
    public static Fuzzed Addresses
    {
        get
        {
            var target = new FuzzTarget<ObjectAddress>
            {
                Name = "address",
                Seeds = Mutator.Texts("ais://b/a/b", "b", "s3://b/", "ais://@uuid#space/b/x", "gs://#space/b", "ais://@uuid/b/a://b"),
                Words = Mutator.Texts("://", "ais://", "oc://", "@", "#", "/", "..", ".", "é"),
                Parse = input => ObjectAddress.TryParse(Encoding.UTF8.GetString(input), out ObjectAddress? address, out _) ? address : null,
                Format = address => Encoding.UTF8.GetBytes(address.ToString()),
                Describe = address => string.Join('|', address.Bucket.Provider, address.Bucket.NamespaceUuid, address.Bucket.NamespaceName, address.Bucket.Name, address.Name),
                InputsOfSuite = 15_000,
            };
            return new Fuzzed(target, target with
            {
                Format = address => Encoding.UTF8.GetBytes($"{(address.Bucket.Provider == "ais" ? "ais" : "s3")}://{address.Bucket.Name}/{address.Name}"),
            },
            "another");
        }
    }

    private static PartKind KindOf(byte[] file) => file[0] == (byte)'c' ? PartKind.Sidecar : PartKind.Slice;

    private static string[] Words(byte[] input) => Encoding.Latin1.GetString(input).Split(' ', 2);

    private static byte[] Encode(byte[] name)
    {
        var path = new byte[NameCodec.EncodedBytesMax];
        return path[..NameCodec.Encode(name, path)];
    }

    private static byte[]? Decode(byte[] path)
    {
        var name = new byte[ObjectName.BytesMax];
        return NameCodec.TryDecode(path, name, out int bytes) ? name[..bytes] : null;
    }

    private static bool IsSafe(byte[] path) => Encoding.Latin1.GetString(path).Split('/')
        .All(component => component is not ("" or "." or ".." or "%o") && component.Length <= 255 && !component.Contains('\0', StringComparison.Ordinal));
}

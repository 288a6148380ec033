using System.Buffers.Binary;
using System.Globalization;
using Sluice.Engine;
using Sluice.Engine.Chunks;
using Sluice.Engine.Objects;
using Sluice.Fuzz.Tests.Harness;
using Sluice.Native.Codecs;

namespace Sluice.Fuzz.Tests.Targets;

/// <summary>Manifests of chunked objects as they lie in files.</summary>
public static class ManifestTargets
{
    private const int FixedBytes = 48, SealBytes = 8, CountAt = 40;

    /// <summary>The manifest. The twin does not mind whether the chunks' numbers rise: it counts them itself.</summary>
    public static Fuzzed Manifests
    {
        get
        {
            var target = new FuzzTarget<Manifest>
            {
                Name = "manifest",
                Seeds = [.. Samples().Select(ManifestRecord.Format)],
                Words =
                [
                    [1, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0], [2, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0], [0x10, 0x27, 0], [0x11, 0x27, 0, 0], [0, 0, 0, 0, 0, 1, 0, 0],
                    [1, 0, 0x6b, 1, 0, 0x76], [4, 0, 0, 0, 0, 0, 0, 0], [1, 0x22], [0xc3, 0xa9], new byte[16],
                ],
                Seal = Sealed,
                Parse = Read,
                Format = ManifestRecord.Format,
                Describe = Text,
                Check = Problem,
                InputsOfSuite = 12_000,
            };
            return new Fuzzed(
                target,
                target with
                {
                    Parse = input => ManifestRecord.TryParse(input, out Manifest? manifest, out string? problem) ? manifest
                        : problem.Contains("numbers rise", StringComparison.Ordinal) ? Read(Sealed(Numbered(input))) : null,
                },
                "is not what is written of it");
        }
    }

    private static IEnumerable<Manifest> Samples()
    {
        var name = ObjectName.From("a/é");
        Checksum whole = Digest.Of(ChecksumType.XxHash2, [1, 2, 3]);
        yield return new() { State = ManifestState.Partial, UploadId = 9, CreatedNs = 7, Name = name, Chunks = Table(0, ChecksumType.None, false) };
        yield return new()
        {
            State = ManifestState.Partial, UploadId = 9, CreatedNs = 7, Name = name, Custom = [new("k", "v"), new("é", "")], Chunks = Table(3, ChecksumType.Crc32C, true),
        };
        yield return new()
        {
            State = ManifestState.Complete, UploadId = 9, Generation = 77, CreatedNs = 7, Name = name, Checksum = whole, Chunks = Table(5, ChecksumType.XxHash2, false),
        };
        yield return new()
        {
            State = ManifestState.Complete, UploadId = 9, Generation = 77, CreatedNs = 7, Name = name, Checksum = Digest.Of(ChecksumType.Sha512, []),
            ETag = "0123456789abcdef0123456789abcdef-2", Custom = [new("k", "v")], Chunks = Table(2, ChecksumType.Sha512, true),
        };
        yield return new() { State = ManifestState.Complete, UploadId = 9, Generation = 77, CreatedNs = 7, Name = name, Chunks = Table(90, ChecksumType.None, false) };
    }

    /// <summary>So many chunks, each second number left out; every other one has an MD5 when some are to have one.</summary>
    private static ChunkTable Table(int count, ChecksumType type, bool hasMd5)
    {
        var builder = new ChunkTableBuilder(type);
        for (int i = 0; i < count; i++)
        {
            byte[] content = [(byte)i, 7];
            byte[] md5 = hasMd5 && i % 2 == 0 ? Digest.Of(ChecksumType.Md5, content).Value.ToArray() : [];
            builder.Add(new ManifestChunk(1 + (2 * i), 5L << i % 30, Crc64Nvme.Hash(content)), Digest.Of(type, content).Value, md5);
        }

        return builder.Build();
    }

    private static Manifest? Read(byte[] input) => ManifestRecord.TryParse(input, out Manifest? manifest, out _) ? manifest : null;

    /// <summary>With the length and the checksum that its bytes have.</summary>
    private static byte[] Sealed(byte[] input)
    {
        if (input.Length >= FixedBytes + SealBytes)
        {
            BinaryPrimitives.WriteInt32LittleEndian(input.AsSpan(4), input.Length);
            BinaryPrimitives.WriteUInt64LittleEndian(input.AsSpan(input.Length - SealBytes), XxHash64.Hash(input.AsSpan(0, input.Length - SealBytes)));
        }

        return input;
    }

    /// <summary>A copy whose chunks have the numbers from 1; the fields before them were taken already.</summary>
    private static byte[] Numbered(byte[] input)
    {
        byte[] copy = [.. input];
        int at = FixedBytes + Checksum.SizeBytes((ChecksumType)copy[44]);
        at += 2 + BinaryPrimitives.ReadUInt16LittleEndian(copy.AsSpan(at));
        at += 1 + copy[at];
        at += 4 + BinaryPrimitives.ReadInt32LittleEndian(copy.AsSpan(at));
        for (int number = 1; number <= BinaryPrimitives.ReadInt32LittleEndian(copy.AsSpan(CountAt)) && at + 3 < copy.Length; number++)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(copy.AsSpan(at), (ushort)number);
            at += 19 + Checksum.SizeBytes((ChecksumType)copy[45]) + (copy[at + 2] == 1 ? 16 : 0);
        }

        return copy;
    }

    private static string? Problem(byte[] input, Manifest manifest)
    {
        if (!ManifestRecord.Format(manifest).AsSpan().SequenceEqual(input))
        {
            return "is not what is written of it";
        }

        int last = 0;
        long offset = 0;
        for (int i = 0; i < manifest.Chunks.Count; i++)
        {
            ManifestChunk chunk = manifest.Chunks[i];
            if (chunk.Number <= last || chunk.SizeBytes < 1 || manifest.OffsetOf(i) != offset
                || manifest.IndexAt(offset) != i || manifest.IndexAt(offset + chunk.SizeBytes - 1) != i)
            {
                return $"chunk {i} is {chunk} behind number {last} and {offset} bytes";
            }

            (last, offset) = (chunk.Number, offset + chunk.SizeBytes);
        }

        return manifest.SizeBytes == offset && offset <= Limits.ObjectBytesMax && last <= Limits.ChunksMax ? null : $"has {manifest.SizeBytes} bytes, its chunks {offset}";
    }

    private static string Text(Manifest manifest)
    {
        string chunks = string.Join(' ', Enumerable.Range(0, manifest.Chunks.Count).Select(i =>
            $"{manifest.Chunks[i]} {Convert.ToHexStringLower(manifest.Chunks.DigestOf(i))} {Convert.ToHexStringLower(manifest.Chunks.Md5Of(i))}"));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{manifest.State} upload {manifest.UploadId} generation {manifest.Generation} created {manifest.CreatedNs} name {manifest.Name} checksum {manifest.Checksum} "
            + $"tag {manifest.ETag} custom [{string.Join(' ', manifest.Custom)}] chunks {manifest.Chunks.ChecksumType} [{chunks}]");
    }
}

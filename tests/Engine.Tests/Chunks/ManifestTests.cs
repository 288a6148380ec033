using System.Buffers.Binary;
using Sluice.Engine.Chunks;
using Sluice.Engine.Objects;
using Sluice.Native.Codecs;

namespace Sluice.Engine.Tests.Chunks;

/// <summary>
/// The manifest is persisted: its bytes and numbers may only grow, there is one way to write it, and whatever is not exactly a manifest is refused, because
/// an object is not put together from what may be damaged.
/// </summary>
public sealed class ManifestTests
{
    // Format 1 in the order of docs/ON_DISK.md, with the seal, which was computed by another implementation of XXH64.
    private const string Partial =
        "01 01 0000 7b000000 1817161514131211 0000000000000000 2827262524232221 0000000000010000 02000000 00 03 0000"
        + "0200 c3a9  00  0c000000 0100 6b 0100 76 0200 c3a9 0000"
        + "0100 00 0000000080000000 5857565554535251 deadbeef  1027 00 0000000080000000 6867666564636261 01020304  4fde6bd667e31136";

    private const string Complete =
        "01 02 0000 8b000000 1817161514131211 4847464544434241 2827262524232221 0c00000000000000 02000000 01 00 0000 0102030405060708"
        + "0300 612f62  05 6162632d32  06000000 0100 6b 0100 76"
        + "0100 01 0500000000000000 5857565554535251 f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff  0300 00 0700000000000000 6867666564636261  cdb289a5f2a297c8";

    // Where the fields of Complete lie.
    private const int ETagAt = 61, CustomAt = 67, TableAt = 77, SecondAt = 112, SealAt = 131;

    private static readonly Manifest s_partial = new()
    {
        State = ManifestState.Partial,
        UploadId = 0x1112131415161718,
        CreatedNs = 0x2122232425262728,
        Name = ObjectName.From("é"),
        Custom = [new("k", "v"), new("é", "")],
        Chunks = Table(
            ChecksumType.Crc32C,
            (new ManifestChunk(1, 1L << 39, 0x5152535455565758), [0xde, 0xad, 0xbe, 0xef], []),
            (new ManifestChunk(10_000, 1L << 39, 0x6162636465666768), [1, 2, 3, 4], [])),
    };

    private static readonly Manifest s_complete = new()
    {
        State = ManifestState.Complete,
        UploadId = 0x1112131415161718,
        Generation = 0x4142434445464748,
        CreatedNs = 0x2122232425262728,
        Name = ObjectName.From("a/b"),
        Custom = [new("k", "v")],
        Checksum = new Checksum(ChecksumType.XxHash2, [1, 2, 3, 4, 5, 6, 7, 8]),
        ETag = "abc-2",
        Chunks = Table(
            ChecksumType.None,
            (new ManifestChunk(1, 5, 0x5152535455565758), [], Convert.FromHexString("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")),
            (new ManifestChunk(3, 7, 0x6162636465666768), [], [])),
    };

    public static TheoryData<bool> Both => [false, true];

    [Theory]
    [MemberData(nameof(Both))]
    public void TheBytesOfFormat1AreFrozen(bool isComplete)
    {
        Manifest manifest = isComplete ? s_complete : s_partial;
        byte[] golden = Golden(isComplete);
        Assert.Equal(Convert.ToHexStringLower(golden), Convert.ToHexStringLower(ManifestRecord.Format(manifest)));
        ManifestSamples.Same(manifest, Read(golden));
    }

    [Fact]
    public void PersistedNumbersAreFrozen()
    {
        Assert.Equal((1, 2, 2), ((int)ManifestState.Partial, (int)ManifestState.Complete, Enum.GetValues<ManifestState>().Length));
        Assert.Equal((10_000, 80, 1_032_191), (Limits.ChunksMax, Manifest.ETagBytesMax, Limits.ManifestBytesMax));
    }

    [Theory]
    [MemberData(nameof(Both))]
    public void EverySingleFlippedBitIsRefused(bool isComplete)
    {
        byte[] golden = Golden(isComplete);
        for (int bit = 0; bit < golden.Length * 8; bit++)
        {
            golden[bit / 8] ^= (byte)(1 << (bit % 8));
            _ = Refusal(golden);
            golden[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        Read(golden);
    }

    /// <summary>Also with a length and a seal that fit: a manifest that is cut nowhere makes another one.</summary>
    [Theory]
    [MemberData(nameof(Both))]
    public void EveryTruncationAndExtensionIsRefused(bool isComplete)
    {
        byte[] golden = Golden(isComplete);
        for (int length = 0; length < golden.Length; length++)
        {
            _ = Refusal(golden[..length]);
            _ = length < golden.Length - 8 && length >= 8 ? Refusal(Sealed(golden[..length])) : "";
        }

        _ = Refusal([.. golden, 0]);
        Assert.Equal("chunk table is cut short, or has bytes behind its last chunk", Refusal(Sealed([.. golden[..^8], 0])));
    }

    /// <summary>Bytes of the complete manifest replaced, its seal made to fit.</summary>
    [Theory]
    [InlineData(0, "02", "manifest format 2 is not known")]
    [InlineData(1, "00", "manifest state 0 is not known")]
    [InlineData(1, "03", "manifest state 3 is not known")]
    [InlineData(2, "01", "a complete manifest says whose upload it was")]
    [InlineData(2, "02", "manifest has flags that this version does not know")]
    [InlineData(2, "80", "manifest has flags that this version does not know")]
    [InlineData(3, "80", "manifest has flags that this version does not know")]
    [InlineData(4, "8c000000", "manifest says 140 bytes, has 139")]
    [InlineData(4, "8b000080", "manifest says 2147483787 bytes, has 139")]
    [InlineData(8, "0000000000000000", "upload id is 0")]
    [InlineData(16, "0000000000000000", "a complete manifest has no generation")]
    [InlineData(31, "80", "time of creation is before 1970")]
    [InlineData(32, "0d", "manifest says 13 bytes, its chunks have 12")]
    [InlineData(32, "f4ffffffffffffff", "manifest says -12 bytes, its chunks have 12")]
    [InlineData(40, "00", "chunk table of 54 bytes is not one of 0 chunks; the limit is 10000")]
    [InlineData(40, "01", "chunk table of 54 bytes is not one of 1 chunks; the limit is 10000")]
    [InlineData(40, "03", "chunk table of 54 bytes is not one of 3 chunks; the limit is 10000")]
    [InlineData(40, "11270000", "chunk table of 54 bytes is not one of 10001 chunks; the limit is 10000")]
    [InlineData(40, "ffffffff", "chunk table of 54 bytes is not one of 4294967295 chunks; the limit is 10000")]
    [InlineData(44, "08", "checksum type 8 is not known")]
    [InlineData(45, "ff", "checksum type 255 is not known")]
    [InlineData(44, "00", "manifest is cut short")] // the digest is taken for the name's length
    [InlineData(45, "06", "chunk table of 54 bytes is not one of 2 chunks; the limit is 10000")]
    [InlineData(45, "03", "chunk table is cut short")]
    [InlineData(46, "01", "manifest has flags that this version does not know")]
    [InlineData(47, "01", "manifest has flags that this version does not know")]
    [InlineData(56, "ffff", "manifest is cut short")]
    [InlineData(58, "00", "object name contains a NUL byte")]
    [InlineData(58, "ff", "object name is not valid UTF-8")]
    [InlineData(ETagAt, "ff", "manifest is cut short")]
    [InlineData(ETagAt + 1, "20", "entity tag is not up to 80 visible ASCII characters without quotation marks")]
    [InlineData(ETagAt + 1, "22", "entity tag is not up to 80 visible ASCII characters without quotation marks")]
    [InlineData(ETagAt + 1, "7f", "entity tag is not up to 80 visible ASCII characters without quotation marks")]
    [InlineData(ETagAt + 1, "e9", "entity tag is not up to 80 visible ASCII characters without quotation marks")]
    [InlineData(CustomAt, "ffffffff", "manifest is cut short")]
    [InlineData(CustomAt + 4, "05", "custom metadata is malformed")]
    [InlineData(CustomAt + 6, "ff", "custom metadata is malformed")]
    [InlineData(TableAt, "0000", "chunk 0 comes behind chunk 0: numbers rise, from 1 to 10000")]
    [InlineData(SecondAt, "0100", "chunk 1 comes behind chunk 1: numbers rise, from 1 to 10000")]
    [InlineData(SecondAt, "1127", "chunk 10001 comes behind chunk 1: numbers rise, from 1 to 10000")]
    [InlineData(TableAt + 2, "03", "chunk 1 has flags that this version does not know")]
    [InlineData(SecondAt + 2, "80", "chunk 3 has flags that this version does not know")]
    [InlineData(SecondAt + 2, "01", "chunk table is cut short, or has bytes behind its last chunk")] // no bytes of an MD5 follow
    [InlineData(TableAt + 3, "00", "chunk 1 has 0 bytes behind 0 others: out of range")]
    [InlineData(TableAt + 10, "80", "chunk 1 has -9223372036854775803 bytes behind 0 others: out of range")]
    [InlineData(TableAt + 3, "0100000000010000", "chunk 1 has 1099511627777 bytes behind 0 others: out of range")]
    [InlineData(SecondAt + 3, "fcffffffff000000", "chunk 3 has 1099511627772 bytes behind 5 others: out of range")]
    [InlineData(SecondAt + 3, "ffffffffffffff7f", "chunk 3 has 9223372036854775807 bytes behind 5 others: out of range")]
    public void ASealedManifestWithValuesThatCannotBeIsRefused(int at, string hex, string sentence)
    {
        byte[] value = Convert.FromHexString(hex);
        byte[] golden = Golden(isComplete: true);
        byte[] changed = [.. golden[..at], .. value, .. golden[(at + value.Length)..SealAt]];
        Assert.Equal(sentence, Refusal(Sealed(changed, fixLength: at != 4)));
    }

    [Fact]
    public void ABrokenSealIsRefused()
    {
        byte[] golden = Golden(isComplete: true);
        golden[^1] ^= 1;
        Assert.Equal("manifest checksum does not match", Refusal(golden));
    }

    [Fact]
    public void WhatOnlyACompleteManifestHasIsRefusedInAPartialOne()
    {
        byte[] golden = Golden(isComplete: true);
        golden[1] = (byte)ManifestState.Partial;
        Assert.Equal("a partial manifest has a generation", Refusal(Sealed(golden[..SealAt])));
        golden.AsSpan(16, 8).Clear();
        Assert.Equal("a partial manifest has a digest of the whole object", Refusal(Sealed(golden[..SealAt])));
        golden[44] = 0;
        Assert.Equal("a partial manifest has an entity tag", Refusal(Sealed([.. golden[..48], .. golden[56..SealAt]])));
    }

    [Fact]
    public void TextsThatAreEmptyOrTooLongAreRefused()
    {
        Assert.Equal("object name is empty", Refusal(With(56, 61, [0, 0])));
        Assert.Equal("object name is 1025 bytes long; the limit is 1024", Refusal(With(56, 61, [1, 4, .. Enumerable.Repeat((byte)'n', 1025)])));
        Assert.Equal(1024, Read(With(56, 61, [0, 4, .. Enumerable.Repeat((byte)'n', 1024)])).Name.Utf8.Length);
        Assert.Equal(80, Read(With(ETagAt, CustomAt, [80, .. Enumerable.Repeat((byte)'e', 80)])).ETag.Length);
        Assert.StartsWith("entity tag is not", Refusal(With(ETagAt, CustomAt, [81, .. Enumerable.Repeat((byte)'e', 81)])), StringComparison.Ordinal);
        Assert.Equal(8192, Read(With(CustomAt, TableAt, Pairs(8192, keyBytes: 1))).Custom.Count);
        Assert.Equal("custom metadata takes more than 40960 bytes", Refusal(With(CustomAt, TableAt, Pairs(10_241, keyBytes: 0))));
        Assert.Equal("custom metadata is malformed", Refusal(With(CustomAt, TableAt, Pairs(1, keyBytes: Limits.CustomBytesMax + 1))));
    }

    /// <summary>The number of chunks stands for memory only when the bytes of so many are there.</summary>
    [Theory]
    [InlineData("10270000")]
    [InlineData("ffffffff")]
    public void ARefusalAllocatesNoMoreThanTheInputAllows(string count)
    {
        byte[] golden = Golden(isComplete: true);
        Convert.FromHexString(count).CopyTo(golden, 40);
        byte[] given = Sealed(golden[..SealAt]);
        _ = Refusal(given);
        long before = GC.GetAllocatedBytesForCurrentThread();
        _ = ManifestRecord.TryParse(given, out _, out _);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4096);
    }

    [Fact]
    public void TheLongestManifestHasTheLengthOfItsLimitAndALongerOneIsRefused()
    {
        Manifest longest = ManifestSamples.Longest();
        byte[] record = ManifestRecord.Format(longest);
        Assert.Equal(Limits.ManifestBytesMax, record.Length);
        ManifestSamples.Same(longest, Read(record));
        Assert.Equal("manifest of 1032192 bytes is too short or too long", Refusal(Sealed([.. record[..^8], 0])));
    }

    /// <summary>What the rules refuse when it is read is not written either.</summary>
    [Fact]
    public void AManifestThatWouldBeRefusedIsNotWritten()
    {
        Manifest[] wrong =
        [
            ManifestSamples.Changed(s_complete, uploadId: 0), ManifestSamples.Changed(s_complete, generation: 0), ManifestSamples.Changed(s_partial, generation: 1),
            ManifestSamples.Changed(s_complete, createdNs: -1), ManifestSamples.Changed(s_complete, name: default(ObjectName)),
            ManifestSamples.Changed(s_complete, eTag: "\""), ManifestSamples.Changed(s_complete, eTag: "é"), ManifestSamples.Changed(s_complete, eTag: new string('e', 81)),
            ManifestSamples.Changed(s_partial, eTag: "e"), ManifestSamples.Changed(s_complete, state: 0),
            ManifestSamples.Changed(s_partial, checksum: new Checksum(ChecksumType.Crc32C, [1, 2, 3, 4])),
        ];
        Assert.All(wrong, manifest => Assert.Throws<InvariantException>(() => ManifestRecord.Format(manifest)));
    }

    private static ChunkTable Table(ChecksumType type, params (ManifestChunk Chunk, byte[] Digest, byte[] Md5)[] chunks)
    {
        var builder = new ChunkTableBuilder(type);
        Array.ForEach(chunks, row => builder.Add(row.Chunk, row.Digest, row.Md5));
        return builder.Build();
    }

    private static byte[] Golden(bool isComplete) => Convert.FromHexString((isComplete ? Complete : Partial).Replace(" ", "", StringComparison.Ordinal));

    /// <summary>The complete manifest with other bytes from one place to another.</summary>
    private static byte[] With(int from, int to, byte[] bytes)
    {
        byte[] golden = Golden(isComplete: true);
        return Sealed([.. golden[..from], .. bytes, .. golden[to..SealAt]]);
    }

    /// <summary>The field of so many pairs with empty values.</summary>
    private static byte[] Pairs(int count, int keyBytes)
    {
        byte[] pair = [(byte)keyBytes, (byte)(keyBytes >> 8), .. Enumerable.Repeat((byte)'k', keyBytes), 0, 0];
        return [.. BitConverter.GetBytes(count * pair.Length), .. Enumerable.Repeat(pair, count).SelectMany(bytes => bytes)];
    }

    private static byte[] Sealed(byte[] body, bool fixLength = true)
    {
        var record = new byte[body.Length + 8];
        body.CopyTo(record, 0);
        if (fixLength)
        {
            BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(4), record.Length);
        }

        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(body.Length), XxHash64.Hash(record.AsSpan(0, body.Length)));
        return record;
    }

    private static Manifest Read(byte[] record)
    {
        Assert.True(ManifestRecord.TryParse(record, out Manifest? manifest, out string? problem), problem);
        return manifest;
    }

    private static string Refusal(byte[] record)
    {
        Assert.False(ManifestRecord.TryParse(record, out Manifest? manifest, out string? problem));
        Assert.Null(manifest);
        Assert.False(string.IsNullOrEmpty(problem));
        return problem;
    }
}

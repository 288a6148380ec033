using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Scrub;

namespace Sluice.Engine.Tests.Integrity;

/// <summary>The eyes of this campaign are open: with the comparison switched off the same damage is answered, and is not found.</summary>
public sealed class KnownBadTwinTests
{
    public static TheoryData<string> Kinds => ["plain object", "mirror copy", "slice"];

    /// <summary>As it is sent by sendfile(2): from the files that the object's pieces lie in.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task WithVerifyNeverAChangedByteIsAnswered(string name)
    {
        FileKind kind = FileKind.Of(name);
        await using DamageBench bench = await DamageBench.NewAsync(kind, objects: 1);
        Result<Buckets.BucketRecord> set = await bench.Fixture.Engine.SetBucketPropertiesAsync(
            Caller.Anonymous, bench.Fixture.Bucket, Support.EngineFixture.Json("""{"checksum":{"verify":"never"}}"""));
        Assert.True(set.Ok, set.Error?.Message);
        foreach (string file in kind.FilesOf(bench.Fixture, "o000"))
        {
            ScrubBench.Flip(file, 17, 4);
        }

        byte[] sent = await bench.Fixture.Io.OnItsThreadAsync(async ValueTask<byte[]> () =>
        {
            using ObjectReader reader = (await bench.Fixture.Engine.OpenObjectAsync(Caller.Anonymous, bench.Fixture.Bucket, ObjectName.From("o000"))).Value;
            var content = new byte[reader.SizeBytes];
            Assert.True(reader.MaySend(0, content.Length));
            for (int at = 0; at < content.Length;)
            {
                ObjectPiece piece = reader.PieceAt(at, content.Length - at);
                IoResult<int> read = await bench.Fixture.Io.Io.ReadFullyAsync(piece.File!, content.AsMemory(at, (int)piece.Count), piece.Offset);
                Assert.Equal(piece.Count, read.Value);
                at += (int)piece.Count;
            }

            return content;
        });
        byte[] wrong = [.. bench.Contents["o000"]];
        for (int at = 17; at < wrong.Length; at += 4096) // one in each data slice
        {
            wrong[at] ^= 4;
        }

        Assert.Equal(wrong, sent);
    }

    /// <summary>Of slices there is no other digest than that of their units.</summary>
    [Theory]
    [InlineData("slice", 300_000)]
    [InlineData("trailer of a slice", (64 * (64 << 10)) + 5000)]
    public async Task AScrubberThatDoesNotCompareUnitsFindsNoChangedByte(string name, int size)
    {
        FileKind kind = FileKind.Of(name);
        await using DamageBench bench = await DamageBench.NewAsync(kind, objects: 2, size);
        string[] files = [.. bench.Contents.Keys.SelectMany(one => kind.FilesOf(bench.Fixture, one))];
        Assert.Equal(kind.Mountpaths * 2, files.Length);
        Array.ForEach(files, file => ScrubBench.Flip(file, 4321, 128));
        Assert.Empty(ScrubBench.Texts(await bench.Scrubs.ScrubOtherwiseAsync(matches: static (_, _) => true)));
        Assert.Equal(files.Length, (await bench.Scrubs.ScrubOtherwiseAsync()).FindingCount);
        Assert.Equal(files.Length, (await bench.Scrubs.ScrubAsync()).FindingCount);
        Array.ForEach(files, file => ScrubBench.Flip(file, 4321, 128));
    }
}

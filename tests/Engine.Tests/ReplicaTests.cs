using System.IO.Pipelines;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Integrity;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;
using static Sluice.Engine.Tests.ErasureLayoutTests;
using static Sluice.Engine.Tests.ErasureTests;

namespace Sluice.Engine.Tests;

/// <summary>
/// <c>ec.keep_replica</c>: a whole copy of an object beside its slices. It is read as a plain object is; where it is lost the slices are, and it comes back; where more
/// of them is lost than there is parity, they come back from it.
/// </summary>
public sealed class ReplicaTests
{
    private const int Size = (9 * Unit) + 77, Replica = 7;
    private const string Keep = """{"ec":{"keep_replica":true}}""", Drop = """{"ec":{"keep_replica":false}}""";

    private static string With => WithReplica(Properties(4, 2, ",\"checksum\":{\"verify\":\"always\"}"));

    /// <summary>Properties of a coded bucket, with replicas.</summary>
    internal static string WithReplica(string properties) => properties.Replace("\"enabled\":true", "\"enabled\":true,\"keep_replica\":true", StringComparison.Ordinal);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(Size)]
    [InlineData((3 << 20) + 5)]
    public async Task TheReplicaIsTheObjectAndReadsNeedNothingElse(int size)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6, With);
        byte[] content = Content(size);
        await fixture.PutAsync("o", content);
        await PutOfUnknownLengthAsync(fixture, "unknown", content);
        await Chunks.UploadBench.NothingIsLeftAsync(fixture); // of the chunk that it was while its length was not known
        Assert.Equal(2 * Replica, Slices(fixture).Length);
        Assert.All(Slices(fixture).Where(file => NumberOf(file) == Replica), file => Assert.Equal(content, File.ReadAllBytes(file)));
        await fixture.CloseAsync();
        Slices(fixture).Where(file => NumberOf(file) != Replica).ToList().ForEach(File.Delete);
        await fixture.OpenAsync();
        foreach (string name in (string[])["o", "unknown"])
        {
            Assert.Equal(content, await ReadAsync(fixture, name));
            using ObjectReader reader = (await fixture.Engine.OpenObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From(name))).Value;
            Assert.True(size == 0 || reader.PieceAt(0, size) is { File: not null, Count: var count } && count == size, "it is one piece of one file");
        }

        Assert.Equal(0, (await fixture.Engine.StatusAsync()).Counters["ec.lost_slices"]);
        await EncodeAsync(fixture);
        Assert.Equal(2 * Replica, Slices(fixture).Length);
        await fixture.CloseAsync();
        Slices(fixture).Where(file => NumberOf(file) is 1 or 4 or Replica).ToList().ForEach(File.Delete);
        await fixture.OpenAsync();
        Assert.Equal(content, await ReadAsync(fixture, "o"));
    }

    /// <summary>What a drive may do to a replica, alone and with as many slices as may be lost.</summary>
    [Theory]
    [InlineData("flip", false)]
    [InlineData("flip", true)]
    [InlineData("truncate", false)]
    [InlineData("truncate", true)]
    [InlineData("extend", false)]
    [InlineData("delete", true)]
    public async Task ADamagedReplicaIsSetAsideServedFromSlicesAndComesBack(string damage, bool losesSlices)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6, With);
        byte[] content = Content((2 << 20) + 99);
        await fixture.PutAsync("o", content);
        Dictionary<string, byte[]> before = Slices(fixture).ToDictionary(file => file, File.ReadAllBytes);
        await fixture.CloseAsync();
        await DamageAsync(Slices(fixture).Single(file => NumberOf(file) == Replica), damage);
        Slices(fixture).Where(file => losesSlices && NumberOf(file) is 2 or 3).ToList().ForEach(File.Delete);
        await fixture.OpenAsync();
        Assert.Equal(content, await ReadAsync(fixture, "o"));
        await fixture.RepairedAsync();
        Assert.Equal(before.Keys, Slices(fixture));
        Assert.All(Slices(fixture), file => Assert.Equal(before[file], File.ReadAllBytes(file)));
        Assert.Equal(content, await ReadAsync(fixture, "o"));
        IReadOnlyDictionary<string, long> counters = (await fixture.Engine.StatusAsync()).Counters;
        Assert.Equal((1, losesSlices ? 2 : 0), (counters["ec.repaired_replicas"], counters["ec.repaired_slices"]));
        Assert.Equal(damage == "delete" ? 0 : 1, counters["repair.quarantined"]);
        IReadOnlyList<QuarantinedFile> aside = (await fixture.Engine.ListQuarantineAsync(Caller.Anonymous)).Value;
        Assert.Equal(damage == "delete" ? [] : ["o"], aside.Select(file => file.Note.Object));
    }

    /// <summary>A bit that flips while the replica is open: the reader that meets it goes over to the slices.</summary>
    [Fact]
    public async Task AReaderGoesOverToTheSlices()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6, With);
        byte[] content = Content((2 << 20) + 99);
        await fixture.PutAsync("o", content);
        Assert.Equal(content, await ReadAsync(fixture, "o"));
        Result<ObjectReader> opened = await fixture.Engine.OpenObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From("o"));
        using ObjectReader reader = opened.Value;
        await DamageAsync(Slices(fixture).Single(file => NumberOf(file) == Replica), "flip");
        var block = new byte[Limits.BlockBytes];
        Result<BlockSource> first = await fixture.Io.OnItsThreadAsync(() => reader.ReadBlockAsync(0, block));
        Assert.Equal(BlockSource.OtherCopy, first.Value);
        Assert.Equal(content[..Limits.BlockBytes], block);
        Assert.False(reader.IsResident(0, 1) && reader.PieceAt(0, Size) is { Count: Size }, "it is the slices that are read now");
        Result<BlockSource> second = await fixture.Io.OnItsThreadAsync(() => reader.ReadBlockAsync(1, block));
        Assert.True(second.Ok, second.Error?.Message);
        Assert.Equal(content[Limits.BlockBytes..(2 * Limits.BlockBytes)], block);
    }

    [Fact]
    public async Task ReplicasComeAndGoWithTheProperty()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6, Properties(4, 2, ",\"checksum\":{\"verify\":\"always\"}"));
        byte[] content = Content(Size);
        await fixture.PutAsync("o", content);
        string[] slices = Slices(fixture);
        DateTime[] written = [.. slices.Select(File.GetLastWriteTimeUtc)];
        foreach (string properties in (string[])[Keep, Drop, Keep])
        {
            await SetAsync(fixture, properties);
            await EncodeAsync(fixture);
            string[] files = Slices(fixture);
            Assert.Equal(properties == Keep ? Replica : Replica - 1, files.Length);
            Assert.Equal(slices, files.Where(file => NumberOf(file) != Replica));
            Assert.Equal(written, slices.Select(File.GetLastWriteTimeUtc)); // they are not written again
            Assert.All(files.Where(file => NumberOf(file) == Replica), file => Assert.Equal(content, File.ReadAllBytes(file)));
            Assert.Equal(3, Heads(fixture, "o").Count(file => new FileInfo(file).Length == 0));
            Assert.Equal(content, await ReadAsync(fixture, "o"));
        }

        await SetAsync(fixture, """{"ec":{"enabled":false}}""");
        await EncodeAsync(fixture);
        Assert.Empty(Slices(fixture));
        Assert.Equal(content, await ReadAsync(fixture, "o"));
        await SetAsync(fixture, """{"ec":{"enabled":true,"data_slices":3}}""");
        await EncodeAsync(fixture);
        Assert.Equal(3 + 2 + 1, Slices(fixture).Length);
        await fixture.CloseAsync();
        Slices(fixture).Where(file => NumberOf(file) is 1 or 2 or 3).ToList().ForEach(File.Delete);
        await fixture.OpenAsync();
        Assert.Equal(content, await ReadAsync(fixture, "o"));
    }

    [Fact]
    public async Task MetadataChangesWithoutANewReplicaAndNothingIsLeftOfWhatIsReplaced()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6, With);
        await fixture.PutAsync("o", Content(Size));
        string[] files = Slices(fixture);
        KeyValuePair<string, string>[] pairs = [new("color", "red")];
        Result<ObjectAttributes> patched = await fixture.Engine.SetCustomAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From("o"), pairs, replaceAll: false);
        Assert.True(patched.Ok, patched.Error?.Message);
        Assert.Equal(files, Slices(fixture));
        Assert.Equal(Content(Size), await ReadAsync(fixture, "o"));
        await fixture.PutAsync("o", Content(Size + 1));
        Assert.Equal(Replica, Slices(fixture).Length);
        Assert.Empty(files.Intersect(Slices(fixture)));
        Assert.True((await fixture.DeleteAsync("o")).Ok);
        Assert.Empty(Slices(fixture));
        Assert.Empty(Heads(fixture, "o"));
    }

    private static async Task DamageAsync(string file, string damage)
    {
        if (damage == "delete")
        {
            File.Delete(file);
            return;
        }

        await using FileStream stream = File.Open(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite); // in place: the record stays
        switch (damage)
        {
            case "flip":
                stream.Position = 4000;
                int value = stream.ReadByte();
                stream.Position = 4000;
                stream.WriteByte((byte)(value ^ 4));
                break;
            case "truncate":
                stream.SetLength(stream.Length - 1);
                break;
            default:
                stream.SetLength(stream.Length + 1);
                break;
        }
    }

    private static async Task PutOfUnknownLengthAsync(EngineFixture fixture, string name, byte[] content)
    {
        var request = new PutRequest { Bucket = fixture.Bucket, Name = ObjectName.From(name), Body = PipeReader.Create(new MemoryStream(content)) };
        Result<ObjectAttributes> put = await fixture.Io.OnItsThreadAsync(() => fixture.Engine.PutObjectAsync(Caller.Anonymous, request, CancellationToken.None));
        Assert.True(put.Ok, put.Error?.Message);
    }

    /// <summary>As a client of a bucket with verify=always gets it: each block is compared.</summary>
    private static Task<byte[]> ReadAsync(EngineFixture fixture, string name) => fixture.Io.OnItsThreadAsync(async () =>
    {
        Result<ObjectReader> open = await fixture.Engine.OpenObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From(name));
        Assert.True(open.Ok, open.Error?.Message);
        using ObjectReader reader = open.Value;
        Assert.Equal(VerifyMode.Always, reader.Verify);
        var content = new byte[reader.SizeBytes];
        var block = new byte[Limits.BlockBytes];
        for (int i = 0; i < reader.Stored.Metadata.BlockCount; i++)
        {
            Result<BlockSource> read = await reader.ReadBlockAsync(i, block);
            Assert.True(read.Ok, read.Error?.Message);
            block.AsSpan(0, reader.BlockBytes(i)).CopyTo(content.AsSpan(i * Limits.BlockBytes));
        }

        return content;
    });
}

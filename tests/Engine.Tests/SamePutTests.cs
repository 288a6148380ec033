using System.IO.Pipelines;
using System.Text;
using Sluice.Contract;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;
using Sluice.Native;
using Sluice.Simulation.Tests.Faults;

namespace Sluice.Engine.Tests;

/// <summary>A PUT that declares the digest which the object has leaves the object as it is; but only where that is what the client would have got by storing it.</summary>
public sealed class SamePutTests
{
    private static readonly byte[] s_content = [.. Enumerable.Range(0, 3_000_000).Select(static i => (byte)(i * 7 / 3))];

    [Theory]
    [InlineData("null")]
    [InlineData("""{"durability":"relaxed"}""")]
    [InlineData("""{"checksum":{"type":"md5"}}""")]
    [InlineData("""{"mirror":{"enabled":true,"copies":2}}""")]
    [InlineData("""{"ec":{"enabled":true,"data_slices":2,"parity_slices":1,"objsize_limit":0}}""")]
    public async Task WhatIsThereAlreadyStaysAsItIs(string properties)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3, properties);
        foreach (byte[] content in new[] { s_content, [1, 2, 3], [] })
        {
            ObjectAttributes first = await PutAsync(fixture, content, default, ("k", "v"));
            long puts = (await fixture.Engine.StatusAsync()).Counters["put.count"];
            ObjectAttributes again = await PutAsync(fixture, content, first.Checksum);
            Assert.Equal((first.Version, first.ModifiedNs, first.Checksum, content.Length), (again.Version, again.ModifiedNs, again.Checksum, again.SizeBytes));
            Assert.Equal([new("k", "v")], again.Custom);
            again = await PutAsync(fixture, content, first.Checksum, ("k", "v"));
            Assert.Equal((first.Version, first.ModifiedNs), (again.Version, again.ModifiedNs));
            Assert.Equal(puts + 2, (await fixture.Engine.StatusAsync()).Counters["put.count"]);
            Assert.Equal(content, await fixture.GetAsync("o"));
            Assert.True((await fixture.DeleteAsync("o")).Ok);
        }
    }

    [Fact]
    public async Task WhatWouldBeAnotherObjectIsStored()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2);
        Checksum stored = (await PutAsync(fixture, s_content, default)).Checksum;
        Assert.Equal("2", (await PutAsync(fixture, s_content, default)).Version); // nothing is declared
        Assert.Equal("3", (await PutAsync(fixture, s_content, Digest.Of(ChecksumType.Md5, s_content))).Version); // of another type
        Assert.Equal("4", (await PutAsync(fixture, s_content, stored, ("new", "pair"))).Version);
        Assert.Equal("5", (await PutAsync(fixture, s_content, stored, isAnyway: true)).Version);
        Assert.Equal("6", (await PutAsync(fixture, s_content, stored, length: -1)).Version); // its length is not known
        byte[] other = s_content[1..];
        Assert.Equal("7", (await PutAsync(fixture, other, Digest.Of(ChecksumType.XxHash2, other))).Version);
        Assert.Equal(other, await fixture.GetAsync("o"));
    }

    [Theory]
    [InlineData(-1, ErrorCode.BadBody)]
    [InlineData(0, ErrorCode.BadDigest)]
    [InlineData(1, ErrorCode.BadBody)]
    public async Task ABodyThatIsNotWhatItsDigestSaysIsRefusedAllTheSame(int more, ErrorCode code)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(1);
        ObjectAttributes first = await PutAsync(fixture, s_content, default);
        byte[] body = [.. s_content[..^1], 0, .. new byte[1 + more]];
        Result<ObjectAttributes> put = await TryPutAsync(fixture, body[..(s_content.Length + more)], first.Checksum, length: s_content.Length);
        Assert.Equal(code, put.Error!.Code);
        Assert.Equal(s_content, await fixture.GetAsync("o"));
        Assert.Equal("1", (await PutAsync(fixture, s_content, first.Checksum)).Version);
    }

    [Fact]
    public async Task ADamagedObjectIsStoredAnew()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(1);
        Checksum stored = (await PutAsync(fixture, s_content, default)).Checksum;
        await fixture.CloseAsync();
        using (FileStream file = File.OpenWrite(Path.Combine(fixture.Paths[0], "@ais/b/%ob/o")))
        {
            file.Position = 2_500_000;
            file.WriteByte((byte)(s_content[2_500_000] + 1));
        }

        await fixture.OpenAsync();
        Assert.Equal("2", (await PutAsync(fixture, s_content, stored)).Version);
        Assert.Equal(s_content, await fixture.GetAsync("o"));
    }

    [Fact]
    public async Task AnObjectInChunksIsStoredAnew()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2, """{"chunks":{"objsize_limit":1048576,"chunk_size":1048576}}""");
        Checksum stored = (await PutAsync(fixture, s_content, default)).Checksum;
        Assert.Equal(("2", 3), (await PutAsync(fixture, s_content, stored) is var put ? put.Version : "", put.ChunkCount));
    }

    /// <summary>An fsync of the directory fails behind the rename: the object is to be seen, and nobody knows whether it is durable. The client who tries again is not told that it is.</summary>
    [Fact]
    public async Task WhatMayNotBeDurableIsStoredAnew()
    {
        FailingSyncs? syncs = null;
        await using EngineFixture fixture = await EngineFixture.NewAsync(1);
        await fixture.CloseAsync();
        fixture.Over = io => syncs = new FailingSyncs(io);
        await fixture.OpenAsync();
        syncs!.IsFailing = true;
        Assert.Equal(ErrorCode.StorageFailed, (await TryPutAsync(fixture, s_content, default)).Error!.Code);
        syncs.IsFailing = false;
        Checksum stored = Digest.Of(ChecksumType.XxHash2, s_content);
        Assert.Equal("2", (await PutAsync(fixture, s_content, stored)).Version);
    }

    private static async Task<ObjectAttributes> PutAsync(EngineFixture fixture, byte[] content, Checksum expected, (string Key, string Value)? custom = null, bool isAnyway = false, long? length = null)
    {
        Result<ObjectAttributes> put = await TryPutAsync(fixture, content, expected, custom, isAnyway, length);
        Assert.True(put.Ok, put.Error?.Message);
        return put.Value;
    }

    private static Task<Result<ObjectAttributes>> TryPutAsync(
        EngineFixture fixture, byte[] content, Checksum expected, (string Key, string Value)? custom = null, bool isAnyway = false, long? length = null) =>
        fixture.Io.OnItsThreadAsync(() => fixture.Engine.PutObjectAsync(
            Caller.Anonymous,
            new PutRequest
            {
                Bucket = fixture.Bucket,
                Name = ObjectName.From("o"),
                Body = PipeReader.Create(new MemoryStream(content)),
                LengthBytes = length is null ? content.Length : length < 0 ? null : length,
                Expected = expected,
                IsStoredAnyway = isAnyway,
                Custom = custom is { } pair ? [new(pair.Key, pair.Value)] : [],
            },
            CancellationToken.None));

    /// <summary>The fsync of a directory fails.</summary>
    private sealed class FailingSyncs(IFileIo inner) : DelegatingFileIo(inner)
    {
        private readonly HashSet<FileHandle> _directories = [];

        public bool IsFailing { get; set; }

        public override async ValueTask<IoResult<FileHandle>> OpenAsync(FileHandle directory, ReadOnlyMemory<byte> path, OpenIntent intent)
        {
            IoResult<FileHandle> opened = await base.OpenAsync(directory, path, intent);
            if (opened.Ok && intent == OpenIntent.Directory && Encoding.UTF8.GetString(path.Span).Contains("%ob", StringComparison.Ordinal))
            {
                lock (_directories)
                {
                    _directories.Add(opened.Value);
                }
            }

            return opened;
        }

        public override ValueTask<IoResult> SyncAsync(FileHandle file)
        {
            lock (_directories)
            {
                return IsFailing && _directories.Contains(file) ? new(new IoResult(Errno.EIO)) : base.SyncAsync(file);
            }
        }
    }
}

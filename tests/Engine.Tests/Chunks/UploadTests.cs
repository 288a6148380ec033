using System.IO.Pipelines;
using System.Text;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Chunks;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;
using static Sluice.Engine.Tests.Chunks.UploadBench;

namespace Sluice.Engine.Tests.Chunks;

/// <summary>Uploads in parts and the objects that they become, over real files: what a client sees, and that nothing is left behind.</summary>
public sealed class UploadTests
{
    private const int Seeds = 12;

    public static TheoryData<string> Properties => new(
        """{"durability":"strict"}""",
        """{"durability":"relaxed"}""",
        """{"mirror":{"enabled":true,"copies":2}}""",
        """{"ec":{"enabled":true,"data_slices":2,"parity_slices":1,"objsize_limit":0}}""",
        """{"checksum":{"type":"none"}}""",
        """{"checksum":{"type":"crc64nvme"}}""");

    /// <summary>Parts of any size in any order, some sent twice: the object is what a flat model says, over a restart, whole and in ranges.</summary>
    [Theory]
    [MemberData(nameof(Properties))]
    public async Task WhatIsUploadedInPartsIsOneObject(string properties)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(4, properties);
        for (int seed = 0; seed < Seeds; seed++)
        {
            var random = new Random(seed);
            string name = $"dir/{seed}";
            string upload = await BeginAsync(fixture, name);
            byte[][] parts = [.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => Bytes(random, random.Next(3) == 0 ? random.Next(1, 100) : random.Next(1, 3_000_000)))];
            foreach (int part in Enumerable.Range(0, parts.Length).OrderBy(_ => random.Next()))
            {
                if (random.Next(3) == 0)
                {
                    await PartAsync(fixture, name, upload, part + 1, Bytes(random, 77)); // is replaced
                }

                await PartAsync(fixture, name, upload, part + 1, parts[part]);
            }

            Assert.Null(await fixture.GetAsync(name));
            Assert.DoesNotContain(name, await fixture.NamesAsync());
            ObjectAttributes made = await CompleteAsync(fixture, name, upload, parts.Length);
            byte[] whole = [.. parts.SelectMany(part => part)];
            Assert.Equal((whole.Length, parts.Length, parts.Max(part => part.Length)), (made.SizeBytes, made.ChunkCount, made.LargestChunkBytes));
            Assert.True(made.Checksum.Type == ChecksumType.None || made.Checksum == Digest.Of(made.Checksum.Type, whole), "its digest is that of all bytes");
            await CompareAsync(fixture, name, whole, random);
            if (seed % 4 == 3)
            {
                await fixture.CloseAsync();
                await fixture.OpenAsync();
                await CompareAsync(fixture, name, whole, random);
            }
        }

        Assert.Equal(Enumerable.Range(0, Seeds).Select(seed => $"dir/{seed}").Order(StringComparer.Ordinal), await fixture.NamesAsync());
        foreach (string name in await fixture.NamesAsync())
        {
            Assert.True((await fixture.DeleteAsync(name)).Ok);
        }

        await NothingIsLeftAsync(fixture);
    }

    [Fact]
    public async Task OnlyAWholeListOfPartsCompletesAndOnlyOnce()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2);
        string upload = await BeginAsync(fixture, "x");
        Assert.Contains("no chunks", (await TryCompleteAsync(fixture, "x", upload, [])).Error!.Message, StringComparison.Ordinal);
        await PartAsync(fixture, "x", upload, 1, "one"u8.ToArray());
        await PartAsync(fixture, "x", upload, 3, "three"u8.ToArray());
        foreach (int[] numbers in (int[][])[[], [1], [1, 2], [1, 3], [1, 2, 3]])
        {
            Result<ObjectAttributes> refused = await TryCompleteAsync(fixture, "x", upload, numbers);
            Assert.Equal(ErrorCode.BadRequest, refused.Error!.Code);
            Assert.Contains("partial completion", refused.Error.Message, StringComparison.Ordinal);
        }

        Assert.Contains("invalid size (0)", (await TryPartAsync(fixture, "x", upload, 2, [])).Error!.Message, StringComparison.Ordinal);
        Assert.Contains("invalid size (0)", (await TryPartAsync(fixture, "x", upload, 2, [], unknownLength: true)).Error!.Message, StringComparison.Ordinal);
        await PartAsync(fixture, "x", upload, 2, "two"u8.ToArray());
        Assert.Equal(ErrorCode.BadRequest, (await TryPartAsync(fixture, "x", upload, 0, [1])).Error!.Code);
        Assert.Equal(ErrorCode.BadRequest, (await TryPartAsync(fixture, "x", upload, Limits.ChunksMax + 1, [1])).Error!.Code);
        foreach (string other in (string[])["y", "x"])
        {
            string wrong = other == "y" ? upload : "0123456789abcdef";
            Assert.Equal(ErrorCode.ObjectNotFound, (await TryPartAsync(fixture, other, wrong, 1, [1])).Error!.Code);
            Assert.Contains("does not exist", (await TryCompleteAsync(fixture, other, wrong, [1, 2, 3])).Error!.Message, StringComparison.Ordinal);
        }

        Assert.True((await TryCompleteAsync(fixture, "x", upload, [3, 1, 2])).Ok);
        Assert.Equal(ErrorCode.ObjectNotFound, (await TryCompleteAsync(fixture, "x", upload, [1, 2, 3])).Error!.Code);
        Assert.Equal(ErrorCode.ObjectNotFound, (await TryPartAsync(fixture, "x", upload, 1, [1])).Error!.Code);
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        Assert.Equal(ErrorCode.ObjectNotFound, (await TryPartAsync(fixture, "x", upload, 1, [1])).Error!.Code);
        Assert.Equal("onetwothree", Encoding.ASCII.GetString(await ReadAsync(fixture, "x", 0, 11)));
    }

    [Theory]
    [InlineData("strict")]
    [InlineData("relaxed")]
    public async Task AnUploadGoesOnBehindARestartAndMayBeAborted(string durability)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3, $$"""{"durability":"{{durability}}"}""");
        string kept = await BeginAsync(fixture, "kept");
        string aborted = await BeginAsync(fixture, "aborted");
        await PartAsync(fixture, "kept", kept, 2, "second"u8.ToArray());
        await PartAsync(fixture, "aborted", aborted, 1, "first"u8.ToArray());
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        await PartAsync(fixture, "kept", kept, 1, "first, "u8.ToArray());
        await CompleteAsync(fixture, "kept", kept, 2);
        Assert.True((await fixture.Io.OnItsThreadAsync(() => fixture.Engine.AbortUploadAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From("aborted"), aborted))).Ok);
        Assert.Equal(ErrorCode.ObjectNotFound, (await TryPartAsync(fixture, "aborted", aborted, 1, [1])).Error!.Code);
        Assert.Equal("first, second", Encoding.ASCII.GetString(await ReadAsync(fixture, "kept", 0, 13)));
        Assert.True((await fixture.DeleteAsync("kept")).Ok);
        await NothingIsLeftAsync(fixture);
    }

    /// <summary>Behind a restart only notes tell of uploads, and those who look for one at the same time must not bring it back when one of them has completed it.</summary>
    [Fact]
    public async Task APartThatComesWithItsCompletionIsOfTheObjectOrRefused()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2, """{"durability":"relaxed"}""");
        for (int round = 0; round < 25; round++)
        {
            string upload = await BeginAsync(fixture, "x");
            await PartAsync(fixture, "x", upload, 1, "old"u8.ToArray());
            await fixture.CloseAsync();
            await fixture.OpenAsync();
            Task<Result<ObjectAttributes>>[] parts = [.. Enumerable.Range(0, 2 + (round % 5)).Select(_ => TryPartAsync(fixture, "x", upload, 1, "new"u8.ToArray()))];
            Task<Result<ObjectAttributes>> completed = TryCompleteAsync(fixture, "x", upload, [1]);
            Task<Result<ObjectAttributes>>[] late = [.. Enumerable.Range(0, 8).Select(_ => TryPartAsync(fixture, "x", upload, 1, "late"u8.ToArray()))];
            Result<ObjectAttributes> made = await completed;
            Assert.True(made.Ok, made.Error?.Message);
            foreach (Result<ObjectAttributes> part in await Task.WhenAll([.. parts, .. late]))
            {
                Assert.True(part.Ok || part.Error!.Code == ErrorCode.ObjectNotFound, part.Error?.Message);
            }

            Assert.Contains(Encoding.ASCII.GetString(await ReadAsync(fixture, "x", 0, (int)made.Value.SizeBytes)), (string[])["old", "new", "late"]);
            Assert.Equal(ErrorCode.ObjectNotFound, (await TryPartAsync(fixture, "x", upload, 1, [1])).Error!.Code);
        }
    }

    [Theory]
    [InlineData("strict")]
    [InlineData("relaxed")]
    public async Task OverwritingFreesTheChunksWhenNobodyReadsThemAnyMore(string durability)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3, $$"""{"durability":"{{durability}}"}""");
        await UploadAsync(fixture, "x", "one ", "two");
        ChunkedReader reader = await OpenAsync(fixture, "x");
        await UploadAsync(fixture, "x", "three ", "four");
        await fixture.Engine.FlushAsync();
        Assert.Equal("one two", await TextAsync(fixture, reader, 0, 7));
        Assert.Equal(1, fixture.Engine.ReapedUploadsWaiting);
        reader.Dispose();
        Assert.Equal("three four", Encoding.ASCII.GetString(await ReadAsync(fixture, "x", 0, 10)));
        await fixture.PutAsync("x", "plain");
        Assert.Equal("plain", await fixture.GetTextAsync("x"));
        await NothingIsLeftAsync(fixture);
    }

    /// <summary>Wherever the stop comes in the removal, the next start goes on with it.</summary>
    [Theory]
    [InlineData("strict")]
    [InlineData("relaxed")]
    public async Task AStopInTheMiddleOfARemovalIsGoneOnWithByTheNextStart(string durability)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2, $$"""{"durability":"{{durability}}"}""");
        await UploadAsync(fixture, "kept", "one ", "two");
        await UploadAsync(fixture, "x", [.. Enumerable.Range(0, 60).Select(part => $"part {part}")]);
        Assert.True((await fixture.DeleteAsync("x")).Ok);
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        Assert.Equal("one two", Encoding.ASCII.GetString(await ReadAsync(fixture, "kept", 0, 7)));
        Assert.True((await fixture.DeleteAsync("kept")).Ok);
        await NothingIsLeftAsync(fixture);
    }

    /// <summary>Also what an earlier run has left; what somebody goes on with stays.</summary>
    [Fact]
    public async Task WhatNobodyGoesOnWithIsRemovedByAge()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2);
        (string before, string used) = (await BeginAsync(fixture, "before"), await BeginAsync(fixture, "used"));
        await PartAsync(fixture, "before", before, 1, "part"u8.ToArray());
        await fixture.CloseAsync();
        await fixture.OpenAsync(fixture.Options with { UploadAge = TimeSpan.FromSeconds(1) });
        string after = await BeginAsync(fixture, "after");
        string slow = await BeginAsync(fixture, "slow");
        var body = new Pipe();
        var request = new PutRequest { Bucket = fixture.Bucket, Name = ObjectName.From("slow"), Body = body.Reader };
        Task<Result<ObjectAttributes>> sending = fixture.Io.OnItsThreadAsync(() => fixture.Engine.PutPartAsync(Caller.Anonymous, request, slow, 1, CancellationToken.None));
        var watch = System.Diagnostics.Stopwatch.StartNew();
        while (fixture.Paths.Any(path => IsThere(path, before) || IsThere(path, after)))
        {
            Assert.True(watch.Elapsed < TimeSpan.FromMinutes(1), "an upload that nobody goes on with is there");
            await PartAsync(fixture, "used", used, 1, "part"u8.ToArray());
        }

        await body.Writer.WriteAsync("its only part took longer than the age"u8.ToArray());
        await body.Writer.CompleteAsync();
        Assert.True((await sending).Ok);
        await CompleteAsync(fixture, "slow", slow, 1);
        await CompleteAsync(fixture, "used", used, 1);
        Assert.Contains("does not exist", (await TryCompleteAsync(fixture, "before", before, [1])).Error!.Message, StringComparison.Ordinal);
        Assert.True((await fixture.DeleteAsync("used")).Ok);

        static bool IsThere(string path, string upload) => Directory.Exists(Path.Combine(path, "@ais/b/%ob/%c", upload));
    }

    /// <summary>Who reads the beginning of an object asks one drive: chunk 1 lies beside its object, whether a client sends it or the engine splits; the others are spread.</summary>
    [Fact]
    public async Task TheFirstChunkLiesBesideItsObject()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(4, """{"chunks":{"objsize_limit":"1KiB","chunk_size":"1KiB"}}""");
        var others = new HashSet<string>();
        for (int i = 0; i < 20; i++)
        {
            string name = $"{(i % 2 == 0 ? "sent" : "split")}{i}";
            if (i % 2 == 0)
            {
                await UploadAsync(fixture, name, "one", "two", "three");
            }
            else
            {
                Assert.True((await fixture.TryPutAsync(name, new byte[3000])).Ok);
            }

            using ChunkedReader reader = await OpenAsync(fixture, name);
            Assert.Equal(3, reader.Manifest.Chunks.Count);
            string upload = ChunkName.TextOf(reader.Manifest.UploadId);
            string[] places = [.. Enumerable.Range(1, 3).Select(number => Assert.Single(fixture.Paths, path => File.Exists(Path.Combine(path, "@ais/b/%ob/%c", upload, $"{number:d5}"))))];
            Assert.True(File.Exists(Path.Combine(places[0], "@ais/b/%ob", name)), name);
            others.UnionWith(places[1..]);
        }

        Assert.Equal(fixture.Paths.Order(StringComparer.Ordinal), others.Order(StringComparer.Ordinal));
    }

    /// <summary>Who removes it cannot see then which upload it had.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnObjectThatIsDeletedWhileItsFileIsAwayLeavesNoChunks(bool stops)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3);
        await UploadAsync(fixture, "x", "one ", "two ", "three");
        string leaving = fixture.Paths.Single(path => File.Exists(Path.Combine(path, "@ais/b/%ob/x")));
        Assert.True((await fixture.Engine.Mountpaths.DisableAsync(leaving, force: true)).Ok);
        await Task.WhenAll(fixture.Engine.Jobs.All.Select(job => job.Ended));
        Assert.True((await fixture.DeleteAsync("x")).Ok);
        if (stops)
        {
            await fixture.CloseAsync();
            await fixture.OpenAsync();
        }

        Assert.True((await fixture.Engine.Mountpaths.EnableAsync(leaving)).Ok);
        await Task.WhenAll(fixture.Engine.Jobs.All.Select(job => job.Ended));
        await NothingIsLeftAsync(fixture);
    }

    [Fact]
    public async Task WhoMayGetNeedsNoOtherRightAndIsCountedOnce()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(1);
        await UploadAsync(fixture, "x", "one ", "two");
        string access = ((ulong)AccessBits.GetObject).ToString(System.Globalization.CultureInfo.InvariantCulture);
        Assert.True((await fixture.Engine.SetBucketPropertiesAsync(Caller.Anonymous, fixture.Bucket, EngineFixture.Json($$"""{"access":"{{access}}"}"""))).Ok);
        long before = (await fixture.Engine.StatusAsync()).Counters["get.count"];
        using (ObjectReader head = (await fixture.Io.OnItsThreadAsync(() => fixture.Engine.OpenObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From("x")))).Value)
        {
            Assert.Equal(2, head.Stored.Metadata.Chunked?.ChunkCount);
        }

        using ChunkedReader reader = await OpenAsync(fixture, "x");
        Assert.Equal("one two", await TextAsync(fixture, reader, 0, 7));
        Assert.Equal(before + 1, (await fixture.Engine.StatusAsync()).Counters["get.count"]);
    }

    [Fact]
    public async Task AChunkThatIsMissingOrAnotherOneIsNeverServed()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(1);
        string upload = await UploadAsync(fixture, "x", "first part ", "second part");
        string other = await UploadAsync(fixture, "y", "first part ", "another one");
        string directory = Path.Combine(fixture.Paths[0], "@ais/b/%ob/%c");
        await fixture.CloseAsync();
        File.Delete(Path.Combine(directory, upload, "00001"));
        string target = Path.Combine(directory, upload, "00002");
        File.Delete(target);
        Children.Run("cp", "--preserve=xattr", Path.Combine(directory, other, "00002"), target);
        await fixture.OpenAsync();
        using (ChunkedReader reader = await OpenAsync(fixture, "x"))
        {
            Assert.Contains("missing", (await reader.OpenChunkAsync(0)).Error!.Message, StringComparison.Ordinal);
            Assert.Contains("another one", (await reader.OpenChunkAsync(1)).Error!.Message, StringComparison.Ordinal);
        }

        Assert.Equal(["x: chunk 2 is another one than its manifest says"], await ScrubAsync(fixture));
        await PartAsync(fixture, "z", await BeginAsync(fixture, "z"), 1, "in progress"u8.ToArray());
        File.Delete(target);
        Assert.Equal(["x: 0 of 2 chunks are there"], await ScrubAsync(fixture));
        File.Delete(Path.Combine(directory, other, "00000"));
        Assert.Equal(3, (await ScrubAsync(fixture)).Count(finding => finding.StartsWith('x') || finding.Contains("no note", StringComparison.Ordinal)));
    }

    /// <summary>What a scrub says of chunks.</summary>
    private static async Task<List<string>> ScrubAsync(EngineFixture fixture)
    {
        await fixture.CloseAsync();
        await fixture.OpenAsync(); // who asks after the disks and not after the caches
        Result<Job> scrub = await fixture.Engine.Jobs.StartAsync(JobKinds.Scrub, new JobRequest(JobTarget.All, ""), WhenRunning.Refuse);
        await scrub.Value.Ended;
        Assert.All(scrub.Value.Findings, finding => Assert.Equal("chunks", finding.Kind));
        return [.. scrub.Value.Findings.Select(finding => $"{finding.Name}: {finding.Detail}")];
    }
}

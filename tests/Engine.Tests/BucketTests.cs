using System.Text.Json;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Listing;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;

namespace Sluice.Engine.Tests;

/// <summary>
/// Buckets: what each access bit allows, which properties are known, versions, and that a bucket which was destroyed and made again
/// shows nothing of what it held.
/// </summary>
public sealed class BucketTests
{
    private static readonly ObjectName s_name = ObjectName.From("x");

    public static TheoryData<string, AccessBits> Verbs => new()
    {
        { "GET", AccessBits.GetObject },
        { "HEAD", AccessBits.HeadObject },
        { "check-lock", AccessBits.HeadObject },
        { "PUT", AccessBits.PutObject },
        { "DELETE", AccessBits.DeleteObject },
        { "APPEND", AccessBits.Append },
        { "MOVE", AccessBits.MoveObject },
        { "PATCH object", AccessBits.UpdateObject },
        { "LIST", AccessBits.ListObjects },
        { "HEAD bucket", AccessBits.HeadBucket },
        { "PATCH bucket", AccessBits.PatchBucket },
        { "destroy", AccessBits.DestroyBucket },
    };

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task AVerbNeedsItsBitAndNoOther(string verb, AccessBits bit)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        await fixture.PutAsync("x", "content");
        await SetAccessAsync(fixture, (AccessBits.All ^ bit) | AccessBits.PatchBucket);
        Failure? refused = bit == AccessBits.PatchBucket ? null : await DoAsync(fixture, verb);
        if (bit != AccessBits.PatchBucket)
        {
            Assert.Equal(ErrorCode.AccessDenied, refused?.Code);
            Assert.Matches("""^bucket "ais://b": [A-Za-z-]+ access denied for """, refused!.Message);
        }

        await SetAccessAsync(fixture, bit | AccessBits.PatchBucket);
        Assert.Null(await DoAsync(fixture, verb));
    }

    [Fact]
    public async Task WithoutThePatchBitPropertiesStayAsTheyAre()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(1, """{"access":"ro"}""");
        Assert.Equal(ErrorCode.AccessDenied, (await DoAsync(fixture, "PATCH bucket"))?.Code);
        Assert.Equal(ErrorCode.AccessDenied, (await DoAsync(fixture, "PUT"))?.Code);
        Assert.Equal(ErrorCode.ObjectNotFound, (await DoAsync(fixture, "GET"))?.Code);
        Assert.Equal(AccessBits.ReadOnly, fixture.Engine.HeadBucket(Caller.Anonymous, fixture.Bucket).Value.Properties.Access);
    }

    [Theory]
    [InlineData("""{"ro":1}""", "property \"ro\" is not supported by this version")]
    [InlineData("""{"mirror":{"enabled":"maybe"}}""", "property \"mirror.enabled\" must be true or false")]
    [InlineData("""{"mirror":{"enabled":true}}""", "not enough mountpaths: 2 copies need 2, there are 1")]
    [InlineData("""{"mirror":{"copies":0}}""", "property \"mirror.copies\" must be a whole number from 1 to 32")]
    [InlineData("""{"mirror":{"copies":33}}""", "property \"mirror.copies\" must be a whole number from 1 to 32")]
    [InlineData("""{"mirror":{"copies":2.5}}""", "property \"mirror.copies\" must be a whole number from 1 to 32")]
    [InlineData("""{"mirror":{"burst_buffer":0}}""", "property \"mirror.burst_buffer\" must be a whole number from 1 to 65536")]
    [InlineData("""{"mirror":{"sync":2}}""", "property \"mirror.sync\" must be true or false")]
    [InlineData("""{"mirror":{"n":2}}""", "property \"mirror.n\" is not supported by this version")]
    [InlineData("""{"mirror":true}""", "property \"mirror\" must be a JSON object")]
    [InlineData("""{"ec":{"enabled":true}}""", "erasure coding with 2 data and 2 parity slices needs 4 mountpaths, and there are 1")]
    [InlineData("""{"ec":{"data_slices":33}}""", "property \"ec.data_slices\" must be a whole number from 1 to 32")]
    [InlineData("""{"ec":{"parity_slices":0}}""", "property \"ec.parity_slices\" must be a whole number from 1 to 32")]
    [InlineData("""{"ec":{"objsize_limit":-2}}""", "property \"ec.objsize_limit\" must be a whole number from -1 to 1099511627776")]
    [InlineData("""{"ec":{"unit":"100KiB"}}""", "property \"ec.unit\" must be a power of two from 64KiB to 4MiB")]
    [InlineData("""{"ec":{"compression":"lz4"}}""", "property \"ec.compression\" must be \"always\" or \"never\"")]
    [InlineData("""{"checksum":{"typo":"md5"}}""", "\"checksum.typo\"")]
    [InlineData("""{"checksum":{"type":"sha3"}}""", "checksum")]
    [InlineData("""{"checksum":{"type":"crc64"}}""", "property \"checksum.type\" must be one of none, xxhash2, xxhash, xxh3, crc32c, crc64nvme, md5, sha256, sha512")]
    [InlineData("""{"versioning":{"enabled":"perhaps"}}""", "property \"versioning.enabled\" must be true or false")]
    [InlineData("""{"versioning":{"synchronize":true}}""", "\"versioning.synchronize\"")]
    [InlineData("""{"durability":"none"}""", "property \"durability\" must be \"strict\" or \"relaxed\"")]
    [InlineData("""{"durability":1}""", "property \"durability\" must be \"strict\" or \"relaxed\"")]
    [InlineData("""{"access":"rwx"}""", "property \"access\" must be ro, rw, su or a decimal mask of access bits")]
    [InlineData("""{"access":-1}""", "property \"access\" must be ro, rw, su or a decimal mask of access bits")]
    [InlineData("""{"bid":"1"}""", "property \"bid\" is read-only")]
    [InlineData("""{"created":"1"}""", "property \"created\" is read-only")]
    [InlineData("""{"lru":{"enabled":true}}""", "property \"lru.enabled\" is not supported by this version")]
    [InlineData("""{"lru":{"dont_evict_time":"59m"}}""", "property \"lru.dont_evict_time\" must be a duration from 1h to 87600h, such as 1h")]
    [InlineData("""{"lru":{"capacity_upd_time":10}}""", "property \"lru.capacity_upd_time\" must be a duration from 10s to 87600h")]
    [InlineData("""{"lru":{"batch_size":1023}}""", "property \"lru.batch_size\" must be a whole number from 1024 to 524288")]
    [InlineData("""{"rate_limit":{"frontend":{"enabled":true}}}""", "property \"rate_limit.frontend.enabled\" is not supported by this version")]
    [InlineData("""{"rate_limit":{"frontend":{"max_tokens":100}}}""", "property \"rate_limit.frontend.burst_size\" must not be more than half of rate_limit.frontend.max_tokens")]
    [InlineData("""{"rate_limit":{"frontend":{"num_retries":1}}}""", "property \"rate_limit.frontend.num_retries\" is not supported by this version")]
    [InlineData("""{"rate_limit":{"backend":{"num_retries":11}}}""", "property \"rate_limit.backend.num_retries\" must be a whole number from 1 to 10")]
    [InlineData("""{"rate_limit":{"backend":{"interval":"2h"}}}""", "property \"rate_limit.backend.interval\" must be a duration from 1s to 1h")]
    [InlineData("""{"rate_limit":{"backend":{"per_op_max_tokens":"head:1"}}}""", "property \"rate_limit.backend.per_op_max_tokens\" must be like \"get:1000 put:500\"")]
    [InlineData("""{"rate_limit":{"middle":{}}}""", "property \"rate_limit.middle\" is not supported by this version")]
    [InlineData("""{"write_policy":{"data":"delayed"}}""", "property \"write_policy.data\" must be one of \"immediate\", \"\"")]
    [InlineData("""{"write_policy":{"md":"later"}}""", "property \"write_policy.md\" must be one of \"immediate\", \"delayed\", \"never\"")]
    [InlineData("""{"features":"6144"}""", "property \"features\": Disable-Cold-GET and Streaming-Cold-GET (2048 and 4096) do not go together")]
    [InlineData("""{"features":"all"}""", "property \"features\" must be none or a decimal mask of feature flags")]
    [InlineData("""{"extra":{"custom":"a\u0007"}}""", "property \"extra.custom\" must be a text of up to 128 characters, none of them a control character")]
    [InlineData("""{"extra":{"aws":{"endpoint":"ftp://h"}}}""", "property \"extra.aws.endpoint\" must be an address such as https://HOST:PORT")]
    [InlineData("""{"extra":{"aws":{"multipart_size":"4MiB"}}}""", "property \"extra.aws.multipart_size\" must be -1, 0, or a size from 5MiB to 5GiB")]
    [InlineData("""{"extra":{"aws":{"max_pagesize":10001}}}""", "property \"extra.aws.max_pagesize\" must be a whole number from 0 to 10000")]
    [InlineData("""{"extra":{"gcp":{"application_creds":"/a/../b"}}}""", "property \"extra.gcp.application_creds\" must be the absolute path of a file")]
    [InlineData("""{"extra":{"oci":{"zone":""}}}""", "property \"extra.oci.zone\" is not supported by this version")]
    [InlineData("""{"backend_bck":{"name":"b","provider":"aws"}}""", "property \"backend_bck\" is not supported by this version: there are no remote buckets")]
    [InlineData("""{"Renamed":"x"}""", "property \"Renamed\" is read-only")]
    [InlineData("""[]""", "bucket properties must be a JSON object")]
    [InlineData("""{"a\u0000\"b":1}""", "property \"a??b\" is not supported by this version")]
    public async Task AnUnknownOrImpossiblePropertyIsRefusedByNameAndChangesNothing(string properties, string sentence)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        BucketProperties before = fixture.Engine.HeadBucket(Caller.Anonymous, fixture.Bucket).Value.Properties;
        foreach (string tree in (string[])[properties, properties.StartsWith('{') ? """{"durability":"relaxed",""" + properties[1..] : properties])
        {
            Result<BucketRecord> changed = await fixture.Engine.SetBucketPropertiesAsync(Caller.Anonymous, fixture.Bucket, EngineFixture.Json(tree));
            Assert.Equal(ErrorCode.InvalidProperty, changed.Error?.Code);
            Assert.Contains(sentence, changed.Error!.Message, StringComparison.Ordinal);
            Result<BucketRecord> made = await fixture.Engine.CreateBucketAsync(Caller.Anonymous, EngineFixture.Name("c"), EngineFixture.Json(tree));
            Assert.Equal(ErrorCode.InvalidProperty, made.Error?.Code);
        }

        Assert.Equal(before, fixture.Engine.HeadBucket(Caller.Anonymous, fixture.Bucket).Value.Properties);
        Assert.Equal(ErrorCode.BucketNotFound, fixture.Engine.HeadBucket(Caller.Anonymous, EngineFixture.Name("c")).Error?.Code);
    }

    [Fact]
    public async Task PropertiesAreKeptOverARestart()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(
            2,
            """
            {"checksum":{"type":"sha256","validate_warm_get":true},"versioning":{"enabled":false},"durability":"relaxed","access":"3071","mirror":{"copies":3,"burst_buffer":7,"sync":false},
            "ec":{"objsize_limit":"1MiB","data_slices":4,"parity_slices":"1","unit":"128KiB","keep_replica":true,"disk_only":true,"compression":"always",
            "bundle_multiplier":3,"burst_buffer":9},"lru":{"enabled":false,"dont_evict_time":"90m","capacity_upd_time":"15s","batch_size":2048},"features":"18446744073709545471",
            "rate_limit":{"backend":{"enabled":false,"interval":"2s","max_tokens":7,"num_retries":1,"per_op_max_tokens":"get:3"},"frontend":{"max_tokens":10,"burst_size":5,"per_op_max_tokens":"PUT:1 delete:2"}},
            "write_policy":{"data":"","md":"delayed"},"extra":{"aws":{"cloud_region":"eu","endpoint":"https://h:1/","profile":"p","max_pagesize":9,"multipart_size":"5MiB"},
            "gcp":{"application_creds":"/etc/c.json"},"oci":{"region":"r"},"custom":"of us"},"backend_bck":{"name":"","provider":""}}
            """);
        BucketProperties before = fixture.Engine.HeadBucket(Caller.Anonymous, fixture.Bucket).Value.Properties;
        Assert.Equal(
            (ChecksumType.Sha256, true, false, Durability.Relaxed, (AccessBits)3071),
            (before.ChecksumType, before.ValidateWarmGet, before.Versioning, before.Durability, before.Access));
        Assert.Equal(new MirrorProperties { Copies = 3, BurstBuffer = 7, Sync = false }, before.Mirror);
        Assert.Equal(
            new EcProperties
            {
                SizeLimitBytes = 1 << 20,
                DataSlices = 4,
                ParitySlices = 1,
                UnitBytes = 128 << 10,
                KeepReplica = true,
                DiskOnly = true,
                IsCompressed = true,
                BundleMultiplier = 3,
                BurstBuffer = 9,
            },
            before.Ec);
        Assert.Equal(new LruProperties { DontEvictTime = TimeSpan.FromMinutes(90), CapacityUpdateTime = TimeSpan.FromSeconds(15), BatchSize = 2048 }, before.Lru);
        Assert.Equal(
            new RateLimitProperties
            {
                Backend = new RateLimitProperties.Side { Interval = TimeSpan.FromSeconds(2), TokensMax = 7, Retries = 1, TokensOfVerbs = "get:3" },
                Frontend = new RateLimitProperties.Side { TokensMax = 10, BurstSize = 5, TokensOfVerbs = "PUT:1 delete:2" },
            },
            before.RateLimit);
        Assert.Equal((BucketFeatures.All & ~BucketFeatures.StreamingColdGet & ~BucketFeatures.DisableColdGet, "delayed"), (before.Features, before.MetadataPolicy));
        Assert.Equal(
            new ExtraProperties
            {
                AwsRegion = "eu",
                AwsEndpoint = "https://h:1/",
                AwsProfile = "p",
                AwsPageSizeMax = 9,
                AwsPartBytes = 5 << 20,
                GcpCredentials = "/etc/c.json",
                OciRegion = "r",
                Custom = "of us",
            },
            before.Extra);
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        Assert.Equal(before, fixture.Engine.HeadBucket(Caller.Anonymous, fixture.Bucket).Value.Properties);
    }

    [Fact]
    public async Task OneCopyIsAMirrorThatIsOff()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(1, """{"mirror":{"copies":3}}""");
        Result<BucketRecord> changed = await fixture.Engine.SetBucketPropertiesAsync(Caller.Anonymous, fixture.Bucket, EngineFixture.Json("""{"mirror":{"copies":1}}"""));
        Assert.Equal(MirrorProperties.Default, changed.Value.Properties.Mirror);
        Assert.Equal(1, changed.Value.Properties.Mirror.Wanted);
    }

    [Fact]
    public async Task MirrorAndErasureCodingDoNotChangeAtOnce()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        Result<BucketRecord> changed = await fixture.Engine.SetBucketPropertiesAsync(
            Caller.Anonymous, fixture.Bucket, EngineFixture.Json("""{"mirror":{"copies":3},"ec":{"data_slices":3}}"""));
        Assert.Equal(ErrorCode.Busy, changed.Error?.Code);
    }

    [Fact]
    public async Task VersionsCountOverwritesAndSurviveARestart()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2);
        Assert.Equal("1", (await fixture.PutAsync("x", "a")).Version);
        Assert.Equal("2", (await fixture.PutAsync("x", "b")).Version);
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        Assert.Equal("3", (await fixture.PutAsync("x", "c")).Version);
        Assert.Equal("1", (await fixture.PutAsync("y", "another name counts for itself")).Version);
        await fixture.Engine.SetBucketPropertiesAsync(Caller.Anonymous, fixture.Bucket, EngineFixture.Json("""{"versioning":{"enabled":false}}"""));
        Assert.Equal("", (await fixture.PutAsync("x", "d")).Version);
    }

    [Theory]
    [InlineData("strict")]
    [InlineData("relaxed")]
    public async Task ADestroyedBucketThatIsMadeAgainShowsNothingOfTheOld(string durability)
    {
        string properties = $$"""{"durability":"{{durability}}"}""";
        await using EngineFixture fixture = await EngineFixture.NewAsync(2, properties);
        ulong bid = fixture.Engine.HeadBucket(Caller.Anonymous, fixture.Bucket).Value.Properties.Bid;
        for (int i = 0; i < 20; i++)
        {
            await fixture.PutAsync($"d/n{i}", "old");
            Assert.Equal("old", await fixture.GetTextAsync($"d/n{i}")); // in both caches
        }

        Assert.True((await fixture.Engine.DestroyBucketAsync(Caller.Anonymous, fixture.Bucket)).Ok);
        Assert.Equal(ErrorCode.BucketNotFound, (await DoAsync(fixture, "GET"))?.Code);
        Assert.Empty(fixture.Engine.ListBuckets(Caller.Anonymous, null).Value);
        await MakeAsync(fixture, properties);
        Assert.NotEqual(bid, fixture.Engine.HeadBucket(Caller.Anonymous, fixture.Bucket).Value.Properties.Bid);
        for (int round = 0; round < 2; round++)
        {
            Assert.Empty(await fixture.NamesAsync());
            Assert.Null(await fixture.GetAsync("d/n1"));
            Assert.Equal(ErrorCode.ObjectNotFound, (await fixture.DeleteAsync("d/n1")).Error?.Code);
            await fixture.CloseAsync();
            await fixture.OpenAsync();
        }

        Assert.Equal("1", (await fixture.PutAsync("d/n1", "new")).Version);
        Assert.Equal("new", await fixture.GetTextAsync("d/n1"));
    }

    [Fact]
    public async Task AFileOfAnEarlierBucketThatStandsInTheNewOneDoesNotExist()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        await fixture.PutAsync("x", "old");
        string file = Path.Combine(fixture.Paths[0], "@ais/b/%ob/x");
        string aside = Path.Combine(fixture.Paths[0], "aside");
        File.Move(file, aside);
        Assert.True((await fixture.Engine.DestroyBucketAsync(Caller.Anonymous, fixture.Bucket)).Ok);
        await MakeAsync(fixture, "null");
        await fixture.PutAsync("y", "makes the directory");
        File.Move(aside, file); // as a destroyed bucket's drive that was away would bring it back
        Assert.Null(await fixture.GetAsync("x"));
        Assert.Equal(["y"], await fixture.NamesAsync());
        Assert.Equal(ErrorCode.ObjectNotFound, (await fixture.DeleteAsync("x")).Error?.Code);
        Assert.Equal("1", (await fixture.PutAsync("x", "new")).Version);
        Assert.Equal("new", await fixture.GetTextAsync("x"));
    }

    [Fact]
    public async Task TheTrashIsEmptiedByTheNextStartAtTheLatest()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2);
        for (int i = 0; i < 20; i++)
        {
            await fixture.PutAsync($"d{i % 3}/e/n{i}", "x");
        }

        Assert.True((await fixture.Engine.DestroyBucketAsync(Caller.Anonymous, fixture.Bucket)).Ok);
        Assert.All(fixture.Paths, path => Assert.False(Directory.Exists(Path.Combine(path, "@ais/b"))));

        // Emptying runs in the background and stops when the engine closes; each start goes on with it.
        int left = int.MaxValue;
        for (int start = 0; left > 0; start++)
        {
            Assert.True(start < 200, $"{left} entries are still in the trash");
            await fixture.CloseAsync();
            int now = fixture.Paths.Sum(TrashCount);
            Assert.True(now <= left);
            left = now;
            await fixture.OpenAsync();
            long deadline = Environment.TickCount64 + 30_000;
            while (left > 0 && fixture.Paths.Sum(TrashCount) >= left && Environment.TickCount64 < deadline)
            {
                await Task.Yield(); // an engine that closes at once has not begun
            }
        }
    }

    [Fact]
    public async Task BucketsAreListedInOrderAndMadeOnce()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        foreach (string name in (string[])["zz", "a", "b-c"])
        {
            Assert.True((await fixture.Engine.CreateBucketAsync(Caller.Anonymous, EngineFixture.Name(name), default)).Ok);
        }

        Assert.Equal(ErrorCode.BucketExists, (await fixture.Engine.CreateBucketAsync(Caller.Anonymous, EngineFixture.Name("a"), default)).Error?.Code);
        Assert.Equal(["a", "b", "b-c", "zz"], fixture.Engine.ListBuckets(Caller.Anonymous, "ais").Value.Select(bucket => bucket.Name.Name));
        Assert.Empty(fixture.Engine.ListBuckets(Caller.Anonymous, "aws").Value);
        Assert.Equal(ErrorCode.BucketNotFound, (await fixture.Engine.DestroyBucketAsync(Caller.Anonymous, EngineFixture.Name("none"))).Error?.Code);
    }

    private static int TrashCount(string mountpath)
    {
        string trash = Path.Combine(mountpath, ".sluice/trash");
        return Directory.Exists(trash) ? Directory.EnumerateFileSystemEntries(trash, "*", SearchOption.AllDirectories).Count() : 0;
    }

    private static async Task MakeAsync(EngineFixture fixture, string properties) =>
        Assert.True((await fixture.Engine.CreateBucketAsync(Caller.Anonymous, fixture.Bucket, EngineFixture.Json(properties))).Ok);

    private static async Task SetAccessAsync(EngineFixture fixture, AccessBits bits)
    {
        JsonElement tree = EngineFixture.Json($$"""{"access":"{{(ulong)bits}}"}""");
        Result<BucketRecord> changed = await fixture.Engine.SetBucketPropertiesAsync(Caller.Anonymous, fixture.Bucket, tree);
        Assert.True(changed.Ok, changed.Error?.Message);
    }

    /// <summary>Does one verb; answers why it was refused, or null.</summary>
    private static async Task<Failure?> DoAsync(EngineFixture fixture, string verb)
    {
        ObjectEngine engine = fixture.Engine;
        BucketName bucket = fixture.Bucket;
        switch (verb)
        {
            case "GET":
                Result<ObjectReader> open = await engine.OpenObjectAsync(Caller.Anonymous, bucket, s_name);
                if (open.Ok)
                {
                    open.Value.Dispose();
                }

                return open.Error;
            case "HEAD":
                return (await engine.HeadObjectAsync(Caller.Anonymous, bucket, s_name)).Error;
            case "check-lock":
                return engine.CheckLock(Caller.Anonymous, bucket, s_name).Error;
            case "PUT":
                return (await fixture.TryPutAsync("x", "again"u8.ToArray())).Error;
            case "MOVE":
                return (await engine.RenameObjectAsync(Caller.Anonymous, bucket, s_name, ObjectName.From("y"), CancellationToken.None)).Error;
            case "APPEND":
                var piece = new PutRequest { Bucket = bucket, Name = s_name, Body = System.IO.Pipelines.PipeReader.Create(new MemoryStream([1])), LengthBytes = 1 };
                Result<string> handle = await engine.AppendObjectAsync(Caller.Anonymous, piece, "", CancellationToken.None);
                return handle.Ok ? (await engine.FlushAppendAsync(Caller.Anonymous, bucket, s_name, handle.Value, default, [], CancellationToken.None)).Error : handle.Error;
            case "DELETE":
                return (await engine.DeleteObjectAsync(Caller.Anonymous, bucket, s_name)).Error;
            case "PATCH object":
                return (await engine.SetCustomAsync(Caller.Anonymous, bucket, s_name, [new("k", "v")], replaceAll: false)).Error;
            case "LIST":
                return (await engine.ListObjectsAsync(
                    Caller.Anonymous, new ListRequest { Bucket = bucket, PageSize = 10 }, CancellationToken.None)).Error;
            case "HEAD bucket":
                return engine.HeadBucket(Caller.Anonymous, bucket).Error;
            case "PATCH bucket":
                return (await engine.SetBucketPropertiesAsync(Caller.Anonymous, bucket, EngineFixture.Json("{}"))).Error;
            default:
                return (await engine.DestroyBucketAsync(Caller.Anonymous, bucket)).Error;
        }
    }
}

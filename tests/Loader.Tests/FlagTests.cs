// Flags by Go's rules, and what may not be asked for (contract: load generator §1, §2).
using Sluice.Loader.Flags;

namespace Sluice.Loader.Tests;

public sealed class FlagTests
{
    [Theory]
    [InlineData("-numworkers=7")]
    [InlineData("--numworkers=7")]
    [InlineData("-numworkers 7")]
    [InlineData("--numworkers 7")]
    public void AValueIsWrittenInFourWays(string line) => Assert.Equal(7, Read("-bucket=b -cleanup " + line).Workers);

    [Theory]
    [InlineData("-cleanup", true)]
    [InlineData("-cleanup=true", true)]
    [InlineData("--cleanup=1", true)]
    [InlineData("-cleanup=F", false)]
    [InlineData("-cleanup=false", false)]
    public void ASwitchNeedsNoValue(string line, bool expected) => Assert.Equal(expected, Read("-bucket=b " + line).Cleanup);

    [Fact]
    public void TheLastOfTwoValuesCounts() => Assert.Equal(9, Read("-bucket=b -cleanup -numworkers=7 -numworkers=9").Workers);

    [Theory]
    [InlineData("-nosuch=1", "no flag -nosuch")]
    [InlineData("stray", "\"stray\" is no flag")]
    [InlineData("-numworkers", "needs a value")]
    [InlineData("-numworkers=ten", "is not a number")]
    [InlineData("-numworkers=-1", "is not a number")]
    [InlineData("-minsize=4X", "is not a size")]
    [InlineData("-duration=5", "is not a duration")]
    [InlineData("-cleanup=maybe", "true or false")]
    [InlineData("-bprops=[1]", "JSON object")]
    public void AMalformedLineIsToldInASentence(string line, string sentence) => Assert.Contains(sentence, Problem(line), StringComparison.Ordinal);

    [Fact]
    public void WhatIsNotBuiltIsKnownAndRefusedUnlessItAsksForNothing()
    {
        foreach (Flag flag in FlagTable.All.Where(flag => flag.Missing is not null))
        {
            string asked = flag.Kind switch { FlagKind.Switch => "true", FlagKind.Number or FlagKind.Size => "3", _ => "x" };
            Assert.Contains("not built", Problem($"-{flag.Name}={asked}"), StringComparison.Ordinal);
            Read($"-pctput=100 -{flag.Name}={flag.Default}");
        }
    }

    [Fact]
    public void EveryFlagOfTheContractIsKnownOnce()
    {
        string[] contract =
        [
            "ip", "port", "randomproxy", "timeout", "tokenfile", "s3endpoint", "s3profile", "s3-use-path-style", "bucket", "provider", "bprops",
            "duration", "numworkers", "pctput", "pctupdate", "epochs", "perm-shuffle-max", "maxputs", "totalputsize", "seed", "skiplist",
            "uniquegets", "minsize", "maxsize", "cksum-type", "verifyhash", "readertype", "tmpdir", "arch.pct", "arch.list", "arch.format",
            "arch.num-files", "arch.minsize", "arch.maxsize", "arch.prefix", "subdir", "num-subdirs", "randomname", "filelist", "list-dirs",
            "putshards", "readoff", "readlen", "get-batchsize", "cont-on-err", "latest", "cached", "nbi", "evict-batchsize", "multipart-chunks",
            "pctmultipart", "pctmpdstream", "mpdstream-workers", "mpdstream-chunk-size", "etl", "etl-spec", "loaderid", "loadernum",
            "loaderidhashlen", "getloaderid", "statsinterval", "stats-output", "json", "statsdip", "statsdport", "cleanup", "stoppable",
            "dry-run", "trace-http", "quiet", "usage", "version",
        ];
        Assert.Empty(contract.Except(FlagTable.All.Select(flag => flag.Name)));
        Assert.Equal(FlagTable.All.Count, FlagTable.All.DistinctBy(flag => flag.Name).Count());
        Assert.All(FlagTable.All, flag => Assert.Contains($"  -{flag.Name}", FlagHelp.Text(), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("-bucket=b", "cleanup")]
    [InlineData("-pctput=50", "nothing to GET")]
    [InlineData("-pctput=101", "between 0 and 100")]
    [InlineData("-bucket=b -cleanup -pctupdate=101", "between 0 and 100")]
    [InlineData("-pctput=100 -pctupdate=5", "leaves none")]
    [InlineData("-pctput=100 -numworkers=0", "between 1")]
    [InlineData("-pctput=100 -loops=11", "above -numworkers")]
    [InlineData("-pctput=100 -minsize=2k -maxsize=1k", "above -maxsize")]
    [InlineData("-pctput=100 -loadernum=4 -loaderidhashlen=8", "exclude each other")]
    [InlineData("-pctput=100 -loadernum=4 -loaderid=4", "must be below")]
    [InlineData("-pctput=100 -loaderid=abc", "not a number")]
    [InlineData("-pctput=100 -loaderidhashlen=64", "between 1 and 63")]
    [InlineData("-pctput=100 -num-subdirs=100000", "below 100000")]
    [InlineData("-pctput=100 -subdir=/a", "slash")]
    [InlineData("-bucket=b -cleanup -skiplist", "-pctput=100")]
    [InlineData("-pctput=100 -cached", "-cached")]
    [InlineData("-bucket=b -cleanup -discard -verifyhash", "exclude each other")]
    [InlineData("-pctput=100 -cksum-type=crc16", "none of")]
    [InlineData("-pctput=100 -readertype=tar", "not built")]
    [InlineData("-pctput=100 -readertype=disk", "none of")]
    [InlineData("-pctput=100 -verifynames=mine", "neither")]
    [InlineData("-bucket=s3://b -provider=ais -cleanup", "contradicts")]
    [InlineData("-bucket=ftp://b -cleanup", "provider")]
    [InlineData("-pctput=100 -ip=https://h", "TLS")]
    [InlineData("-pctput=100 -ip=http://h/path", "http://HOST:PORT")]
    [InlineData("-pctput=100 -port=0", "between 1 and 65535")]
    [InlineData("-pctput=100 -rate=10000001", "above")]
    [InlineData("-pctput=100 -multipart-chunks=10000", "above 9999")]
    [InlineData("-pctput=100 -multipart-chunks=2 -pctmultipart=101", "between 0 and 100")]
    [InlineData("-bucket=b -cleanup -pctmpdstream=101", "between 0 and 100")]
    [InlineData("-bucket=b -cleanup -pctmpdstream=1 -pctput=1", "needs -pctput=0")]
    [InlineData("-bucket=b -cleanup -pctmpdstream=1 -readoff=1", "excludes -readoff")]
    [InlineData("-bucket=b -cleanup -pctmpdstream=1 -readlen=1", "excludes -readoff")]
    [InlineData("-bucket=b -cleanup -pctmpdstream=1 -mpdstream-workers=20001", "above 20000")]
    [InlineData("-bucket=b -cleanup -pctmpdstream=1 -mpdstream-workers=9223372036854775807", "above 20000")]
    [InlineData("-bucket=b -cleanup -pctmpdstream=1 -numworkers=1177", "16 ranges each at the same time is more than 20000 connections")]
    [InlineData("-bucket=b -cleanup -pctmpdstream=1 -numworkers=100 -mpdstream-workers=200", "more than 20000 connections")]
    public void WhatDoesNotGoTogetherIsRefused(string line, string sentence) => Assert.Contains(sentence, Problem(line), StringComparison.Ordinal);

    [Fact]
    public void TheEndpointComesFromFlagsOrTheEnvironmentNotBoth()
    {
        Assert.Equal("http://localhost:8080", Read("-pctput=100").Endpoint);
        Assert.Equal("http://10.0.0.1:51080", Read("-pctput=100 -ip=10.0.0.1 -port=51080").Endpoint);
        Assert.Equal("http://10.0.0.2:9000", Read("-pctput=100", "http://10.0.0.2:9000").Endpoint);
        Assert.Equal("http://10.0.0.2:9000", Read("-pctput=100", "10.0.0.2:9000").Endpoint);
        Assert.Contains("AIS_ENDPOINT", Problem("-pctput=100 -port=1", "http://10.0.0.2:9000"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", 60)]
    [InlineData("-duration=1h30m", 5400)]
    [InlineData("-duration=0", null)]
    [InlineData("-totalputsize=1g", null)]
    [InlineData("-maxputs=5", null)]
    [InlineData("-epochs=5", null)]
    [InlineData("-epochs=5 -duration=2s", 2)]
    public void DurationIsUnlimitedBesideAnotherBound(string line, int? seconds) =>
        Assert.Equal(seconds, (int?)Read("-pctput=100 " + line).Duration?.TotalSeconds);

    [Theory]
    [InlineData("", 1L << 20, 1L << 30)]
    [InlineData("-minsize=2g", 2L << 30, 2L << 30)]
    [InlineData("-maxsize=4k", 4096, 4096)]
    [InlineData("-minsize=1k -maxsize=4k", 1024, 4096)]
    public void TheSizeThatIsNotGivenMoves(string line, long least, long most)
    {
        LoadOptions options = Read("-pctput=100 " + line);
        Assert.Equal((least, most), (options.BytesMin, options.BytesMax));
    }

    [Fact]
    public void PartsAndRangesHaveTheContractsDefaults()
    {
        LoadOptions usual = Read("-pctput=100");
        Assert.Equal((0, 0, 0, 16, 8L << 20), (usual.MultipartChunks, usual.PercentMultipart, usual.PercentStream, usual.StreamWorkers, usual.StreamChunkBytes));
        LoadOptions put = Read("-pctput=100 -multipart-chunks=9999 -pctmultipart=100");
        Assert.Equal((9999, 100), (put.MultipartChunks, put.PercentMultipart));
        LoadOptions get = Read("-bucket=b -cleanup -pctmpdstream=30 -mpdstream-workers=3 -mpdstream-chunk-size=64k");
        Assert.Equal((30, 3, 65_536L), (get.PercentStream, get.StreamWorkers, get.StreamChunkBytes));
        Assert.Equal(1176, Read("-bucket=b -cleanup -pctmpdstream=1 -numworkers=1176").Workers); // × (1 + 16) is just not too many
        Assert.Equal(20_000, Read("-bucket=b -cleanup -mpdstream-workers=500 -numworkers=20000").Workers);
    }

    [Theory]
    [InlineData("-pctput=100 -pctmultipart=40", "no effect with -multipart-chunks=0")]
    [InlineData("-bucket=b -cleanup -pctmultipart=40 -multipart-chunks=3", "-pctput=0 makes none")]
    public void WhatHasNoEffectIsWarnedOfAndDoesNothing(string line, string sentence)
    {
        LoadOptions options = Read(line);
        Assert.Contains(sentence, Assert.Single(options.Warnings), StringComparison.Ordinal);
        Assert.True(options.PercentMultipart == 0 || options.PercentPut == 0);
        Assert.Empty(Read("-pctput=100 -pctmultipart=40 -multipart-chunks=3").Warnings);
        Assert.Empty(Read("-pctput=100 -multipart-chunks=3").Warnings);
    }

    [Fact]
    public void CleanupAloneIsRecognised()
    {
        Assert.True(Read("-bucket=b -duration 0s -totalputsize=0 -cleanup=true").CleanupOnly);
        Assert.False(Read("-bucket=b -duration 0s -totalputsize=1k -cleanup=true").CleanupOnly);
        Assert.False(Read("-bucket=b -cleanup=true").CleanupOnly);
    }

    [Fact]
    public void ABucketWithoutANameGetsARandomOneOfItsSeed()
    {
        Assert.Equal(8, Read("-pctput=100 -seed=5").Bucket.Name.Length);
        Assert.Equal(Read("-pctput=100 -seed=5").Bucket, Read("-pctput=100 -seed=5").Bucket);
        Assert.NotEqual(Read("-pctput=100 -seed=5").Bucket, Read("-pctput=100 -seed=6").Bucket);
    }

    private static LoadOptions Read(string line, string? endpoint = null)
    {
        LoadOptions? options = TryRead(line, endpoint, out string problem);
        Assert.True(options is not null, $"{line}: {problem}");
        return options;
    }

    private static string Problem(string line, string? endpoint = null)
    {
        Assert.Null(TryRead(line, endpoint, out string problem));
        return problem;
    }

    private static LoadOptions? TryRead(string line, string? endpoint, out string problem) =>
        FlagParser.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries), out problem) is { } values
            ? OptionsReader.Read(new FlagValues(values), name => name == "AIS_ENDPOINT" ? endpoint : null, 77, out problem)
            : null;
}

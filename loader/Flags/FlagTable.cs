// Every flag of the contract (contract: load generator §1) and of ours, in the order of the help.
namespace Sluice.Loader.Flags;

/// <summary>The flags of <c>sluice load</c>.</summary>
public static class FlagTable
{
    private const string Connection = "Connection", Bucket = "Bucket", Workload = "Workload", OpenLoop = "Open loop and measuring";
    private const string Sizes = "Sizes and integrity", Names = "Names", Reads = "Reads", Parts = "Multipart and parallel download", Fleet = "Fleet";
    private const string Output = "Statistics and misc";
    private const string Later = "Known to the contract, not built yet";

    private const string NoS3 = "S3 endpoints are not built yet: the loader speaks the native API only";
    private const string NoArchives = "archives are not built yet";
    private const string NoBatch = "get-batch is not built yet";
    private const string NoRemote = "buckets of remote backends are not built yet";
    private const string NoTransform = "transforms are not built yet";

    // What is requested of which bucket, and how fast. Before All: statics are made in the order of the text.
    private static readonly Flag[] s_load =
    [
        new("ip", Connection, FlagKind.Text, "localhost", "host of the server"),
        new("port", Connection, FlagKind.Number, "8080", "port of the server"),
        new("randomproxy", Connection, FlagKind.Switch, "false", "a random gateway for each request"),
        new("timeout", Connection, FlagKind.Duration, "10m", "longest time of one request, 0 for none"),
        new("loops", Connection, FlagKind.Number, "1", "ring loops (threads) that the workers are spread over"),
        new("tokenfile", Connection, FlagKind.Text, "", "file with an authentication token", "authentication is not built yet"),

        new("bucket", Bucket, FlagKind.Text, "", "name or address of the bucket; a random name when absent"),
        new("provider", Bucket, FlagKind.Text, "ais", "provider of a bucket that is named without one"),
        new("bprops", Bucket, FlagKind.Json, "", "properties: \"mirror\" and \"ec\" are applied where their \"enabled\" differs"),

        new("duration", Workload, FlagKind.Duration, "1m", "how long; 0 until stopped; unlimited when absent beside totalputsize, maxputs or epochs"),
        new("numworkers", Workload, FlagKind.Number, "10", "workers: connections with one request at a time each"),
        new("pctput", Workload, FlagKind.Number, "0", "percentage of PUTs"),
        new("pctupdate", Workload, FlagKind.Number, "0", "percentage of GETs that are followed by a PUT of the same object"),
        new("epochs", Workload, FlagKind.Number, "0", "full passes over the names, 0 for no such bound"),
        new("perm-shuffle-max", Workload, FlagKind.Number, "100000", "names up to which a pass is a shuffled table; above, computed"),
        new("maxputs", Workload, FlagKind.Number, "0", "stop after that many PUTs"),
        new("totalputsize", Workload, FlagKind.Size, "0", "stop after that many bytes PUT"),
        new("seed", Workload, FlagKind.Number, "0", "seed of names, sizes and choices; 0 takes the time"),
        new("skiplist", Workload, FlagKind.Switch, "false", "list nothing; only with -pctput=100; ignored with filelist"),
        new("uniquegets", Workload, FlagKind.Switch, "true", "accepted; the name-getter decides"),

        new("rate", OpenLoop, FlagKind.Number, "0", "open loop: requests a second in all; latency counts from the intended start"),
        new("backlog", OpenLoop, FlagKind.Number, "100000", "open loop: requests that may wait for a worker; beyond it they are dropped and counted"),
        new("warmup", OpenLoop, FlagKind.Duration, "0", "run that long before anything is counted"),
    ];

    // What the requests are like, who makes them, and what is told.
    private static readonly Flag[] s_requests =
    [
        new("minsize", Sizes, FlagKind.Size, "1MiB", "smallest object to PUT"),
        new("maxsize", Sizes, FlagKind.Size, "1GiB", "largest object to PUT"),
        new("cksum-type", Sizes, FlagKind.Text, "xxhash2", "checksum sent with a PUT: xxhash xxhash2 xxh3 crc32c md5 sha256 sha512 none"),
        new("verifyhash", Sizes, FlagKind.Switch, "false", "verify every byte read: against the checksum, and against the content regenerated from the name"),
        new("verifynames", Sizes, FlagKind.Text, "own", "names whose content is regenerated: own (made by a loader, as the name tells) or all"),
        new("discard", Sizes, FlagKind.Switch, "false", "let the kernel drop bodies instead of copying them here"),
        new("readertype", Sizes, FlagKind.Text, "sg", "source of what is PUT: sg or rand, both made in memory"),
        new("tmpdir", Sizes, FlagKind.Text, "/tmp/ais", "directory of readertype \"file\""),

        new("subdir", Names, FlagKind.Text, "", "prefix of names, PUT and listed"),
        new("num-subdirs", Names, FlagKind.Number, "0", "spread PUTs over that many sub-directories"),
        new("putshards", Names, FlagKind.Number, "0", "old name of num-subdirs"),
        new("randomname", Names, FlagKind.Switch, "true", "random names; ignored with loadernum"),
        new("filelist", Names, FlagKind.Text, "", "file with a name a line, instead of listing"),
        new("list-dirs", Names, FlagKind.Switch, "false", "list virtual directories too", NoRemote),

        new("readoff", Reads, FlagKind.Size, "0", "first byte of range reads"),
        new("readlen", Reads, FlagKind.Size, "0", "length of range reads; 0 with readoff reads to the end"),
        new("latest", Reads, FlagKind.Switch, "false", "ask for the latest version of remote objects"),
        new("cached", Reads, FlagKind.Switch, "false", "list only objects that are present; not with -pctput=100"),

        new("multipart-chunks", Parts, FlagKind.Number, "0", "parts of a multipart PUT, at most 9999; 0 for none"),
        new("pctmultipart", Parts, FlagKind.Number, "0", "percentage of PUTs that are multipart; needs multipart-chunks"),
        new("pctmpdstream", Parts, FlagKind.Number, "0", "percentage of GETs that read an object in ranges at the same time; not with PUTs or range reads"),
        new("mpdstream-workers", Parts, FlagKind.Number, "0", "ranges of one object at the same time: connections a worker, in addition to its own; 0 for 16"),
        new("mpdstream-chunk-size", Parts, FlagKind.Size, "0", "size of a range; 0 for 8MiB"),

        new("loaderid", Fleet, FlagKind.Text, "0", "id of this loader"),
        new("loadernum", Fleet, FlagKind.Number, "0", "loaders in all; ids are below"),
        new("loaderidhashlen", Fleet, FlagKind.Number, "0", "bits (1-63) of an id that is hashed from a text"),
        new("getloaderid", Fleet, FlagKind.Switch, "false", "print the id as 0x... and exit"),

        new("statsinterval", Output, FlagKind.Number, "10", "seconds between rows, 0 for the final ones only"),
        new("stats-output", Output, FlagKind.Text, "", "file for the statistics instead of standard output"),
        new("json", Output, FlagKind.Switch, "false", "statistics as JSON"),
        new("cleanup", Output, FlagKind.Switch, "", "destroy the bucket at the end; must be given when a bucket is named"),
        new("stoppable", Output, FlagKind.Switch, "false", "Ctrl-C ends the run in good order"),
        new("dry-run", Output, FlagKind.Switch, "false", "print the configuration and exit"),
        new("quiet", Output, FlagKind.Switch, "false", "print less at the start"),
        new("usage", Output, FlagKind.Switch, "false", "print this and exit"),
        new("version", Output, FlagKind.Switch, "false", "print the version and exit"),
    ];

    private static readonly Flag[] s_later =
    [
        new("s3endpoint", Later, FlagKind.Text, "", "talk to an S3 endpoint", NoS3),
        new("s3profile", Later, FlagKind.Text, "", "credentials profile", NoS3),
        new("s3-use-path-style", Later, FlagKind.Switch, "false", "path-style S3 addresses", NoS3),
        new("arch.pct", Later, FlagKind.Number, "0", "percentage of PUTs that make a shard", NoArchives),
        new("arch.list", Later, FlagKind.Switch, "false", "list members of shards", NoArchives),
        new("arch.format", Later, FlagKind.Text, ".tar", "format of shards", NoArchives),
        new("arch.num-files", Later, FlagKind.Number, "0", "files a shard", NoArchives),
        new("arch.minsize", Later, FlagKind.Size, "0", "smallest member", NoArchives),
        new("arch.maxsize", Later, FlagKind.Size, "0", "largest member", NoArchives),
        new("arch.prefix", Later, FlagKind.Text, "", "prefix of members", NoArchives),
        new("get-batchsize", Later, FlagKind.Number, "0", "objects a get-batch", NoBatch),
        new("cont-on-err", Later, FlagKind.Switch, "false", "get-batch goes on past missing objects", NoBatch),
        new("nbi", Later, FlagKind.Switch, "false", "list through the bucket inventory", NoRemote),
        new("evict-batchsize", Later, FlagKind.Number, "1000", "objects a batch when a remote bucket is cleaned", NoRemote),
        new("etl", Later, FlagKind.Text, "", "transform of GETs", NoTransform),
        new("etl-spec", Later, FlagKind.Text, "", "file with a transform", NoTransform),
        new("statsdip", Later, FlagKind.Text, "localhost", "StatsD host", "StatsD is not built yet"),
        new("statsdport", Later, FlagKind.Number, "8125", "StatsD port", "StatsD is not built yet"),
        new("trace-http", Later, FlagKind.Switch, "false", "latency by phase", "the HTTP trace is not built yet"),
    ];

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Flag> All { get; } = [.. s_load, .. s_requests, .. s_later];

    /// <summary>The flag of that name, null when there is none.</summary>
    public static Flag? Find(string name)
    {
        foreach (Flag flag in All)
        {
            if (flag.Name == name)
            {
                return flag;
            }
        }

        return null;
    }
}

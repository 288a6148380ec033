using System.Text.Json.Nodes;
using Sluice.Contract;

namespace Sluice.Loader.Flags;

/// <summary>One run, read from its flags and checked: what lies here makes sense together.</summary>
public sealed record LoadOptions
{
    /// <summary>Where the server is, <c>http://HOST:PORT</c>.</summary>
    public required string Endpoint { get; init; }

    /// <summary>A random gateway of the cluster for each request.</summary>
    public bool RandomGateway { get; init; }

    /// <summary>Longest time of a request; zero for none.</summary>
    public TimeSpan Timeout { get; init; }

    /// <summary>Ring loops.</summary>
    public int Loops { get; init; } = 1;

    /// <summary>The bucket.</summary>
    public required BucketAddress Bucket { get; init; }

    /// <summary>Properties to apply; null for none.</summary>
    public JsonObject? BucketProperties { get; init; }

    /// <summary>How long the run lasts after its warm-up; null without such a bound.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>Requests in flight at most.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>0 to 100.</summary>
    public int PercentPut { get; init; }

    /// <summary>0 to 100, of the GETs.</summary>
    public int PercentUpdate { get; init; }

    /// <summary>0 to 100, of the PUTs; 0 when <see cref="MultipartChunks"/> is.</summary>
    public int PercentMultipart { get; init; }

    /// <summary>Parts of a multipart PUT, 1 to 9999; 0 for none.</summary>
    public int MultipartChunks { get; init; }

    /// <summary>0 to 100, of the GETs: those that read an object in ranges at the same time.</summary>
    public int PercentStream { get; init; }

    /// <summary>Ranges of one object that are read at the same time.</summary>
    public int StreamWorkers { get; init; } = 1;

    /// <summary>Size of such a range in bytes, above 0.</summary>
    public long StreamChunkBytes { get; init; } = 1;

    /// <summary>Full passes over the names; 0 without such a bound.</summary>
    public int Epochs { get; init; }

    /// <summary>Names up to which a pass is a shuffled table.</summary>
    public int ShuffleMax { get; init; }

    /// <summary>PUTs in all; 0 without such a bound.</summary>
    public long PutsMax { get; init; }

    /// <summary>Bytes PUT in all; 0 without such a bound.</summary>
    public long PutBytesMax { get; init; }

    /// <summary>Seed, never 0.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>True when the bucket is not listed.</summary>
    public bool SkipList { get; init; }

    /// <summary>Requests a second in all of the open loop; 0 for the closed loop.</summary>
    public int Rate { get; init; }

    /// <summary>Requests of the open loop that may wait for a worker.</summary>
    public int BacklogMax { get; init; }

    /// <summary>Time before anything is counted.</summary>
    public TimeSpan WarmUp { get; init; }

    /// <summary>Smallest object to PUT.</summary>
    public long BytesMin { get; init; }

    /// <summary>Largest object to PUT.</summary>
    public long BytesMax { get; init; }

    /// <summary>Checksum sent with a PUT, as the contract names it; "none" for none.</summary>
    public string ChecksumType { get; init; } = "none";

    /// <summary>Verify every byte read.</summary>
    public bool Verify { get; init; }

    /// <summary>Every name's content is regenerated, not only that of names which tell that a loader made them.</summary>
    public bool VerifyAllNames { get; init; }

    /// <summary>Bodies are dropped in the kernel.</summary>
    public bool Discard { get; init; }

    /// <summary>As given: <c>sg</c> or <c>rand</c>.</summary>
    public string ReaderType { get; init; } = "sg";

    /// <summary>Prefix of names without a slash at its end; empty for none.</summary>
    public string Subdirectory { get; init; } = "";

    /// <summary>Sub-directories that PUTs are spread over; 0 for none.</summary>
    public int SubdirectoryCount { get; init; }

    /// <summary>Random names; otherwise counted ones.</summary>
    public bool RandomNames { get; init; }

    /// <summary>File with names; empty for a listing.</summary>
    public string FileList { get; init; } = "";

    /// <summary>First byte of range reads.</summary>
    public long ReadOffset { get; init; }

    /// <summary>Bytes of a range read; 0 to read to the end.</summary>
    public long ReadLength { get; init; }

    /// <summary>Ask for the latest version.</summary>
    public bool Latest { get; init; }

    /// <summary>List only what is present.</summary>
    public bool Cached { get; init; }

    /// <summary>Id within the fleet.</summary>
    public ulong LoaderId { get; init; }

    /// <summary>Low bits of a counted name that hold the id.</summary>
    public int LoaderIdBits { get; init; }

    /// <summary>Time between rows; zero for the final ones only.</summary>
    public TimeSpan StatisticsInterval { get; init; }

    /// <summary>File for statistics; empty for standard output.</summary>
    public string StatisticsFile { get; init; } = "";

    /// <summary>Statistics as JSON.</summary>
    public bool Json { get; init; }

    /// <summary>Destroy the bucket at the end.</summary>
    public bool Cleanup { get; init; }

    /// <summary>Nothing but the clean-up was asked for.</summary>
    public bool CleanupOnly { get; init; }

    /// <summary>Ctrl-C ends the run in good order.</summary>
    public bool Stoppable { get; init; }

    /// <summary>Print the configuration and exit.</summary>
    public bool DryRun { get; init; }

    /// <summary>Print less.</summary>
    public bool Quiet { get; init; }

    /// <summary>Sentences about what was asked for and has no effect.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>True when reads are of a range.</summary>
    public bool ReadsRange => ReadOffset > 0 || ReadLength > 0;
}

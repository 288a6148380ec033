// From flags to a run. What does not go together is refused here, with one sentence (contract: load generator §1, §2).
using System.Globalization;
using System.Text.Json.Nodes;
using Sluice.Contract;
using Sluice.Loader.Names;

namespace Sluice.Loader.Flags;

/// <summary>Makes <see cref="LoadOptions"/> of flag values.</summary>
public static class OptionsReader
{
    private const string EndpointVariable = "AIS_ENDPOINT";
    private const int StreamWorkersDefault = 16; // contract: load generator §1
    private const long StreamChunkBytesDefault = 8 << 20; // the same

    /// <summary>The run, or null and the sentence that says what is wrong.</summary>
    /// <param name="values">The flags.</param>
    /// <param name="variable">An environment variable, null when unset.</param>
    /// <param name="randomSeed">Stands for a seed of 0; not 0 itself.</param>
    /// <param name="problem">Empty when all is well.</param>
    public static LoadOptions? Read(FlagValues values, Func<string, string?> variable, ulong randomSeed, out string problem)
    {
        problem = LoadRules.Problem(values) ?? "";
        if (problem.Length > 0)
        {
            return null;
        }

        ulong seed = values.Number("seed") is > 0 and long given ? (ulong)given : randomSeed;
        string? endpoint = Endpoint(values, variable(EndpointVariable), ref problem);
        BucketAddress? bucket = Bucket(values, seed, ref problem);
        LoaderId? id = Id(values, ref problem);
        if (endpoint is null || bucket is null || id is null)
        {
            return null;
        }

        (long least, long most) = Sizes(values);
        return WithParts(values, new LoadOptions
        {
            Endpoint = endpoint,
            RandomGateway = values.IsOn("randomproxy"),
            Timeout = values.Duration("timeout"),
            Loops = (int)values.Number("loops"),
            Bucket = bucket,
            BucketProperties = values.Has("bprops") ? (JsonObject)JsonNode.Parse(values.Text("bprops"))! : null,
            Duration = Duration(values),
            Workers = (int)values.Number("numworkers"),
            PercentPut = (int)values.Number("pctput"),
            PercentUpdate = (int)values.Number("pctupdate"),
            Epochs = (int)values.Number("epochs"),
            ShuffleMax = (int)values.Number("perm-shuffle-max"),
            PutsMax = values.Number("maxputs"),
            PutBytesMax = values.Size("totalputsize"),
            Seed = seed,
            SkipList = values.IsOn("skiplist") && !values.Has("filelist"),
            Rate = (int)values.Number("rate"),
            BacklogMax = (int)values.Number("backlog"),
            WarmUp = values.Duration("warmup"),
            BytesMin = least,
            BytesMax = most,
            ChecksumType = values.Text("cksum-type"),
            Verify = values.IsOn("verifyhash"),
            VerifyAllNames = values.Text("verifynames") == "all",
            Discard = values.IsOn("discard"),
            ReaderType = values.Text("readertype"),
            Subdirectory = values.Text("subdir").TrimEnd('/'),
            SubdirectoryCount = (int)values.Number(values.Has("num-subdirs") ? "num-subdirs" : "putshards"),
            RandomNames = values.IsOn("randomname") && !values.Has("loadernum") && !values.Has("loaderidhashlen"),
            FileList = values.Text("filelist"),
            ReadOffset = values.Size("readoff"),
            ReadLength = values.Size("readlen"),
            Latest = values.IsOn("latest"),
            Cached = values.IsOn("cached"),
            LoaderId = id.Value,
            LoaderIdBits = id.Bits,
            StatisticsInterval = TimeSpan.FromSeconds(values.Number("statsinterval")),
            StatisticsFile = values.Text("stats-output"),
            Json = values.IsOn("json"),
            Cleanup = values.IsOn("cleanup"),
            CleanupOnly = IsCleanupOnly(values),
            Stoppable = values.IsOn("stoppable"),
            DryRun = values.IsOn("dry-run"),
            Quiet = values.IsOn("quiet"),
            Warnings = LoadRules.Warnings(values),
        });
    }

    /// <summary>The loader's id, or null with a sentence.</summary>
    public static LoaderId? Id(FlagValues values, ref string problem)
    {
        string text = values.Text("loaderid");
        if (values.Number("loaderidhashlen") is > 0 and long bits)
        {
            return LoaderId.Hashed(text, (int)bits);
        }

        long count = values.Number("loadernum");
        if (!ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong id))
        {
            problem = $"-loaderid={text} is not a number; a text needs -loaderidhashlen";
            return null;
        }

        if (count > 0 && id >= (ulong)count)
        {
            problem = $"-loaderid={id} must be below -loadernum={count}";
            return null;
        }

        return count > 0 ? LoaderId.Numbered(id, count) : new LoaderId(id, 0);
    }

    private static LoadOptions WithParts(FlagValues values, LoadOptions options) => options with
    {
        PercentMultipart = values.Number("multipart-chunks") > 0 ? (int)values.Number("pctmultipart") : 0,
        MultipartChunks = (int)values.Number("multipart-chunks"),
        PercentStream = (int)values.Number("pctmpdstream"),
        StreamWorkers = (int)StreamWorkers(values),
        StreamChunkBytes = values.Size("mpdstream-chunk-size") is > 0 and long chunk ? chunk : StreamChunkBytesDefault,
    };

    /// <summary>Ranges of one object at the same time; the flag's 0 is the default.</summary>
    internal static long StreamWorkers(FlagValues values) => values.Number("mpdstream-workers") is > 0 and long given ? given : StreamWorkersDefault;

    private static bool IsCleanupOnly(FlagValues values) =>
        values.IsOn("cleanup") && values.Has("duration") && values.Duration("duration") == TimeSpan.Zero
        && values.Size("totalputsize") == 0 && values.Number("epochs") == 0 && values.Number("maxputs") == 0;

    private static TimeSpan? Duration(FlagValues values)
    {
        bool isBoundOtherwise = values.Size("totalputsize") > 0 || values.Number("epochs") > 0 || values.Number("maxputs") > 0;
        return !values.Has("duration") && isBoundOtherwise ? null
            : values.Duration("duration") is { Ticks: > 0 } duration ? duration
            : null;
    }

    private static string? Endpoint(FlagValues values, string? fromEnvironment, ref string problem)
    {
        if (!string.IsNullOrEmpty(fromEnvironment))
        {
            if (values.Has("ip") || values.Has("port"))
            {
                problem = $"{EndpointVariable} is set, so -ip and -port may not be given";
                return null;
            }

            return Plain(fromEnvironment.Contains("://", StringComparison.Ordinal) ? fromEnvironment : "http://" + fromEnvironment, ref problem);
        }

        string host = values.Text("ip");
        string origin = host.Contains("://", StringComparison.Ordinal) ? host : "http://" + host;
        return Plain($"{origin}:{values.Text("port")}", ref problem);
    }

    private static string? Plain(string endpoint, ref string problem)
    {
        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("http" or "https")
            || uri.PathAndQuery != "/" || uri.Host.Length == 0)
        {
            problem = $"\"{endpoint}\" is not of the form http://HOST:PORT";
            return null;
        }

        if (uri.Scheme == "https")
        {
            problem = $"{endpoint}: the loader does not speak TLS yet";
            return null;
        }

        return uri.GetLeftPart(UriPartial.Authority);
    }

    private static BucketAddress? Bucket(FlagValues values, ulong seed, ref string problem)
    {
        string text = values.Text("bucket");
        if (text.Length == 0)
        {
            text = NewNames.RandomText(new SplitMix(seed ^ 0xb0c4e7), 8);
        }

        bool hasProvider = ObjectAddress.HasScheme(text);
        string provider = values.Text("provider");
        if (!BucketAddress.TryParse(hasProvider ? text : $"{provider}://{text}", out BucketAddress? bucket, out string? wrong))
        {
            problem = wrong;
            return null;
        }

        bool isSame = BucketAddress.TryCreate(provider, "", "", "b", out BucketAddress? other, out _) && other.Provider == bucket.Provider;
        if (hasProvider && values.Has("provider") && !isSame)
        {
            problem = $"-bucket={text} contradicts -provider={provider}";
            return null;
        }

        return bucket;
    }

    /// <summary>If only one bound is given, the other moves so that the least is not above the most.</summary>
    private static (long Least, long Most) Sizes(FlagValues values)
    {
        (long least, long most) = (values.Size("minsize"), values.Size("maxsize"));
        return least <= most ? (least, most)
            : values.Has("minsize") ? (least, least)
            : (most, most);
    }
}

// What may not be asked for, alone or together (contract: load generator §1, §2). A table: the first row that applies is the answer.
using Sluice.Loader.Content;

namespace Sluice.Loader.Flags;

/// <summary>The rules between flags.</summary>
public static class LoadRules
{
    /// <summary>Workers a run may have: each has a connection, and ports of one address end at about 28 000.</summary>
    public const int WorkersMax = 20_000;

    /// <summary>Loops a run may have: threads.</summary>
    public const int LoopsMax = 64;

    /// <summary>Requests a second: one each 100 ns, far above what one machine sends.</summary>
    public const int RateMax = 10_000_000;

    /// <summary>Parts of one upload (contract: objects §8).</summary>
    public const int PartsMax = 9999;

    private const int SubdirectoriesMax = 99_999; // five hexadecimal digits hold more; the contract does not

    /// <summary>The sentence of the first rule that is broken; null when all hold.</summary>
    public static string? Problem(FlagValues values)
    {
        long put = values.Number("pctput");
        foreach ((bool isBroken, string sentence) in (IEnumerable<(bool, string)>)[.. Bounds(values), .. Together(values, put)])
        {
            if (isBroken)
            {
                return sentence;
            }
        }

        return null;
    }

    /// <summary>Sentences about what is asked for and has no effect; none of them keeps a run from starting.</summary>
    public static IReadOnlyList<string> Warnings(FlagValues values)
    {
        long multipart = values.Number("pctmultipart");
        return [.. ((IEnumerable<(bool Applies, string Sentence)>)
        [
            (multipart > 0 && values.Number("multipart-chunks") == 0,
                $"-pctmultipart={multipart} has no effect with -multipart-chunks=0: every PUT is of one piece"),
            (multipart > 0 && values.Number("pctput") == 0, $"-pctmultipart={multipart} is a percentage of PUTs, and -pctput=0 makes none"),
        ]).Where(warning => warning.Applies).Select(warning => warning.Sentence)];
    }

    /// <summary>Connections of one worker: its own, and those of ranges that are read at the same time.</summary>
    internal static long ConnectionsEach(FlagValues values) => 1 + (values.Number("pctmpdstream") > 0 ? Math.Min(OptionsReader.StreamWorkers(values), WorkersMax) : 0);

    private static IEnumerable<(bool IsBroken, string Sentence)> Bounds(FlagValues values) =>
    [
        (values.Number("port") is < 1 or > 65535, $"-port={values.Text("port")} is not between 1 and 65535"),
        (values.Number("pctput") > 100, $"-pctput={values.Text("pctput")} is not between 0 and 100"),
        (values.Number("pctupdate") > 100, $"-pctupdate={values.Text("pctupdate")} is not between 0 and 100"),
        (values.Number("numworkers") is < 1 or > WorkersMax, $"-numworkers={values.Text("numworkers")} is not between 1 and {WorkersMax}"),
        (values.Number("multipart-chunks") > PartsMax, $"-multipart-chunks={values.Text("multipart-chunks")} is above {PartsMax}"),
        (values.Number("pctmultipart") > 100, $"-pctmultipart={values.Text("pctmultipart")} is not between 0 and 100"),
        (values.Number("pctmpdstream") > 100, $"-pctmpdstream={values.Text("pctmpdstream")} is not between 0 and 100"),
        (values.Number("mpdstream-workers") > WorkersMax, $"-mpdstream-workers={values.Text("mpdstream-workers")} is above {WorkersMax}"),
        (values.Number("loops") is < 1 or > LoopsMax, $"-loops={values.Text("loops")} is not between 1 and {LoopsMax}"),
        (values.Number("loops") > values.Number("numworkers"), "-loops may not be above -numworkers: a loop without workers does nothing"),
        (values.Number("rate") > RateMax, $"-rate={values.Text("rate")} is above {RateMax}"),
        (values.Number("backlog") > int.MaxValue, $"-backlog={values.Text("backlog")} is above {int.MaxValue}"),
        (values.Number("epochs") > int.MaxValue, $"-epochs={values.Text("epochs")} is above {int.MaxValue}"),
        (values.Number("perm-shuffle-max") > int.MaxValue, $"-perm-shuffle-max={values.Text("perm-shuffle-max")} is above {int.MaxValue}"),
        (values.Number("statsinterval") > int.MaxValue, $"-statsinterval={values.Text("statsinterval")} is above {int.MaxValue}"),
        (values.Number("num-subdirs") > SubdirectoriesMax, $"-num-subdirs={values.Text("num-subdirs")} is not below 100000"),
        (values.Number("putshards") > SubdirectoriesMax, $"-putshards={values.Text("putshards")} is not below 100000"),
        (values.Number("loaderidhashlen") > 63, $"-loaderidhashlen={values.Text("loaderidhashlen")} is not between 1 and 63"),
        (!BodyDigest.IsKnown(values.Text("cksum-type")), $"-cksum-type={values.Text("cksum-type")} is none of {BodyDigest.KnownTypes}"),
        (values.Text("verifynames") is not ("own" or "all"), $"-verifynames={values.Text("verifynames")} is neither own nor all"),
        (values.Text("readertype") is "file" or "tar", $"-readertype={values.Text("readertype")} is not built yet: content is made in memory"),
        (values.Text("readertype") is not ("sg" or "rand" or "file" or "tar"), $"-readertype={values.Text("readertype")} is none of sg, rand, file, tar"),
        (values.Text("subdir").StartsWith('/'), "-subdir may not begin with a slash"),
    ];

    private static IEnumerable<(bool IsBroken, string Sentence)> Together(FlagValues values, long put) =>
    [
        (values.Has("minsize") && values.Has("maxsize") && values.Size("minsize") > values.Size("maxsize"), "-minsize may not be above -maxsize"),
        (values.Number("loadernum") > 0 && values.Number("loaderidhashlen") > 0, "-loadernum and -loaderidhashlen exclude each other"),
        (values.Has("num-subdirs") && values.Has("putshards"), "-putshards is the old name of -num-subdirs: give one of them"),
        (values.Text("bucket").Length > 0 && !values.Has("cleanup") && !values.IsOn("dry-run"),
            "a bucket is named: say -cleanup=true to destroy it at the end, or -cleanup=false to keep it"),
        (values.Text("bucket").Length == 0 && put < 100 && values.Text("filelist").Length == 0,
            "without -bucket a new bucket is made, which has nothing to GET: name a bucket, or say -pctput=100"),
        (values.IsOn("skiplist") && put < 100 && !values.Has("filelist"), "-skiplist needs -pctput=100: there would be no names to GET"),
        (values.IsOn("cached") && put == 100, "-cached does not go with -pctput=100, which lists nothing to GET"),
        (values.IsOn("discard") && values.IsOn("verifyhash"), "-discard and -verifyhash exclude each other: what was dropped cannot be verified"),
        (values.Number("pctmpdstream") > 0 && put > 0, "-pctmpdstream needs -pctput=0: objects that come and go cannot be read in ranges"),
        (values.Number("pctmpdstream") > 0 && (values.Size("readoff") > 0 || values.Size("readlen") > 0),
            "-pctmpdstream reads whole objects, so it excludes -readoff and -readlen"),
        (ConnectionsEach(values) > WorkersMax / Math.Max(1, values.Number("numworkers")),
            $"-numworkers={values.Text("numworkers")} with {ConnectionsEach(values) - 1} ranges each at the same time is more than {WorkersMax} connections"),
        (put == 100 && values.Number("pctupdate") > 0, "-pctupdate is a percentage of GETs, and -pctput=100 leaves none"),
    ];
}

using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Sluice.Cli.Completion;
using Sluice.Cli.Terminal;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary><c>bucket summary</c>: what a bucket holds, or each of them, counted by a job of the server that is waited for.</summary>
internal static class BucketSummaryVerb
{
    private static readonly TimeSpan s_askFirst = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_askLast = TimeSpan.FromSeconds(2);

    public static Command Create(VerbOptions options)
    {
        var bucket = new AddressArgument<string?>("bucket", AddressKind.Bucket) { Description = "the bucket, as ais://NAME or NAME; all buckets without it", Arity = ArgumentArity.ZeroOrOne };
        var prefix = new Option<string>("--prefix") { Description = "only objects whose names begin with this", HelpName = "TEXT", DefaultValueFactory = _ => "" };
        var command = new Command("summary", "Count the objects of a bucket, their sizes and what they take on the drives") { bucket, prefix };
        options.Bind(command, async (parse, run, token) =>
        {
            BucketAddress? address = parse.GetValue(bucket) is { } given ? VerbOptions.BucketOf(given) : null;
            if (address is null)
            {
                return await PrintAllAsync(run, _ => true, parse.GetRequiredValue(prefix), token);
            }

            if (await CountAsync(run, address, parse.GetRequiredValue(prefix), token) is [var one])
            {
                run.PrintDocument(() => Document(one), writer => Write(writer, one));
            }

            return ExitCode.Ok;
        });
        return command;
    }

    /// <summary>One line for each bucket that is wanted.</summary>
    public static async Task<ExitCode> PrintAllAsync(VerbRun run, Func<BucketAddress, bool> isWanted, string prefix, CancellationToken token)
    {
        IReadOnlyList<SummaryView> summaries = await CountAsync(run, bucket: null, prefix, token);
        run.PrintText(Line("bucket", ["objects", "size", "on disk", "smallest", "average", "largest"]));
        foreach (SummaryView each in summaries.Where(each => isWanted(each.Bucket)))
        {
            run.Print(() => Line(each), writer => Write(writer, each));
        }

        return ExitCode.Ok;
    }

    private static async Task<IReadOnlyList<SummaryView>> CountAsync(VerbRun run, BucketAddress? bucket, string prefix, CancellationToken token)
    {
        string id = await run.Client.StartSummaryAsync(bucket, prefix, token);
        for (TimeSpan wait = s_askFirst; ; wait = wait * 2 < s_askLast ? wait * 2 : s_askLast)
        {
            (bool isComplete, IReadOnlyList<SummaryView> summaries) = await run.Client.SummaryAsync(bucket, id, token);
            if (isComplete)
            {
                return summaries;
            }

            await run.DelayAsync(wait, token);
        }
    }

    private static string Line(SummaryView one) => Line(
        one.Bucket.ToString(),
        [Number(one.Objects), .. new[] { one.ContentBytes, one.DiskBytes, one.SmallestBytes, one.AverageBytes, one.LargestBytes }.Select(ProgressText.Size)]);

    private static string Line(string first, string[] others) => $"{first,-32}{string.Concat(others.Select(text => text.PadLeft(13)))}";

    private static string Document(SummaryView one) => string.Join('\n',
        $"objects   {Number(one.Objects)}",
        $"size      {ProgressText.Size(one.ContentBytes)} ({Number(one.ContentBytes)} bytes)",
        $"on disk   {ProgressText.Size(one.DiskBytes)} ({Number(one.DiskBytes)} bytes), {Number(one.UsedPercent)} % of {ProgressText.Size(one.CapacityBytes)}",
        $"smallest  {ProgressText.Size(one.SmallestBytes)} ({Number(one.SmallestBytes)} bytes)",
        $"average   {ProgressText.Size(one.AverageBytes)} ({Number(one.AverageBytes)} bytes)",
        $"largest   {ProgressText.Size(one.LargestBytes)} ({Number(one.LargestBytes)} bytes)");

    private static void Write(Utf8JsonWriter writer, SummaryView one)
    {
        writer.WriteStartObject();
        writer.WriteString("bucket", one.Bucket.ToString());
        writer.WriteNumber("objects", one.Objects);
        writer.WriteNumber("size_bytes", one.ContentBytes);
        writer.WriteNumber("disk_bytes", one.DiskBytes);
        writer.WriteNumber("smallest_bytes", one.SmallestBytes);
        writer.WriteNumber("average_bytes", one.AverageBytes);
        writer.WriteNumber("largest_bytes", one.LargestBytes);
        writer.WriteNumber("capacity_bytes", one.CapacityBytes);
        writer.WriteNumber("used_percent", one.UsedPercent);
        writer.WriteEndObject();
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}

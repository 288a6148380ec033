using System.CommandLine;
using Sluice.Cli.Completion;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary><c>scrub</c>: reads all that is stored past the page cache and compares it with its digests.</summary>
internal static class ScrubVerb
{
    private const long RateMax = 1 << 20; // a TiB a second: above any drive

    public static Command Create(VerbOptions options)
    {
        var bucket = new AddressArgument<string?>("bucket", AddressKind.Bucket)
        {
            Description = "the bucket, as ais://NAME or NAME; all when left out",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<string> mountpath = JobVerbs.MountpathOption();
        var repair = new Option<bool>("--repair") { Description = "put damaged files into quarantine and bring copies back where there is something left to bring them back from" };
        var rate = new Option<long>("--rate") { Description = "MiB a second of each mountpath at most; 0 for as fast as they go", HelpName = "N" };
        rate.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && (!long.TryParse(result.Tokens[0].Value, out long value) || value is < 0 or > RateMax))
            {
                result.AddError($"--rate takes a number of MiB a second from 0 to {RateMax}");
            }
        });
        Option<bool> wait = JobVerbs.WaitOption();
        var command = new Command("scrub", "Read everything that is stored and compare it with its digests") { bucket, mountpath, repair, rate, wait };
        options.Bind(
            command,
            async (parse, run, token) =>
            {
                var query = new JobQuery
                {
                    Kind = JobNames.Scrub,
                    Bucket = JobVerbs.BucketOf(parse.GetValue(bucket)),
                    Mountpath = parse.GetValue(mountpath) ?? "",
                };
                var settings = new Dictionary<string, object> { ["repair"] = parse.GetValue(repair), ["rate_mib"] = parse.GetValue(rate) };
                string id = await run.Client.StartJobAsync(query, settings, token);
                if (!parse.GetValue(wait))
                {
                    JobVerbs.PrintId(run, id);
                    return ExitCode.Ok;
                }

                return await EndAsync(run, id, token);
            },
            showsProgress: true);
        return command;
    }

    private static async Task<ExitCode> EndAsync(VerbRun run, string id, CancellationToken token)
    {
        JobView job = await JobVerbs.AwaitAsync(run, id, token);
        JobReport report = await run.Client.JobReportAsync(id, token);
        string table = JobText.Table(report);
        run.PrintDocument(() => table.Length == 0 ? job.Detail : $"{table}\n{job.Detail}", writer => JobText.Write(writer, job, report));
        ExitCode code = JobVerbs.Tell(run, job);
        bool isCured = report.Count == report.Findings.Count && report.Findings.All(finding => finding.Action is "repaired" or "removed");
        return code == ExitCode.Ok && !isCured ? ExitCode.Failed : code;
    }
}

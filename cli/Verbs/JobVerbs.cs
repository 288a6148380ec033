using System.CommandLine;
using Sluice.Cli.Terminal;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary><c>job ls|show|wait|stop|start</c>.</summary>
internal static class JobVerbs
{
    private static readonly TimeSpan s_firstPoll = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_lastPoll = TimeSpan.FromSeconds(1);

    public static Command Create(VerbOptions options) =>
        new("job", "List, show, await, stop and start background jobs") { List(options), Show(options), Wait(options), Stop(options), Start(options) };

    /// <summary>
    /// Waits until the job has ended, with a progress line for who watches. One that failed or was aborted is <see cref="ExitCode.Failed"/>; one
    /// on demand that has nothing to do is done.
    /// </summary>
    public static async Task<JobView> AwaitAsync(VerbRun run, string id, CancellationToken token)
    {
        for (TimeSpan pause = s_firstPoll; ; pause = pause * 2 < s_lastPoll ? pause * 2 : s_lastPoll)
        {
            JobView job = await OneAsync(run, id, token);
            run.Meter.Set(job.Bytes, job.BytesExpected, job.Objects, job.ObjectsExpected);
            if (job.EndedAt is not null || job.IsIdle)
            {
                return job;
            }

            await run.DelayAsync(pause, token);
        }
    }

    public static ExitCode CodeOf(JobView job) => job.State is "failed" or "aborted" ? ExitCode.Failed : ExitCode.Ok;

    public static Option<string?> BucketOption() => new("--bucket", "-b") { Description = "only this bucket, as ais://NAME or NAME", HelpName = "BUCKET" };

    public static Option<string> MountpathOption() => new("--mountpath")
    {
        Description = "only this mountpath, as the server has it configured",
        HelpName = "PATH",
        DefaultValueFactory = _ => "",
    };

    private static Command List(VerbOptions options)
    {
        Option<string?> bucket = BucketOption();
        var kind = new Option<string>("--kind") { Description = "only this kind, such as scrub", HelpName = "KIND", DefaultValueFactory = _ => "" };
        var running = new Option<bool>("--running") { Description = "only those that run" };
        var command = new Command("ls", "List jobs, those that have ended too") { kind, bucket, running };
        options.Bind(command, async (parse, run, token) =>
        {
            var query = new JobQuery { Kind = parse.GetValue(kind) ?? "", Bucket = BucketOf(parse.GetValue(bucket)), OnlyRunning = parse.GetValue(running) };
            IReadOnlyList<JobView> jobs = await run.Client.JobsAsync(query, token);
            if (jobs.Count > 0)
            {
                run.PrintText(JobText.Heading);
            }

            foreach (JobView job in jobs)
            {
                run.Print(() => JobText.Line(job), writer => JobText.Write(writer, job));
            }

            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Show(VerbOptions options)
    {
        Argument<string> id = IdArgument();
        var command = new Command("show", "Show a job and what it found") { id };
        options.Bind(command, async (parse, run, token) =>
        {
            JobView job = await OneAsync(run, parse.GetRequiredValue(id), token);
            JobReport report = await run.Client.JobReportAsync(job.Id, token);
            string table = JobText.Table(report);
            run.PrintDocument(
                () => table.Length == 0 ? JobText.Document(job) : $"{JobText.Document(job)}\n\n{table}", writer => JobText.Write(writer, job, report));
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Wait(VerbOptions options)
    {
        Argument<string> id = IdArgument();
        var command = new Command("wait", "Wait until a job has ended") { id };
        options.Bind(
            command,
            async (parse, run, token) =>
            {
                JobView job = await AwaitAsync(run, parse.GetRequiredValue(id), token);
                run.PrintJson(writer => JobText.Write(writer, job));
                return Tell(run, job);
            },
            showsProgress: true);
        return command;
    }

    private static Command Stop(VerbOptions options)
    {
        Argument<string> id = IdArgument();
        var command = new Command("stop", "Stop a job") { id };
        options.Bind(command, async (parse, run, token) =>
        {
            JobView job = await OneAsync(run, parse.GetRequiredValue(id), token);
            await run.Client.StopJobsAsync(new JobQuery { Id = job.Id }, token);
            job = await AwaitAsync(run, job.Id, token);
            run.PrintJson(writer => JobText.Write(writer, job));
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Start(VerbOptions options)
    {
        var kind = new Argument<string>("kind") { Description = "the kind of job, such as scrub or resilver" };
        Option<string?> bucket = BucketOption();
        Option<string> mountpath = MountpathOption();
        var set = new Option<string[]>("--set") { Description = "a setting of the kind, such as rate_mib=100; repeatable", HelpName = "KEY=VALUE" };
        Option<bool> wait = WaitOption();
        var command = new Command("start", "Start a job and print its id") { kind, bucket, mountpath, set, wait };
        options.Bind(
            command,
            async (parse, run, token) =>
            {
                var query = new JobQuery
                {
                    Kind = parse.GetRequiredValue(kind),
                    Bucket = BucketOf(parse.GetValue(bucket)),
                    Mountpath = parse.GetValue(mountpath) ?? "",
                };
                string id = await run.Client.StartJobAsync(query, Settings(parse.GetValue(set) ?? []), token);
                if (!parse.GetValue(wait))
                {
                    PrintId(run, id);
                    return ExitCode.Ok;
                }

                JobView job = await AwaitAsync(run, id, token);
                run.Print(() => JobText.Document(job), writer => JobText.Write(writer, job));
                return Tell(run, job);
            },
            showsProgress: true);
        return command;
    }

    public static Option<bool> WaitOption() => new("--wait") { Description = "wait until it has ended, and print how" };

    /// <summary>The id alone, for a script that goes on with it.</summary>
    public static void PrintId(VerbRun run, string id) => run.Print(() => id, writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("id", id);
        writer.WriteEndObject();
    });

    /// <summary>Says why a job did not come to its end, and gives the code for how it ended.</summary>
    public static ExitCode Tell(VerbRun run, JobView job) =>
        CodeOf(job) == ExitCode.Ok ? ExitCode.Ok : run.Fail(new SluiceException(500, "", $"{job.State}: {job.Error}"), $"job {job.Id}");

    public static BucketAddress? BucketOf(string? text) => text is null ? null : VerbOptions.BucketOf(text);

    private static Argument<string> IdArgument() => new("id") { Description = "the job's id, as \"job ls\" shows it" };

    private static async Task<JobView> OneAsync(VerbRun run, string id, CancellationToken token)
    {
        IReadOnlyList<JobView> jobs = await run.Client.JobsAsync(new JobQuery { Id = id }, token);
        return jobs.Count > 0 ? jobs[0] : throw new SluiceException(404, "", $"job \"{PrintableText.Of(id)}\" is not known");
    }

    /// <summary>Values that look like numbers or truth are sent as such.</summary>
    private static Dictionary<string, object> Settings(string[] pairs)
    {
        var settings = new Dictionary<string, object>();
        foreach (string pair in pairs)
        {
            int equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                throw new UsageException($"\"{pair}\" is not of the form KEY=VALUE");
            }

            string value = pair[(equals + 1)..];
            settings[pair[..equals]] = long.TryParse(value, out long number) ? number : bool.TryParse(value, out bool flag) ? flag : value;
        }

        return settings;
    }
}

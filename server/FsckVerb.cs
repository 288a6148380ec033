// `sluice fsck PATH…`: a scrub of mountpaths that no server uses. Exit codes: 0 all is well or was made well, 1 something is not, 2 the command line is wrong.
using System.CommandLine;
using Microsoft.Extensions.Logging;
using Sluice.Cli.Terminal;
using Sluice.Cli.Verbs;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Jobs;
using Sluice.Engine.Names;
using Sluice.Engine.Scrub;
using Sluice.Native.Uring;
using Sluice.Server.Settings;

namespace Sluice.Server;

/// <summary>Makes the command.</summary>
internal static class FsckVerb
{
    private const long MemoryBytes = 64 << 20;
    private const int OpenFilesMax = 256;
    private const long RateMibMax = 1 << 20;
    private static readonly TimeSpan s_progressPeriod = TimeSpan.FromMilliseconds(200);

    public static Command Create(CommandWorld world)
    {
        var paths = new Argument<string[]>("path") { Description = "The mountpaths, all of a set.", Arity = ArgumentArity.OneOrMore };
        var repair = new Option<bool>("--repair")
        {
            Description = "Settle what a crash left, put damaged files into quarantine and bring them back where copies are left. Else nothing is changed.",
        };
        var rate = new Option<long>("--rate") { Description = "MiB a second of each mountpath at most; 0 for as fast as they go.", HelpName = "N" };
        rate.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && (!long.TryParse(result.Tokens[0].Value, out long value) || value is < 0 or > RateMibMax))
            {
                result.AddError($"--rate takes a number of MiB a second from 0 to {RateMibMax}");
            }
        });
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var command = new Command("fsck", "Read everything on the mountpaths of a stopped server and compare it with its digests.") { paths, repair, rate, json };
        command.SetAction(async (parsed, _) =>
        {
            List<string> canonical = [];
            foreach (string path in parsed.GetRequiredValue(paths))
            {
                Parsed<string> one = CanonicalPath.OfDirectory(path, world.WorkingDirectory);
                if (one.Value is null)
                {
                    return Say(world, $"{path}: {one.Problem}", ServerCommands.Refused);
                }

                canonical.Add(one.Value);
            }

            var settings = new ScrubSettings(parsed.GetValue(repair), parsed.GetValue(rate) << 20);
            return await RunAsync(world, canonical, settings, parsed.GetValue(json));
        });
        return command;
    }

    private static async Task<int> RunAsync(CommandWorld world, List<string> paths, ScrubSettings settings, bool isJson)
    {
        using ILoggerFactory logs = ServerLog.OnStandardError(LogFormat.Text, LogLevel.Error);
        using var signals = new ShutdownSignals();
        using OpenedIo io = OpenedIo.Open(IoBackend.Auto, new RingLoopOptions { Name = "sluice-fsck" }, logs.CreateLogger("io"), loopCount: 1);
        bool hasNames = paths.Exists(static path => Directory.Exists(Path.Combine(path, ".sluice/index")));
        var environment = new EngineEnvironment
        {
            Io = io.Files, Time = TimeProvider.System, Log = logs.CreateLogger("engine"), NameStores = hasNames ? new SqliteNameStores(logs.CreateLogger("engine")) : null,
        };
        var options = new EngineOptions
        {
            Mountpaths = paths,
            AllowSharedDisk = true, // nothing is to be placed
            MemoryBytes = MemoryBytes,
            OpenFilesMax = OpenFilesMax,
            FlushInterval = TimeSpan.Zero,
        };
        using var meter = new ProgressMeter(TimeProvider.System, isJson || Console.IsErrorRedirected ? null : world.Error);
        Task following = Task.CompletedTask;
        Result<Job> checkedAll = await ObjectEngine.CheckAsync(options, environment, settings, job => following = FollowAsync(job, meter), signals.Stopping);
        await following;
        meter.Dispose();
        if (!checkedAll.Ok)
        {
            return Say(world, checkedAll.Error!.Message, ServerCommands.Failed);
        }

        return Tell(world, checkedAll.Value, isJson);
    }

    private static int Tell(CommandWorld world, Job job, bool isJson)
    {
        JobFindingView[] findings =
            [.. job.Findings.Select(one => new JobFindingView(one.Mountpath, one.Bucket, one.Name, one.Kind, one.Detail, one.Action))];
        bool isCured = findings.Length == job.FindingCount && findings.All(one => one.Action is "repaired" or "removed");
        bool isWell = isCured && job.Error.Length == 0 && !job.IsAborted;
        if (isJson)
        {
            world.Output.Write(JsonText.Object(writer =>
            {
                writer.WriteBoolean("ok", isWell);
                writer.WriteNumber("objects", job.Objects);
                writer.WriteNumber("bytes", job.Bytes);
                writer.WriteNumber("findings", job.FindingCount);
                writer.WriteString("error", job.IsAborted ? job.AbortReason : job.Error);
                JobText.WriteFindings(writer, "report", findings);
            }));
        }
        else
        {
            string table = JobText.Table(new JobReport(job.FindingCount, findings));
            world.Output.WriteLine(table.Length == 0 ? job.Detail : $"{table}\n{job.Detail}");
        }

        return isWell ? 0
            : job.IsAborted || job.Error.Length > 0 ? Say(world, job.IsAborted ? job.AbortReason : job.Error, ServerCommands.Failed)
            : ServerCommands.Failed;
    }

    private static async Task FollowAsync(Job job, ProgressMeter meter)
    {
        using var pace = new PeriodicTimer(s_progressPeriod);
        while (job.IsRunning)
        {
            meter.Set(job.Bytes, job.BytesExpected, job.Objects, job.ObjectsExpected);
            await Task.WhenAny(job.Ended, pace.WaitForNextTickAsync().AsTask());
        }
    }

    private static int Say(CommandWorld world, string problem, int code)
    {
        world.Error.WriteLine($"sluice: {problem}");
        return code;
    }
}

// The verbs around the server: serve, config, self-test, fsck, version. Exit codes: 0 done, 1 failed, 2 the command line or a setting is wrong.
using System.CommandLine;
using System.Reflection;
using Microsoft.Extensions.Logging;
using Sluice.Server.SelfTest;
using Sluice.Server.Settings;

namespace Sluice.Server;

/// <summary>Makes the server's commands.</summary>
public static class ServerCommands
{
    /// <summary>Exit code when what was asked could not be done.</summary>
    public const int Failed = 1;

    /// <summary>Exit code when the question itself is wrong.</summary>
    public const int Refused = 2;

    /// <summary>Version of the binary, with the revision that it was built from when that is known.</summary>
    public static string Version { get; } =
        typeof(ServerCommands).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    /// <summary>All of them, for one invocation.</summary>
    public static IReadOnlyList<Command> All(CommandWorld world) =>
        [ServeCommand(world), ConfigCommand(world), SelfTestCommand(world), FsckVerb.Create(world), VersionCommand(world)];

    private static Command ServeCommand(CommandWorld world)
    {
        var command = new Command("serve", "Serve the objects on mountpaths. Flags go before environment, file and defaults.");
        var options = new SettingOptions(command);
        command.SetAction(async parsed =>
        {
            SettingsReading reading = SettingsReader.Read(options.Sources(parsed, world));
            if (reading.Settings is not { } settings)
            {
                return Refuse(world, reading.Problems);
            }

            if (settings.Mountpaths.Count == 0)
            {
                return Refuse(world, ["no mountpath is given; use --mountpath DIR, SLUICE_MOUNTPATH, or mountpath in a file for --config"]);
            }

            using ILoggerFactory log = ServerLog.OnStandardError(settings.LogFormat, settings.LogLevel);
            using var signals = new ShutdownSignals();
            return await Serve.RunAsync(settings, log, signals);
        });
        return command;
    }

    private static Command ConfigCommand(CommandWorld world)
    {
        var command = new Command("config", "Print the settings that serve would run with, and where each comes from.");
        Option<bool> json = Json(command);
        var options = new SettingOptions(command);
        command.SetAction(parsed =>
        {
            SettingsReading reading = SettingsReader.Read(options.Sources(parsed, world));
            if (reading.Settings is null)
            {
                return Refuse(world, reading.Problems);
            }

            world.Output.Write(parsed.GetValue(json) ? SettingsReport.Json(reading.Effective) : SettingsReport.Yaml(reading.Effective));
            return 0;
        });
        return command;
    }

    private static Command SelfTestCommand(CommandWorld world)
    {
        var command = new Command("self-test", "Check that this binary computes right here: digests, names, records, placement.");
        Option<bool> json = Json(command);
        command.SetAction(parsed =>
        {
            IReadOnlyList<SelfCheckOutcome> outcomes = SelfTestRun.Run(SelfChecks.All(world.Machine), TimeProvider.System);
            world.Output.Write(parsed.GetValue(json)
                ? SelfTestReport.Json(world.Machine, outcomes)
                : SelfTestReport.Text(world.Machine, outcomes));
            return outcomes.All(outcome => outcome.Ok) ? 0 : Failed;
        });
        return command;
    }

    private static Command VersionCommand(CommandWorld world)
    {
        var command = new Command("version", "Print the version of this binary.");
        command.SetAction(_ =>
        {
            world.Output.WriteLine($"sluice {Version}");
            return 0;
        });
        return command;
    }

    private static Option<bool> Json(Command command)
    {
        var option = new Option<bool>("--json") { Description = "Print JSON." };
        command.Add(option);
        return option;
    }

    private static int Refuse(CommandWorld world, IEnumerable<string> problems)
    {
        foreach (string problem in problems)
        {
            world.Error.WriteLine($"sluice: {problem}");
        }

        return Refused;
    }
}

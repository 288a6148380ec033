using System.CommandLine;
using System.Text.Json;
using Sluice.Cli.Terminal;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary><c>mountpath ls|attach|detach|enable|disable|rescan|fshc</c>.</summary>
internal static class MountpathVerbs
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(200);

    public static Command Create(VerbOptions options) => new("mountpath", "List, attach, detach, enable, disable and test the server's mountpaths")
    {
        List(options),
        Change(options, "attach", "Put an empty directory into the set; objects are moved to it in the background", Actions.AttachMountpath, canForce: false),
        Change(options, "detach", "Take a mountpath out of the set when everything on it has been moved off", Actions.DetachMountpath, canForce: true),
        Change(options, "enable", "Bring a mountpath back; it serves when it has been compared with the others", Actions.EnableMountpath, canForce: false),
        Change(options, "disable", "Take a mountpath out of service when everything on it has been moved off", Actions.DisableMountpath, canForce: true),
        Look(options, "rescan", "Look at a mountpath again: is it the drive that was opened, can it be written, how full is it", Actions.RescanMountpath),
        Look(options, "fshc", "Run the health checker's tests over a mountpath: identity, reads past the cache, writes", Actions.TestMountpath),
    };

    private static Command List(VerbOptions options)
    {
        var command = new Command("ls", "List mountpaths, those that are out of service too");
        options.Bind(command, async (_, run, token) =>
        {
            foreach (MountpathView row in await run.Client.MountpathsAsync(token))
            {
                run.Print(() => Line(row), writer => Write(writer, row));
            }

            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Change(VerbOptions options, string verb, string description, string action, bool canForce)
    {
        Argument<string> path = PathArgument();
        var force = new Option<bool>("--force", "-f") { Description = "at once, with what is on it" };
        var wait = new Option<bool>("--wait") { Description = "until it is done: moved off, or compared with the others" };
        var command = new Command(verb, description) { path, wait };
        if (canForce)
        {
            command.Options.Add(force);
        }

        options.Bind(command, async (parse, run, token) =>
        {
            string mountpath = parse.GetRequiredValue(path);
            await run.Client.ChangeMountpathAsync(action, mountpath, canForce && parse.GetValue(force), token);
            MountpathView? row = await OneAsync(run, mountpath, token);
            while (parse.GetValue(wait) && row?.State is "draining" or "joining")
            {
                await run.DelayAsync(s_poll, token);
                row = await OneAsync(run, mountpath, token);
            }

            row ??= new MountpathView(mountpath, "", "detached", "", IsStale: false);
            run.Print(() => Line(row), writer => Write(writer, row));
            return ExitCode.Ok;
        });
        return command;
    }

    /// <summary>One that fails is taken out of service, and the verb has failed.</summary>
    private static Command Look(VerbOptions options, string verb, string description, string action)
    {
        Argument<string> path = PathArgument();
        var command = new Command(verb, description) { path };
        options.Bind(command, async (parse, run, token) =>
        {
            string mountpath = parse.GetRequiredValue(path);
            await run.Client.ChangeMountpathAsync(action, mountpath, force: false, token);
            if (await OneAsync(run, mountpath, token) is not { } row)
            {
                return ExitCode.NotFound; // it was detached meanwhile
            }

            run.Print(() => Line(row), writer => Write(writer, row));
            return row.State == "faulted" ? ExitCode.Failed : ExitCode.Ok;
        });
        return command;
    }

    private static Argument<string> PathArgument() => new("path") { Description = "the mountpath, an absolute path on the server", HelpName = "PATH" };

    private static async Task<MountpathView?> OneAsync(VerbRun run, string path, CancellationToken token) =>
        (await run.Client.MountpathsAsync(token)).FirstOrDefault(row => row.Path == path);

    private static string Line(MountpathView row)
    {
        string line = $"{row.State,-9} {PrintableText.Of(row.Path)}";
        return row.Reason.Length == 0 ? line : $"{line}  ({PrintableText.Of(row.Reason)}{(row.IsStale ? ", with objects on it" : "")})";
    }

    private static void Write(Utf8JsonWriter writer, MountpathView row)
    {
        writer.WriteStartObject();
        writer.WriteString("path", row.Path);
        writer.WriteString("uuid", row.Uuid);
        writer.WriteString("state", row.State);
        writer.WriteString("reason", row.Reason);
        writer.WriteBoolean("stale", row.IsStale);
        writer.WriteEndObject();
    }
}

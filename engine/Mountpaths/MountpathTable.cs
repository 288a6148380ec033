using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Io;

namespace Sluice.Engine.Mountpaths;

/// <summary>
/// The mountpaths as the engine is started with them. Attaching examines every path, refuses the set with one sentence when anything is
/// wrong, and writes identities only when all is well: first as forming, then, when each path has one, as they stay. What becomes of the set
/// while the engine runs is <see cref="MountpathKeeper"/>'s.
/// </summary>
public sealed class MountpathTable
{
    private MountpathTable(IReadOnlyList<Mountpath> all, MountpathIdentity map, IReadOnlyList<string> warnings)
    {
        All = all;
        Map = map;
        Warnings = warnings;
    }

    /// <summary>The mountpaths that are open, in the order they were given. Who opened the table closes them.</summary>
    public IReadOnlyList<Mountpath> All { get; }

    /// <summary>The set as every one of them has it now, those that are not open included.</summary>
    public MountpathIdentity Map { get; }

    /// <summary>What an operator should know of.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>
    /// Attaches the configured paths. The refusal's sentence names the path and what to do; nothing stays open then. With a degraded start
    /// those of <paramref name="avoided"/> are left out, as if they could not be opened.
    /// </summary>
    public static async Task<Result<MountpathTable>> AttachAsync(
        EngineOptions options, EngineEnvironment environment, IReadOnlyCollection<string>? avoided = null)
    {
        if (options.Mountpaths.Count is 0 or > Limits.MountpathsMax)
        {
            return Refused(options.Mountpaths.Count == 0 ? "no mountpath is given" : $"more than {Limits.MountpathsMax} mountpaths are given");
        }

        var gathering = new MountpathGathering(options, environment.Io, avoided ?? []);
        (MountpathSet? set, string? problem) = await gathering.RunAsync();
        MountpathIdentity? map = null;
        if (problem is null)
        {
            (map, problem) = set!.IsChanged ? await WriteIdentitiesAsync(set, environment) : (set.Newest, null);
        }

        if (problem is not null)
        {
            gathering.Dispose();
            return Refused(problem);
        }

        List<string> warnings = [.. gathering.Warnings, .. set!.Warnings];
        foreach (string warning in warnings)
        {
            environment.Log.LogWarning("{Warning}", warning);
        }

        List<Mountpath> all = [.. gathering.Opened.Select(one => new Mountpath(environment.Io, one, one.Identity!.Uuid, one.State))];
        return new MountpathTable(all, map!, warnings);
    }

    private static async ValueTask<(MountpathIdentity? Newest, string? Problem)> WriteIdentitiesAsync(
        MountpathSet set, EngineEnvironment environment)
    {
        MountpathIdentity? old = set.Newest;
        IReadOnlyList<OpenedMountpath> fresh = set.Fresh;
        var template = new MountpathIdentity
        {
            Format = MountpathIdentity.FormatVersion,
            Uuid = "",
            Cluster = old?.Cluster ?? "c" + environment.NewGuid().ToString("N")[..12],
            Node = old?.Node ?? "t" + environment.NewGuid().ToString("N")[..9],
            Created = old?.Created ?? environment.Time.GetUtcNow(),
            MapVersion = (old?.MapVersion ?? 0) + 1,
            MisplacedPossible = old is not null && (old.MisplacedPossible || fresh.Count > 0 || set.Missed.Count > 0),
            Siblings =
            [
                .. set.All.Select(opened => new MountpathSibling
                {
                    Uuid = fresh.Contains(opened) ? environment.NewGuid().ToString("D") : opened.Identity!.Uuid,
                    Path = opened.Path,
                    Stale = set.SiblingOf(opened)?.Stale ?? false,
                    AttachedLater = set.SiblingOf(opened)?.AttachedLater ?? false,
                }),
                .. set.Missed.Select(missed =>
                {
                    MountpathSibling row = missed.Copy();
                    row.Stale |= row.Out is null; // it was in service
                    return row;
                }),
            ],
        };

        for (int i = 0; i < set.All.Count; i++)
        {
            if (fresh.Contains(set.All[i])
                && await WriteAsync(environment.Io, set.All[i], template.For(template.Siblings[i].Uuid, forming: true)) is { } problem)
            {
                return (null, problem);
            }
        }

        for (int i = 0; i < set.All.Count; i++)
        {
            if (await WriteAsync(environment.Io, set.All[i], template.For(template.Siblings[i].Uuid)) is { } problem)
            {
                return (null, problem);
            }
        }

        return (template, null);
    }

    private static async ValueTask<string?> WriteAsync(IFileIo io, OpenedMountpath opened, MountpathIdentity identity)
    {
        IoResult written = await DocumentFiles.WriteAsync(io, opened.System!, MountpathIdentity.Kind, identity.Format1());
        if (!written.Ok)
        {
            return $"mountpath {opened.Path} cannot be written: {written.Error} on .sluice/{MountpathIdentity.Kind}";
        }

        opened.Adopt(identity);
        return null;
    }

    private static Failure Refused(string problem) => new(ErrorCode.StorageFailed, problem);
}

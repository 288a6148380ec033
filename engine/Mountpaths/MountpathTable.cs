using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Io;

namespace Sluice.Engine.Mountpaths;

/// <summary>
/// The attached mountpaths. Immutable while it lives. Attaching examines every path, refuses the set with one sentence when anything is
/// wrong, and writes identities only when all is well: first as forming, then, when each path has one, as they stay.
/// </summary>
public sealed class MountpathTable
{
    private MountpathTable(IReadOnlyList<Mountpath> all, MountpathIdentity newest, IReadOnlyList<string> warnings)
    {
        All = all;
        ClusterUuid = newest.Cluster;
        NodeId = newest.Node;
        CreatedAt = newest.Created;
        MapVersion = newest.MapVersion;
        MisplacedPossible = newest.MisplacedPossible;
        Warnings = warnings;
    }

    /// <summary>The mountpaths, in the order they were given. Who opened the table closes them.</summary>
    public IReadOnlyList<Mountpath> All { get; }

    /// <summary>Identity of the cluster.</summary>
    public string ClusterUuid { get; }

    /// <summary>Identity of the node.</summary>
    public string NodeId { get; }

    /// <summary>When the cluster was made.</summary>
    public DateTimeOffset CreatedAt { get; }

    /// <summary>Version of the set.</summary>
    public long MapVersion { get; }

    /// <summary>Objects may lie elsewhere than on their first mountpath.</summary>
    public bool MisplacedPossible { get; }

    /// <summary>What an operator should know of.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>Attaches the configured paths. The refusal's sentence names the path and what to do; nothing stays open then.</summary>
    public static async Task<Result<MountpathTable>> AttachAsync(EngineOptions options, EngineEnvironment environment)
    {
        if (options.Mountpaths.Count is 0 or > Limits.MountpathsMax)
        {
            return Refused(options.Mountpaths.Count == 0 ? "no mountpath is given" : $"more than {Limits.MountpathsMax} mountpaths are given");
        }

        var opened = new List<OpenedMountpath>();
        string? problem = null;
        foreach (string path in options.Mountpaths)
        {
            (OpenedMountpath? one, problem) = await OpenedMountpath.ExamineAsync(environment.Io, path);
            if (one is null)
            {
                break;
            }

            opened.Add(one);
        }

        MountpathIdentity? newest = null;
        MountpathSet? set = null;
        if (problem is null)
        {
            (set, problem) = MountpathSet.Judge(opened, options);
        }

        for (int i = 0; problem is null && i < opened.Count; i++)
        {
            problem = await opened[i].ClaimAsync(environment.Io);
        }

        if (problem is null)
        {
            (newest, problem) = set!.IsChanged ? await WriteIdentitiesAsync(set, environment) : (set.Newest, null);
        }

        if (problem is not null)
        {
            opened.ForEach(one => one.Dispose());
            return Refused(problem);
        }

        foreach (string warning in set!.Warnings)
        {
            environment.Log.LogWarning("{Warning}", warning);
        }

        List<Mountpath> all = opened.ConvertAll(one => new Mountpath(environment.Io, one, one.Identity!.Uuid, one.State));
        return new MountpathTable(all, newest!, set.Warnings);
    }

    /// <summary>From here on a crash is an unclean stop on every mountpath.</summary>
    public async ValueTask MarkRunningAsync(ulong flushedGeneration)
    {
        foreach (Mountpath mountpath in All)
        {
            await mountpath.MarkRunningAsync(flushedGeneration);
        }
    }

    /// <summary>Everything is durable and nobody writes any more.</summary>
    public async ValueTask MarkCleanAsync(ulong flushedGeneration)
    {
        foreach (Mountpath mountpath in All)
        {
            await mountpath.MarkCleanAsync(flushedGeneration);
        }
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
            MisplacedPossible = old is not null && (old.MisplacedPossible || fresh.Count > 0),
            Siblings = [.. set.All.Select(opened => new MountpathSibling
            {
                Uuid = fresh.Contains(opened) ? environment.NewGuid().ToString("D") : opened.Identity!.Uuid,
                Path = opened.Path,
            })],
        };

        for (int i = 0; i < set.All.Count; i++)
        {
            if (fresh.Contains(set.All[i])
                && await WriteAsync(environment.Io, set.All[i], With(template, template.Siblings[i].Uuid, forming: true)) is { } problem)
            {
                return (null, problem);
            }
        }

        for (int i = 0; i < set.All.Count; i++)
        {
            if (await WriteAsync(environment.Io, set.All[i], With(template, template.Siblings[i].Uuid, forming: false)) is { } problem)
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

    private static MountpathIdentity With(MountpathIdentity template, string uuid, bool forming) => new()
    {
        Format = template.Format,
        Uuid = uuid,
        Cluster = template.Cluster,
        Node = template.Node,
        Created = template.Created,
        MapVersion = template.MapVersion,
        MisplacedPossible = template.MisplacedPossible,
        Forming = forming,
        Siblings = template.Siblings,
    };

    private static Failure Refused(string problem) => new(ErrorCode.StorageFailed, problem);
}

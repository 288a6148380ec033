using Sluice.Engine.Io;

namespace Sluice.Engine.Mountpaths;

/// <summary>
/// The configured paths together: which are known, which are new, and everything that can be wrong between them. Decides; writes nothing.
/// The list of siblings with the highest map version is the truth.
/// </summary>
internal sealed class MountpathSet
{
    private readonly EngineOptions _options;

    private readonly List<MountpathSibling> _missed = [];

    private MountpathSet(IReadOnlyList<OpenedMountpath> all, MountpathIdentity? newest, EngineOptions options)
    {
        _options = options;
        All = all;
        Newest = newest;
    }

    /// <summary>All that are open, in the order they were given.</summary>
    public IReadOnlyList<OpenedMountpath> All { get; }

    /// <summary>Mountpaths of the set that are not open: out of service, or left out of a degraded start.</summary>
    public IReadOnlyList<MountpathSibling> Missed => _missed;

    /// <summary>The identity whose list of siblings counts; null for a set that is to be made.</summary>
    public MountpathIdentity? Newest { get; }

    /// <summary>What an operator should know of.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>Paths that get an identity.</summary>
    public IReadOnlyList<OpenedMountpath> Fresh => [.. All.Where(opened => !IsKnown(opened))];

    /// <summary>Something of the set has to be written: a new, forgotten, moved or half-made mountpath.</summary>
    public bool IsChanged =>
        Newest is null
        || Fresh.Count > 0
        || Newest.Siblings.Count != All.Count + _missed.Count
        || _missed.Exists(sibling => sibling is { Out: null, Stale: false })
        || All.Any(opened => opened.Identity!.Forming || opened.Identity.MapVersion != Newest.MapVersion)
        || All.Any(opened => SiblingOf(opened)?.Path != opened.Path);

    /// <summary>Puts the examined paths together; a sentence when they do not fit.</summary>
    public static (MountpathSet? Set, string? Problem) Judge(IReadOnlyList<OpenedMountpath> all, MountpathIdentity? newest, EngineOptions options)
    {
        var set = new MountpathSet(all, newest, options);
        string? problem = set.PathProblem() ?? set.DeviceProblem() ?? set.IdentityProblem() ?? set.FreshProblem() ?? set.MissingProblem();
        return problem is null ? (set, null) : (null, problem);
    }

    /// <summary>The identity that counts, of those that were read.</summary>
    public static MountpathIdentity? NewestOf(IEnumerable<OpenedMountpath> all) => all.Select(opened => opened.Identity).OfType<MountpathIdentity>()
        .Where(identity => !identity.Forming).MaxBy(identity => identity.MapVersion);

    /// <summary>A mountpath of the set will not be there after all.</summary>
    public void Miss(MountpathSibling sibling) => _missed.Add(sibling);

    private bool IsKnown(OpenedMountpath opened) => SiblingOf(opened) is not null;

    /// <summary>Its row in the list that counts; null for a new one.</summary>
    public MountpathSibling? SiblingOf(OpenedMountpath opened) =>
        opened.Identity is null ? null : Newest?.Siblings.Find(sibling => sibling.Uuid == opened.Identity.Uuid);

    private string? PathProblem()
    {
        foreach ((OpenedMountpath one, OpenedMountpath other) in Pairs())
        {
            if (one.Status.Device == other.Status.Device && one.Status.Inode == other.Status.Inode)
            {
                return $"mountpaths {one.Path} and {other.Path} are the same directory";
            }

            if (LieInside(one.Path, other.Path) is { } problem)
            {
                return problem;
            }
        }

        return null;
    }

    private string? DeviceProblem()
    {
        foreach ((OpenedMountpath one, OpenedMountpath other) in Pairs().Where(pair => pair.One.Status.Device == pair.Other.Status.Device))
        {
            string what = $"mountpaths {one.Path} and {other.Path} are on the same file system: they would fail together";
            if (!_options.AllowSharedDisk)
            {
                return $"{what}; use one for each drive, or --allow-shared-disk to try things out";
            }

            Warnings.Add(what);
        }

        return null;
    }

    private string? IdentityProblem()
    {
        foreach ((OpenedMountpath one, OpenedMountpath other) in Pairs())
        {
            if (one.Identity is { Forming: false } a && other.Identity is { Forming: false } b && a.Cluster != b.Cluster)
            {
                return $"mountpath {one.Path} belongs to cluster {a.Cluster}, {other.Path} to cluster {b.Cluster}";
            }

            if (one.Identity is not null && one.Identity.Uuid == other.Identity?.Uuid)
            {
                return $"mountpaths {one.Path} and {other.Path} have the same identity {one.Identity.Uuid}: one is a copy of the other; remove it";
            }
        }

        foreach (OpenedMountpath opened in All)
        {
            if (Newest is not null && opened.Identity is { Forming: false } own && own.MapVersion == Newest.MapVersion && !IsSame(own, Newest))
            {
                return $"mountpaths {opened.Path} and {All.First(other => other.Identity == Newest).Path} were each used without the other, and both changed: "
                    + $"give only the ones that are to stay, with --allow-degraded, or empty the others";
            }

            if (opened.Identity is { Forming: false } identity && SiblingOf(opened) is null)
            {
                return $"mountpath {opened.Path} (identity {identity.Uuid}) was taken out of this cluster; empty it before it is used again";
            }

            if (SiblingOf(opened) is { } sibling && sibling.Path != opened.Path && !_options.AllowMoved)
            {
                return $"mountpath {opened.Path} holds the drive that was at {sibling.Path}: swapped or moved? Mount it where it was, "
                    + "or say --allow-moved";
            }
        }

        return null;
    }

    private string? FreshProblem()
    {
        foreach (OpenedMountpath opened in Fresh)
        {
            MountpathSibling? expected = Newest?.Siblings.Find(sibling => sibling.Path == opened.Path);
            if (expected is not null && !_options.ForgetMountpaths.Contains(expected.Uuid) && All.All(other => other.Identity?.Uuid != expected.Uuid))
            {
                return $"mountpath {opened.Path} is empty, but mountpath {expected.Uuid} was there: is its drive mounted? "
                    + $"If it is gone for good, say --forget-mountpath {expected.Uuid}";
            }

            if (!opened.IsEmpty)
            {
                return $"mountpath {opened.Path} has no identity and is not empty: give an empty directory";
            }
        }

        return null;
    }

    private string? MissingProblem()
    {
        foreach (MountpathSibling sibling in Newest?.Siblings ?? [])
        {
            bool present = All.Any(opened => opened.Identity?.Uuid == sibling.Uuid);
            bool forget = _options.ForgetMountpaths.Contains(sibling.Uuid);
            if (present && forget)
            {
                return $"mountpath {sibling.Path} ({sibling.Uuid}) is to be forgotten and is given all the same";
            }

            if (!present && !forget && (sibling.Out is not null || _options.AllowDegraded))
            {
                _missed.Add(sibling);
                continue;
            }

            if (!present && !forget)
            {
                return $"mountpath {sibling.Path} ({sibling.Uuid}) belongs to the set and is not given: add --mountpath {sibling.Path}, "
                    + $"--allow-degraded to start without it, "
                    + $"or if its drive is gone for good, --forget-mountpath {sibling.Uuid}";
            }

            if (forget)
            {
                Warnings.Add($"mountpath {sibling.Path} ({sibling.Uuid}) is forgotten; what it held is gone");
            }
        }

        return null;
    }

    private IEnumerable<(OpenedMountpath One, OpenedMountpath Other)> Pairs()
    {
        for (int i = 0; i < All.Count; i++)
        {
            for (int j = i + 1; j < All.Count; j++)
            {
                yield return (All[i], All[j]);
            }
        }
    }

    /// <summary>A sentence when one path lies inside the other.</summary>
    public static string? LieInside(string one, string other) => IsInside(one, other) || IsInside(other, one)
        ? $"mountpaths {one} and {other} lie inside one another: give each drive a directory of its own"
        : null;

    private static bool IsSame(MountpathIdentity one, MountpathIdentity other) => one.Siblings.Select(sibling => (sibling.Uuid, sibling.Out, sibling.Stale))
        .SequenceEqual(other.Siblings.Select(sibling => (sibling.Uuid, sibling.Out, sibling.Stale)));

    private static bool IsInside(string inner, string outer) =>
        inner.TrimEnd('/').StartsWith(outer.TrimEnd('/') + "/", StringComparison.Ordinal);
}

using Sluice.Engine.Io;

namespace Sluice.Engine.Mountpaths;

/// <summary>
/// Opens what the engine is started with: the given paths, and those that were attached while an earlier one ran. A mountpath that is out of
/// service is left alone, and one of the set that cannot be used is left out when a degraded start is allowed. Writes nothing but the lock.
/// </summary>
internal sealed class MountpathGathering(EngineOptions options, IFileIo io, IReadOnlyCollection<string> avoided) : IDisposable
{
    private readonly List<OpenedMountpath> _opened = [];
    private readonly List<(string Path, string Problem)> _failed = [];

    /// <summary>Those that can be used, claimed for this process; who takes them over closes them.</summary>
    public IReadOnlyList<OpenedMountpath> Opened => _opened;

    /// <summary>What an operator should know of those that were left out.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>The set and everything that is wrong between its members, or a sentence.</summary>
    public async ValueTask<(MountpathSet? Set, string? Problem)> RunAsync()
    {
        foreach (string path in options.Mountpaths)
        {
            await ExamineAsync(path);
        }

        MountpathIdentity? newest = MountpathSet.NewestOf(_opened);
        foreach (MountpathSibling later in newest?.Siblings.Where(IsMissed) ?? [])
        {
            await ExamineAsync(later.Path);
        }

        newest = MountpathSet.NewestOf(_opened);
        if (LeaveOut(newest) is { } problem)
        {
            return (null, problem);
        }

        (MountpathSet? set, problem) = MountpathSet.Judge(_opened, newest, options);
        for (int i = _opened.Count - 1; problem is null && i >= 0; i--)
        {
            OpenedMountpath one = _opened[i];
            problem = await one.ClaimAsync(io);
            if (problem is not null && options.AllowDegraded && !one.IsInUse && set!.SiblingOf(one) is { } sibling)
            {
                Drop(one, $"{problem}; started without it");
                set.Miss(sibling);
                problem = null;
            }
        }

        return problem is null && _opened.Count == 0 ? (null, "no mountpath is left to start with: " + string.Join("; ", Warnings))
            : problem is null ? (set, null) : (null, problem);
    }

    /// <summary>Closes what was opened.</summary>
    public void Dispose() => _opened.ForEach(one => one.Dispose());

    private bool IsMissed(MountpathSibling sibling) => sibling is { AttachedLater: true, Out: null }
        && !options.ForgetMountpaths.Contains(sibling.Uuid)
        && !options.Mountpaths.Contains(sibling.Path)
        && !_opened.Exists(one => one.Identity?.Uuid == sibling.Uuid);

    private async ValueTask ExamineAsync(string path)
    {
        if (avoided.Contains(path))
        {
            _failed.Add((path, $"mountpath {path} failed while what was left on it was being settled; the log says how"));
            return;
        }

        (OpenedMountpath? one, string? problem) = await OpenedMountpath.ExamineAsync(io, path);
        if (one is null)
        {
            _failed.Add((path, problem!));
            return;
        }

        _opened.Add(one);
    }

    /// <summary>Takes out what is not to serve, or cannot and may be left out; a sentence for the first that may not.</summary>
    private string? LeaveOut(MountpathIdentity? newest)
    {
        foreach (OpenedMountpath one in _opened.ToList())
        {
            MountpathSibling? sibling = newest?.Siblings.Find(sibling => sibling.Uuid == one.Identity?.Uuid);
            MountpathSibling? expected = newest?.Siblings.Find(sibling => sibling.Path == one.Path);
            if (sibling?.Out is { } reason)
            {
                Drop(one, $"mountpath {one.Path} is out of service ({reason}): \"sluice mountpath enable {one.Path}\" brings it back");
            }
            else if (one.Identity is null && expected is not null && !IsForgotten(expected) && (expected.Out is not null || options.AllowDegraded))
            {
                Drop(one, $"mountpath {one.Path} is empty, but mountpath {expected.Uuid} was there: is its drive mounted? Started without it");
            }
        }

        foreach ((string path, string problem) in _failed)
        {
            MountpathSibling? sibling = newest?.Siblings.Find(sibling => sibling.Path == path);
            if (sibling is null || (sibling.Out is null && !options.AllowDegraded && !IsForgotten(sibling)))
            {
                return sibling is null ? problem : $"{problem}; or --allow-degraded to start without it";
            }

            Warnings.Add($"{problem}; started without it");
        }

        return null;
    }

    private bool IsForgotten(MountpathSibling sibling) => options.ForgetMountpaths.Contains(sibling.Uuid);

    private void Drop(OpenedMountpath one, string warning)
    {
        _opened.Remove(one);
        one.Dispose();
        Warnings.Add(warning);
    }
}

using Sluice.Bench.Machine;
using Sluice.Bench.Run;

namespace Sluice.Bench.Gate;

/// <summary>Published binaries of commits, each built in a work tree of its own below a temporary directory. Disposing removes the trees.</summary>
internal sealed class GateBuilds(BenchSettings settings, CancellationToken token) : IAsyncDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("sluice-gate-").FullName;
    private readonly List<string> _trees = [];

    /// <summary>The full name of a commit.</summary>
    public async Task<string> ResolveAsync(string revision) =>
        (await Command.RunAsync(["git", "rev-parse", "--verify", revision + "^{commit}"], token, settings.Repository)).Trim();

    /// <summary>Publishes a commit for this machine and answers the binary.</summary>
    /// <param name="change">Changes the tree before it is built; null for none.</param>
    public async Task<string> PublishAsync(string name, string revision, Action<string>? change)
    {
        string tree = Path.Combine(_home, name);
        await Command.RunAsync(["git", "worktree", "add", "--detach", "--quiet", tree, revision], token, settings.Repository);
        _trees.Add(tree);
        change?.Invoke(tree);
        await Command.RunAsync(["make", "--no-print-directory", "publish", "ISA=native"], token, tree, s_quiet);
        return Path.Combine(tree, "out", "sluice");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (string tree in _trees)
        {
            await Command.TryRunAsync(["git", "worktree", "remove", "--force", tree], CancellationToken.None, settings.Repository);
        }

        Directory.Delete(_home, recursive: true);
        await Command.TryRunAsync(["git", "worktree", "prune"], CancellationToken.None, settings.Repository); // if a removal was broken off
    }

    /// <summary>A compiler server that outlives its call would hold the tree, and take processor time from what is measured.</summary>
    private static readonly Dictionary<string, string> s_quiet = new() { ["MSBUILDDISABLENODEREUSE"] = "1", ["UseSharedCompilation"] = "false" };
}

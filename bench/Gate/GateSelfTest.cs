using Sluice.Bench.Machine;
using Sluice.Bench.Run;

namespace Sluice.Bench.Gate;

/// <summary>Shows on this machine that the gate stays open for a build that is equal and shuts for one that was slowed by a few microseconds a request.</summary>
internal static class GateSelfTest
{
    private const string Place = "transport/Http/SluiceApplication.cs";
    private const string Anchor = "    public Task ProcessRequestAsync(RequestContext context)\n    {\n";

    /// <summary>A fifth of what a GET of 4 KiB costs and more; Stopwatch counts nanoseconds on Linux.</summary>
    private const string Delay =
        "        for (long until = System.Diagnostics.Stopwatch.GetTimestamp() + 5000; System.Diagnostics.Stopwatch.GetTimestamp() < until;)\n"
        + "        {\n        }\n\n";

    public static async Task<int> RunAsync(BenchSettings settings, CancellationToken token)
    {
        await using var builds = new GateBuilds(settings, token);
        await Console.Out.WriteLineAsync("publishes HEAD as it is");
        string plain = await builds.PublishAsync("plain", "HEAD", null);
        await Console.Out.WriteLineAsync("publishes HEAD with 5 µs more a request");
        string slowed = await builds.PublishAsync("slowed", "HEAD", Slow);
        bool opensForEqual = await GateCommand.CompareAsync(settings, plain, plain, token);
        bool opensForSlowed = await GateCommand.CompareAsync(settings, plain, slowed, token);
        string equal = opensForEqual ? "open, as it should be" : "SHUT", slower = opensForSlowed ? "OPEN" : "shut, as it should be";
        await Console.Out.WriteLineAsync($"equal build: {equal}; slowed build: {slower}");
        return opensForEqual && !opensForSlowed ? 0 : 1;
    }

    /// <summary>Puts the delay where every request passes.</summary>
    /// <exception cref="BenchException">The place has moved; this file has to follow.</exception>
    internal static void Slow(string tree)
    {
        string path = Path.Combine(tree, Place);
        string text = File.ReadAllText(path);
        if (!text.Contains(Anchor, StringComparison.Ordinal))
        {
            throw new BenchException($"{Place} has no ProcessRequestAsync where the gate's self-test looks for it");
        }

        File.WriteAllText(path, text.Replace(Anchor, Anchor + Delay, StringComparison.Ordinal));
    }
}

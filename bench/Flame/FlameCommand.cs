using System.Globalization;
using Sluice.Bench.Clients;
using Sluice.Bench.Machine;
using Sluice.Bench.Rows;
using Sluice.Bench.Run;
using Sluice.Bench.Servers;

namespace Sluice.Bench.Flame;

/// <summary>Profiles the published binary with perf while it is loaded, and draws what it saw.</summary>
internal static class FlameCommand
{
    private const string Bucket = "flame";
    private const int SamplesASecond = 997; // prime: in step with no timer
    private const int ShareLines = 40;

    public static async Task<int> RunAsync(BenchSettings settings, string what, CancellationToken token)
    {
        using var world = new BenchWorld(settings, token);
        await using LoopDisk disk = await LoopDisk.MakeAsync(world.Home, "disk", new DiskShape(64 * Sizes.GiB), token); // sparse
        await using var server = new SluiceServer("sluice", settings.Binary, settings.ServerCores, [Path.Combine(disk.Path, "mp")]);
        await server.StartAsync(token);
        await server.MakeBucketAsync(Bucket, """{"durability":"relaxed"}""", token);
        Func<Task<ClientResult>> load;
        switch (what)
        {
            case "get-4KiB":
                await Connecting.FillAsync(server.Endpoint, Bucket, 16, 4096, token);
                var target = new Target { Endpoint = server.Endpoint, Bucket = Bucket, ObjectCount = 16, Connections = 32, Seconds = settings.Seconds + 2 };
                load = () => world.Client("wrk").RunAsync(target, token);
                break;
            case "put-4KiB" or "put-1MiB":
                string size = what["put-".Length..], seconds = (settings.Seconds + 2).ToString("f1", CultureInfo.InvariantCulture) + "s";
                string[] flags = ["-pctput=100", "-skiplist", "-minsize", size, "-maxsize", size, "-cksum-type=none", "-duration", seconds];
                load = () => world.Load.RunAsync(server.Endpoint, Bucket, 8, flags, "put", token);
                break;
            default:
                throw new BenchException("bench flame get-4KiB|put-4KiB|put-1MiB");
        }

        FlameNode root = await ProfileAsync(world, server, load);
        MachineFacts facts = await MachineFacts.TakeAsync(settings.Repository, world.Home, token);
        string note = string.Create(
            CultureInfo.InvariantCulture,
            $"commit {facts.Commit}, {facts.Cpu}, Linux {facts.Kernel}, {root.Samples} samples of the server's processor time; blue is the kernel");
        string path = Path.Combine(settings.Output, $"flame-{what}.svg");
        Directory.CreateDirectory(settings.Output);
        await File.WriteAllTextAsync(path, FlameSvg.Render(root, $"Sluice, {what.Replace('-', ' ')}", note), token);
        await Console.Out.WriteLineAsync(path);
        foreach ((string name, double share) in FlameShares.Of(root).Take(ShareLines))
        {
            await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{share * 100,6:f1} %  {name}"));
        }

        return 0;
    }

    private static async Task<FlameNode> ProfileAsync(BenchWorld world, SluiceServer server, Func<Task<ClientResult>> load)
    {
        string samples = Path.Combine(world.Home, "perf.data");
        CultureInfo culture = CultureInfo.InvariantCulture;
        Task<ClientResult> loading = load();
        await Task.Delay(TimeSpan.FromSeconds(1), world.Token);
        await Command.RunAsync(
            [
                "perf", "record", "-q", "-F", SamplesASecond.ToString(culture), "--call-graph", "fp", "-p", server.Processes.Id.ToString(culture), "-o", samples,
                "--", "sleep", world.Settings.Seconds.ToString(culture),
            ],
            world.Token);
        await loading;
        using var script = new StringReader(await Command.RunAsync(["perf", "script", "-i", samples, "-F", "comm,ip,sym,dso"], world.Token));
        FlameNode root = FoldedStacks.Read(script);
        return root.Samples > 0 ? root : throw new BenchException("perf saw nothing");
    }
}

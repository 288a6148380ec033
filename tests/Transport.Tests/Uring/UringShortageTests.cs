// Accepting while the process has no descriptor left. In a process of its own: whatever else runs in this one needs some at any time.
using System.Diagnostics;
using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;
using Sluice.Transport.Tests.Tls;

namespace Sluice.Transport.Tests.Uring;

public sealed class UringShortageTests
{
    private const string ChildVariable = "SLUICE_TESTS_OF_FEW_DESCRIPTORS";
    private const int DescriptorsMax = 256;
    private const int Left = 4;
    private const int Peers = 12;
    private const int PoolThreads = 16;

    [Fact]
    public async Task WithoutDescriptorsConnectionsWaitAndAreServedLater()
    {
        if (Environment.GetEnvironmentVariable(ChildVariable) is not null)
        {
            await RunShortAsync();
            return;
        }

        var start = new ProcessStartInfo("/bin/sh") { RedirectStandardOutput = true };
        start.Environment[ChildVariable] = "1";
        start.Environment["DOTNET_ThreadPool_ThreadTimeoutMs"] = "-1"; // a new thread needs a descriptor: those of the pool stay once there are enough
        start.Environment["DOTNET_TieredCompilation"] = "0"; // no thread that compiles again, either
        string[] arguments = ["-c", $"ulimit -n {DescriptorsMax} && exec \"$0\" \"$@\"", Path.Combine(AppContext.BaseDirectory, "Sluice.Transport.Tests")];
        foreach (string argument in arguments.Concat(["-noColor", "-method", $"*.{nameof(UringShortageTests)}.{nameof(WithoutDescriptorsConnectionsWaitAndAreServedLater)}"]))
        {
            start.ArgumentList.Add(argument);
        }

        using Process child = Process.Start(start)!;
        try
        {
            string told = await child.StandardOutput.ReadToEndAsync().WaitAsync(2 * Until.Deadline);
            await child.WaitForExitAsync().WaitAsync(Until.Deadline);
            Assert.True(child.ExitCode == 0 && told.Contains("Total: 1, Errors: 0, Failed: 0, Skipped: 0", StringComparison.Ordinal), told);
        }
        finally
        {
            if (!child.HasExited)
            {
                child.Kill();
            }
        }
    }

    private static async Task RunShortAsync()
    {
        var log = new ListLog();
        using ILoggerFactory logs = LoggerFactory.Create(builder => builder.AddProvider(new OneLog(log)));
        await using var bench = new RingBench(log: logs);
        IPEndPoint server = await bench.ServeAsync(Applications.EchoAsync);
        await WarmAsync(bench, server, logs);
        List<Peer> peers = [.. Enumerable.Range(0, Peers).Select(_ => new Peer(server))]; // their descriptors are taken before
        List<SafeFileHandle> taken = TakeAll();
        long start = Stopwatch.GetTimestamp();
        try
        {
            taken.TakeLast(Left).ToList().ForEach(handle => handle.Dispose());
            foreach (Peer peer in peers)
            {
                await peer.Socket.ConnectAsync(server);
                await peer.SendAsync("a");
            }

            await Until.TrueAsync(() => Complaints(log) > 0, "the shortage is told");
            await bench.TicksAsync(20); // as many attempts
            Assert.InRange(bench.Transport.ConnectionCount, 1, Peers - 1);
            Assert.InRange(Complaints(log), 1, 1 + (int)(Stopwatch.GetElapsedTime(start).TotalSeconds / 10)); // once in ten seconds
            foreach (Peer peer in peers)
            {
                Assert.Equal("a"u8.ToArray(), await peer.ReceiveAsync(1)); // those that are served make room for the others
                peer.Dispose();
            }
        }
        finally
        {
            taken.ForEach(handle => handle.Dispose());
        }

        await bench.IsIdleAsync();
        await Until.TrueAsync(() => bench.Served == Peers + 1, "all are served");
    }

    /// <summary>The runtime loads what a test needs when that first runs, and needs descriptors for it.</summary>
    private static async Task WarmAsync(RingBench bench, IPEndPoint server, ILoggerFactory logs)
    {
        ThreadPool.GetMaxThreads(out _, out int completionThreads);
        Assert.True(ThreadPool.SetMinThreads(PoolThreads, 1) && ThreadPool.SetMaxThreads(PoolThreads, completionThreads));
        using (var all = new Barrier(PoolThreads))
        {
            await Task.WhenAll(Enumerable.Range(0, PoolThreads).Select(_ => Task.Factory.StartNew(
                () => all.SignalAndWait(Until.Deadline), CancellationToken.None, TaskCreationOptions.None, TaskScheduler.Default)));
        }

        logs.CreateLogger("transport").LogWarning("not about accepting: {Error}", Native.Errno.EMFILE);
        using (Peer peer = await Peer.ConnectAsync(server))
        {
            await peer.SendAsync("a");
            Assert.Equal("a"u8.ToArray(), await peer.ReceiveAsync(1));
        }

        await bench.TicksAsync();
        await bench.IsIdleAsync(); // its socket is closed: it would be one more that is free
    }

    /// <summary>All descriptors that are to be had, without a directory being read.</summary>
    private static List<SafeFileHandle> TakeAll()
    {
        List<SafeFileHandle> taken = [];
        while (taken.Count < DescriptorsMax)
        {
            try
            {
                taken.Add(File.OpenHandle("/dev/null"));
            }
            catch (IOException)
            {
                return taken;
            }
        }

        throw new InvalidOperationException("the process has more descriptors than it was given");
    }

    private static int Complaints(ListLog log) => log.Of(LogLevel.Warning).Count(line => line.Contains("cannot accept connections: EMFILE", StringComparison.Ordinal));
}

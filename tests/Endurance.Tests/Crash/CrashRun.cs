using Sluice.EndToEnd.Tests.Support;

namespace Sluice.Endurance.Tests.Crash;

/// <summary>
/// Rounds of: start the published binary, verify what the cut before it left, write, kill it in the midst of that, cut the power of its file systems, mount them again.
/// </summary>
public sealed class CrashRun : IDisposable
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromMinutes(2);

    private readonly CrashOptions _options;
    private readonly CutDisks _disks;
    private readonly Ledger _ledger;
    private readonly IReadOnlyList<Workload> _loads;
    private readonly List<CrashWriter> _writers;
    private readonly Tally _tally = new();

    private CrashRun(CrashOptions options, CutDisks disks)
    {
        (_options, _disks) = (options, disks);
        _ledger = new Ledger(Path.Combine(Path.GetTempPath(), $"sluice-crash-{Environment.ProcessId}-{Guid.NewGuid():N}.ledger"));
        _loads = [.. Workload.For(disks.Paths.Count).Where(load => options.Only.Count == 0 || options.Only.Contains(load.Bucket))];
        _writers = [.. _loads.SelectMany(load => Enumerable.Range(0, load.Writers).Select(index => new CrashWriter(load, index, _ledger)))];
    }

    /// <summary>Runs all rounds and verifies once more. The ledger stays where the report says when something is wrong.</summary>
    public static async Task<Tally> RunAsync(CrashOptions options)
    {
        using CutDisks disks = await CutDisks.MakeAsync([.. options.Kinds]);
        using var run = new CrashRun(options, disks);
        bool wasPowerCut = false;
        for (int round = 0; round <= options.Rounds && (run._tally.All.Count == 0 || !options.StopsAtFirst); round++)
        {
            var plan = new CrashPlan(options, round);
            try
            {
                await run.RoundAsync(round, plan, wasPowerCut);
            }
            catch (Exception problem) when (problem is not OutOfMemoryException)
            {
                throw new InvalidOperationException($"seed {options.Seed}, round {round}, over {plan.Backend}: {problem.Message}\n{run._tally}\n{run._tally.Report()}", problem);
            }

            wasPowerCut = plan.IsPowerCut;
            if (round % 10 == 0)
            {
                options.Progress($"round {round} of {options.Rounds}: {run._tally}");
            }
        }

        run.KeepLedger();
        return run._tally;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ledger.Dispose();
        if (_tally.All.Count == 0)
        {
            File.Delete(_ledger.Path);
        }
    }

    private void KeepLedger()
    {
        if (_tally.All.Count > 0)
        {
            _options.Progress($"seed {_options.Seed}: what was asked for and acknowledged is in {_ledger.Path}\n{_tally.Report()}");
        }
    }

    private async Task RoundAsync(int round, CrashPlan plan, bool wasPowerCut)
    {
        string[] flags = ["--io", plan.Backend, "--flush-interval", plan.FlushInterval];
        using SluiceProcess server = await SluiceProcess.StartAsync(_disks.Paths, _options.Twin?.Variables ?? [], flags);
        using var store = new Store(server.Endpoint);
        if (round == 0)
        {
            foreach (Workload load in _loads.Where(load => load.Mix != Mix.Life))
            {
                await store.CreateAsync(load.Bucket, load.Properties);
            }
        }
        else
        {
            var verification = new Verification(_loads, _writers, _tally, wasPowerCut, $"seed {_options.Seed}, cut {round - 1}, started over {plan.Backend}");
            await verification.ContentsAsync(store);
            await verification.LeaksAsync(server, _disks.Paths);
        }

        if (round == _options.Rounds)
        {
            Assert.Equal(0, await server.StopAsync());
            return;
        }

        await LoadAsync(server, store, round, plan);
        if (plan.IsPowerCut)
        {
            await _disks.CutAsync();
            _tally.PowerCuts++;
        }
        else
        {
            _tally.Kills++;
        }
    }

    /// <summary>Writers write until there are so many answers; then the server is killed in the midst of it.</summary>
    private async Task LoadAsync(SluiceProcess server, Store store, int round, CrashPlan plan)
    {
        foreach (CrashWriter writer in _writers)
        {
            writer.Begin(store, round, plan.Random.Next());
            if (await writer.TidyAsync() is { } problem)
            {
                _tally.Add(Wrong.Refused, problem);
            }
        }

        using var load = new Load(plan, _tally);
        CrashWriter[] writers = plan.HasOneWriter ? [_writers[plan.Random.Next(_writers.Count)]] : [.. _writers];
        Task[] writing = [.. writers.Select(writer => Task.Run(() => load.WriteAsync(writer)))];
        await load.Enough.WaitAsync(s_deadline);
        load.End();
        await server.KillAsync();
        await Task.WhenAll(writing).WaitAsync(s_deadline);
    }

    /// <summary>The requests of one round.</summary>
    private sealed class Load(CrashPlan plan, Tally tally) : IDisposable
    {
        private readonly TaskCompletionSource _enough = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private volatile bool _isEnded;
        private int _answers;

        public Task Enough => _enough.Task;

        public void End() => _isEnded = true;

        public async Task WriteAsync(CrashWriter writer)
        {
            while (!_isEnded)
            {
                string? problem;
                try
                {
                    problem = await writer.StepAsync();
                }
                catch (Exception gone) when (gone is HttpRequestException or IOException or OperationCanceledException or System.Net.Sockets.SocketException)
                {
                    problem = gone.Message;
                }

                if (problem is not null)
                {
                    Refuse(writer, problem);
                    return;
                }

                tally.Acknowledge();
                if (Interlocked.Increment(ref _answers) >= plan.Answers)
                {
                    _enough.TrySetResult();
                    if (plan.WritersStop)
                    {
                        return;
                    }
                }
            }
        }

        public void Dispose() => _enough.TrySetResult();

        /// <summary>Nobody but the kill may end a request.</summary>
        private void Refuse(CrashWriter writer, string problem)
        {
            if (!_isEnded)
            {
                tally.Add(Wrong.Refused, $"{writer.Load.Bucket}: {problem}");
                _enough.TrySetResult();
            }
        }
    }
}

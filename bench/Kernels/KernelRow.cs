using System.Diagnostics;
using Sluice.Bench.Measure;
using Sluice.Bench.Rows;
using Sluice.Bench.Run;

namespace Sluice.Bench.Kernels;

/// <summary>One way to do a small piece of work, many times over.</summary>
/// <param name="BytesAnOperation">What it goes through; 0 when that says nothing.</param>
/// <param name="Times">Does it that many times and answers something that depends on each result, so that nothing is left out by the compiler.</param>
internal sealed record Kernel(string Name, long BytesAnOperation, Func<int, ulong> Times);

/// <summary>
/// Pieces of work in this process, compiled by the JIT at its highest tier where the product is compiled ahead: the C kernels are the same code, the
/// C# ones may differ by a little. What they say is how a piece grows with its input, and whether a change of it is one.
/// </summary>
/// <param name="areRivals">They do the same work, and the last is compared with the others.</param>
internal sealed class KernelRow(string name, bool areRivals, Func<BenchWorld, string, Task<IReadOnlyList<Kernel>>> make) : IRow
{
    private IReadOnlyList<Kernel> _kernels = [];
    private string _home = "";

    public string Name => "kernel/" + name;

    public bool IsDefault => true;

    public string Subject => areRivals && _kernels.Count > 0 ? _kernels[^1].Name : "";

    public string Note => "";

    public TimeSpan Estimate(BenchSettings settings) => TimeSpan.FromSeconds(1 + (settings.Rounds * settings.Seconds));

    public async Task PrepareAsync(BenchWorld world)
    {
        _home = world.MakeDirectory(Name);
        _kernels = await make(world, _home);
    }

    public Task<IReadOnlyList<IContender>> OpenAsync(BenchWorld world) =>
        Task.FromResult<IReadOnlyList<IContender>>([.. _kernels.Select(kernel => new KernelContender(kernel, world.Settings.Seconds / 2 / _kernels.Count))]);

    public ValueTask DisposeAsync()
    {
        BenchWorld.Remove(_home);
        return default;
    }

    private sealed class KernelContender(Kernel kernel, double seconds) : IContender
    {
        private const double WarmSeconds = 0.3; // until the highest tier is compiled

        private int _times = 1;
        private ulong _results;

        public string Name => kernel.Name;

        public Task WarmAsync(CancellationToken token)
        {
            long started = Stopwatch.GetTimestamp();
            double last = 0;
            while (Stopwatch.GetElapsedTime(started).TotalSeconds < WarmSeconds || last < 0.01)
            {
                long from = Stopwatch.GetTimestamp();
                _results ^= kernel.Times(_times);
                last = Stopwatch.GetElapsedTime(from).TotalSeconds;
                _times = last < 0.01 ? checked(_times * 2) : _times;
            }

            return Task.CompletedTask;
        }

        public Task<Sample> MeasureAsync(CancellationToken token)
        {
            long started = Stopwatch.GetTimestamp();
            long times = 0;
            double elapsed = 0;
            while (elapsed < seconds)
            {
                _results ^= kernel.Times(_times);
                times += _times;
                elapsed = Stopwatch.GetElapsedTime(started).TotalSeconds;
            }

            var sample = new Sample();
            sample.Set(Figure.Time, elapsed * 1e9 / times);
            sample.Set(Figure.Rate, kernel.BytesAnOperation == 0 ? double.NaN : kernel.BytesAnOperation * times / elapsed / (1 << 30));
            return Task.FromResult(sample);
        }

        public ValueTask DisposeAsync() => default;
    }
}

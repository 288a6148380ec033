using System.Globalization;
using System.Reflection;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Parameters;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;
using Sluice.Bench.Machine;
using Sluice.Bench.Measure;
using Sluice.Bench.Rows;
using Sluice.Bench.Run;

namespace Sluice.Bench.Kernels;

/// <summary>
/// Pieces of work in this process, compiled by the JIT at its highest tier where the product is compiled ahead: the C kernels are the same code, the
/// C# ones may differ by a little. What they say is how a piece grows with its input, and whether a change of it is one. BenchmarkDotNet warms, counts,
/// takes off what the loop around costs and drops outliers; each turn of the row is one run of it, so that contenders alternate here too.
/// </summary>
/// <param name="benchmarks">A class of benchmarks, of which each has a description.</param>
internal sealed class KernelRow(string name, Type benchmarks) : IRow
{
    private const int Iterations = 8;
    private const double WarmSeconds = 0.3; // until the highest tier is compiled
    private const double SecondsAround = 1.5; // finding out how often, warming up, and the loop without the work

    private string _home = "";

    /// <summary>Only the cases of this value of the parameter; 0 for all.</summary>
    public int Parameter { get; init; }

    /// <summary>What an operation goes through; 0 when that says nothing.</summary>
    public long BytesAnOperation { get; init; }

    public string Subject { get; init; } = "";

    public string Name => "kernel/" + name;

    public bool IsDefault => true;

    public string Note => "";

    public TimeSpan Estimate(BenchSettings settings) => settings.Rounds * 2 * Cases(ManualConfig.CreateEmpty()).Count() * TimeSpan.FromSeconds(SecondsAround + Seconds(settings));

    public Task PrepareAsync(BenchWorld world)
    {
        _home = world.MakeDirectory(Name);
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<IContender>> OpenAsync(BenchWorld world)
    {
        double iteration = Seconds(world.Settings) / Iterations;
        Job job = Job.Default
            .WithToolchain(InProcessEmitToolchain.Instance)
            .WithIterationTime(TimeInterval.FromSeconds(iteration))
            .WithWarmupCount((int)Math.Ceiling(WarmSeconds / iteration))
            .WithIterationCount(Iterations);
        var log = new AccumulationLogger();
        IConfig config = ManualConfig.CreateEmpty().AddLogger(log).AddJob(job).WithArtifactsPath(_home).WithOptions(ConfigOptions.DisableLogFile);
        return Task.FromResult<IReadOnlyList<IContender>>([.. Cases(config).Select(one => new KernelContender(one, config, log, BytesAnOperation))]);
    }

    public ValueTask DisposeAsync()
    {
        BenchWorld.Remove(_home);
        return default;
    }

    /// <summary>Of all iterations of a turn.</summary>
    private static double Seconds(BenchSettings settings) => settings.Seconds / 4;

    private IEnumerable<BenchmarkCase> Cases(IConfig config) => BenchmarkConverter.TypeToBenchmarks(benchmarks, config).BenchmarksCases
        .Where(one => Parameter == 0 || one.Parameters.Items.Any(parameter => Parameter.Equals(parameter.Value)));

    private sealed class KernelContender(BenchmarkCase one, IConfig config, AccumulationLogger log, long bytesAnOperation) : IContender
    {
        public string Name
        {
            get
            {
                string described = one.Descriptor.WorkloadMethod.GetCustomAttribute<BenchmarkAttribute>()!.Description!;
                IEnumerable<ParameterInstance> told = bytesAnOperation == 0 ? one.Parameters.Items : [];
                return string.Join(' ', [described, .. told.Select(parameter => Convert.ToString(parameter.Value, CultureInfo.InvariantCulture))]);
            }
        }

        public Task WarmAsync(CancellationToken token) => Task.CompletedTask; // each run does

        public Task<Sample> MeasureAsync(CancellationToken token)
        {
            log.ClearLog();
            Summary summary = BenchmarkRunner.Run(new BenchmarkRunInfo([one], one.Descriptor.Type, ImmutableConfigBuilder.Create(config)));
            if (summary.HasCriticalValidationErrors || summary.Reports is not [{ Success: true, ResultStatistics: { } found }])
            {
                string told = log.GetLog();
                throw new BenchException($"{Name} could not be run: {told.Split('\n').FirstOrDefault(line => line.Contains(" ---> ", StringComparison.Ordinal)) ?? told}");
            }

            var sample = new Sample();
            sample.Set(Figure.Time, found.Mean);
            sample.Set(Figure.Rate, bytesAnOperation == 0 ? double.NaN : bytesAnOperation / found.Mean * 1e9 / (1 << 30));
            return Task.FromResult(sample);
        }

        public ValueTask DisposeAsync() => default;
    }
}

using Sluice.Bench.Clients;
using Sluice.Bench.Measure;
using Sluice.Bench.Servers;

namespace Sluice.Bench.Rows;

/// <summary>A server that runs, and a client that loads it. What the server's processes take meanwhile is what a turn cost.</summary>
internal sealed class ServedContender(IServer server, IClient client, Target target) : IContender
{
    private const double WarmSeconds = 0.5;

    public string Name => server.Name;

    public Task WarmAsync(CancellationToken token) => client.RunAsync(target with { Seconds = Math.Max(WarmSeconds, target.LeastSeconds) }, token);

    public Task<Sample> MeasureAsync(CancellationToken token) => MeasureAsync(server, () => client.RunAsync(target, token));

    /// <summary>A turn of any client.</summary>
    public static async Task<Sample> MeasureAsync(IServer server, Func<Task<ClientResult>> run)
    {
        double cpu = server.Processes.CpuSeconds();
        ClientResult result = await run();
        cpu = server.Processes.CpuSeconds() - cpu;
        Sample sample = Sample.OfRequests(result.Requests, result.Bytes, result.Seconds, cpu);
        sample.Set(Figure.P50, result.P50);
        sample.Set(Figure.P99, result.P99);
        sample.Set(Figure.P999, result.P999);
        sample.Set(Figure.Resident, server.Processes.ResidentBytes() / (1 << 20));
        return sample;
    }

    public ValueTask DisposeAsync() => server.DisposeAsync();
}

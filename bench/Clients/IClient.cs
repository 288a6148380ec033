namespace Sluice.Bench.Clients;

/// <summary>What a client asks for.</summary>
internal sealed record Target
{
    public required Uri Endpoint { get; init; }

    public required string Bucket { get; init; }

    /// <summary>Objects o0 to o(count - 1).</summary>
    public required int ObjectCount { get; init; }

    public required int Connections { get; init; }

    public required double Seconds { get; init; }

    /// <summary>With less, some connections might see no answer.</summary>
    public double LeastSeconds { get; init; }
}

/// <summary>What a client saw; latencies in microseconds, NaN where it does not tell.</summary>
internal sealed record ClientResult(long Requests, long Bytes, double Seconds, double P50, double P99, double P999);

/// <summary>A load on a server.</summary>
internal interface IClient
{
    /// <summary>Name in the row's name.</summary>
    string Name { get; }

    /// <summary>Runs it on its cores.</summary>
    /// <exception cref="Machine.BenchException">It did not run, or requests failed.</exception>
    Task<ClientResult> RunAsync(Target target, CancellationToken token);
}

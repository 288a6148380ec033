using Sluice.Bench.Machine;

namespace Sluice.Bench.Servers;

/// <summary>A server under test. It answers GET and PUT of /v1/objects/BUCKET/NAME, whoever it is, so that a client makes the same request of each.</summary>
internal interface IServer : IAsyncDisposable
{
    /// <summary>Name of the contender in results.</summary>
    string Name { get; }

    /// <summary>Where it answers, http or https; after <see cref="StartAsync"/>.</summary>
    Uri Endpoint { get; }

    /// <summary>Its processes; after <see cref="StartAsync"/>.</summary>
    ProcessSet Processes { get; }

    /// <summary>Starts it and comes back when it answers.</summary>
    /// <exception cref="BenchException">It did not come up; the message holds its log.</exception>
    Task StartAsync(CancellationToken token);
}

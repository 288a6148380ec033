namespace Sluice.EndToEnd.Tests.Support;

/// <summary>Classes that share one server a backend. They run one after another, so that what a server holds can be counted.</summary>
[CollectionDefinition(Name)]
public sealed class BackendCollection : ICollectionFixture<BackendServers>
{
    /// <summary>Name of the collection.</summary>
    public const string Name = "backends";
}

/// <summary>The servers, each started when it is first asked for; all end well at the end, or the suite fails.</summary>
public sealed class BackendServers : IAsyncLifetime
{
    private readonly Dictionary<string, BackendServer> _servers = [];

    /// <summary>The server of a backend.</summary>
    public async Task<BackendServer> GetAsync(string backend)
    {
        if (!_servers.TryGetValue(backend, out BackendServer? server))
        {
            server = _servers[backend] = await BackendServer.StartAsync(backend);
        }

        return server;
    }

    /// <inheritdoc/>
    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (BackendServer server in _servers.Values)
        {
            await server.DisposeAsync();
        }
    }
}

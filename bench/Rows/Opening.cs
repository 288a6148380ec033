using Sluice.Bench.Servers;

namespace Sluice.Bench.Rows;

/// <summary>Starts all contenders of a round, or none: what has been started is stopped when a later one does not start.</summary>
internal static class Opening
{
    public static async Task<IReadOnlyList<IContender>> AllAsync<T>(IEnumerable<T> ones, Func<T, Task<IContender>> open)
    {
        var opened = new List<IContender>();
        try
        {
            foreach (T one in ones)
            {
                opened.Add(await open(one));
            }

            return opened;
        }
        catch
        {
            foreach (IContender contender in opened)
            {
                await contender.DisposeAsync();
            }

            throw;
        }
    }

    /// <summary>Starts a server; disposes it when it does not start.</summary>
    public static Task StartAsync(IServer server, CancellationToken token) => OrDisposeAsync(server, () => server.StartAsync(token));

    /// <summary>Does a step with a server that nobody owns yet; disposes it when the step fails.</summary>
    public static async Task OrDisposeAsync(IAsyncDisposable server, Func<Task> step)
    {
        try
        {
            await step();
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }
}

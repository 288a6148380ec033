using System.Diagnostics;
using Sluice.Bench.Machine;

namespace Sluice.Bench.Servers;

/// <summary>Waits until a server that was started is there.</summary>
internal static class Waiting
{
    /// <summary>Looks every millisecond until there is something to see.</summary>
    /// <exception cref="BenchException">The server ended, or the time was up; the message holds its log.</exception>
    public static async Task<T> ForAsync<T>(Func<T?> look, string name, ProcessSet processes, TimeSpan time, CancellationToken token)
        where T : class
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            if (look() is { } seen)
            {
                return seen;
            }

            if (processes.HasEnded || Stopwatch.GetElapsedTime(started) > time)
            {
                throw new BenchException($"{name} does not come up: {processes.Log.Trim()}");
            }

            await Task.Delay(1, token);
        }
    }
}

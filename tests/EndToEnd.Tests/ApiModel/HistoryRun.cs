using System.Collections.Concurrent;
using System.Diagnostics;

namespace Sluice.EndToEnd.Tests.ApiModel;

/// <summary>One plan carried out against a server, and what came of it looked at name by name.</summary>
public static class HistoryRun
{
    private static int s_folders;

    /// <summary>Null when the answers are those of a register for each name; else what cannot be. Leaves nothing behind.</summary>
    public static async Task<string?> ProblemAsync(HttpClient http, string bucket, Plan plan)
    {
        var calls = new ObjectCalls(http, bucket, $"h{Interlocked.Increment(ref s_folders)}", plan);
        var history = new ConcurrentQueue<(int Name, Call Call)>();
        try
        {
            var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Task[] clients = [.. plan.Clients.Select((steps, client) => Task.Run(async () =>
            {
                await start.Task;
                for (int i = 0; i < steps.Count; i++)
                {
                    await MakeAsync(calls, history, client, steps[i], Plan.NumberOf(client, i));
                }
            }))];
            start.SetResult();
            await Task.WhenAll(clients);
            for (int name = 0; name < Plan.Names.Count; name++)
            {
                await MakeAsync(calls, history, plan.Clients.Count, new Step(Verb.Get, name), 0);
            }

            await MakeAsync(calls, history, plan.Clients.Count, new Step(Verb.List, 0), 0);
        }
        catch (Exception exception) when (exception is InvalidOperationException or HttpRequestException or Xunit.Sdk.XunitException)
        {
            return exception.Message;
        }
        finally
        {
            await calls.RemoveAllAsync();
        }

        return Enumerable.Range(0, Plan.Names.Count)
            .Select(name => (Name: name, Problem: Linearizability.Problem([.. history.Where(one => one.Name == name).Select(one => one.Call)])))
            .Where(one => one.Problem is not null)
            .Select(one => $"\"{Plan.Names[one.Name]}\": {one.Problem}")
            .FirstOrDefault();
    }

    private static async Task MakeAsync(ObjectCalls calls, ConcurrentQueue<(int Name, Call Call)> history, int client, Step step, int number)
    {
        long invoked = Microseconds();
        Func<IEnumerable<(int Name, Effect Effect)>> answer = await calls.MakeAsync(step, number);
        long returned = Microseconds();
        foreach ((int name, Effect effect) in answer())
        {
            history.Enqueue((name, new Call(client, invoked, returned, effect, step.Verb == Verb.Put ? $"{step} as content {number}," : $"{step}")));
        }
    }

    /// <summary>A monotonic clock. A call that ends in the microsecond in which another begins counts as at once with it.</summary>
    private static long Microseconds() => Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1_000_000);
}

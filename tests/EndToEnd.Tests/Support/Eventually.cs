using System.Diagnostics;

namespace Sluice.EndToEnd.Tests.Support;

/// <summary>Waits for a condition, which is asked again until it holds or the deadline has passed.</summary>
public static class Eventually
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(20);

    /// <summary>Waits until there is no problem; fails with the last one.</summary>
    public static Task HoldsAsync(Func<Task<string?>> problem) => HoldsAsync(problem, s_deadline);

    /// <summary>The same with a deadline of the caller's, for what moves much data.</summary>
    public static async Task HoldsAsync(Func<Task<string?>> problem, TimeSpan deadline)
    {
        long start = Stopwatch.GetTimestamp();
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (await problem() is { } text)
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < deadline, $"still so after {deadline.TotalSeconds} s: {text}");
            await pace.WaitForNextTickAsync();
        }
    }

    /// <summary>Waits until something is so; fails with what it is called.</summary>
    public static Task TrueAsync(string what, Func<bool> isSo) => HoldsAsync(() => Task.FromResult(isSo() ? null : $"not yet: {what}"));
}

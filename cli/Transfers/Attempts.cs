using Sluice.Contract;

namespace Sluice.Cli.Transfers;

/// <summary>A part that fails is tried again a few times: the first time at once, then after growing pauses.</summary>
internal static class Attempts
{
    private const int Max = 4;
    private const string BadDigestCode = "ErrBadCksum";

    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    /// <summary>Runs <paramref name="attempt"/> until it ends well, or fails in a way that trying again does not cure, or has failed too often.</summary>
    public static async Task<T> RunAsync<T>(VerbRun run, Func<Task<T>> attempt, CancellationToken token)
    {
        for (int failed = 0; ; failed++)
        {
            try
            {
                return await attempt();
            }
            catch (Exception failure) when (failed < Max - 1 && IsWorthAnother(failure))
            {
                await run.DelayAsync(s_pause * failed, token);
            }
        }
    }

    // A digest that was refused may have been that of bytes that were damaged on the way.
    private static bool IsWorthAnother(Exception failure) =>
        failure is DamagedTransferException or SluiceException { Status: 0 or 408 or 429 or >= 500 } or SluiceException { Code: BadDigestCode };
}

// The collector's limit and what the process really has. The limit is set while the process runs: that works in the published binary as well, where
// no runtimeconfig.json is read (docs/decisions/0005-memory-budget.md).
using System.Diagnostics;
using System.Globalization;

namespace Sluice.Server;

/// <summary>The managed heap's share of the budget, enforced; and memory as counters.</summary>
internal static class MemoryLimit
{
    /// <summary>
    /// Limits the managed heap. Near the limit the collector works harder; beyond it an allocation fails, and with it the request that asked. False when the
    /// runtime refuses, because more than that is in use already.
    /// </summary>
    public static bool TrySet(long heapBytes)
    {
        AppContext.SetData("GCHeapHardLimit", (ulong)heapBytes);
        try
        {
            GC.RefreshMemoryLimit();
            return GC.GetGCMemoryInfo().TotalAvailableMemoryBytes <= heapBytes;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>
    /// Loads what the runtime needs to write a stack trace: 1.2 MiB of tables, once, 16 ms. Left to the first defect that is logged, it would be asked
    /// for when memory may be short, and the line that tells of the defect would be lost. A second after the start: at once, it takes the core from the
    /// first request.
    /// </summary>
    public static async Task PrepareStackTracesAsync(CancellationToken stop)
    {
        await Task.Delay(TimeSpan.FromSeconds(1), stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        if (!stop.IsCancellationRequested)
        {
            _ = new StackTrace(0, fNeedFileInfo: false).ToString();
        }
    }

    /// <summary>
    /// In bytes: the budget; resident memory, with the pages of the binary, and without them, which is what the budget is about; the managed heap.
    /// </summary>
    public static IEnumerable<KeyValuePair<string, long>> Counters(long budgetBytes)
    {
        string status = MachineReport.ReadText("/", "proc/self/status");
        return
        [
            new("memory.budget", budgetBytes),
            new("memory.rss", Bytes(status, "VmRSS:")),
            new("memory.anonymous", Bytes(status, "RssAnon:")),
            new("memory.managed", GC.GetTotalMemory(forceFullCollection: false)),
            new("memory.collections", GC.CollectionCount(0)),
            new("memory.full_collections", GC.CollectionCount(GC.MaxGeneration)),
            new("memory.collections_us", (long)GC.GetTotalPauseDuration().TotalMicroseconds),
        ];
    }

    /// <summary>A size of /proc/self/status (proc(5)) in bytes; 0 when it cannot be read.</summary>
    internal static long Bytes(string status, string field)
    {
        foreach (string line in status.Split('\n'))
        {
            string[] words = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words is [string name, string kib, ..] && name == field && long.TryParse(kib, NumberStyles.None, CultureInfo.InvariantCulture, out long count))
            {
                return count << 10;
            }
        }

        return 0;
    }
}

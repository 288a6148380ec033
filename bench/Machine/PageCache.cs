namespace Sluice.Bench.Machine;

/// <summary>The kernel's caches of file systems.</summary>
internal static class PageCache
{
    /// <summary>Writes what is dirty and drops the rest, inodes and directory entries too (proc(5), drop_caches). Needs root.</summary>
    public static async Task DropAsync(CancellationToken token)
    {
        await Command.RunAsync(["sync"], token);
        await File.WriteAllTextAsync("/proc/sys/vm/drop_caches", "3", token);
    }
}

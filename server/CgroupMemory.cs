// The memory limit of the process's own cgroup and of all above it, in both versions of the interface (cgroups(7)); the least holds.
using System.Globalization;

namespace Sluice.Server;

/// <summary>Memory limits of cgroups.</summary>
internal static class CgroupMemory
{
    private const long Unlimited = 1L << 60; // v1 says "no limit" with the largest multiple of the page size below 2^63

    /// <summary>Least limit in bytes; null when none is set.</summary>
    public static long? Limit(string root)
    {
        long least = Unlimited;
        foreach (string line in MachineReport.ReadText(root, "proc/self/cgroup").Split('\n'))
        {
            string[] fields = line.Split(':', 3); // hierarchy:controllers:path
            if (fields.Length != 3)
            {
                continue;
            }

            if (fields[0] == "0" && fields[1].Length == 0)
            {
                least = Math.Min(least, Least(root, "sys/fs/cgroup", (fields[2], "memory.max")));
                least = Math.Min(least, Least(root, "sys/fs/cgroup/unified", (fields[2], "memory.max")));
            }
            else if (fields[1].Split(',').Contains("memory"))
            {
                least = Math.Min(least, Least(root, "sys/fs/cgroup/memory", (fields[2], "memory.limit_in_bytes")));
            }
        }

        return least < Unlimited ? least : null;
    }

    /// <summary>
    /// From the process's group up to the mount's own directory. In a container the path may be the host's and not exist below the mount;
    /// then the mount's own directory is the container's group.
    /// </summary>
    private static long Least(string root, string mount, (string Path, string File) group)
    {
        long least = Unlimited;
        string[] parts = [.. group.Path.Split('/').Where(part => part.Length > 0 && part != "..")];
        for (int count = parts.Length; count >= 0; count--)
        {
            string text = MachineReport.ReadText(root, Path.Combine([mount, .. parts[..count], group.File])).Trim();
            if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long bytes) && bytes > 0)
            {
                least = Math.Min(least, bytes);
            }
        }

        return least;
    }
}

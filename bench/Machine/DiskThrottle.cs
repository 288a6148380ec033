using System.Globalization;

namespace Sluice.Bench.Machine;

/// <summary>The most that a disk reads and writes, each in bytes a second; 0 for no limit.</summary>
internal readonly record struct DiskSpeed(long ReadBytesPerSecond, long WriteBytesPerSecond)
{
    public static readonly DiskSpeed Unlimited;

    public bool IsLimited => this != Unlimited;
}

/// <summary>
/// Speeds of block devices: the blkio controller of cgroup v1 on the root group, which also has the kernel's threads that write dirty pages back. A group
/// at the root of cgroup v2 has no such file.
/// </summary>
/// <param name="directory">Where the controller is mounted.</param>
internal sealed class DiskThrottle(string directory)
{
    /// <summary>This machine's.</summary>
    public static readonly DiskThrottle Machine = new("/sys/fs/cgroup/blkio");

    private string Reads => Path.Combine(directory, "blkio.throttle.read_bps_device");

    private string Writes => Path.Combine(directory, "blkio.throttle.write_bps_device");

    /// <summary>True when disks can be given a speed.</summary>
    private bool IsThere => File.Exists(Reads) && File.Exists(Writes);

    /// <summary>Fails where disks cannot be given a speed, before a row has made any.</summary>
    /// <exception cref="BenchException">There is no such controller.</exception>
    public void Require()
    {
        if (!IsThere)
        {
            throw new BenchException("there is no blkio.throttle (cgroup v1) to give each loop device a disk's speed");
        }
    }

    /// <summary>Gives a device a speed in place of the one that it has.</summary>
    /// <param name="device">MAJOR:MINOR.</param>
    public async Task SetAsync(string device, DiskSpeed speed, CancellationToken token)
    {
        await File.WriteAllTextAsync(Reads, string.Create(CultureInfo.InvariantCulture, $"{device} {speed.ReadBytesPerSecond}"), token);
        await File.WriteAllTextAsync(Writes, string.Create(CultureInfo.InvariantCulture, $"{device} {speed.WriteBytesPerSecond}"), token);
    }
}

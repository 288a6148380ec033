using System.Globalization;

namespace Sluice.Bench.Machine;

/// <summary>
/// A file system of its own on a loop device, fresh, sparse, and as fast as it is told: what a row leaves behind goes with it, so that no row pays for
/// the deletes of another. Needs root. Disposing unmounts and removes it.
/// </summary>
internal sealed class LoopDisk : IAsyncDisposable
{
    private const string Throttle = "/sys/fs/cgroup/blkio/blkio.throttle.read_bps_device";

    private readonly string _image;
    private string _device = "";
    private bool _isMounted;

    private LoopDisk(string image, string path) => (_image, Path) = (image, path);

    /// <summary>Where it is mounted.</summary>
    public string Path { get; }

    /// <summary>True when disks can be given a speed: the blkio controller of cgroup v1 on the root group.</summary>
    public static bool CanLimit => File.Exists(Throttle);

    /// <summary>Makes and mounts an XFS.</summary>
    /// <param name="directory">Where image and mount point are made.</param>
    /// <param name="readBytesPerSecond">0 for no limit.</param>
    public static async Task<LoopDisk> MakeAsync(string directory, string name, long sizeBytes, long readBytesPerSecond, CancellationToken token)
    {
        Directory.CreateDirectory(directory);
        string path = System.IO.Path.Combine(directory, name);
        Directory.CreateDirectory(path);
        var disk = new LoopDisk(path + ".img", path);
        try
        {
            using (FileStream image = File.Create(disk._image))
            {
                image.SetLength(sizeBytes);
            }

            disk._device = (await Command.RunAsync(["losetup", "--find", "--show", disk._image], token)).Trim();
            await Command.RunAsync(["mkfs.xfs", "-q", disk._device], token);
            await Command.RunAsync(["mount", disk._device, path], token);
            disk._isMounted = true;
            if (readBytesPerSecond > 0)
            {
                await File.WriteAllTextAsync(Throttle, string.Create(CultureInfo.InvariantCulture, $"{disk.Number()} {readBytesPerSecond}"), token);
            }

            return disk;
        }
        catch
        {
            await disk.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_isMounted)
        {
            if (CanLimit)
            {
                await File.WriteAllTextAsync(Throttle, $"{Number()} 0"); // devices are used again, by others
            }

            await Command.RunAsync(["umount", Path], CancellationToken.None);
        }

        if (_device.Length > 0)
        {
            await Command.TryRunAsync(["losetup", "--detach", _device], CancellationToken.None);
        }

        File.Delete(_image);
        Directory.Delete(Path);
    }

    /// <summary>MAJOR:MINOR.</summary>
    private string Number() => File.ReadAllText($"/sys/block/{System.IO.Path.GetFileName(_device)}/dev").Trim();
}

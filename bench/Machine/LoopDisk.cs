namespace Sluice.Bench.Machine;

/// <summary>What a <see cref="LoopDisk"/> is to be.</summary>
/// <param name="SizeBytes">Of the image; 300 MiB is the least that mkfs.xfs(8) takes.</param>
internal sealed record DiskShape(long SizeBytes)
{
    /// <summary>How fast it is; without a limit by default.</summary>
    public DiskSpeed Speed { get; init; }

    /// <summary>
    /// Its image is written to its end before it is used, not sparse: the first touch of a page of memory may be a fault of 20 µs on a virtual machine, which
    /// whoever writes first would pay for.
    /// </summary>
    public bool IsFilled { get; init; }
}

/// <summary>
/// A file system of its own on a loop device, fresh, and as fast as it is told: what a row leaves behind goes with it, so that no row pays for the deletes
/// of another. Needs root. Disposing unmounts and removes it.
/// </summary>
internal sealed class LoopDisk : IAsyncDisposable
{
    private const int FillBytes = 1 << 20;

    private readonly string _image;
    private string _device = "";
    private bool _isMounted;
    private bool _isLimited;

    private LoopDisk(string image, string path) => (_image, Path) = (image, path);

    /// <summary>Where it is mounted.</summary>
    public string Path { get; }

    /// <summary>Makes and mounts an XFS.</summary>
    /// <param name="directory">Where image and mount point are made.</param>
    public static async Task<LoopDisk> MakeAsync(string directory, string name, DiskShape shape, CancellationToken token)
    {
        Directory.CreateDirectory(directory);
        string path = System.IO.Path.Combine(directory, name);
        Directory.CreateDirectory(path);
        var disk = new LoopDisk(path + ".img", path);
        try
        {
            await disk.MakeImageAsync(shape, token);
            disk._device = (await Command.RunAsync(["losetup", "--find", "--show", disk._image], token)).Trim();
            await Command.RunAsync(["mkfs.xfs", "-q", "-K", disk._device], token); // -K: a discard would make the image sparse again
            await Command.RunAsync(["mount", disk._device, path], token);
            disk._isMounted = true;
            if (shape.Speed.IsLimited)
            {
                disk._isLimited = true;
                await DiskThrottle.Machine.SetAsync(disk.Number(), shape.Speed, token);
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
        if (_isLimited)
        {
            await DiskThrottle.Machine.SetAsync(Number(), DiskSpeed.Unlimited, CancellationToken.None); // devices are used again, by others
        }

        if (_isMounted)
        {
            await Command.RunAsync(["umount", Path], CancellationToken.None);
        }

        if (_device.Length > 0)
        {
            await Command.TryRunAsync(["losetup", "--detach", _device], CancellationToken.None);
        }

        File.Delete(_image);
        Directory.Delete(Path);
    }

    private async Task MakeImageAsync(DiskShape shape, CancellationToken token)
    {
        await using FileStream image = File.Create(_image, bufferSize: 0);
        if (shape.IsFilled)
        {
            var zeroes = new byte[FillBytes];
            for (long left = shape.SizeBytes; left > 0; left -= zeroes.Length)
            {
                await image.WriteAsync(zeroes.AsMemory(0, (int)Math.Min(left, zeroes.Length)), token);
            }
        }

        image.SetLength(shape.SizeBytes);
    }

    /// <summary>MAJOR:MINOR.</summary>
    private string Number() => File.ReadAllText($"/sys/block/{System.IO.Path.GetFileName(_device)}/dev").Trim();
}

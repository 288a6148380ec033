
namespace Sluice.Engine.Tests.Support;

/// <summary>
/// A file system of a test's own, in a sparse file in a temporary directory, mounted through a loop device. Unmounted and removed when it
/// is disposed, whatever the test did. Needs root.
/// </summary>
public sealed class LoopMount : IDisposable
{
    private const long Ext4Bytes = 64L << 20, XfsBytes = 300L << 20; // mkfs.xfs refuses less than 300 MiB

    private readonly DirectoryInfo _home;
    private bool _mounted;

    private LoopMount(DirectoryInfo? home = null)
    {
        _home = home ?? Directory.CreateTempSubdirectory("sluice-loop-");
        MountPoint = Directory.CreateDirectory(System.IO.Path.Combine(_home.FullName, "at")).FullName;
    }

    /// <summary>Where the file system is mounted.</summary>
    public string MountPoint { get; }

    private string Image => System.IO.Path.Combine(_home.FullName, "image");

    /// <summary>ext4 with inodes of 256 bytes, or XFS.</summary>
    public static LoopMount New(string kind) => kind == "xfs"
        ? Made(new LoopMount(), XfsBytes, "mkfs.xfs", "-q", "-f")
        : Made(new LoopMount(), Ext4Bytes, "mkfs.ext4", "-q", "-F", "-I", "256");

    /// <summary>btrfs that compresses, of so many bytes: what says little takes little of the machine's disk.</summary>
    public static LoopMount NewCompressing(long bytes)
    {
        LoopMount mount = Made(new LoopMount(), bytes, "mkfs.btrfs", "-q", "-f");
        mount.Remount("compress-force=zstd:1");
        return mount;
    }

    /// <summary>ext4 of so many bytes on a drive that never lets wait: its file is in memory (tmpfs(5)).</summary>
    public static LoopMount NewInMemory(long bytes) =>
        Made(new LoopMount(Directory.CreateDirectory($"/dev/shm/sluice-loop-{Guid.NewGuid():N}")), bytes, "mkfs.ext4", "-q", "-F", "-I", "256");

    /// <summary>A memory file system without extended attributes of users (ramfs has no handler for them).</summary>
    public static LoopMount NewWithoutXattrs()
    {
        var mount = new LoopMount();
        mount.Guarded(() => mount.Mount("-t", "ramfs", "ramfs"));
        return mount;
    }

    /// <summary>Mounts the same file system again with other options.</summary>
    public void Remount(string options) => Children.Run("mount", "-o", "remount," + options, MountPoint);

    public void Dispose()
    {
        if (_mounted)
        {
            Children.Run("umount", MountPoint);
            _mounted = false;
        }

        _home.Delete(recursive: true);
    }

    private static LoopMount Made(LoopMount mount, long bytes, string program, params string[] arguments)
    {
        mount.Guarded(() =>
        {
            using (FileStream image = File.Create(mount.Image))
            {
                image.SetLength(bytes);
            }

            Children.Run(program, [.. arguments, mount.Image]);
            mount.Mount("-o", "loop", mount.Image);
        });
        return mount;
    }

    private void Mount(params string[] arguments)
    {
        Children.Run("mount", [.. arguments, MountPoint]);
        _mounted = true;
    }

    private void Guarded(Action make)
    {
        try
        {
            make();
        }
        catch
        {
            Dispose();
            throw;
        }
    }
}

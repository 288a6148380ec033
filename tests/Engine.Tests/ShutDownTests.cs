using System.Text;
using Sluice.Engine.Io;
using Sluice.Engine.Tests.Support;
using Sluice.Native;

namespace Sluice.Engine.Tests;

/// <summary>A file system that shuts down drops what it has not written, and not every call tells. On a real XFS, loop-mounted.</summary>
public sealed class ShutDownTests
{
    [Fact]
    public async Task ADirectorysSyncFailsWhenTheRenameInItWasDropped()
    {
        DirectoryInfo home = Directory.CreateTempSubdirectory("sluice-shut-");
        string image = Path.Combine(home.FullName, "disk");
        string mount = home.CreateSubdirectory("mount").FullName;
        using (FileStream file = File.Create(image))
        {
            file.SetLength(320 << 20);
        }

        Children.Run("mkfs.xfs", "-q", image);
        Children.Run("mount", "-o", "loop", image, mount);
        try
        {
            using var tested = new TestedFileIo(TestedFileIo.Default);
            using FileHandle root = (await tested.Io.OpenRootAsync(mount)).Value;
            using var table = new DirectoryTable(tested.Io, root);
            using DirectoryLease lease = (await table.AcquireAsync(Encoding.UTF8.GetBytes("d"), DirectoryUse.CreateDurable)).Value;
            string work = Path.Combine(mount, "d", "work");
            await File.WriteAllTextAsync(work, "content");
            Assert.True((await lease.SyncAsync()).Ok);
            File.Move(work, Path.Combine(mount, "d", "object"));
            Children.Run("xfs_io", "-x", "-c", "shutdown", mount);

            Assert.True((await tested.Io.SyncAsync(lease.Handle)).Ok, "fsync alone tells: then the look behind it is no longer needed"); // the known-bad twin
            Assert.Equal(Errno.EIO, (await lease.SyncAsync()).Error);
        }
        finally
        {
            Children.Run("umount", mount);
            home.Delete(recursive: true);
        }
    }
}

using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Native;

namespace Sluice.Engine.Space;

/// <summary>
/// Where destroyed buckets go on one mountpath: <c>.sluice/trash</c>. Throwing away is one rename, durable when it returns; emptying runs
/// in the background, goes on after a restart, and stops between two entries when the engine closes.
/// </summary>
public sealed class Trash(ObjectDisk disk, ObjectClock clock, ILogger log)
{
    private static readonly byte[] s_path = ".sluice/trash"u8.ToArray();

    /// <summary>Renames a bucket's directory into the trash; one that is not there is no error.</summary>
    public ValueTask ThrowAwayAsync(Bucket bucket) => ThrowAwayAsync(bucket.Home, bucket.Bid);

    /// <summary>The same by path, of a bucket that nothing else is known of.</summary>
    public async ValueTask ThrowAwayAsync(ReadOnlyMemory<byte> home, ulong bid)
    {
        ReadOnlyMemory<byte> above = DirectoryTable.ParentOf(home);
        IoResult<DirectoryLease> parent = await disk.Directories.AcquireAsync(above, DirectoryUse.Existing);
        if (parent.Error is Errno.ENOENT)
        {
            return;
        }

        using DirectoryLease from = disk.Check(parent, "open", above.Span);
        using DirectoryLease trash = disk.Check(await disk.Directories.AcquireAsync(s_path, DirectoryUse.CreateDurable), "mkdir", s_path);
        byte[] name = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{bid:x16}.{clock.Next():x16}"));
        disk.Directories.ForgetBelow(home);
        IoResult moved = await disk.Io.RenameAsync(from.Handle, DirectoryTable.LeafOf(home), trash.Handle, name, RenameMode.NoReplace);
        if (!moved.Ok && moved.Error != Errno.ENOENT)
        {
            throw disk.Fault("rename", moved.Error, home.Span);
        }

        disk.Check(await from.SyncAsync(), "fsync", above.Span);
        disk.Check(await trash.SyncAsync(), "fsync", s_path);
    }

    /// <summary>Removes everything in the trash; what cannot be removed stays for the next time.</summary>
    public async Task EmptyAsync(CancellationToken cancellation)
    {
        try
        {
            IoResult<FileHandle> opened = await disk.Io.OpenAsync(disk.Root, s_path, OpenIntent.Directory);
            if (opened.Error == Errno.ENOENT)
            {
                return;
            }

            using FileHandle trash = disk.Check(opened, "open", s_path);
            await EmptyDirectoryAsync(trash, cancellation);
        }
        catch (StorageException fault)
        {
            log.LogWarning("the trash could not be emptied: {Fault}", fault.Message);
        }
    }

    private async Task EmptyDirectoryAsync(FileHandle directory, CancellationToken cancellation)
    {
        foreach ((byte[] name, EntryKind kind) in await DirectoryNames.ReadAsync(disk, directory))
        {
            if (cancellation.IsCancellationRequested)
            {
                return;
            }

            if (kind == EntryKind.Directory)
            {
                using FileHandle inner = disk.Check(await disk.Io.OpenAsync(directory, name, OpenIntent.Directory), "open", name);
                await EmptyDirectoryAsync(inner, cancellation);
            }

            IoResult removed = await disk.Io.UnlinkAsync(directory, name, kind == EntryKind.Directory ? kind : EntryKind.File);
            if (!removed.Ok && removed.Error is not (Errno.ENOENT or Errno.ENOTEMPTY))
            {
                throw disk.Fault("unlink", removed.Error, name);
            }
        }
    }
}

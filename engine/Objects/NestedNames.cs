using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Placement;
using Sluice.Native;

namespace Sluice.Engine.Objects;

/// <summary>
/// Makes room for "a/b" where the object "a" is a file on the same mountpath: "a" becomes a directory that holds the object as its
/// reserved leaf. Under the lock of "a" (taken while "a/b" is held: ancestors come later in the lock order) the file is hard-linked as
/// the leaf of a prepared directory, that is synced, the two are exchanged in one step, the parent is synced, and the file's old name,
/// now in the work directory, is removed. At every moment "a" stands either at its own name or at its leaf; a crash leaves at most the
/// prepared directory or the old name in the work directory, which the next start removes.
/// </summary>
public sealed class NestedNames(NameLock locks, ObjectLookup lookup)
{
    /// <summary>
    /// Turns the file that stands in the way of <paramref name="name"/>'s directory into one with a leaf. Does nothing when none does (any
    /// more).
    /// </summary>
    public async ValueTask MakeRoomAsync(ObjectDisk disk, Bucket bucket, ObjectName name)
    {
        ReadOnlyMemory<byte> utf8 = name.Utf8;
        for (int slash = utf8.Span.IndexOf((byte)'/'); slash >= 0 && slash < utf8.Length; slash = NextSlash(utf8.Span, slash))
        {
            if (slash > 0 && await IsFileAsync(disk, bucket, utf8[..slash]))
            {
                await ConvertAsync(disk, bucket, utf8[..slash]);
                return;
            }
        }
    }

    private static int NextSlash(ReadOnlySpan<byte> name, int slash)
    {
        int next = name[(slash + 1)..].IndexOf((byte)'/');
        return next < 0 ? -1 : slash + 1 + next;
    }

    private static async ValueTask<bool> IsFileAsync(ObjectDisk disk, Bucket bucket, ReadOnlyMemory<byte> name)
    {
        ObjectPath path = ObjectPath.Plain(bucket.Objects, name.Span);
        IoResult<FileStatus> status = await disk.Io.StatAtAsync(disk.Root, path.Whole);
        return status.Ok && status.Value.Kind == EntryKind.File;
    }

    private async ValueTask ConvertAsync(ObjectDisk disk, Bucket bucket, ReadOnlyMemory<byte> ancestor)
    {
        ulong digest = bucket.DigestOf(ancestor.Span);
        await locks.AcquireWriterAsync(digest);
        try
        {
            if (await IsFileAsync(disk, bucket, ancestor)) // it was removed or converted while we waited
            {
                await ExchangeAsync(disk, bucket, ObjectPath.Plain(bucket.Objects, ancestor.Span), digest);
            }
        }
        finally
        {
            locks.ReleaseWriter(digest);
        }
    }

    private async ValueTask ExchangeAsync(ObjectDisk disk, Bucket bucket, ObjectPath path, ulong digest)
    {
        using DirectoryLease work = disk.Check(
            await disk.Directories.AcquireAsync(bucket.Work, DirectoryUse.CreateDurable), "mkdir", bucket.Work.Span);
        using DirectoryLease parent = disk.Check(
            await disk.Directories.AcquireAsync(path.Directory, DirectoryUse.CreateDurable), "open", path.Directory.Span);
        byte[] prepared = disk.NewWorkName(digest);
        disk.Check(await disk.Io.MakeDirectoryAsync(work.Handle, prepared), "mkdir", prepared);
        try
        {
            await ExchangeAsync(disk, work, parent, prepared, path, digest);
        }
        catch (StorageException)
        {
            await AbandonAsync(disk, work, prepared);
            throw;
        }
    }

    private async ValueTask ExchangeAsync(
        ObjectDisk disk, DirectoryLease work, DirectoryLease parent, byte[] prepared, ObjectPath path, ulong digest)
    {
        using (FileHandle inner = disk.Check(await disk.Io.OpenAsync(work.Handle, prepared, OpenIntent.Directory), "open", prepared))
        {
            disk.Check(
                await disk.Io.LinkAsync(parent.Handle, path.Leaf, inner, ObjectPath.ReservedLeaf), "link", path.Whole.Span);
            disk.Check(await disk.Io.SyncAsync(inner), "fsync", prepared);
        }

        await locks.BeginPublishAsync(digest);
        try
        {
            disk.Check(
                await disk.Io.RenameAsync(work.Handle, prepared, parent.Handle, path.Leaf, RenameMode.Exchange), "rename", path.Whole.Span);
            lookup.Evict(digest);
        }
        finally
        {
            locks.EndPublish(digest);
        }

        disk.Check(await parent.SyncAsync(), "fsync", path.Directory.Span);
        IoResult removed = await disk.Io.UnlinkAsync(work.Handle, prepared, EntryKind.File);
        if (!removed.Ok && removed.Error != Errno.ENOENT)
        {
            throw disk.Fault("unlink", removed.Error, prepared);
        }
    }

    /// <summary>
    /// Removes what was prepared: the directory with its leaf, or after the exchange the object's old name. The object keeps the other of
    /// its two names. What cannot be removed now is removed at the next start.
    /// </summary>
    private static async ValueTask AbandonAsync(ObjectDisk disk, DirectoryLease work, byte[] prepared)
    {
        IoResult<FileHandle> opened = await disk.Io.OpenAsync(work.Handle, prepared, OpenIntent.Directory);
        if (!opened.Ok)
        {
            await disk.Io.UnlinkAsync(work.Handle, prepared, EntryKind.File);
            return;
        }

        using (FileHandle inner = opened.Value)
        {
            await disk.Io.UnlinkAsync(inner, ObjectPath.ReservedLeaf, EntryKind.File);
        }

        await disk.Io.UnlinkAsync(work.Handle, prepared, EntryKind.Directory);
    }
}

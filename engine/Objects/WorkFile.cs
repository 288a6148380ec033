using Microsoft.Extensions.Logging;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Native;

namespace Sluice.Engine.Objects;

/// <summary>
/// A file that is being written in a bucket's <c>%wk</c>, on the mountpath where it will be renamed (rename(2) does not cross file
/// systems). Nobody sees it. Disposing removes it, unless its name was given away by then.
/// </summary>
public sealed class WorkFile : IAsyncDisposable
{
    private static readonly byte[] s_quarantine = ".sluice/quarantine"u8.ToArray();

    private readonly DirectoryLease _directory;
    private bool _ours = true;

    private WorkFile(ObjectDisk disk, DirectoryLease directory, FileHandle file, ReadOnlyMemory<byte> path)
    {
        Disk = disk;
        _directory = directory;
        File = file;
        Path = path;
    }

    /// <summary>The mountpath.</summary>
    public ObjectDisk Disk { get; }

    /// <summary>The open file.</summary>
    public FileHandle File { get; }

    /// <summary>Its path below the mountpath.</summary>
    public ReadOnlyMemory<byte> Path { get; }

    /// <summary>Its name in the work directory.</summary>
    public ReadOnlyMemory<byte> Name => DirectoryTable.LeafOf(Path);

    /// <summary>The work directory.</summary>
    public FileHandle Directory => _directory.Handle;

    /// <summary>
    /// A new, empty work file. The work directory's own name is durable: a file that a relaxed overwrite keeps in it must not vanish with it.
    /// </summary>
    public static async ValueTask<WorkFile> CreateAsync(ObjectDisk disk, Bucket bucket, ulong digest)
    {
        IoResult<DirectoryLease> directory = await disk.Directories.AcquireAsync(bucket.Work, DirectoryUse.CreateDurable);
        DirectoryLease lease = disk.Check(directory, "mkdir", bucket.Work.Span);
        byte[] name = disk.NewWorkName(digest);
        byte[] path = [.. bucket.Work.Span, (byte)'/', .. name];
        IoResult<FileHandle> created = await disk.Io.OpenAsync(lease.Handle, name, OpenIntent.CreateNew);
        if (!created.Ok)
        {
            lease.Dispose();
            throw disk.Fault("create", created.Error, path);
        }

        return new WorkFile(disk, lease, created.Value, path);
    }

    /// <summary>
    /// A work file that an earlier run left, open for reading; the caller holds it as if it were new, but disposing leaves it where it is.
    /// </summary>
    public static async ValueTask<WorkFile> AdoptAsync(ObjectDisk disk, Bucket bucket, ReadOnlyMemory<byte> name)
    {
        DirectoryLease lease = disk.Check(
            await disk.Directories.AcquireAsync(bucket.Work, DirectoryUse.Existing), "open", bucket.Work.Span);
        byte[] path = [.. bucket.Work.Span, (byte)'/', .. name.Span];
        IoResult<FileHandle> opened = await disk.Io.OpenAsync(lease.Handle, name, OpenIntent.Read);
        if (!opened.Ok)
        {
            lease.Dispose();
            throw disk.Fault("open", opened.Error, path);
        }

        return new WorkFile(disk, lease, opened.Value, path) { _ours = false };
    }

    /// <summary>The file has another name now, or is left for the next start: disposing does not remove it.</summary>
    public void GiveAway() => _ours = false;

    /// <summary>True when disposing does not remove it.</summary>
    public bool IsGivenAway => !_ours;

    /// <summary>The file's name in the work directory survives a power cut (fsync(2): the file's own fsync does not promise that).</summary>
    public async ValueTask SyncNameAsync() =>
        Disk.Check(await _directory.SyncAsync(), "fsync of the directory", DirectoryTable.ParentOf(Path).Span);

    /// <summary>Flushes the file. fsync(2) is never retried: after a failure the kernel may have dropped the pages it could not write.</summary>
    public async ValueTask SyncAsync(ILogger log)
    {
        IoResult synced = await Disk.Io.SyncAsync(File);
        if (!synced.Ok)
        {
            await QuarantineAsync(log);
            throw Disk.Fault("fsync", synced.Error, Path.Span);
        }
    }

    /// <summary>
    /// Sets the record and flushes the file: <see cref="RecordFiles.SetAsync"/> and <see cref="SyncAsync"/> in one trip to the disk, where that has
    /// one. The answer does not tell which of the two failed; a lack of room is the attribute's, and leaves nothing worth keeping.
    /// </summary>
    public async ValueTask SealAndSyncAsync(ObjectMetadata metadata, ILogger log)
    {
        IoResult done = await Disk.Io.SetXattrAndSyncAsync(File, XattrName.Record, RecordFiles.Format(metadata));
        if (!done.Ok)
        {
            if (done.Error is not (Errno.ENOSPC or Errno.EDQUOT or Errno.ERANGE))
            {
                await QuarantineAsync(log);
            }

            throw Disk.Fault("setxattr and fsync", done.Error, Path.Span);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_ours)
        {
            // What cannot be removed now is removed at the next start.
            await Disk.Io.UnlinkAsync(Directory, Name, EntryKind.File);
        }

        File.Dispose();
        _directory.Dispose();
    }

    /// <summary>Moves the file out of the way for somebody to look at; a file that cannot be moved goes with the next start.</summary>
    private async ValueTask QuarantineAsync(ILogger log)
    {
        IoResult<DirectoryLease> quarantine = await Disk.Directories.AcquireAsync(s_quarantine, DirectoryUse.Create);
        if (!quarantine.Ok)
        {
            return;
        }

        using DirectoryLease lease = quarantine.Value;
        IoResult moved = await Disk.Io.RenameAsync(Directory, Name, lease.Handle, Name, RenameMode.Replace);
        if (moved.Ok)
        {
            GiveAway();
            log.LogError("mountpath {Mountpath}: work file {Name} failed to reach the disk and is in quarantine",
                Disk.Path, System.Text.Encoding.ASCII.GetString(Name.Span));
        }
    }
}

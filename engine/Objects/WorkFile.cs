using System.Buffers;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.ObjectPool;
using Sluice.Engine.Buckets;
using Sluice.Engine.Integrity;
using Sluice.Engine.Io;
using Sluice.Engine.Pooling;
using Sluice.Native;

namespace Sluice.Engine.Objects;

/// <summary>
/// A file that is being written in a bucket's <c>%wk</c>, on the mountpath where it will be renamed (rename(2) does not cross file
/// systems). Nobody sees it. Disposing removes it, unless its name was given away by then.
/// One that may be held is in memory at first, as long as its bytes are few: it is made when its record is known, in one trip with everything else that is
/// to be done to it then. The object is pooled: its one owner disposes it, and lets go of it.
/// </summary>
public sealed partial class WorkFile : IBodySink, IAsyncDisposable
{
    private const int NameBytesMax = 255; // ext4(5), xfs(5)
    private const int PooledMax = 256; // more than commits run at once; 256 x 300 bytes

    private static readonly ObjectPool<WorkFile> s_pool = new DefaultObjectPool<WorkFile>(new DefaultPooledObjectPolicy<WorkFile>(), PooledMax);

    private byte[] _path = new byte[128]; // grows with the longest name of a bucket
    private int _pathBytes;
    private ObjectDisk? _disk;
    private FileHandle? _file;
    private DirectoryLease _directory;
    private Bucket? _bucket;
    private bool _exists; // under its name in the work directory, as far as we know
    private bool _isGivenAway;
    private bool _isSealed;

    /// <summary>For the pool: a work file comes from <see cref="CreateAsync"/>.</summary>
    public WorkFile()
    {
    }

    /// <summary>The mountpath.</summary>
    public ObjectDisk Disk => _disk ?? throw new ObjectDisposedException(nameof(WorkFile));

    /// <summary>The open file; one that may be held has none.</summary>
    public FileHandle File => _file ?? throw new ObjectDisposedException(nameof(WorkFile));

    /// <summary>Its path below the mountpath. Borrowed: who keeps it past the disposal copies it.</summary>
    public ReadOnlyMemory<byte> Path => _path.AsMemory(0, _pathBytes);

    /// <summary>Its name in the work directory. Borrowed likewise.</summary>
    public ReadOnlyMemory<byte> Name => DirectoryTable.LeafOf(Path);

    /// <summary>Its number among the work files of this run, by which <see cref="ObjectDisk.WriteWorkName"/> makes its name; 0 when an earlier run made it.</summary>
    public long Number { get; private set; }

    /// <summary>The work directory.</summary>
    public FileHandle Directory => _directory.Handle;

    /// <summary>
    /// A new, empty work file. The work directory's own name is durable: a file that a relaxed overwrite keeps in it must not vanish with it.
    /// Made inside the bucket: behind its destruction it would be left for good, with a directory, when the power is cut. Throws
    /// <see cref="StorageException"/> when that has begun. With <paramref name="mayHold"/> its first bytes are held, and it has no handle for its owner to use.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public static async ValueTask<WorkFile> CreateAsync(ObjectDisk disk, Bucket bucket, ulong digest, bool mayHold = false)
    {
        Enter(bucket);
        try
        {
            IoResult<DirectoryLease> directory = await disk.Directories.AcquireAsync(bucket.Work, DirectoryUse.CreateDurable);
            WorkFile work = s_pool.Get();
            work.Begin(disk, bucket, disk.Check(directory, "mkdir", bucket.Work.Span));
            work.Number = disk.NewWorkNumber();
            work._pathBytes += disk.WriteWorkName(digest, work.Number, work._path.AsSpan(work._pathBytes));
            work._isHeld = mayHold;
            if (!mayHold)
            {
                await work.OpenFirstAsync(OpenIntent.CreateNew, "create");
            }

            return work;
        }
        finally
        {
            bucket.Leave();
        }
    }

    /// <summary>
    /// A work file that an earlier run left, or an earlier request, open for reading or for both; the caller holds it as if it were new, but disposing leaves it where it is.
    /// </summary>
    public static async ValueTask<WorkFile> AdoptAsync(ObjectDisk disk, Bucket bucket, ReadOnlyMemory<byte> name, OpenIntent intent = OpenIntent.Read)
    {
        IoResult<DirectoryLease> directory = await disk.Directories.AcquireAsync(bucket.Work, DirectoryUse.Existing);
        WorkFile work = s_pool.Get();
        work.Begin(disk, bucket, disk.Check(directory, "open", bucket.Work.Span));
        name.Span.CopyTo(work._path.AsSpan(work._pathBytes));
        work._pathBytes += name.Length;
        await work.OpenFirstAsync(intent, "open");
        work._isGivenAway = true;
        return work;
    }

    /// <inheritdoc/>
    public ValueTask WriteAsync(ReadOnlySequence<byte> data, long offset) =>
        !_isHeld ? WriteToFileAsync(data, offset) : TryHold(data, offset) ? default : WriteBehindHeldAsync(data, offset);

    /// <summary>The file has another name now, or is left for the next start: disposing does not remove it.</summary>
    public void GiveAway() => _isGivenAway = true;

    /// <summary>It has no name but this one, and is nobody else's: disposing removes it.</summary>
    public void TakeBack() => _isGivenAway = false;

    /// <summary>True when disposing does not remove it.</summary>
    public bool IsGivenAway => _isGivenAway;

    /// <summary>
    /// Renames it to a place on its mountpath, which is the caller's to give it away for; a held one is made now. Throws <see cref="StorageException"/> when it cannot be made.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public async ValueTask<IoResult> RenameAsync(FileHandle directory, ReadOnlyMemory<byte> name, RenameMode mode)
    {
        if (!_isHeld)
        {
            return await Disk.Io.RenameAsync(Directory, Name, directory, name, mode);
        }

        WholeFileResult made = await MakeAsync(Whole with { TargetDirectory = directory, TargetName = name, Mode = mode });
        return made.Ok || made.Step == WholeFileStep.Rename ? new IoResult(made.Error) : throw Fault(made);
    }

    /// <summary>The file's name in the work directory survives a power cut (fsync(2): the file's own fsync does not promise that).</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    public async ValueTask SyncNameAsync() =>
        Disk.Check(await _directory.SyncAsync(), "fsync of the directory", DirectoryTable.ParentOf(Path).Span);

    /// <summary>Flushes the file. fsync(2) is never retried: after a failure the kernel may have dropped the pages it could not write.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    public async ValueTask SyncAsync(ILogger log)
    {
        if (_isHeld)
        {
            await MakeSyncedAsync(log);
            return;
        }

        IoResult synced = await Disk.Io.SyncAsync(File);
        if (!synced.Ok)
        {
            await QuarantineAsync(log);
            throw Disk.Fault("fsync", synced.Error, Path.Span);
        }
    }

    /// <summary>Sets the record; that of a held file is held with it.</summary>
    public ValueTask SealAsync(ObjectMetadata metadata)
    {
        _isSealed = true;
        if (!_isHeld)
        {
            return _file is null ? SealAgainAsync(metadata) : RecordFiles.SetAsync(Disk, File, metadata, Path);
        }

        _recordBytes = RecordFiles.Format(metadata, ref _record);
        return default;
    }

    /// <summary>
    /// Sets the record and flushes the file: <see cref="RecordFiles.SetAsync"/> and <see cref="SyncAsync"/> in one trip to the disk, where that has
    /// one. The answer does not tell which of the two failed; a lack of room is the attribute's, and leaves nothing worth keeping.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    public async ValueTask SealAndSyncAsync(ObjectMetadata metadata, ILogger log)
    {
        if (_isHeld)
        {
            await SealAsync(metadata);
            await MakeSyncedAsync(log);
            return;
        }

        _isSealed = true;
        if (_file is null)
        {
            await OpenAsync(OpenIntent.ReadWrite, "open");
        }

        IoResult done = await RecordFiles.SetAndSyncAsync(Disk, File, metadata);
        if (!done.Ok)
        {
            if (IsWorthKeeping(done.Error))
            {
                await QuarantineAsync(log);
            }

            throw Disk.Fault("setxattr and fsync", done.Error, Path.Span);
        }
    }

    /// <inheritdoc/>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    public async ValueTask DisposeAsync()
    {
        if (_exists && !_isGivenAway)
        {
            // What cannot be removed now is removed at the next start.
            await Disk.Io.UnlinkAsync(Directory, Name, EntryKind.File);
            await ForgetAsync();
        }

        if (Interlocked.Exchange(ref _disk, null) is not null)
        {
            End();
        }
    }

    /// <summary>Counts the caller in; throws when the bucket is going.</summary>
    private static void Enter(Bucket bucket)
    {
        if (!bucket.TryEnter())
        {
            throw new StorageException(bucket.Name.ToString(), "create", Errno.ENOENT) { Told = BucketTable.NotFound(bucket.Name) };
        }
    }

    /// <summary>After a failure of its record or its flush; a lack of room leaves nothing to look at.</summary>
    private static bool IsWorthKeeping(Errno error) => error is not (Errno.ENOSPC or Errno.EDQUOT or Errno.ERANGE);

    private void Begin(ObjectDisk disk, Bucket bucket, DirectoryLease directory)
    {
        (_disk, _bucket, _directory, Number) = (disk, bucket, directory, 0);
        (_exists, _isGivenAway, _isSealed) = (false, false, false);
        (_isHeld, _heldBytes, _recordBytes) = (false, 0, 0);
        int bytesMax = bucket.Work.Length + 1 + NameBytesMax;
        if (_path.Length < bytesMax)
        {
            _path = new byte[bytesMax];
        }

        bucket.Work.Span.CopyTo(_path);
        _path[bucket.Work.Length] = (byte)'/';
        _pathBytes = bucket.Work.Length + 1;
    }

    /// <summary>A work file that cannot be opened has no owner yet.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    private async ValueTask OpenFirstAsync(OpenIntent intent, string verb)
    {
        try
        {
            await OpenAsync(intent, verb);
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    private async ValueTask OpenAsync(OpenIntent intent, string verb)
    {
        IoResult<FileHandle> opened = await Disk.Io.OpenAsync(Directory, Name, intent);
        if (opened.Ok)
        {
            (_file, _exists) = (opened.Value, true);
            return;
        }

        throw Disk.Fault(verb, opened.Error, Path.Span);
    }

    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    private async ValueTask WriteToFileAsync(ReadOnlySequence<byte> data, long offset) =>
        Disk.Check(await Disk.Io.WriteFullyAsync(File, data, offset), "write", Path.Span);

    /// <summary>It was made, closed, and not renamed, since something stood there; its record will be another one.</summary>
    private async ValueTask SealAgainAsync(ObjectMetadata metadata)
    {
        await OpenAsync(OpenIntent.ReadWrite, "open");
        await RecordFiles.SetAsync(Disk, File, metadata, Path);
    }

    /// <summary>
    /// With a record it looks like what an overwrite kept: a power cut must not bring it back under its name, or a start might roll an object back to what nobody has
    /// acknowledged. That this fails is known by then.
    /// </summary>
    private async ValueTask ForgetAsync()
    {
        if (_isSealed)
        {
            await _directory.SyncAsync();
        }
    }

    /// <summary>Nobody holds it any more.</summary>
    private void End()
    {
        _file?.Dispose();
        _directory.Dispose();
        (_file, _bucket, _directory) = (null, null, default);
        s_pool.Return(this);
    }

    /// <summary>Moves the file out of the way for somebody to look at; a file that cannot be moved goes with the next start.</summary>
    private async ValueTask QuarantineAsync(ILogger log)
    {
        IoResult<DirectoryLease> quarantine = await Disk.Directories.AcquireAsync(Quarantine.DirectoryPath, DirectoryUse.Create);
        if (!quarantine.Ok)
        {
            return;
        }

        using DirectoryLease lease = quarantine.Value;
        IoResult moved = await Disk.Io.RenameAsync(Directory, Name, lease.Handle, Name, RenameMode.Replace);
        if (moved.Ok)
        {
            GiveAway();
            await ForgetAsync();
            log.LogError("mountpath {Mountpath}: work file {Name} failed to reach the disk and is in quarantine",
                Disk.Path, System.Text.Encoding.ASCII.GetString(Name.Span));
        }
    }
}

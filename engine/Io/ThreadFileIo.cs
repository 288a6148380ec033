using System.Buffers;
using System.Collections.Concurrent;
using Sluice.Native;

namespace Sluice.Engine.Io;

/// <summary>
/// <see cref="IFileIo"/> on blocking system calls and threads of its own. A verb that is called from another thread goes to a worker; one
/// that is called from a worker runs where it is, so that a request, whose continuations stay on the worker that served it, pays one
/// hop for all its verbs. Used where io_uring is not to be had.
/// </summary>
public sealed partial class ThreadFileIo : IFileIo, IDisposable
{
    /// <summary>
    /// Workers when nothing else is said. Blocking verbs wait for drives: 32 are in flight at once on a queue depth that keeps several NVMe
    /// drives or one group of fsyncs busy; a thread that waits costs its 64 KiB of touched stack.
    /// </summary>
    public const int WorkersDefault = 32;

    private static readonly byte[] s_record = "user.slu\0"u8.ToArray();
    private static readonly byte[] s_target = "user.slt\0"u8.ToArray();
    private readonly ConcurrentDictionary<int, bool> _locked = []; // descriptors that hold a lock: one for each mountpath
    private int _open;
#if DEBUG
    private int _shortened; // every seventh transfer is halved, so that the loops over short ones always run in tests
#endif

    /// <summary>Starts the workers.</summary>
    public ThreadFileIo(int workers = WorkersDefault)
    {
        StartWorkers(workers);
    }

    /// <summary>Descriptors open now.</summary>
    public int OpenCount => Volatile.Read(ref _open);

    /// <inheritdoc/>
    public void Close(int descriptor)
    {
        Interlocked.Decrement(ref _open);
        if (_locked.TryRemove(descriptor, out _))
        {
            Libc.Unlock(descriptor);
        }

        Libc.Close(descriptor);
    }

    /// <inheritdoc/>
    public ValueTask<IoResult<FileHandle>> OpenRootAsync(string path) =>
        RunAsync((Io: this, path), static state => state.Io.Opened(Libc.OpenDirectory(state.path, out int descriptor), descriptor));

    /// <inheritdoc/>
    public ValueTask<IoResult<FileHandle>> OpenAsync(FileHandle directory, ReadOnlyMemory<byte> path, OpenIntent intent) =>
        RunAsync((Io: this, directory, path, intent), static state => state.Io.OpenNow(state.directory, state.path.Span, state.intent));

    /// <inheritdoc/>
    public ValueTask<IoResult<FileStatus>> StatAsync(FileHandle file) =>
        RunAsync(file, static file => Status(Libc.Stat(file.Descriptor, out FileStat stat), stat));

    /// <inheritdoc/>
    public ValueTask<IoResult<FileStatus>> StatAtAsync(FileHandle directory, ReadOnlyMemory<byte> path) =>
        RunAsync((directory, path), static state => StatAtNow(state.directory, state.path.Span));

    /// <inheritdoc/>
    public ValueTask<IoResult<FileSystemStatus>> StatFileSystemAsync(FileHandle file) => RunAsync(file, static file =>
    {
        Errno error = Libc.StatFileSystem(file.Descriptor, out FileSystemStat stat);
        return error != Errno.None ? IoResult<FileSystemStatus>.Failed(error) : new IoResult<FileSystemStatus>(new FileSystemStatus
        {
            Magic = stat.Magic,
            SizeBytes = stat.SizeBytes,
            FreeBytes = stat.FreeBytes,
            InodeCount = stat.Files,
            FreeInodeCount = stat.FreeFiles,
            ReadOnly = stat.ReadOnly,
        });
    });

    /// <inheritdoc/>
    public ValueTask<IoResult<int>> ReadAsync(FileHandle file, Memory<byte> buffer, long offset) =>
        RunAsync((Io: this, file, buffer, offset), static state =>
        {
            Span<byte> span = state.buffer.Span[..state.Io.Shortened(state.buffer.Length)];
            return Counted(Libc.Read(state.file.Descriptor, span, state.offset, out int count), count);
        });

    /// <inheritdoc/>
    public ValueTask<IoResult<int>> WriteAsync(FileHandle file, ReadOnlySequence<byte> data, long offset) =>
        RunAsync((Io: this, file, data, offset), static state =>
        {
            ReadOnlySequence<byte> some = state.data.Length > int.MaxValue ? state.data : state.data.Slice(0, state.Io.Shortened((int)state.data.Length));
            return Counted(Libc.Write(state.file.Descriptor, some, state.offset, out int count), count);
        });

    /// <inheritdoc/>
    public ValueTask<IoResult<int>> GetXattrAsync(FileHandle file, XattrName name, Memory<byte> value) =>
        RunAsync((file, name, value), static state =>
            Counted(Libc.GetXattr(state.file.Descriptor, Text(state.name), state.value.Span, out int count), count));

    /// <inheritdoc/>
    public ValueTask<IoResult> SetXattrAsync(FileHandle file, XattrName name, ReadOnlyMemory<byte> value) =>
        RunAsync((file, name, value), static state => new IoResult(Libc.SetXattr(state.file.Descriptor, Text(state.name), state.value.Span)));

    /// <inheritdoc/>
    public ValueTask<IoResult> SyncAsync(FileHandle file) => RunAsync(file, static file => new IoResult(Libc.Sync(file.Descriptor)));

    /// <inheritdoc/>
    public ValueTask<IoResult> SyncFileSystemAsync(FileHandle file) =>
        RunAsync(file, static file => new IoResult(Libc.SyncFileSystem(file.Descriptor)));

    /// <inheritdoc/>
    public ValueTask<IoResult> MakeDirectoryAsync(FileHandle directory, ReadOnlyMemory<byte> name) =>
        RunAsync((directory, name), static state =>
            new IoResult(IsComponent(state.name.Span) ? Libc.MakeDirectory(state.directory.Descriptor, state.name.Span) : Errno.EINVAL));

    /// <inheritdoc/>
    public ValueTask<IoResult> RenameAsync(
        FileHandle fromDirectory, ReadOnlyMemory<byte> fromName, FileHandle toDirectory, ReadOnlyMemory<byte> toName, RenameMode mode) =>
        RunAsync((fromDirectory, fromName, toDirectory, toName, mode), static state => new IoResult(
            IsComponent(state.fromName.Span) && IsComponent(state.toName.Span)
                ? Libc.Rename(
                    state.fromDirectory.Descriptor, state.fromName.Span, state.toDirectory.Descriptor, state.toName.Span, (uint)state.mode)
                : Errno.EINVAL));

    /// <inheritdoc/>
    public ValueTask<IoResult> LinkAsync(
        FileHandle fromDirectory, ReadOnlyMemory<byte> fromName, FileHandle toDirectory, ReadOnlyMemory<byte> toName) =>
        RunAsync((fromDirectory, fromName, toDirectory, toName), static state => new IoResult(
            IsComponent(state.fromName.Span) && IsComponent(state.toName.Span)
                ? Libc.Link(state.fromDirectory.Descriptor, state.fromName.Span, state.toDirectory.Descriptor, state.toName.Span)
                : Errno.EINVAL));

    /// <inheritdoc/>
    public ValueTask<IoResult> UnlinkAsync(FileHandle directory, ReadOnlyMemory<byte> name, EntryKind kind) =>
        RunAsync((directory, name, kind), static state => new IoResult(
            IsComponent(state.name.Span)
                ? Libc.Unlink(state.directory.Descriptor, state.name.Span, state.kind == EntryKind.Directory)
                : Errno.EINVAL));

    /// <inheritdoc/>
    public ValueTask<IoResult> ListAsync(FileHandle directory, IEntrySink sink) => RunAsync((directory, sink), static state =>
    {
        var adapter = new SinkAdapter(state.sink);
        return new IoResult(Libc.ReadDirectory(state.directory.Descriptor, ref adapter));
    });

    /// <inheritdoc/>
    public ValueTask<IoResult> LockAsync(FileHandle file) => RunAsync((Io: this, file), static state =>
    {
        Errno error = Libc.TryLock(state.file.Descriptor);
        if (error == Errno.None)
        {
            state.Io._locked[state.file.Descriptor] = true;
        }

        return new IoResult(error);
    });

    /// <summary>
    /// renameat2, linkat and the like take one component relative to an open directory, so that nothing can lead out of it: '/', "." and
    /// ".." are refused here, whatever the caller was.
    /// </summary>
    private static bool IsComponent(ReadOnlySpan<byte> name) =>
        !name.IsEmpty && !name.Contains((byte)'/') && !name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8);

    private static ReadOnlySpan<byte> Text(XattrName name) => name switch
    {
        XattrName.Record => s_record,
        XattrName.Target => s_target,
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "not an attribute of ours"),
    };

    private static IoResult<int> Counted(Errno error, int count) => error == Errno.None ? new IoResult<int>(count) : IoResult<int>.Failed(error);

    private static IoResult<FileStatus> Status(Errno error, in FileStat stat) =>
        error != Errno.None ? IoResult<FileStatus>.Failed(error) : new IoResult<FileStatus>(new FileStatus
        {
            Kind = stat.IsFile ? EntryKind.File : stat.IsDirectory ? EntryKind.Directory : EntryKind.Other,
            SizeBytes = stat.Size,
            Inode = stat.Inode,
            Device = stat.Device,
            Links = stat.Links,
            AccessedNs = stat.AccessedNs,
            ModifiedNs = stat.ModifiedNs,
            ChangedNs = stat.ChangedNs,
        });

    /// <summary>
    /// statx(2) has no RESOLVE flags: the directory is opened beneath first, then the last component is asked for. A path of one component
    /// needs no more than that.
    /// </summary>
    private static IoResult<FileStatus> StatAtNow(FileHandle directory, ReadOnlySpan<byte> path)
    {
        int slash = path.LastIndexOf((byte)'/');
        ReadOnlySpan<byte> leaf = path[(slash + 1)..];
        if (!IsComponent(leaf))
        {
            return IoResult<FileStatus>.Failed(Errno.EINVAL);
        }

        if (slash < 0)
        {
            return Status(Libc.StatAt(directory.Descriptor, leaf, out FileStat direct), direct);
        }

        Errno error = Libc.OpenBeneath(directory.Descriptor, path[..slash], Libc.OpenMode.Directory, out int parent);
        if (error != Errno.None)
        {
            return IoResult<FileStatus>.Failed(error);
        }

        error = Libc.StatAt(parent, leaf, out FileStat stat);
        Libc.Close(parent);
        return Status(error, stat);
    }

    private IoResult<FileHandle> OpenNow(FileHandle directory, ReadOnlySpan<byte> path, OpenIntent intent)
    {
        Errno error = Libc.OpenBeneath(
            directory.Descriptor,
            path,
            intent switch
            {
                OpenIntent.Read => Libc.OpenMode.Read,
                OpenIntent.ReadWrite => Libc.OpenMode.ReadWrite,
                OpenIntent.CreateNew => Libc.OpenMode.CreateNew,
                _ => Libc.OpenMode.Directory,
            },
            out int descriptor);
        if (error != Errno.None || intent is not (OpenIntent.Read or OpenIntent.ReadWrite))
        {
            return Opened(error, descriptor);
        }

        // open(2) gives a directory to a reader without a word; the interface promises a regular file.
        error = Libc.Stat(descriptor, out FileStat stat);
        error = error != Errno.None ? error : stat.IsFile ? Errno.None : stat.IsDirectory ? Errno.EISDIR : Errno.ELOOP;
        if (error != Errno.None)
        {
            Libc.Close(descriptor);
        }

        return Opened(error, descriptor);
    }

    private IoResult<FileHandle> Opened(Errno error, int descriptor)
    {
        if (error != Errno.None)
        {
            return IoResult<FileHandle>.Failed(error);
        }

        Interlocked.Increment(ref _open);
        return new IoResult<FileHandle>(new FileHandle(descriptor, this));
    }

    private int Shortened(int count)
    {
#if DEBUG
        return count > 1 && Interlocked.Increment(ref _shortened) % 7 == 0 ? count / 2 : count;
#else
        return count;
#endif
    }

    private readonly struct SinkAdapter(IEntrySink sink) : IDirectoryEntrySink
    {
        public void Add(ReadOnlySpan<byte> name, byte kind) => sink.Add(name, kind switch
        {
            Libc.KindFile => EntryKind.File,
            Libc.KindDirectory => EntryKind.Directory,
            _ => EntryKind.Other,
        });
    }
}

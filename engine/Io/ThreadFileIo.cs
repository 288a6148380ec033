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

    private readonly ConcurrentDictionary<int, bool> _locked = []; // descriptors that hold a lock: one for each mountpath
    private int _open;
#if DEBUG
    private int _shortened; // every seventh transfer is halved, so that the loops over short ones always run in tests
#endif

    /// <summary>At most that many workers, each started when it is first needed.</summary>
    public ThreadFileIo(int workers = WorkersDefault)
    {
        _workers = new IoWorkers(workers, "sluice-io");
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
        RunAsync((Io: this, directory, path, intent), static state =>
            state.Io.Opened(BlockingVerbs.Open(state.directory, state.path.Span, state.intent, out int descriptor), descriptor));

    /// <inheritdoc/>
    public ValueTask<IoResult<FileStatus>> StatAsync(FileHandle file) => RunAsync(file, BlockingVerbs.Stat);

    /// <inheritdoc/>
    public ValueTask<IoResult<FileStatus>> StatAtAsync(FileHandle directory, ReadOnlyMemory<byte> path) =>
        RunAsync((directory, path), static state => BlockingVerbs.StatAt(state.directory, state.path.Span));

    /// <inheritdoc/>
    public ValueTask<IoResult<FileSystemStatus>> StatFileSystemAsync(FileHandle file) => RunAsync(file, BlockingVerbs.StatFileSystem);

    /// <inheritdoc/>
    public ValueTask<IoResult<int>> ReadAsync(FileHandle file, Memory<byte> buffer, long offset) =>
        RunAsync((Io: this, file, buffer, offset), static state =>
            BlockingVerbs.Read(state.file, state.buffer.Span[..state.Io.Shortened(state.buffer.Length)], state.offset));

    /// <inheritdoc/>
    public ValueTask<IoResult<int>> WriteAsync(FileHandle file, ReadOnlySequence<byte> data, long offset) =>
        RunAsync((Io: this, file, data, offset), static state =>
        {
            ReadOnlySequence<byte> some = state.data.Length > int.MaxValue ? state.data : state.data.Slice(0, state.Io.Shortened((int)state.data.Length));
            return BlockingVerbs.Write(state.file, some, state.offset);
        });

    /// <inheritdoc/>
    public ValueTask<IoResult<int>> GetXattrAsync(FileHandle file, XattrName name, Memory<byte> value) =>
        RunAsync((file, name, value), static state => BlockingVerbs.GetXattr(state.file, state.name, state.value.Span));

    /// <inheritdoc/>
    public ValueTask<IoResult> SetXattrAsync(FileHandle file, XattrName name, ReadOnlyMemory<byte> value) =>
        RunAsync((file, name, value), static state => BlockingVerbs.SetXattr(state.file, state.name, state.value.Span));

    /// <inheritdoc/>
    public ValueTask<IoResult> SetXattrAndSyncAsync(FileHandle file, XattrName name, ReadOnlyMemory<byte> value) =>
        RunAsync((file, name, value), static state => BlockingVerbs.SetXattrAndSync(state.file, state.name, state.value.Span));

    /// <inheritdoc/>
    public ValueTask<WholeFileResult> MakeAsync(WholeFile file) => RunAsync(file, static file => BlockingVerbs.Make(file));

    /// <inheritdoc/>
    public ValueTask<IoResult> SyncAsync(FileHandle file) => RunAsync(file, static file => new IoResult(Libc.Sync(file.Descriptor)));

    /// <inheritdoc/>
    public ValueTask<IoResult> SyncFileSystemAsync(FileHandle file) =>
        RunAsync(file, static file => new IoResult(Libc.SyncFileSystem(file.Descriptor)));

    /// <inheritdoc/>
    public ValueTask<IoResult> MakeDirectoryAsync(FileHandle directory, ReadOnlyMemory<byte> name) =>
        RunAsync((directory, name), static state => BlockingVerbs.MakeDirectory(state.directory, state.name.Span));

    /// <inheritdoc/>
    public ValueTask<IoResult> RenameAsync(
        FileHandle fromDirectory, ReadOnlyMemory<byte> fromName, FileHandle toDirectory, ReadOnlyMemory<byte> toName, RenameMode mode) =>
        RunAsync((fromDirectory, fromName, toDirectory, toName, mode), static state =>
            BlockingVerbs.Rename(state.fromDirectory, state.fromName.Span, state.toDirectory, state.toName.Span, state.mode));

    /// <inheritdoc/>
    public ValueTask<IoResult> LinkAsync(
        FileHandle fromDirectory, ReadOnlyMemory<byte> fromName, FileHandle toDirectory, ReadOnlyMemory<byte> toName) =>
        RunAsync((fromDirectory, fromName, toDirectory, toName), static state => new IoResult(
            BlockingVerbs.IsComponent(state.fromName.Span) && BlockingVerbs.IsComponent(state.toName.Span)
                ? Libc.Link(state.fromDirectory.Descriptor, state.fromName.Span, state.toDirectory.Descriptor, state.toName.Span)
                : Errno.EINVAL));

    /// <inheritdoc/>
    public ValueTask<IoResult> UnlinkAsync(FileHandle directory, ReadOnlyMemory<byte> name, EntryKind kind) =>
        RunAsync((directory, name, kind), static state => BlockingVerbs.Unlink(state.directory, state.name.Span, state.kind));

    /// <inheritdoc/>
    public ValueTask<IoResult> ListAsync(FileHandle directory, IEntrySink sink) =>
        RunAsync((directory, sink), static state => BlockingVerbs.List(state.directory, state.sink));

    /// <inheritdoc/>
    public ValueTask<IoResult> ListPartAsync(FileHandle directory, DirectoryPart part) =>
        RunAsync((directory, part), static state => BlockingVerbs.ListPart(state.directory, state.part));

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
}

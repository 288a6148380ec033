using System.Buffers;
using System.Collections.Concurrent;
using Sluice.Native;
using Sluice.Native.Uring;

namespace Sluice.Engine.Io;

/// <summary>
/// <see cref="IFileIo"/> on ring loops, which the network may share. A verb that is called on one of the loops goes to that loop's ring and
/// its continuation runs there; one that is called elsewhere goes to the loops in turn and continues in the thread pool, so that foreign
/// work never runs on a loop. Nothing that may wait for a disk runs on a loop (docs/decisions/0003-file-io-on-the-ring.md): cached
/// opens, resident reads and the status of open files are done at once, what the ring has no verb for goes to a few threads.
/// <para>
/// The loops are their owner's and must run until the last verb is complete and every handle is closed: what is posted to a loop that
/// has ended is dropped. A verb that is in flight when its loop ends answers EIO.
/// </para>
/// </summary>
public sealed partial class UringFileIo : IFileIo, IDisposable
{
    /// <summary>Threads for verbs that the ring lacks (getdents, statfs, syncfs, flock): one a mountpath's flush and some listings at once.</summary>
    private const int WorkersMax = 8;

    /// <summary>Threads that make small files: as many fsyncs as a drive gathers into one flush of its journal, where writers are that many.</summary>
    private const int MakersMax = 32;

    private readonly Lane[] _lanes;
    private readonly IoWorkers _workers = new(WorkersMax, "sluice-io");
    private readonly IoWorkers _makers = new(MakersMax, "sluice-make");
    private readonly ConcurrentDictionary<int, bool> _locked = []; // descriptors that hold a lock: one for each mountpath
    private readonly ReadOwner _readOwner;
    private uint _nextLane;
    private int _open;
#if DEBUG
    private int _shortened; // every seventh transfer is halved, so that the loops over short ones always run in tests
#endif

    /// <summary>File I/O on those loops, at least one. With <paramref name="inlineBytesMax"/> 0 every verb takes the long way: for tests and benches.</summary>
    public UringFileIo(IReadOnlyList<RingLoop> loops, int inlineBytesMax = InlineBytesDefault)
    {
        Invariant.That(loops.Count > 0, "file I/O on the ring needs a loop");
        _lanes = [.. loops.Select(loop => new Lane(this, loop, inlineBytesMax))];
        _readOwner = new ReadOwner(this);
    }

    /// <summary>Descriptors open now.</summary>
    public int OpenCount => Volatile.Read(ref _open);

    /// <summary>Threads that were started: for verbs that the ring lacks, and for small files.</summary>
    public int WorkerCount => _workers.ThreadCount + _makers.ThreadCount;

    /// <summary>Closes a file that may have been written.</summary>
    public void Close(int descriptor)
    {
        Interlocked.Decrement(ref _open);
        if (_locked.TryRemove(descriptor, out _))
        {
            Libc.Unlock(descriptor);
        }

        if (Home is { } lane)
        {
            lane.Rent().BeginClose(descriptor);
        }
        else
        {
            Libc.Close(descriptor);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IoResult<FileHandle>> OpenRootAsync(string path)
    {
        Verb verb = Rent();
        ValueTask<IoResult<FileHandle>> task = verb.AsTask<FileHandle>();
        verb.BeginWork(VerbKind.OpenRoot, path, null);
        return task;
    }

    /// <inheritdoc/>
    public ValueTask<IoResult<FileHandle>> OpenAsync(FileHandle directory, ReadOnlyMemory<byte> path, OpenIntent intent)
    {
        if (intent != OpenIntent.CreateNew && Home is { } lane && lane.MayRunInline(0))
        {
            Errno error = Libc.OpenCached(directory.Descriptor, path.Span, BlockingVerbs.ModeOf(intent), out int descriptor);
            if (error != Errno.EAGAIN)
            {
                error = error != Errno.None ? error : BlockingVerbs.Judge(ref descriptor, intent);
                return new ValueTask<IoResult<FileHandle>>(Opened(error, descriptor, intent));
            }
        }

        Verb verb = Rent();
        ValueTask<IoResult<FileHandle>> task = verb.AsTask<FileHandle>();
        verb.Begin(VerbKind.Open, directory, path, (int)intent);
        return task;
    }

    /// <inheritdoc/>
    public ValueTask<IoResult<FileStatus>> StatAsync(FileHandle file) => new(BlockingVerbs.Stat(file)); // never waits: the inode is in memory

    /// <inheritdoc/>
    public ValueTask<IoResult<FileStatus>> StatAtAsync(FileHandle directory, ReadOnlyMemory<byte> path)
    {
        Verb verb = Rent();
        ValueTask<IoResult<FileStatus>> task = verb.AsTask<FileStatus>();
        if (path.Span.Contains((byte)'/'))
        {
            verb.BeginWork(VerbKind.StatAtPath, path, directory); // an open, a statx and a close: rare, only recovery and listing ask
        }
        else
        {
            verb.Begin(VerbKind.StatAt, directory, path, 0);
        }

        return task;
    }

    /// <inheritdoc/>
    public ValueTask<IoResult<FileSystemStatus>> StatFileSystemAsync(FileHandle file)
    {
        Verb verb = Rent();
        ValueTask<IoResult<FileSystemStatus>> task = verb.AsTask<FileSystemStatus>();
        verb.BeginWork(VerbKind.StatFileSystem, null, file);
        return task;
    }

    /// <inheritdoc/>
    public ValueTask<IoResult<int>> ReadAsync(FileHandle file, Memory<byte> buffer, long offset)
    {
        if (Home is { } lane && lane.MayRunInline(buffer.Length))
        {
            Errno error = PageCache.ReadResident(file.Descriptor, buffer.Span[..Shortened(buffer.Length)], offset, out int count);
            if (error is not (Errno.EAGAIN or Errno.EOPNOTSUPP))
            {
                return new ValueTask<IoResult<int>>(error == Errno.None ? new IoResult<int>(count) : IoResult<int>.Failed(error));
            }
        }

        file.NoteDiskRead();
        Verb verb = Rent();
        ValueTask<IoResult<int>> task = verb.AsTask<int>();
        verb.BeginRead(VerbKind.Read, file, buffer[..Shortened(buffer.Length)], offset);
        return task;
    }

    /// <inheritdoc/>
    public ValueTask<IoResult<int>> ReadColdAsync(FileHandle file, Memory<byte> buffer, long offset)
    {
        const int Mask = IFileIo.DirectAlignmentBytes - 1;
        int aligned = buffer.Length & ~Mask;
        if (aligned == 0 || (offset & Mask) != 0 || !PageCache.IsAligned(buffer, IFileIo.DirectAlignmentBytes) || !file.TryHoldDirect())
        {
            return ReadAsync(file, buffer, offset);
        }

        Verb verb = Rent();
        ValueTask<IoResult<int>> task = verb.AsTask<int>();
        int some = Shortened(aligned) & ~Mask;
        verb.BeginReadDirect(file, buffer[..(some > 0 ? some : aligned)], offset);
        return task;
    }

    /// <inheritdoc/>
    public ValueTask<IoResult<int>> WriteAsync(FileHandle file, ReadOnlySequence<byte> data, long offset)
    {
        Verb verb = Rent();
        ValueTask<IoResult<int>> task = verb.AsTask<int>();
        verb.BeginWrite(file, data.Length > int.MaxValue ? data : data.Slice(0, Shortened((int)data.Length)), offset);
        return task;
    }

    /// <inheritdoc/>
    public ValueTask<IoResult<int>> GetXattrAsync(FileHandle file, XattrName name, Memory<byte> value)
    {
        Verb verb = Rent();
        ValueTask<IoResult<int>> task = verb.AsTask<int>();
        verb.BeginGetXattr(file, name, value);
        return task;
    }

    /// <inheritdoc/>
    public ValueTask<IoResult> SetXattrAsync(FileHandle file, XattrName name, ReadOnlyMemory<byte> value) =>
        BeginPlain(VerbKind.SetXattr, file, value, (int)name);

    /// <inheritdoc/>
    public ValueTask<IoResult> SetXattrAndSyncAsync(FileHandle file, XattrName name, ReadOnlyMemory<byte> value) =>
        BeginPlain(VerbKind.SetXattrAndSync, file, value, (int)name);

    /// <summary>By a thread: four to six calls behind one another, of which the ring would make a trip each (docs/decisions/0014-small-puts.md).</summary>
    public ValueTask<WholeFileResult> MakeAsync(WholeFile file)
    {
        if (_makers.IsCrowded)
        {
            return this.MakeStepwiseAsync(file);
        }

        Verb verb = Rent();
        ValueTask<WholeFileResult> task = verb.AsWholeFileTask();
        verb.BeginMake(file);
        return task;
    }

    /// <inheritdoc/>
    public ValueTask<IoResult> SyncAsync(FileHandle file) => BeginPlain(VerbKind.Sync, file, default, 0);

    /// <inheritdoc/>
    public ValueTask<IoResult> SyncFileSystemAsync(FileHandle file)
    {
        Verb verb = Rent();
        ValueTask<IoResult> task = verb.AsTask();
        verb.BeginWork(VerbKind.SyncFileSystem, null, file);
        return task;
    }

    /// <inheritdoc/>
    public ValueTask<IoResult> MakeDirectoryAsync(FileHandle directory, ReadOnlyMemory<byte> name) =>
        BlockingVerbs.IsComponent(name.Span) ? BeginPlain(VerbKind.MakeDirectory, directory, name, 0) : Refused();

    /// <inheritdoc/>
    public ValueTask<IoResult> RenameAsync(
        FileHandle fromDirectory, ReadOnlyMemory<byte> fromName, FileHandle toDirectory, ReadOnlyMemory<byte> toName, RenameMode mode)
    {
        if (!BlockingVerbs.IsComponent(fromName.Span) || !BlockingVerbs.IsComponent(toName.Span))
        {
            return Refused();
        }

        Verb verb = Rent();
        ValueTask<IoResult> task = verb.AsTask();
        verb.BeginNames(VerbKind.Rename, new NamedEntry(fromDirectory, fromName), new NamedEntry(toDirectory, toName), (int)mode);
        return task;
    }

    /// <inheritdoc/>
    public ValueTask<IoResult> LinkAsync(
        FileHandle fromDirectory, ReadOnlyMemory<byte> fromName, FileHandle toDirectory, ReadOnlyMemory<byte> toName)
    {
        if (!BlockingVerbs.IsComponent(fromName.Span) || !BlockingVerbs.IsComponent(toName.Span))
        {
            return Refused();
        }

        Verb verb = Rent();
        ValueTask<IoResult> task = verb.AsTask();
        verb.BeginNames(VerbKind.Link, new NamedEntry(fromDirectory, fromName), new NamedEntry(toDirectory, toName), 0);
        return task;
    }

    /// <inheritdoc/>
    public ValueTask<IoResult> UnlinkAsync(FileHandle directory, ReadOnlyMemory<byte> name, EntryKind kind) =>
        BlockingVerbs.IsComponent(name.Span) ? BeginPlain(VerbKind.Unlink, directory, name, (int)kind) : Refused();

    /// <inheritdoc/>
    public ValueTask<IoResult> ListAsync(FileHandle directory, IEntrySink sink)
    {
        Verb verb = Rent();
        ValueTask<IoResult> task = verb.AsTask();
        verb.BeginWork(VerbKind.List, sink, directory);
        return task;
    }

    /// <inheritdoc/>
    public ValueTask<IoResult> ListPartAsync(FileHandle directory, DirectoryPart part)
    {
        Verb verb = Rent();
        ValueTask<IoResult> task = verb.AsTask();
        verb.BeginWork(VerbKind.List, part, directory);
        return task;
    }

    /// <inheritdoc/>
    public ValueTask<IoResult> LockAsync(FileHandle file)
    {
        Verb verb = Rent();
        ValueTask<IoResult> task = verb.AsTask();
        verb.BeginWork(VerbKind.Lock, null, file);
        return task;
    }

    /// <summary>Ends the threads. The loops stay.</summary>
    public void Dispose()
    {
        _workers.Dispose();
        _makers.Dispose();
    }

    private static ValueTask<IoResult> Refused() => new(new IoResult(Errno.EINVAL));

    private ValueTask<IoResult> BeginPlain(VerbKind kind, FileHandle file, ReadOnlyMemory<byte> nameOrValue, int argument)
    {
        Verb verb = Rent();
        ValueTask<IoResult> task = verb.AsTask();
        verb.Begin(kind, file, nameOrValue, argument);
        return task;
    }

    private IoResult<FileHandle> Opened(Errno error, int descriptor, OpenIntent intent)
    {
        if (error != Errno.None)
        {
            return IoResult<FileHandle>.Failed(error);
        }

        Interlocked.Increment(ref _open);
        bool mayBeWritten = intent is OpenIntent.CreateNew or OpenIntent.ReadWrite;
        return new IoResult<FileHandle>(new FileHandle(descriptor, mayBeWritten ? this : _readOwner));
    }

    private Errno Lock(FileHandle file)
    {
        Errno error = Libc.TryLock(file.Descriptor);
        if (error == Errno.None)
        {
            _locked[file.Descriptor] = true;
        }

        return error;
    }

    /// <summary>
    /// Closes a file that was only read, at once: unless it has lost its last name meanwhile, when the close frees its blocks, which takes
    /// as long as they are many.
    /// </summary>
    private void CloseRead(int descriptor)
    {
        Interlocked.Decrement(ref _open);
        if (Home is { } lane && (Libc.Stat(descriptor, out FileStat stat) != Errno.None || stat.Links == 0))
        {
            lane.Rent().BeginClose(descriptor);
        }
        else
        {
            Libc.Close(descriptor);
        }
    }

    private int Shortened(int count)
    {
#if DEBUG
        return count > 1 && Interlocked.Increment(ref _shortened) % 7 == 0 ? count / 2 : count;
#else
        return count;
#endif
    }

    /// <summary>Owner of what is open for reading.</summary>
    private sealed class ReadOwner(UringFileIo io) : IDescriptorOwner
    {
        public void Close(int descriptor) => io.CloseRead(descriptor);
    }

    /// <summary>A name in a directory.</summary>
    private readonly record struct NamedEntry(FileHandle? Directory, ReadOnlyMemory<byte> Name);
}

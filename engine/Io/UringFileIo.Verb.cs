using System.Buffers;
using System.Threading.Tasks.Sources;
using Sluice.Native;
using Sluice.Native.Uring;

namespace Sluice.Engine.Io;

/// <summary>A verb on its way through a loop or a thread.</summary>
public sealed partial class UringFileIo
{
    private enum VerbKind
    {
        Open,
        StatAt,
        Read,
        ReadDirect,
        Write,
        GetXattr,
        SetXattr,
        SetXattrAndSync,
        Sync,
        MakeDirectory,
        Rename,
        Link,
        Unlink,
        Close,

        // Those that a thread does.
        OpenRoot,
        StatAtPath,
        StatFileSystem,
        SyncFileSystem,
        List,
        Lock,
        Make,
    }

    /// <summary>
    /// Pooled: arguments, request, awaitable. Goes back to its pool when its result is taken, which is once. The continuation of one that
    /// was called on a loop runs on that loop, in the place of the completion; of any other, in the thread pool.
    /// </summary>
    private sealed partial class Verb(UringFileIo io)
        : RingFileOperation, IWorkItem, IThreadPoolWorkItem, IValueTaskSource<IoResult>, IValueTaskSource<IoResult<int>>,
            IValueTaskSource<IoResult<FileHandle>>, IValueTaskSource<IoResult<FileStatus>>, IValueTaskSource<IoResult<FileSystemStatus>>, IValueTaskSource<WholeFileResult>
    {
        private static readonly Action<object?> s_start = static state => ((Verb)state!).Start();
        private static readonly Action<object?> s_finish = static state => ((Verb)state!).Tell();

        private ManualResetValueTaskSourceCore<int> _source; // continuations run where the result is set
        private Lane _lane = null!;
        private bool _isHome;

        // The arguments.
        private VerbKind _kind;
        private NamedEntry _entry; // of a verb about an open file: the file, and the value of an attribute
        private NamedEntry _target;
        private Memory<byte> _buffer;
        private ReadOnlySequence<byte> _data;
        private long _offset;
        private int _argument;
        private object? _other;
        private WholeFile _whole;

        // The answer.
        private int _attempts;
        private bool _stepwise;
        private bool _holdsDirect;
        private int _partsPending;
        private AttributePart? _attribute;
        private int _result;
        private Exception? _problem;
        private FileHandle? _opened;
        private FileStatus _status;
        private FileSystemStatus _fileSystem;
        private WholeFileStep _step;

        /// <summary>Called on a loop: it begins and ends there.</summary>
        public void Stay(Lane lane) => (_lane, _isHome) = (lane, true);

        /// <summary>Called elsewhere: the lane's loop only talks to the kernel.</summary>
        public void Send(Lane lane) => (_lane, _isHome) = (lane, false);

        public ValueTask<IoResult> AsTask() => new(this, _source.Version);

        public ValueTask<IoResult<T>> AsTask<T>() => new((IValueTaskSource<IoResult<T>>)(object)this, _source.Version);

        public ValueTask<WholeFileResult> AsWholeFileTask() => new(this, _source.Version);

        public void Begin(VerbKind kind, FileHandle file, ReadOnlyMemory<byte> nameOrValue, int argument)
        {
            (_kind, _entry, _argument) = (kind, new NamedEntry(file, nameOrValue), argument);
            Begin();
        }

        public void BeginNames(VerbKind kind, NamedEntry entry, NamedEntry target, int argument)
        {
            (_kind, _entry, _target, _argument) = (kind, entry, target, argument);
            Begin();
        }

        public void BeginRead(VerbKind kind, FileHandle file, Memory<byte> buffer, long offset)
        {
            (_kind, _entry, _buffer, _offset) = (kind, new NamedEntry(file, default), buffer, offset);
            Begin();
        }

        /// <summary>The hold on the file's second descriptor becomes the verb's.</summary>
        public void BeginReadDirect(FileHandle file, Memory<byte> buffer, long offset)
        {
            _holdsDirect = true;
            BeginRead(VerbKind.ReadDirect, file, buffer, offset);
        }

        public void BeginGetXattr(FileHandle file, XattrName name, Memory<byte> value)
        {
            (_kind, _entry, _buffer, _argument) = (VerbKind.GetXattr, new NamedEntry(file, default), value, (int)name);
            Begin();
        }

        public void BeginWrite(FileHandle file, in ReadOnlySequence<byte> data, long offset)
        {
            (_kind, _entry, _data, _offset) = (VerbKind.Write, new NamedEntry(file, default), data, offset);
            Begin();
        }

        /// <summary>Nobody awaits this one.</summary>
        public void BeginClose(int descriptor)
        {
            (_kind, _argument) = (VerbKind.Close, descriptor);
            Begin();
        }

        /// <summary>A verb for a thread; the path of <see cref="VerbKind.StatAtPath"/> comes in the overload.</summary>
        public void BeginWork(VerbKind kind, object? other, FileHandle? file)
        {
            (_kind, _other, _entry) = (kind, other, new NamedEntry(file, default));
            BeginWork(io._workers);
        }

        public void BeginWork(VerbKind kind, ReadOnlyMemory<byte> path, FileHandle directory)
        {
            (_kind, _entry) = (kind, new NamedEntry(directory, path));
            BeginWork(io._workers);
        }

        public void BeginMake(in WholeFile file)
        {
            (_kind, _whole, _step) = (VerbKind.Make, file, WholeFileStep.Create);
            BeginWork(io._makers);
        }

        /// <summary>On a thread.</summary>
        void IWorkItem.Run()
        {
            try
            {
                _result = Work();
            }
            catch (Exception problem)
            {
                _problem = problem;
            }

            Finish();
        }

        /// <summary>In the thread pool.</summary>
        void IThreadPoolWorkItem.Execute() => Tell();

        IoResult IValueTaskSource<IoResult>.GetResult(short token)
        {
            int result = Take(token);
            Recycle();
            return new IoResult(result < 0 ? (Errno)(-result) : Errno.None);
        }

        IoResult<int> IValueTaskSource<IoResult<int>>.GetResult(short token)
        {
            int result = Take(token);
            Recycle();
            return result < 0 ? IoResult<int>.Failed((Errno)(-result)) : new IoResult<int>(result);
        }

        WholeFileResult IValueTaskSource<WholeFileResult>.GetResult(short token)
        {
            int result = Take(token);
            WholeFileStep step = _step;
            Recycle();
            return result < 0 ? new WholeFileResult(step, (Errno)(-result)) : WholeFileResult.Done;
        }

        IoResult<FileHandle> IValueTaskSource<IoResult<FileHandle>>.GetResult(short token) => Take(token, _opened);

        IoResult<FileStatus> IValueTaskSource<IoResult<FileStatus>>.GetResult(short token) => Take(token, _status);

        IoResult<FileSystemStatus> IValueTaskSource<IoResult<FileSystemStatus>>.GetResult(short token) => Take(token, _fileSystem);

        ValueTaskSourceStatus IValueTaskSource<IoResult>.GetStatus(short token) => _source.GetStatus(token);

        ValueTaskSourceStatus IValueTaskSource<WholeFileResult>.GetStatus(short token) => _source.GetStatus(token);

        ValueTaskSourceStatus IValueTaskSource<IoResult<int>>.GetStatus(short token) => _source.GetStatus(token);

        ValueTaskSourceStatus IValueTaskSource<IoResult<FileHandle>>.GetStatus(short token) => _source.GetStatus(token);

        ValueTaskSourceStatus IValueTaskSource<IoResult<FileStatus>>.GetStatus(short token) => _source.GetStatus(token);

        ValueTaskSourceStatus IValueTaskSource<IoResult<FileSystemStatus>>.GetStatus(short token) => _source.GetStatus(token);

        /// <remarks>The loop's own context would only post what may run at once; awaits that began elsewhere go home by theirs.</remarks>
        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _source.OnCompleted(continuation, state, token, _isHome && _lane.Loop.IsCurrent ? flags & ~ValueTaskSourceOnCompletedFlags.UseSchedulingContext : flags);

        private void Begin()
        {
            if (_isHome)
            {
                Start();
            }
            else
            {
                _lane.Loop.Post(s_start, this);
            }
        }

        private void BeginWork(IoWorkers workers)
        {
            if (!workers.TryAdd(this))
            {
                _result = -(int)Errno.EAGAIN; // thousands wait already; nobody may do it on a loop
                Finish();
            }
        }

        /// <summary>On the loop.</summary>
        private void Start()
        {
            try
            {
                Errno refused = Submit();
                if (refused == Errno.None)
                {
                    return;
                }

                _result = -(int)refused;
            }
            catch (Exception problem)
            {
                _problem = problem;
            }

            Finish();
        }

        /// <summary>The answer is known; it is told where the caller wants it.</summary>
        private void Finish()
        {
            if (!_isHome)
            {
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            }
            else if (_lane.Loop.IsCurrent)
            {
                Tell();
            }
            else
            {
                _lane.Loop.Post(s_finish, this);
            }
        }

        private void Tell()
        {
            if (_kind == VerbKind.Close)
            {
                Recycle();
            }
            else if (_problem is not null)
            {
                _source.SetException(_problem);
            }
            else
            {
                _source.SetResult(_result);
            }
        }

        private int Take(short token)
        {
            try
            {
                return _source.GetResult(token);
            }
            catch
            {
                Recycle();
                throw;
            }
        }

        private IoResult<T> Take<T>(short token, T? value)
        {
            int result = Take(token);
            Recycle();
            return result < 0 ? IoResult<T>.Failed((Errno)(-result)) : new IoResult<T>(value!);
        }

        private void Recycle()
        {
            if (_holdsDirect)
            {
                _holdsDirect = false;
                _entry.Directory!.ReleaseDirect();
            }

            _source.Reset();
            (_entry, _target, _buffer, _data, _other, _whole, _opened, _problem) = (default, default, default, default, null, default, null, null);
            (_attempts, _stepwise, MayWaitAtOnce) = (0, false, false);
            io.Return(this, _lane, _isHome);
        }
    }
}

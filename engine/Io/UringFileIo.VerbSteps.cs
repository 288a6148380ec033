using Sluice.Native;
using Sluice.Native.Uring;

namespace Sluice.Engine.Io;

/// <summary>What a verb asks of the kernel, and what it makes of the answer.</summary>
public sealed partial class UringFileIo
{
    /// <summary>Tries of a verb that the kernel asks to try again; a loop that ends cancels each of them.</summary>
    private const int AttemptsMax = 64;

    private sealed partial class Verb
    {
        /// <inheritdoc/>
        protected override void Ended(int result)
        {
            if (_partsPending > 0)
            {
                _result = result;
                PartEnded();
            }
            else
            {
                Conclude(result);
            }
        }

        /// <summary>An attribute and its fsync have both been heard of, in whichever order: the fsync may succeed although the attribute was refused.</summary>
        private void PartEnded()
        {
            if (--_partsPending == 0)
            {
                Conclude(_attribute!.Result < 0 ? _attribute.Result : _result);
            }
        }

        private void Conclude(int result)
        {
            try
            {
                if (result < 0 && GoesOn((Errno)(-result)))
                {
                    return;
                }

                _result = result >= 0 ? Succeeded(result) : -(int)Final((Errno)(-result));
                if (_kind == VerbKind.SetXattrAndSync && _stepwise && result >= 0)
                {
                    _kind = VerbKind.Sync; // the attribute is set
                    _lane.Loop.Sync(this, _entry.Directory!.Descriptor);
                    return;
                }
            }
            catch (Exception problem)
            {
                _problem = problem;
            }

            Finish();
        }

        private Errno Submit()
        {
            RingLoop loop = _lane.Loop;
            int file = _entry.Directory?.Descriptor ?? -1;
            ReadOnlySpan<byte> name = _entry.Name.Span;
            switch (_kind)
            {
                case VerbKind.Open:
                    return loop.Open(this, file, name, BlockingVerbs.ModeOf((OpenIntent)_argument));
                case VerbKind.StatAt:
                    return BlockingVerbs.IsComponent(name) ? loop.StatAt(this, file, name) : Errno.EINVAL;
                case VerbKind.Read or VerbKind.ReadDirect or VerbKind.Write:
                    return SubmitTransfer(loop, file);
                case VerbKind.GetXattr:
                    loop.GetXattr(this, file, BlockingVerbs.Text((XattrName)_argument), _buffer);
                    return Errno.None;
                case VerbKind.SetXattrAndSync when !_stepwise:
                    _attribute ??= new AttributePart(this);
                    _stepwise = !loop.TrySetXattrThenSync(_attribute, this, file, BlockingVerbs.Text((XattrName)_argument), _entry.Name);
                    _partsPending = _stepwise ? 0 : 2;
                    return _stepwise ? Submit() : Errno.None;
                case VerbKind.SetXattr or VerbKind.SetXattrAndSync:
                    loop.SetXattr(this, file, BlockingVerbs.Text((XattrName)_argument), _entry.Name);
                    return Errno.None;
                case VerbKind.Sync:
                    loop.Sync(this, file);
                    return Errno.None;
                case VerbKind.MakeDirectory:
                    return loop.MakeDirectory(this, file, name);
                case VerbKind.Rename:
                    return loop.Rename(this, file, name, _target.Directory!.Descriptor, _target.Name.Span, (uint)_argument);
                case VerbKind.Link:
                    return loop.Link(this, file, name, _target.Directory!.Descriptor, _target.Name.Span);
                case VerbKind.Unlink:
                    return loop.Unlink(this, file, name, (EntryKind)_argument == EntryKind.Directory);
                case VerbKind.Close:
                    loop.Close(this, _argument);
                    return Errno.None;
                default:
                    throw new InvalidOperationException($"{_kind} is no verb of the ring");
            }
        }

        private Errno SubmitTransfer(RingLoop loop, int file)
        {
            if (_offset < 0)
            {
                return Errno.EINVAL; // pread(2)
            }

            if (_kind == VerbKind.Write)
            {
                loop.Write(this, file, _data, _offset);
            }
            else
            {
                loop.Read(this, _kind == VerbKind.ReadDirect ? _entry.Directory!.DirectDescriptor : file, _buffer, _offset);
            }

            return Errno.None;
        }

        /// <summary>True when the verb was submitted once more.</summary>
        private bool GoesOn(Errno error)
        {
            bool again = error switch
            {
                // A rename elsewhere raced with the check of RESOLVE_BENEATH (openat2(2)); a file system that knows no other way than to wait.
                Errno.EAGAIN => _kind is VerbKind.Open or VerbKind.Read or VerbKind.ReadDirect or VerbKind.Write,
                Errno.EINTR => _kind is not (VerbKind.Sync or VerbKind.SetXattrAndSync or VerbKind.Close), // fsync(2) is never retried
                Errno.EINVAL => _kind == VerbKind.ReadDirect,
                _ => false,
            };
            if (!again || ++_attempts > AttemptsMax)
            {
                return false;
            }

            if (error == Errno.EINVAL)
            {
                _entry.Directory!.RefuseDirect();
                _kind = VerbKind.Read;
            }

            MayWaitAtOnce |= error == Errno.EAGAIN;
            return Submit() == Errno.None;
        }

        /// <summary>What a verb that found its end says: the vocabulary of the system calls, which know no cancellation.</summary>
        private Errno Final(Errno error)
        {
            if (_kind == VerbKind.Close && error is Errno.ECANCELED)
            {
                Libc.Close(_argument); // the loop ends
            }

            return error is Errno.ECANCELED or Errno.EINTR ? Errno.EIO : error;
        }

        private int Succeeded(int result)
        {
            switch (_kind)
            {
                case VerbKind.Open:
                    Errno error = BlockingVerbs.Judge(ref result, (OpenIntent)_argument);
                    return Opened(io.Opened(error, result, (OpenIntent)_argument));
                case VerbKind.StatAt:
                    _status = BlockingVerbs.Told(Errno.None, Status).Value;
                    return result;
                default:
                    return result;
            }
        }

        private int Opened(IoResult<FileHandle> opened)
        {
            _opened = opened.Ok ? opened.Value : null;
            return -(int)opened.Error;
        }

        private int Work()
        {
            FileHandle file = _entry.Directory!;
            switch (_kind)
            {
                case VerbKind.OpenRoot:
                    Errno error = Libc.OpenDirectory((string)_other!, out int descriptor);
                    return Opened(io.Opened(error, descriptor, OpenIntent.Directory));
                case VerbKind.StatAtPath:
                    IoResult<FileStatus> status = BlockingVerbs.StatAt(file, _entry.Name.Span);
                    _status = status.Ok ? status.Value : default;
                    return -(int)status.Error;
                case VerbKind.StatFileSystem:
                    IoResult<FileSystemStatus> fileSystem = BlockingVerbs.StatFileSystem(file);
                    _fileSystem = fileSystem.Ok ? fileSystem.Value : default;
                    return -(int)fileSystem.Error;
                case VerbKind.SyncFileSystem:
                    return -(int)Libc.SyncFileSystem(file.Descriptor);
                case VerbKind.List:
                    return -(int)(_other is DirectoryPart part ? BlockingVerbs.ListPart(file, part) : BlockingVerbs.List(file, (IEntrySink)_other!)).Error;
                case VerbKind.Lock:
                    return -(int)io.Lock(file);
                case VerbKind.Make:
                    WholeFileResult made = BlockingVerbs.Make(_whole);
                    _step = made.Step;
                    return -(int)made.Error;
                default:
                    throw new InvalidOperationException($"{_kind} is no verb of a thread");
            }
        }

        /// <summary>The attribute of a chain; lives as long as its verb.</summary>
        private sealed class AttributePart(Verb verb) : RingFileOperation
        {
            public int Result { get; private set; }

            protected override void Ended(int result)
            {
                Result = result;
                verb.PartEnded();
            }
        }
    }
}

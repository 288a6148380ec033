using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Sluice.Bench.Measure;
using Sluice.Native;
using Sluice.Native.Uring;

namespace Sluice.Bench.Rows;

/// <summary>
/// Reads small files whole by a ring of its own, some at once: each call when the one before has ended, as the product does, or all of a file in one
/// chain, whose descriptor is a place in the ring's table. One thread.
/// </summary>
internal sealed class OpenCalls : IDisposable
{
    public const int AtOnce = 32;
    public const int RecordBytes = 120;

    private const int ReadOnly = 0, CloseOnExec = 0x80000; // fcntl.h; a place in the table is never inherited, and refuses the second
    private const int EmptyPath = 0x1000; // AT_EMPTY_PATH
    private const uint BasicStats = 0x7ff;
    private const int NameAt = 0, HowAt = 64, EmptyAt = 96, RecordNameAt = 104, RecordAt = 128, StatusAt = 512, BytesAt = 1024; // in a file's memory
    private const int HowBytes = 24; // struct open_how
    private const int CallsOfChain = 4;

    private readonly Ring _ring = new(256, 512);
    private readonly byte[][] _memory;
    private readonly int[] _descriptors = new int[AtOnce], _steps = new int[AtOnce];
    private readonly int _directory;
    private readonly int _fileBytes;
    private readonly bool _isChain;
    private int _next, _count;

    public OpenCalls(string directory, int fileBytes, bool isChain)
    {
        (_fileBytes, _isChain) = (fileBytes, isChain);
        _memory = [.. Enumerable.Range(0, AtOnce).Select(_ => GC.AllocateArray<byte>(BytesAt + fileBytes, pinned: true))];
        Check(Libc.OpenDirectory(directory, out _directory));
        Check(_ring.TryMakeFileTable(AtOnce));
    }

    public static ReadOnlySpan<byte> Record => "user.slu\0"u8;

    public static string NameOf(int index) => index.ToString("x4", CultureInfo.InvariantCulture);

    /// <summary>Reads that many files, once each.</summary>
    public Sample Measure(int count)
    {
        (_next, _count) = (0, count);
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        long started = Stopwatch.GetTimestamp();
        for (int file = 0; file < AtOnce; file++)
        {
            Begin(file);
        }

        for (int done = 0; done < count;)
        {
            _ring.SubmitAndWait(null);
            while (_ring.TryTake(out CompletionEntry completion))
            {
                done += Step((int)completion.UserTag, completion.Result) ? 1 : 0;
            }
        }

        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        return Sample.OfRequests(count, (long)count * _fileBytes, seconds, (Environment.CpuUsage.TotalTime - cpu).TotalSeconds);
    }

    public void Dispose()
    {
        ClosePlaces();
        _ring.Dispose();
        Libc.Close(_directory);
    }

    /// <summary>The ring's end would close them some time later, and the disk is unmounted before that.</summary>
    private void ClosePlaces()
    {
        for (int place = 1; place <= AtOnce; place++)
        {
            ref SubmissionEntry entry = ref _ring.Next();
            (entry.Opcode, entry.FileIndex) = (RingOpcode.IORING_OP_CLOSE, (uint)place);
        }

        for (int closed = 0; closed < AtOnce;)
        {
            _ring.SubmitAndWait(null);
            while (_ring.TryTake(out _))
            {
                closed++; // EBADF: nothing is there
            }
        }
    }

    private void Begin(int file)
    {
        if (_next == _count)
        {
            return;
        }

        Span<byte> memory = _memory[file];
        memory[..StatusAt].Clear();
        Encoding.ASCII.GetBytes(NameOf(_next++), memory[NameAt..]);
        Record.CopyTo(memory[RecordNameAt..]);
        BitConverter.TryWriteBytes(memory[HowAt..], (ulong)(_isChain ? ReadOnly : ReadOnly | CloseOnExec));
        _steps[file] = 0;
        Queue(file, 0);
        for (int call = 1; _isChain && call < CallsOfChain; call++)
        {
            Queue(file, call);
        }
    }

    /// <summary>A call has ended; true when it was the file's last.</summary>
    private bool Step(int file, int result)
    {
        int call = _steps[file]++;
        if (result < 0 || (call == CallsOfChain - 1 && result != _fileBytes))
        {
            throw new IOException($"call {call} answered {result}");
        }

        if (call == 0 && !_isChain)
        {
            _descriptors[file] = result;
        }

        int last = _isChain ? CallsOfChain - 1 : CallsOfChain; // what is opened into a place closes what was there
        if (call < last)
        {
            if (!_isChain)
            {
                Queue(file, call + 1);
            }

            return false;
        }

        Begin(file);
        return true;
    }

    private void Queue(int file, int call)
    {
        ref SubmissionEntry entry = ref _ring.Next();
        entry.UserTag = (ulong)file;
        bool isOpen = call == 0;
        entry.Descriptor = isOpen ? _directory : _isChain ? file : _descriptors[file];
        entry.Flags = (byte)((_isChain && !isOpen ? UringAbi.IOSQE_FIXED_FILE : 0) | (_isChain && call < CallsOfChain - 1 ? UringAbi.IOSQE_IO_LINK : 0));
        switch (call)
        {
            case 0:
                (entry.Opcode, entry.Address, entry.Length, entry.Offset) = (RingOpcode.IORING_OP_OPENAT2, At(file, NameAt), HowBytes, At(file, HowAt));
                entry.FileIndex = _isChain ? (uint)file + 1 : 0;
                break;
            case 1: // statx(2) knows no places, and looks the name up
                (entry.Opcode, entry.Address, entry.Length, entry.Offset) =
                    (RingOpcode.IORING_OP_STATX, At(file, _isChain ? NameAt : EmptyAt), BasicStats, At(file, StatusAt));
                entry.OperationFlags = _isChain ? 0u : EmptyPath;
                entry.Descriptor = _isChain ? _directory : entry.Descriptor;
                entry.Flags &= unchecked((byte)~UringAbi.IOSQE_FIXED_FILE);
                break;
            case 2:
                (entry.Opcode, entry.Address, entry.Length, entry.Offset) = (RingOpcode.IORING_OP_FGETXATTR, At(file, RecordNameAt), 256, At(file, RecordAt));
                break;
            case 3:
                (entry.Opcode, entry.Address, entry.Length) = (RingOpcode.IORING_OP_READ, At(file, BytesAt), (uint)_fileBytes);
                break;
            default:
                entry.Opcode = RingOpcode.IORING_OP_CLOSE;
                break;
        }
    }

    private ulong At(int file, int offset) => (ulong)Marshal.UnsafeAddrOfPinnedArrayElement(_memory[file], offset);

    private static void Check(Errno error)
    {
        if (error != Errno.None)
        {
            throw new IOException(error.ToString());
        }
    }
}

using System.Globalization;
using System.Text;
using Sluice.Contract;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Names;
using Sluice.Engine.Space;
using Sluice.Native;

namespace Sluice.Engine.Objects;

/// <summary>
/// One mountpath as the object code sees it: its root, its open directories, the names of its work files, and its count of faults. Lives
/// as long as the engine; the mountpath's owner closes the root.
/// </summary>
public sealed class ObjectDisk : IDisposable
{
    /// <summary>Longest name of a work file: digest, instance and number, 16 digits each, and two dots.</summary>
    public const int WorkNameBytesMax = (3 * 16) + 2;

    private readonly ulong _instance;
    private readonly bool _sharesBlocks;
    private long _workFiles;
    private long _faults;
    private long _readingBytes;
    private int _state = (int)ServingState.Serving;

    /// <summary>
    /// The disk behind <paramref name="root"/>; <paramref name="instance"/> tells this run's work files from those of an earlier one. Without
    /// <paramref name="sharedBlocks"/>, which stay the caller's, it has buffers of its own.
    /// </summary>
    public ObjectDisk(int index, string path, FileHandle root, IFileIo io, ulong instance, BlockBuffers? sharedBlocks = null)
    {
        Blocks = sharedBlocks ?? new BlockBuffers(BlockBuffers.CountMax);
        _sharesBlocks = sharedBlocks is not null;
        Index = index;
        Path = path;
        Root = root;
        Io = io;
        Directories = new DirectoryTable(io, root);
        _instance = instance;
    }

    /// <summary>In what order it was opened; no other disk of the engine has or had it.</summary>
    public int Index { get; }

    /// <summary>Digest of the mountpath's identity, by which it is placed.</summary>
    public ulong IdDigest { get; init; }

    /// <summary>What it is there for. Set by the owner of the table of disks, who then makes a new set.</summary>
    public ServingState State
    {
        get => (ServingState)Volatile.Read(ref _state);
        set => Volatile.Write(ref _state, (int)value);
    }

    /// <summary>What is known of its room.</summary>
    internal SpaceState Space { get; } = new();

    /// <summary>Is told of each fault, with the path below the mountpath; any thread, at once.</summary>
    internal FaultSeen? FaultSeen { get; set; }

    /// <summary>Flusher, trash and the rest, when an engine has it.</summary>
    internal AttachedDisk? Attachment { get; set; }

    /// <summary>The indexes of names on it; null where none are kept.</summary>
    internal DiskNames? Names { get; set; }

    /// <summary>New objects go to it.</summary>
    public bool Serves => State == ServingState.Serving;

    /// <summary>Its content is looked at and changed; false when it has left.</summary>
    public bool IsOpen => State is ServingState.Serving or ServingState.Joining or ServingState.Draining;

    /// <summary>The mountpath as configured.</summary>
    public string Path { get; }

    /// <summary>Its identity, by which redundancy maps name it.</summary>
    public Guid Uuid { get; init; }

    /// <summary>Where failed reads of its objects are told.</summary>
    internal ReaderReports Readers { get; init; } = ReaderReports.None;

    /// <summary>Its root directory.</summary>
    public FileHandle Root { get; }

    /// <summary>The disk verbs.</summary>
    public IFileIo Io { get; }

    /// <summary>Its open directories.</summary>
    public DirectoryTable Directories { get; }

    /// <summary>Buffers to verify its blocks in.</summary>
    public BlockBuffers Blocks { get; }

    /// <summary>Bytes of objects that are being read from it right now, those that go from the page cache to a socket aside.</summary>
    public long ReadingBytes => Volatile.Read(ref _readingBytes);

    /// <summary>Disk errors seen since start, those that a client caused (no such name) not counted.</summary>
    public long FaultCount => Volatile.Read(ref _faults);

    /// <summary>So many bytes are asked of it. Ends with <see cref="EndRead"/>.</summary>
    internal void BeginRead(int bytes) => Interlocked.Add(ref _readingBytes, bytes);

    /// <summary>The read has ended, well or not.</summary>
    internal void EndRead(int bytes) => Interlocked.Add(ref _readingBytes, -bytes);

    /// <summary>
    /// A name that no work file has or had: object digest, instance and a running number, in hexadecimal. The digest leads recovery from
    /// a damaged object to the file that was kept for it.
    /// </summary>
    public byte[] NewWorkName(ulong digest)
    {
        Span<byte> name = stackalloc byte[WorkNameBytesMax];
        return name[..WriteWorkName(digest, NewWorkNumber(), name)].ToArray();
    }

    /// <summary>The number of a new work file; from 1.</summary>
    public long NewWorkNumber() => Interlocked.Increment(ref _workFiles);

    /// <summary>Writes the name of the work file of this run that has that number; answers its bytes, at most <see cref="WorkNameBytesMax"/>.</summary>
    public int WriteWorkName(ulong digest, long number, Span<byte> name)
    {
        bool fits = digest.TryFormat(name, out int digestBytes, "x16", CultureInfo.InvariantCulture)
            & _instance.TryFormat(name[17..], out int instanceBytes, "x16", CultureInfo.InvariantCulture)
            & number.TryFormat(name[34..], out int numberBytes, "x", CultureInfo.InvariantCulture);
        Invariant.That(fits, "the buffer holds the longest name");
        (name[digestBytes], name[digestBytes + 1 + instanceBytes]) = ((byte)'.', (byte)'.');
        return digestBytes + instanceBytes + numberBytes + 2;
    }

    /// <summary>True for the name of a work file that this run made: not one that an earlier run left.</summary>
    public bool IsOfThisRun(ReadOnlySpan<byte> workName) =>
        workName.Length > 34 && workName[33] == (byte)'.'
        && ulong.TryParse(workName[17..33], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong instance) && instance == _instance;

    /// <summary>Digest that a work file's name begins with; false for a name that is not ours.</summary>
    public static bool TryReadWorkName(ReadOnlySpan<byte> name, out ulong digest)
    {
        digest = 0;
        return name.Length > 17 && name[16] == (byte)'.'
            && ulong.TryParse(name[..16], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out digest);
    }

    /// <summary>Counts a fault of the disk and makes the exception that tells of it.</summary>
    public StorageException Fault(string verb, Errno error, ReadOnlySpan<byte> path)
    {
        Interlocked.Increment(ref _faults);
        FaultSeen?.Invoke(this, error, path);
        string? advice = error switch
        {
            Errno.EMFILE => "raise RLIMIT_NOFILE (LimitNOFILE= in the systemd unit)",
            Errno.ENOSPC or Errno.EDQUOT => "free space or inodes on this mountpath",
            Errno.EROFS => "the file system is read-only: look at the kernel log and remount it",
            Errno.EIO or Errno.EUCLEAN => "look at the kernel log and the drive's health",
            _ => null,
        };
        return new StorageException($"mountpath {Path}, {Encoding.UTF8.GetString(path)}", verb, error, advice) { Mountpath = Path };
    }

    /// <summary>Throws <see cref="Fault"/> unless the verb succeeded.</summary>
    public void Check(IoResult result, string verb, ReadOnlySpan<byte> path)
    {
        if (!result.Ok)
        {
            throw Fault(verb, result.Error, path);
        }
    }

    /// <summary>The value, or the exception that tells why there is none.</summary>
    public T Check<T>(IoResult<T> result, string verb, ReadOnlySpan<byte> path) =>
        result.Ok ? result.Value : throw Fault(verb, result.Error, path);

    /// <summary>What a client is told of a disk fault: whether room or descriptors ran out, the mountpath has left, or a disk failed; and no path.</summary>
    public static Failure Refusal(StorageException fault) => fault.Told ?? fault.Error switch
    {
        Errno.ENOSPC or Errno.EDQUOT => OutOfSpace,
        Errno.EMFILE or Errno.ENFILE or Errno.ENOMEM => new Failure(ErrorCode.Unavailable, "the server has no descriptors or memory left for this; try again"),
        Errno.ENODEV => new Failure(ErrorCode.Unavailable, "the mountpath of this object is out of service, or none is in it; try again"),
        _ => new Failure(ErrorCode.StorageFailed, $"a disk failed on {fault.Verb}; the server's log says which"),
    };

    /// <summary>The refusal when there is no room.</summary>
    internal static Failure OutOfSpace => new(ErrorCode.OutOfSpace, "out of space: the mountpath of this object is full");

    /// <inheritdoc/>
    public void Dispose()
    {
        Directories.Dispose();
        if (!_sharesBlocks)
        {
            Blocks.Dispose();
        }
    }
}

/// <summary>A disk saw a fault; the path is gone after the call.</summary>
internal delegate void FaultSeen(ObjectDisk disk, Errno error, ReadOnlySpan<byte> path);

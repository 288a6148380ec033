using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace Sluice.Native;

/// <summary>
/// The system calls that the engine needs, one entry each: names are bytes without terminator, answers are a value and an
/// <see cref="Errno"/>, EINTR is retried where the call did nothing yet (never on close, signal(7)). Nothing here throws for what a
/// disk, a name or a limit can cause.
/// </summary>
public static unsafe partial class Libc
{
    /// <summary>Longest path the kernel takes, terminator included (limits.h).</summary>
    public const int PathBytesMax = 4096;

    /// <summary>Pieces of one vectored write at most (IOV_MAX, limits.h).</summary>
    public const int VectorsMax = 1024;

    private const long Openat2Number = 437; // x86-64; openat2(2) has no wrapper in glibc 2.36
    private const ulong ResolveBeneathNoLinksNoMounts = 0x01 | 0x04 | 0x08; // RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH
    private const ulong ResolveCached = 0x20; // RESOLVE_CACHED, Linux 5.12
    private const int O_DIRECT = 0x4000; // x86-64
    private const int O_RDWR = 2, O_CREAT = 0x40, O_EXCL = 0x80, O_NONBLOCK = 0x800, O_DIRECTORY = 0x10000, O_CLOEXEC = 0x80000;
    private const int AT_REMOVEDIR = 0x200, AT_SYMLINK_NOFOLLOW = 0x100, AT_EMPTY_PATH = 0x1000;
    private const int LOCK_EX = 2, LOCK_NB = 4, LOCK_UN = 8;
    private const int StackVectors = 64;

    /// <summary>How a file below a directory is opened.</summary>
    public enum OpenMode
    {
        /// <summary>To read; never blocks on a pipe or device that stands there.</summary>
        Read,

        /// <summary>To read and write.</summary>
        ReadWrite,

        /// <summary>Made; must not exist.</summary>
        CreateNew,

        /// <summary>A directory.</summary>
        Directory,
    }

    /// <summary>Processor time that this thread has used (clock_gettime(2), CLOCK_THREAD_CPUTIME_ID).</summary>
    public static TimeSpan ThreadProcessorTime()
    {
        const int CLOCK_THREAD_CPUTIME_ID = 3;
        Uring.KernelTimespec time;
        // SAFETY: a local structure, which the call fills; it fails for clocks that do not exist only.
        _ = LibcImports.clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return TimeSpan.FromTicks((time.Seconds * TimeSpan.TicksPerSecond) + (time.Nanoseconds / 100));
    }

    /// <summary>openat2(2) below a directory: no symbolic links, no "..", no other mount.</summary>
    public static Errno OpenBeneath(int directory, ReadOnlySpan<byte> path, OpenMode mode, out int descriptor)
    {
        descriptor = -1;
        byte* text = stackalloc byte[PathBytesMax];
        if (!TryTerminate(path, text, out Errno error))
        {
            return error;
        }

        LibcImports.OpenHow how = HowToOpen(mode);
        while (true)
        {
            // SAFETY: text is NUL-terminated on this stack, how is a local of the size that is passed.
            long result = LibcImports.openat2(Openat2Number, directory, text, &how, (nuint)sizeof(LibcImports.OpenHow));
            if (result >= 0)
            {
                descriptor = (int)result;
                return Errno.None;
            }

            // EAGAIN: a rename elsewhere raced with the check of RESOLVE_BENEATH (openat2(2)); the kernel asks to try again.
            if (LastError() is not (Errno.EINTR or Errno.EAGAIN))
            {
                return LastError();
            }
        }
    }

    /// <summary>
    /// As <see cref="OpenBeneath"/>, from what the kernel has in memory alone: EAGAIN when the path would have to be looked up on the disk
    /// (openat2(2), RESOLVE_CACHED). Never waits. Not for <see cref="OpenMode.CreateNew"/>.
    /// </summary>
    public static Errno OpenCached(int directory, ReadOnlySpan<byte> path, OpenMode mode, out int descriptor)
    {
        descriptor = -1;
        byte* text = stackalloc byte[PathBytesMax];
        if (!TryTerminate(path, text, out Errno error))
        {
            return error;
        }

        LibcImports.OpenHow how = HowToOpen(mode);
        how.Resolve |= ResolveCached;
        // SAFETY: as in OpenBeneath.
        long result = LibcImports.openat2(Openat2Number, directory, text, &how, (nuint)sizeof(LibcImports.OpenHow));
        descriptor = (int)Math.Max(result, -1);
        return result >= 0 ? Errno.None : LastError() is Errno.EINTR ? Errno.EAGAIN : LastError();
    }

    /// <summary>
    /// A second descriptor of an open file, to read past the page cache (open(2), O_DIRECT; the file is found by proc(5), so it may have
    /// lost its name). EINVAL where the file system cannot. Never waits for a disk: the inode is in memory.
    /// </summary>
    public static Errno OpenDirect(int descriptor, out int direct)
    {
        const int DigitsMax = 11;
        direct = -1;
        ReadOnlySpan<byte> folder = "/proc/self/fd/"u8;
        Span<byte> text = stackalloc byte[folder.Length + DigitsMax];
        text.Clear();
        folder.CopyTo(text);
        if (!System.Buffers.Text.Utf8Formatter.TryFormat(descriptor, text[folder.Length..^1], out _))
        {
            return Errno.EBADF;
        }

        fixed (byte* start = text)
        {
            // SAFETY: the text was cleared first, so it ends with NUL.
            direct = LibcImports.open(start, O_DIRECT | O_CLOEXEC, 0);
            return direct >= 0 ? Errno.None : LastError();
        }
    }

    /// <summary>open(2) of a directory by absolute path; follows symbolic links.</summary>
    public static Errno OpenDirectory(string path, out int descriptor)
    {
        descriptor = -1;
        byte* text = stackalloc byte[PathBytesMax];
        if (!TryTerminate(Encoding.UTF8.GetBytes(path), text, out Errno error))
        {
            return error;
        }

        // SAFETY: text is NUL-terminated on this stack.
        return Retry(() => LibcImports.open(text, O_DIRECTORY | O_CLOEXEC, 0), out descriptor);
    }

    /// <summary>close(2). Its error is not an outcome of the writes before: those are known by fsync.</summary>
    public static void Close(int descriptor) => _ = LibcImports.close(descriptor);

    /// <summary>pread(2).</summary>
    public static Errno Read(int descriptor, Span<byte> buffer, long offset, out int count)
    {
        fixed (byte* start = buffer)
        {
            nint result;
            do
            {
                // SAFETY: the span is pinned and its length bounds the write into it.
                result = LibcImports.pread(descriptor, start, (nuint)buffer.Length, offset);
            }
            while (result < 0 && LastError() == Errno.EINTR);
            count = (int)Math.Max(result, 0);
            return result < 0 ? LastError() : Errno.None;
        }
    }

    /// <summary>pwritev(2) of the first pieces of a sequence; may write less than there is.</summary>
    public static Errno Write(int descriptor, in ReadOnlySequence<byte> data, long offset, out int count)
    {
        LibcImports.IoVector* vectors = stackalloc LibcImports.IoVector[StackVectors];
        MemoryHandle[] pins = ArrayPool<MemoryHandle>.Shared.Rent(StackVectors);
        int pieces = 0;
        try
        {
            foreach (ReadOnlyMemory<byte> piece in data)
            {
                if (pieces == StackVectors)
                {
                    break;
                }

                if (piece.IsEmpty)
                {
                    continue;
                }

                pins[pieces] = piece.Pin();
                vectors[pieces] = new LibcImports.IoVector { Base = (byte*)pins[pieces].Pointer, Length = (nuint)piece.Length };
                pieces++;
            }

            nint result;
            do
            {
                // SAFETY: each vector points into memory that is pinned until the finally block.
                result = LibcImports.pwritev(descriptor, vectors, pieces, offset);
            }
            while (result < 0 && LastError() == Errno.EINTR);
            count = (int)Math.Max(result, 0);
            return result < 0 ? LastError() : Errno.None;
        }
        finally
        {
            for (int i = 0; i < pieces; i++)
            {
                pins[i].Dispose();
            }

            ArrayPool<MemoryHandle>.Shared.Return(pins);
        }
    }

    /// <summary>fsync(2); EINTR is not retried: what was lost on a failed fsync is not written by another.</summary>
    public static Errno Sync(int descriptor) => LibcImports.fsync(descriptor) == 0 ? Errno.None : LastError();

    /// <summary>syncfs(2).</summary>
    public static Errno SyncFileSystem(int descriptor) => LibcImports.syncfs(descriptor) == 0 ? Errno.None : LastError();

    /// <summary>fgetxattr(2).</summary>
    public static Errno GetXattr(int descriptor, ReadOnlySpan<byte> terminatedName, Span<byte> value, out int count)
    {
        fixed (byte* name = terminatedName, buffer = value)
        {
            // SAFETY: the name ends with NUL, which the check below makes sure of; the value's span is pinned and bounds the write.
            RequireTerminated(terminatedName);
            nint result = LibcImports.fgetxattr(descriptor, name, buffer, (nuint)value.Length);
            count = (int)Math.Max(result, 0);
            return result < 0 ? LastError() : Errno.None;
        }
    }

    /// <summary>fsetxattr(2): creates or replaces.</summary>
    public static Errno SetXattr(int descriptor, ReadOnlySpan<byte> terminatedName, ReadOnlySpan<byte> value)
    {
        fixed (byte* name = terminatedName, buffer = value)
        {
            // SAFETY: as in GetXattr.
            RequireTerminated(terminatedName);
            return LibcImports.fsetxattr(descriptor, name, buffer, (nuint)value.Length, 0) == 0 ? Errno.None : LastError();
        }
    }

    /// <summary>mkdirat(2), mode 0755.</summary>
    public static Errno MakeDirectory(int directory, ReadOnlySpan<byte> name)
    {
        byte* text = stackalloc byte[PathBytesMax];
        if (!TryTerminate(name, text, out Errno error))
        {
            return error;
        }

        // SAFETY: text is NUL-terminated on this stack.
        return LibcImports.mkdirat(directory, text, 0x1ed) == 0 ? Errno.None : LastError();
    }

    /// <summary>renameat2(2); <paramref name="flags"/>: 0 replace, 1 RENAME_NOREPLACE, 2 RENAME_EXCHANGE.</summary>
    public static Errno Rename(int fromDirectory, ReadOnlySpan<byte> from, int toDirectory, ReadOnlySpan<byte> to, uint flags)
    {
        byte* source = stackalloc byte[PathBytesMax];
        byte* target = stackalloc byte[PathBytesMax];
        if (!TryTerminate(from, source, out Errno error) || !TryTerminate(to, target, out error))
        {
            return error;
        }

        // SAFETY: both are NUL-terminated on this stack.
        return LibcImports.renameat2(fromDirectory, source, toDirectory, target, flags) == 0 ? Errno.None : LastError();
    }

    /// <summary>linkat(2); a symbolic link is linked itself, not followed.</summary>
    public static Errno Link(int fromDirectory, ReadOnlySpan<byte> from, int toDirectory, ReadOnlySpan<byte> to)
    {
        byte* source = stackalloc byte[PathBytesMax];
        byte* target = stackalloc byte[PathBytesMax];
        if (!TryTerminate(from, source, out Errno error) || !TryTerminate(to, target, out error))
        {
            return error;
        }

        // SAFETY: both are NUL-terminated on this stack.
        return LibcImports.linkat(fromDirectory, source, toDirectory, target, 0) == 0 ? Errno.None : LastError();
    }

    /// <summary>unlinkat(2), of a file or of an empty directory.</summary>
    public static Errno Unlink(int directory, ReadOnlySpan<byte> name, bool isDirectory)
    {
        byte* text = stackalloc byte[PathBytesMax];
        if (!TryTerminate(name, text, out Errno error))
        {
            return error;
        }

        // SAFETY: text is NUL-terminated on this stack.
        return LibcImports.unlinkat(directory, text, isDirectory ? AT_REMOVEDIR : 0) == 0 ? Errno.None : LastError();
    }

    /// <summary>flock(2), exclusive, without waiting: EAGAIN when another open file has it.</summary>
    public static Errno TryLock(int descriptor) => LibcImports.flock(descriptor, LOCK_EX | LOCK_NB) == 0 ? Errno.None : LastError();

    /// <summary>
    /// flock(2), unlock. Closing is not enough at once: a child that has been forked and has not yet come to its exec still shares the open
    /// file, and the lock with it.
    /// </summary>
    public static Errno Unlock(int descriptor) => LibcImports.flock(descriptor, LOCK_UN) == 0 ? Errno.None : LastError();

    /// <summary>The error of the last call on this thread; an unknown number is passed on as it is.</summary>
    internal static Errno LastError() => (Errno)Marshal.GetLastPInvokeError();

    /// <summary>openat2(2)'s argument for a mode.</summary>
    internal static LibcImports.OpenHow HowToOpen(OpenMode mode) => new()
    {
        Flags = (ulong)(O_CLOEXEC | mode switch
        {
            OpenMode.Read => O_NONBLOCK,
            OpenMode.ReadWrite => O_RDWR | O_NONBLOCK,
            OpenMode.CreateNew => O_RDWR | O_CREAT | O_EXCL,
            _ => O_DIRECTORY,
        }),
        Mode = mode == OpenMode.CreateNew ? 0x1a4UL : 0, // 0644
        Resolve = ResolveBeneathNoLinksNoMounts,
    };

    private static Errno Retry(Func<int> call, out int result)
    {
        do
        {
            result = call();
        }
        while (result < 0 && LastError() == Errno.EINTR);
        return result < 0 ? LastError() : Errno.None;
    }

    /// <summary>Copies a name and its terminator into a buffer of <see cref="PathBytesMax"/> bytes.</summary>
    internal static bool TryTerminate(ReadOnlySpan<byte> name, byte* buffer, out Errno error)
    {
        error = name.Length >= PathBytesMax ? Errno.ENAMETOOLONG : name.Contains((byte)0) ? Errno.EINVAL : Errno.None;
        if (error != Errno.None)
        {
            return false;
        }

        // SAFETY: the length was checked against the buffer's size, which every caller allocates as PathBytesMax.
        name.CopyTo(new Span<byte>(buffer, PathBytesMax));
        buffer[name.Length] = 0;
        return true;
    }

    internal static void RequireTerminated(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty || name[^1] != 0)
        {
            throw new ArgumentException("the name of an attribute ends with NUL", nameof(name));
        }
    }
}

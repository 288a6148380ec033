using System.Runtime.InteropServices;

namespace Sluice.Native;

/// <summary>
/// The imports themselves: the C library's signatures, blittable, with errno captured by the runtime. Everything else calls
/// <see cref="Libc"/>.
/// </summary>
internal static unsafe partial class LibcImports
{
    private const string Library = "libc";

    private const long FutexNumber = 202; // x86-64; futex(2) has no wrapper in glibc
    private const int FUTEX_WAIT_PRIVATE = 128, FUTEX_WAKE_PRIVATE = 129; // linux/futex.h

    /// <summary>Waits while the word has that value; may return for no reason.</summary>
    // SAFETY: the kernel reads the word only; no timeout is given.
    internal static void WaitOnFutex(int* word, int value) => _ = futex(FutexNumber, word, FUTEX_WAIT_PRIVATE, value, null, null, 0);

    /// <summary>Wakes one who waits on the word.</summary>
    // SAFETY: the word's address is a key, nothing is read or written.
    internal static void WakeFutex(int* word) => _ = futex(FutexNumber, word, FUTEX_WAKE_PRIVATE, 1, null, null, 0);

    [LibraryImport(Library, EntryPoint = "syscall")]
    private static partial long futex(long number, int* word, int operation, int value, void* timeout, int* other, int otherValue);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    internal static partial long openat2(long number, int directory, byte* path, OpenHow* how, nuint size);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int open(byte* path, int flags, int mode);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int close(int descriptor);

    [LibraryImport(Library, EntryPoint = "pread64", SetLastError = true)]
    internal static partial nint pread(int descriptor, byte* buffer, nuint count, long offset);

    [LibraryImport(Library, EntryPoint = "pwritev64", SetLastError = true)]
    internal static partial nint pwritev(int descriptor, IoVector* vectors, int count, long offset);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int fsync(int descriptor);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int syncfs(int descriptor);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int statx(int directory, byte* path, int flags, uint mask, StatxBuffer* buffer);

    [LibraryImport(Library, EntryPoint = "fstatfs64", SetLastError = true)]
    internal static partial int fstatfs(int descriptor, StatfsBuffer* buffer);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint fgetxattr(int descriptor, byte* name, byte* value, nuint size);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int fsetxattr(int descriptor, byte* name, byte* value, nuint size, int flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int mkdirat(int directory, byte* name, int mode);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int renameat2(int fromDirectory, byte* from, int toDirectory, byte* to, uint flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int linkat(int fromDirectory, byte* from, int toDirectory, byte* to, int flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int unlinkat(int directory, byte* name, int flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial long lseek(int descriptor, long offset, int whence);

    [LibraryImport(Library, EntryPoint = "getdents64", SetLastError = true)]
    internal static partial nint getdents(int directory, byte* buffer, nuint size);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int flock(int descriptor, int operation);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint mmap(nint address, nuint length, int protection, int flags, int descriptor, long offset);

    [LibraryImport(Library)]
    internal static partial int clock_gettime(int clock, Uring.KernelTimespec* time);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int madvise(nint address, nuint length, int advice);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int munmap(nint address, nuint length);

    /// <summary>struct open_how (openat2(2)): 24 bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct OpenHow
    {
        public ulong Flags;
        public ulong Mode;
        public ulong Resolve;
    }

    /// <summary>struct iovec (readv(2)): 16 bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct IoVector
    {
        public byte* Base;
        public nuint Length;
    }

    /// <summary>struct statx (statx(2)): 256 bytes; the fields that are read, at their offsets.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    internal struct StatxBuffer
    {
        [FieldOffset(0x10)]
        public uint Links;
        [FieldOffset(0x1c)]
        public ushort Mode;
        [FieldOffset(0x20)]
        public ulong Inode;
        [FieldOffset(0x28)]
        public ulong Size;
        [FieldOffset(0x40)]
        public long AccessedSeconds;
        [FieldOffset(0x48)]
        public uint AccessedNs;
        [FieldOffset(0x60)]
        public long ChangedSeconds;
        [FieldOffset(0x68)]
        public uint ChangedNs;
        [FieldOffset(0x70)]
        public long ModifiedSeconds;
        [FieldOffset(0x78)]
        public uint ModifiedNs;
        [FieldOffset(0x88)]
        public uint DeviceMajor;
        [FieldOffset(0x8c)]
        public uint DeviceMinor;
    }

    /// <summary>struct statfs64 on x86-64 (statfs(2)): 120 bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct StatfsBuffer
    {
        public long Type;
        public long BlockSize;
        public ulong Blocks;
        public ulong FreeBlocks;
        public ulong AvailableBlocks;
        public ulong Files;
        public ulong FreeFiles;
        public long Id;
        public long NameLength;
        public long FragmentSize;
        public long Flags;
        public fixed long Spare[4];
    }
}

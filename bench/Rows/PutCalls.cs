using System.Runtime.InteropServices;
using Sluice.Native;

namespace Sluice.Bench.Rows;

/// <summary>Calls that the product does not make, to see whether it should.</summary>
internal static class PutCalls
{
    private const int O_RDWR = 2, O_TMPFILE = 0x410000, O_CLOEXEC = 0x80000; // fcntl.h
    private const int AT_EMPTY_PATH = 0x1000;
    private const int RWF_DONTCACHE = 0x80; // linux/fs.h, since 6.14
    private const uint SYNC_FILE_RANGE_WRITE = 2;
    private const int OwnerReadsAndWrites = 0x180; // 0600
    private const string Library = "libc";

    private static readonly byte[] s_here = [(byte)'.', 0], s_empty = [0];

    /// <summary>A file without a name, of a directory's file system.</summary>
    public static Errno OpenNameless(int directory, out int file)
    {
        file = openat(directory, s_here, O_RDWR | O_TMPFILE | O_CLOEXEC, OwnerReadsAndWrites);
        return file >= 0 ? Errno.None : LastError();
    }

    public static Errno Link(int file, int directory, byte[] name) => ErrorOf(linkat(file, s_empty, directory, [.. name, 0], AT_EMPTY_PATH));

    public static Errno Allocate(int file, long bytes) => ErrorOf(fallocate(file, 0, 0, bytes));

    public static Errno StartWriteBack(int file, long offset, long bytes) => ErrorOf(sync_file_range(file, offset, bytes, SYNC_FILE_RANGE_WRITE));

    /// <param name="pinned">All of it is written.</param>
    public static Errno WriteUncached(int file, byte[] pinned, long offset, out int written)
    {
        var vector = new Vector { Start = Marshal.UnsafeAddrOfPinnedArrayElement(pinned, 0), Bytes = pinned.Length };
        written = (int)pwritev64v2(file, in vector, 1, offset, RWF_DONTCACHE);
        return written >= 0 ? Errno.None : LastError();
    }

    private static Errno ErrorOf(int result) => result == 0 ? Errno.None : LastError();

    private static Errno LastError() => (Errno)Marshal.GetLastPInvokeError();

    [DllImport(Library, SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int openat(int directory, byte[] path, int flags, int mode);

    [DllImport(Library, SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int linkat(int fromDirectory, byte[] from, int toDirectory, byte[] to, int flags);

    [DllImport(Library, SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int fallocate(int file, int mode, long offset, long bytes);

    [DllImport(Library, SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int sync_file_range(int file, long offset, long bytes, uint flags);

    [DllImport(Library, SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint pwritev64v2(int file, in Vector vectors, int count, long offset, int flags);

    [StructLayout(LayoutKind.Sequential)]
    private struct Vector
    {
        public nint Start;
        public nint Bytes;
    }
}

using System.Runtime.InteropServices;

namespace Sluice.Native;

/// <summary>The C library's calls about sockets; everything else calls <see cref="Sockets"/>.</summary>
internal static unsafe partial class SocketImports
{
    private const string Library = "libc";

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int socket(int family, int type, int protocol);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int bind(int socket, byte* address, uint addressBytes);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int connect(int socket, byte* address, uint addressBytes);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int listen(int socket, int backlog);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int getsockname(int socket, byte* address, uint* addressBytes);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int getpeername(int socket, byte* address, uint* addressBytes);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int setsockopt(int socket, int level, int option, void* value, uint valueBytes);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int getsockopt(int socket, int level, int option, void* value, uint* valueBytes);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint send(int socket, byte* data, nuint bytes, int flags);

    [LibraryImport(Library, EntryPoint = "sendfile64", SetLastError = true)]
    internal static partial nint sendfile(int socket, int file, long* offset, nuint bytes);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int shutdown(int socket, int how);

    [LibraryImport(Library, EntryPoint = "preadv64v2", SetLastError = true)]
    internal static partial nint preadv2(int descriptor, LibcImports.IoVector* vectors, int count, long offset, int flags);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    internal static partial long cachestat(long number, uint descriptor, CacheRange* range, CacheStat* stat, uint flags);

    /// <summary>struct cachestat_range: 16 bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct CacheRange
    {
        public ulong Offset;
        public ulong Length;
    }

    /// <summary>struct cachestat: 40 bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct CacheStat
    {
        public ulong Cached;
        public ulong Dirty;
        public ulong Writeback;
        public ulong Evicted;
        public ulong RecentlyEvicted;
    }
}

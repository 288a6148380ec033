using System.Runtime.InteropServices;
using Sluice.Bench.Machine;
using Sluice.Native;

namespace Sluice.Bench.Rows;

/// <summary>Blocking calls on sockets, with flags that .NET does not have.</summary>
internal static class SendCalls
{
    public const int More = 0x8000; // MSG_MORE
    public const int ZeroCopy = 0x4000000; // MSG_ZEROCOPY

    private const string Library = "libc";
    private const int MSG_DONTWAIT = 0x40, MSG_TRUNC = 0x20, MSG_ERRQUEUE = 0x2000, MSG_NOSIGNAL = 0x4000;
    private const int SOL_SOCKET = 1, SO_ZEROCOPY = 60, IPPROTO_TCP = 6, TCP_CORK = 3;
    private const int DroppedBytesMax = 1 << 20;

    /// <summary>All of the first bytes; false when that failed.</summary>
    public static bool Send(int socket, byte[] pinned, int count, int flags)
    {
        nint start = Marshal.UnsafeAddrOfPinnedArrayElement(pinned, 0);
        for (int sent = 0; sent < count;)
        {
            nint some = send(socket, start + sent, count - sent, flags | MSG_NOSIGNAL);
            if (some < 0 && (Errno)Marshal.GetLastPInvokeError() == Errno.ENOBUFS)
            {
                TakeNotices(socket); // what was sent without a copy is limited by the room for its notices
                continue;
            }

            if (some <= 0)
            {
                return false;
            }

            sent += (int)some;
        }

        return true;
    }

    /// <summary>The first bytes of a file.</summary>
    public static bool SendFile(int socket, int file, long count)
    {
        for (long offset = 0; offset < count;)
        {
            if (sendfile64(socket, file, ref offset, (nint)(count - offset)) <= 0)
            {
                return false;
            }
        }

        return true;
    }

    public static bool Cork(int socket, bool on)
    {
        int value = on ? 1 : 0;
        return setsockopt(socket, IPPROTO_TCP, TCP_CORK, in value, sizeof(int)) == 0;
    }

    public static bool TryAllowZeroCopy(int socket)
    {
        int value = 1;
        return setsockopt(socket, SOL_SOCKET, SO_ZEROCOPY, in value, sizeof(int)) == 0;
    }

    /// <summary>Takes what the kernel has told about buffers that it sent from; always true.</summary>
    public static bool TakeNotices(int socket)
    {
        var message = default(Message);
        while (recvmsg(socket, ref message, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0)
        {
            message = default;
        }

        return true;
    }

    /// <summary>Has the kernel drop what arrives, until the other end closes.</summary>
    public static void DropAll(int socket)
    {
        while (recv(socket, 0, DroppedBytesMax, MSG_TRUNC) > 0)
        {
        }
    }

    /// <summary>Binds the calling thread.</summary>
    public static void Pin(int core)
    {
        ulong mask = 1UL << core;
        if (sched_setaffinity(0, sizeof(ulong), in mask) != 0)
        {
            throw new BenchException($"core {core} cannot be used");
        }
    }

    [DllImport(Library, SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint send(int socket, nint start, nint count, int flags);

    [DllImport(Library), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint recv(int socket, nint start, nint count, int flags);

    [DllImport(Library), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint recvmsg(int socket, ref Message message, int flags);

    [DllImport(Library), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint sendfile64(int socket, int file, ref long offset, nint count);

    [DllImport(Library), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int setsockopt(int socket, int level, int name, in int value, int bytes);

    [DllImport(Library), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int sched_setaffinity(int thread, nint bytes, in ulong mask);

    /// <summary>struct msghdr (recvmsg(2)): only its size matters, since a notice has no bytes and its control part is not wanted.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 56)]
    private struct Message
    {
        public nint Name;
    }
}

using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Sluice.Native;

/// <summary>
/// TCP sockets as descriptors, non-blocking and close-on-exec, for transports that run on a ring loop. Nothing here blocks or throws for what a
/// peer causes; <see cref="Send"/> and <see cref="SendFile"/> answer EAGAIN when the socket is full.
/// </summary>
public static unsafe class Sockets
{
    private const int AF_INET = 2, AF_INET6 = 10, SOCK_STREAM = 1, SOCK_NONBLOCK = 0x800, SOCK_CLOEXEC = 0x80000;
    private const int SOL_SOCKET = 1, SO_REUSEADDR = 2, SO_ERROR = 4, SO_SNDBUF = 7, SO_RCVBUF = 8, SO_LINGER = 13, SO_REUSEPORT = 15;
    private const int IPPROTO_TCP = 6, TCP_NODELAY = 1, TCP_INFO = 11, IPPROTO_IPV6 = 41, IPV6_V6ONLY = 26;
    private const int MSG_NOSIGNAL = 0x4000, MSG_MORE = 0x8000, SHUT_WR = 1, SHUT_RDWR = 2;
    private const int AddressBytesMax = 28; // struct sockaddr_in6

    /// <summary>
    /// A listening socket. Shared ones may have the same address, and the kernel spreads connections over them (SO_REUSEPORT, socket(7)); one that is not
    /// finds out whether others have it. An IPv6 address that is any takes IPv4 too. The caller closes it; -1 when it failed.
    /// </summary>
    public static Errno Listen(IPEndPoint endPoint, int backlog, out int socket, bool shared = true)
    {
        Errno error = Bind(endPoint, isShared: shared, out socket);
        if (error == Errno.None && SocketImports.listen(socket, backlog) != 0)
        {
            error = Libc.LastError();
            Libc.Close(socket);
            socket = -1;
        }

        return error;
    }

    /// <summary>
    /// EADDRINUSE when somebody listens on that address already, also one who would share it: <see cref="Listen"/> alone does not tell a second
    /// server from a second loop of the first. To be asked once, before the first <see cref="Listen"/>.
    /// </summary>
    public static Errno CheckFree(IPEndPoint endPoint)
    {
        Errno error = Bind(endPoint, isShared: false, out int socket);
        if (error == Errno.None)
        {
            Libc.Close(socket);
        }

        return error;
    }

    /// <summary>
    /// Begins to connect: EINPROGRESS, or none when it is done at once; the socket is writable when it is settled, and <see cref="TakeError"/> tells
    /// how. The caller closes the socket unless it is -1.
    /// </summary>
    public static Errno Connect(IPEndPoint endPoint, out int socket)
    {
        socket = SocketImports.socket(FamilyOf(endPoint), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (socket < 0)
        {
            return Libc.LastError();
        }

        byte* address = stackalloc byte[AddressBytesMax];
        uint bytes = Format(endPoint, address);
        // SAFETY: as in Bind.
        return SocketImports.connect(socket, address, bytes) == 0 ? Errno.None : Libc.LastError();
    }

    /// <summary>The pending error of a socket, which asking clears (SO_ERROR).</summary>
    public static Errno TakeError(int socket)
    {
        int error = 0;
        uint bytes = sizeof(int);
        // SAFETY: a local of the size that is passed.
        return SocketImports.getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0 ? (Errno)error : Libc.LastError();
    }

    /// <summary>Small writes go out at once (TCP_NODELAY).</summary>
    public static void SetNoDelay(int socket) => SetOption(socket, IPPROTO_TCP, TCP_NODELAY, 1);

    /// <summary>Bounds what the kernel keeps unsent; it doubles the number for its own bookkeeping (SO_SNDBUF, socket(7)).</summary>
    public static void SetSendBuffer(int socket, int bytes) => SetOption(socket, SOL_SOCKET, SO_SNDBUF, bytes);

    /// <summary>Bounds what the kernel keeps unread, in the same way (SO_RCVBUF).</summary>
    public static void SetReceiveBuffer(int socket, int bytes) => SetOption(socket, SOL_SOCKET, SO_RCVBUF, bytes);

    /// <summary>Close will reset the connection and drop what is unsent (SO_LINGER with 0).</summary>
    public static void SetReset(int socket)
    {
        int* linger = stackalloc int[2] { 1, 0 };
        // SAFETY: struct linger is two ints.
        _ = SocketImports.setsockopt(socket, SOL_SOCKET, SO_LINGER, linger, 2 * sizeof(int));
    }

    /// <summary>Ends sending, or both directions: requests in flight on the socket complete.</summary>
    public static void Shutdown(int socket, bool sendOnly = false) => _ = SocketImports.shutdown(socket, sendOnly ? SHUT_WR : SHUT_RDWR);

    /// <summary>Our end's address; null when the socket has none any more.</summary>
    public static IPEndPoint? LocalEndPoint(int socket)
    {
        byte* address = stackalloc byte[AddressBytesMax];
        uint bytes = AddressBytesMax;
        // SAFETY: the buffer is as long as is said.
        return SocketImports.getsockname(socket, address, &bytes) == 0 ? Parse(address) : null;
    }

    /// <summary>The peer's address; null when it is gone.</summary>
    public static IPEndPoint? RemoteEndPoint(int socket)
    {
        byte* address = stackalloc byte[AddressBytesMax];
        uint bytes = AddressBytesMax;
        // SAFETY: as in LocalEndPoint.
        return SocketImports.getpeername(socket, address, &bytes) == 0 ? Parse(address) : null;
    }

    /// <summary>Bytes that the peer has acknowledged and that were received, ever (TCP_INFO): whether a slow peer makes progress.</summary>
    public static bool TryProgress(int socket, out ulong acknowledged, out ulong received)
    {
        const int AcknowledgedAt = 120, ReceivedAt = 128, InfoBytes = 232; // struct tcp_info, linux/tcp.h
        byte* info = stackalloc byte[InfoBytes];
        uint bytes = InfoBytes;
        // SAFETY: the buffer is as long as is said.
        bool known = SocketImports.getsockopt(socket, IPPROTO_TCP, TCP_INFO, info, &bytes) == 0 && bytes >= ReceivedAt + sizeof(ulong);
        acknowledged = known ? *(ulong*)(info + AcknowledgedAt) : 0;
        received = known ? *(ulong*)(info + ReceivedAt) : 0;
        return known;
    }

    /// <summary>
    /// send(2): what the socket takes now, EAGAIN when that is nothing. With <paramref name="more"/> the kernel may hold back a packet that is not full,
    /// since more follows at once.
    /// </summary>
    public static Errno Send(int socket, ReadOnlySpan<byte> data, bool more, out int sent)
    {
        fixed (byte* start = data)
        {
            nint result;
            do
            {
                // SAFETY: the span is pinned and its length bounds the read.
                result = SocketImports.send(socket, start, (nuint)data.Length, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
            }
            while (result < 0 && Libc.LastError() == Errno.EINTR);
            sent = (int)Math.Max(result, 0);
            return result < 0 ? Libc.LastError() : Errno.None;
        }
    }

    /// <summary>
    /// sendfile(2): pages of a file to the socket without a copy; 0 bytes without an error is the file's end. Reads the disk where pages are not resident,
    /// and then blocks.
    /// </summary>
    public static Errno SendFile(int socket, int file, long offset, int bytes, out int sent)
    {
        nint result;
        do
        {
            long position = offset;
            // SAFETY: a local that the kernel moves.
            result = SocketImports.sendfile(socket, file, &position, (nuint)bytes);
        }
        while (result < 0 && Libc.LastError() == Errno.EINTR);
        sent = (int)Math.Max(result, 0);
        return result < 0 ? Libc.LastError() : Errno.None;
    }

    private static Errno Bind(IPEndPoint endPoint, bool isShared, out int socket)
    {
        socket = SocketImports.socket(FamilyOf(endPoint), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (socket < 0)
        {
            return Libc.LastError();
        }

        byte* address = stackalloc byte[AddressBytesMax];
        uint bytes = Format(endPoint, address);
        SetOption(socket, SOL_SOCKET, SO_REUSEADDR, 1); // what is left of connections that ended does not count
        SetOption(socket, SOL_SOCKET, SO_REUSEPORT, isShared ? 1 : 0);
        if (endPoint.AddressFamily == AddressFamily.InterNetworkV6)
        {
            SetOption(socket, IPPROTO_IPV6, IPV6_V6ONLY, endPoint.Address.Equals(IPAddress.IPv6Any) ? 0 : 1);
        }

        // SAFETY: the address is on this stack and as long as is said.
        if (SocketImports.bind(socket, address, bytes) == 0)
        {
            return Errno.None;
        }

        Errno error = Libc.LastError();
        Libc.Close(socket);
        socket = -1;
        return error;
    }

    private static int FamilyOf(IPEndPoint endPoint) => endPoint.AddressFamily == AddressFamily.InterNetworkV6 ? AF_INET6 : AF_INET;

    private static void SetOption(int socket, int level, int option, int value) =>
        _ = SocketImports.setsockopt(socket, level, option, &value, sizeof(int)); // SAFETY: an int on this stack

    /// <summary>struct sockaddr_in or sockaddr_in6 (ip(7), ipv6(7)) into a buffer of <see cref="AddressBytesMax"/>.</summary>
    private static uint Format(IPEndPoint endPoint, byte* address)
    {
        // SAFETY: every caller passes a buffer of that size.
        var bytes = new Span<byte>(address, AddressBytesMax);
        bytes.Clear();
        *(ushort*)address = (ushort)FamilyOf(endPoint);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], (ushort)endPoint.Port);
        bool isV6 = endPoint.AddressFamily == AddressFamily.InterNetworkV6;
        endPoint.Address.TryWriteBytes(bytes[(isV6 ? 8 : 4)..], out _);
        if (isV6)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes[24..], (uint)endPoint.Address.ScopeId);
        }

        return isV6 ? 28u : 16u;
    }

    private static IPEndPoint Parse(byte* address)
    {
        // SAFETY: as in Format.
        var bytes = new ReadOnlySpan<byte>(address, AddressBytesMax);
        int port = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        return *(ushort*)address == AF_INET6
            ? new IPEndPoint(new IPAddress(bytes.Slice(8, 16), BinaryPrimitives.ReadUInt32LittleEndian(bytes[24..])), port)
            : new IPEndPoint(new IPAddress(bytes.Slice(4, 4)), port);
    }
}

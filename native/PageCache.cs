namespace Sluice.Native;

/// <summary>What of a file is in memory: whether a read or a sendfile(2) would wait for a disk.</summary>
public static unsafe class PageCache
{
    private const long SYS_cachestat = 451; // x86-64, Linux 6.5
    private const int RWF_NOWAIT = 8;

    /// <summary>
    /// Reads what is resident, without waiting for a disk (preadv2(2), RWF_NOWAIT): EAGAIN when nothing is, or when the file system does not know;
    /// may be short where residency ends. 0 is the end of the file. EINVAL for an offset below 0 (-1 would be the file's own position).
    /// </summary>
    public static Errno ReadResident(int descriptor, Span<byte> buffer, long offset, out int count)
    {
        count = 0;
        if (offset < 0)
        {
            return Errno.EINVAL;
        }

        fixed (byte* start = buffer)
        {
            var vector = new LibcImports.IoVector { Base = start, Length = (nuint)buffer.Length };
            nint result;
            do
            {
                // SAFETY: the span is pinned and its length bounds the write into it.
                result = SocketImports.preadv2(descriptor, &vector, 1, offset, RWF_NOWAIT);
            }
            while (result < 0 && Libc.LastError() == Errno.EINTR);
            count = (int)Math.Max(result, 0);
            Errno error = result < 0 ? Libc.LastError() : Errno.None;
            return error == Errno.EOPNOTSUPP ? Errno.EAGAIN : error;
        }
    }

    /// <summary>True when a buffer begins at a multiple of <paramref name="alignment"/>; memory of the collector's may move and then does not.</summary>
    public static bool IsAligned(ReadOnlyMemory<byte> buffer, int alignment)
    {
        using System.Buffers.MemoryHandle pin = buffer.Pin();
        // SAFETY: the address is only looked at.
        return (nuint)pin.Pointer % (nuint)alignment == 0;
    }

    /// <summary>
    /// True when the pages of a range that are looked at, one every 64 KiB and the last, hold what the disk has. <see cref="IsResident"/> counts pages whose
    /// read is still in flight, for which sendfile(2) would wait: of 4 MiB under read-ahead it counted 640 to 1,023 of 1,024 pages at once, and
    /// when the last byte had come, up to 383 were still missing, since a drive answers in any order (ext4, XFS; 6.18). Reads are as large as 64 KiB where it
    /// matters, so that few are missed. 1 to 3 us a look, hence for files that were read from disk just now alone.
    /// </summary>
    public static bool IsUpToDate(int descriptor, long offset, long bytes)
    {
        const long Stride = 64 << 10;
        Span<byte> one = stackalloc byte[1];
        long last = offset + bytes - 1;
        for (long at = offset; at <= last; at = at < last ? Math.Min(at + Stride, last) : last + 1)
        {
            if (ReadResident(descriptor, one, at, out int count) != Errno.None || count == 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// True when every page of a range is in the cache (cachestat(2)), be it only about to be read. False also where the kernel cannot tell. Pages may be
    /// evicted right afterwards.
    /// </summary>
    public static bool IsResident(int descriptor, long offset, long bytes)
    {
        var range = new SocketImports.CacheRange { Offset = (ulong)offset, Length = (ulong)bytes };
        var stat = default(SocketImports.CacheStat);
        long first = offset / Environment.SystemPageSize;
        long last = (offset + bytes - 1) / Environment.SystemPageSize;
        // SAFETY: both structures are on this stack.
        return bytes == 0
            || (SocketImports.cachestat(SYS_cachestat, (uint)descriptor, &range, &stat, 0) == 0 && stat.Cached >= (ulong)(last - first + 1));
    }
}

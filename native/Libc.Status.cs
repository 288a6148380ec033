using System.Runtime.InteropServices;

namespace Sluice.Native;

/// <summary>What statx(2) answered.</summary>
public readonly record struct FileStat(ushort Mode, long Size, ulong Inode, ulong Device, uint Links, long AccessedNs, long ModifiedNs, long ChangedNs)
{
    private const int TypeMask = 0xf000, RegularFile = 0x8000, DirectoryType = 0x4000;

    /// <summary>A regular file.</summary>
    public bool IsFile => (Mode & TypeMask) == RegularFile;

    /// <summary>A directory.</summary>
    public bool IsDirectory => (Mode & TypeMask) == DirectoryType;
}

/// <summary>What statfs(2) answered.</summary>
public readonly record struct FileSystemStat(long Magic, long SizeBytes, long FreeBytes, long Files, long FreeFiles, bool ReadOnly);

/// <summary>Receives directory entries; see <see cref="Libc.ReadDirectory{TSink}"/>.</summary>
public interface IDirectoryEntrySink
{
    /// <summary>One entry and its kind (DT_REG 8, DT_DIR 4, others); the name is gone after the call.</summary>
    void Add(ReadOnlySpan<byte> name, byte kind);
}

/// <summary>Calls that ask for status, and directories.</summary>
public static unsafe partial class Libc
{
    internal const uint BasicStats = 0x7ff; // STATX_BASIC_STATS
    private const int AT_STATX_DONT_SYNC = 0x4000;
    private const int DirectoryBufferBytes = 32 << 10; // as readdir(3): some 500 entries a call

    /// <summary>DT_REG of getdents64(2).</summary>
    public const byte KindFile = 8;

    /// <summary>DT_DIR of getdents64(2).</summary>
    public const byte KindDirectory = 4;

    /// <summary>statx(2) of an open file.</summary>
    public static Errno Stat(int descriptor, out FileStat stat)
    {
        byte empty = 0;
        // SAFETY: an empty, terminated path on this stack. The inode of an open file is in memory; a network file system is told not to ask
        // its server, so that this never waits.
        return Statx(descriptor, &empty, AT_EMPTY_PATH | AT_STATX_DONT_SYNC, out stat);
    }

    /// <summary>statx(2) by path; a symbolic link is not followed at the end. Use only for paths that are known to be beneath.</summary>
    public static Errno StatAt(int directory, ReadOnlySpan<byte> path, out FileStat stat)
    {
        stat = default;
        byte* text = stackalloc byte[PathBytesMax];
        // SAFETY: text is NUL-terminated on this stack.
        return TryTerminate(path, text, out Errno error) ? Statx(directory, text, AT_SYMLINK_NOFOLLOW, out stat) : error;
    }

    /// <summary>fstatfs(2).</summary>
    public static Errno StatFileSystem(int descriptor, out FileSystemStat stat)
    {
        LibcImports.StatfsBuffer buffer;
        // SAFETY: buffer has the size of struct statfs64.
        int result = LibcImports.fstatfs(descriptor, &buffer);
        const long ReadOnlyFlag = 1; // ST_RDONLY
        stat = result == 0
            ? new FileSystemStat(
                buffer.Type, (long)buffer.Blocks * buffer.FragmentSize, (long)buffer.AvailableBlocks * buffer.FragmentSize,
                (long)buffer.Files, (long)buffer.FreeFiles, (buffer.Flags & ReadOnlyFlag) != 0)
            : default;
        return result == 0 ? Errno.None : LastError();
    }

    /// <summary>
    /// Reads a whole directory with getdents64(2), from its beginning, through a descriptor of its own. Entries of unknown kind are asked
    /// for. "." and ".." are left out.
    /// </summary>
    public static Errno ReadDirectory<TSink>(int directory, ref TSink sink)
        where TSink : IDirectoryEntrySink, allows ref struct
    {
        long position = 0;
        return ReadDirectory(directory, ref position, isWhole: true, ref sink);
    }

    /// <summary>
    /// The same of a part of the directory: some hundred entries from <paramref name="position"/> on, which is 0 at first, then what the last call made of it, and negative behind the
    /// last part.
    /// </summary>
    public static Errno ReadDirectory<TSink>(int directory, ref long position, ref TSink sink)
        where TSink : IDirectoryEntrySink, allows ref struct => ReadDirectory(directory, ref position, isWhole: false, ref sink);

    private static Errno ReadDirectory<TSink>(int directory, ref long position, bool isWhole, ref TSink sink)
        where TSink : IDirectoryEntrySink, allows ref struct
    {
        Errno error = OpenBeneath(directory, "."u8, OpenMode.Directory, out int own);
        if (error != Errno.None)
        {
            return error;
        }

        byte* buffer = (byte*)NativeMemory.Alloc(DirectoryBufferBytes);
        try
        {
            if (position != 0 && LibcImports.lseek(own, position, 0) < 0)
            {
                return LastError();
            }

            do
            {
                // SAFETY: buffer has that many bytes.
                nint filled = LibcImports.getdents(own, buffer, DirectoryBufferBytes);
                if (filled < 0)
                {
                    return LastError();
                }

                var entries = new ReadOnlySpan<byte>(buffer, (int)filled);
                position = filled == 0 ? -1 : LastOffset(entries);
                Feed(own, entries, ref sink);
            }
            while (isWhole && position >= 0);

            return Errno.None;
        }
        finally
        {
            NativeMemory.Free(buffer);
            Close(own);
        }
    }

    /// <summary>Where the entries behind these begin, as the last of them says.</summary>
    private static long LastOffset(ReadOnlySpan<byte> entries)
    {
        const int OffsetAt = 8, LengthAt = 16;
        while (MemoryMarshal.Read<ushort>(entries[LengthAt..]) is var length && length < entries.Length)
        {
            entries = entries[length..];
        }

        return MemoryMarshal.Read<long>(entries[OffsetAt..]);
    }

    private static void Feed<TSink>(int directory, ReadOnlySpan<byte> entries, ref TSink sink)
        where TSink : IDirectoryEntrySink, allows ref struct
    {
        const int LengthAt = 16, KindAt = 18, NameAt = 19; // struct linux_dirent64: u64 inode, i64 offset, u16 length, u8 type, name
        while (!entries.IsEmpty)
        {
            ReadOnlySpan<byte> entry = entries[..MemoryMarshal.Read<ushort>(entries[LengthAt..])];
            ReadOnlySpan<byte> name = entry[NameAt..];
            name = name[..name.IndexOf((byte)0)];
            entries = entries[entry.Length..];
            if (name.SequenceEqual("."u8) || name.SequenceEqual(".."u8))
            {
                continue;
            }

            byte kind = entry[KindAt];
            if (kind == 0 && StatAt(directory, name, out FileStat stat) == Errno.None) // DT_UNKNOWN: a file system that does not say
            {
                kind = stat.IsFile ? KindFile : stat.IsDirectory ? KindDirectory : kind;
            }

            sink.Add(name, kind);
        }
    }

    private static Errno Statx(int directory, byte* path, int flags, out FileStat stat)
    {
        LibcImports.StatxBuffer buffer;
        int result;
        do
        {
            // SAFETY: path is terminated by the callers; buffer has the 256 bytes of struct statx.
            result = LibcImports.statx(directory, path, flags, BasicStats, &buffer);
        }
        while (result < 0 && LastError() == Errno.EINTR);
        stat = result == 0 ? Decode(buffer) : default;
        return result == 0 ? Errno.None : LastError();
    }

    /// <summary>What the kernel wrote, as the engine reads it.</summary>
    internal static FileStat Decode(in LibcImports.StatxBuffer buffer) => new(
        buffer.Mode, (long)buffer.Size, buffer.Inode, ((ulong)buffer.DeviceMajor << 32) | buffer.DeviceMinor, buffer.Links,
        Ns(buffer.AccessedSeconds, buffer.AccessedNs), Ns(buffer.ModifiedSeconds, buffer.ModifiedNs), Ns(buffer.ChangedSeconds, buffer.ChangedNs));

    private static long Ns(long seconds, uint nanoseconds) => (seconds * 1_000_000_000) + nanoseconds;
}

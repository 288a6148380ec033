using System.Buffers;

namespace Sluice.Engine.Io;

/// <summary>
/// The disk verbs that the engine needs, and no others. Names are bytes: one path component where a parameter is called
/// <c>name</c>, components joined by '/' where it is called <c>path</c>; both relative to a directory handle, never absolute, and no
/// implementation follows a symbolic link, leaves the directory upwards or crosses a mount (openat2(2) RESOLVE_BENEATH,
/// RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV). Errors that a disk or a name can cause come back as <see cref="Native.Errno"/>; EINTR does not.
/// Handles passed in must stay open until the returned task is complete; buffers likewise. All verbs may be called at the same time.
/// </summary>
public interface IFileIo : IDescriptorOwner
{
    /// <summary>What <see cref="ReadColdAsync"/> asks of buffer, offset and length: no drive's logical block is larger.</summary>
    const int DirectAlignmentBytes = 4096;

    /// <summary>Opens a directory by absolute path: a mountpath. Symbolic links are followed here only.</summary>
    ValueTask<IoResult<FileHandle>> OpenRootAsync(string path);

    /// <summary>Opens a file or directory below <paramref name="directory"/>. The caller owns the handle.</summary>
    ValueTask<IoResult<FileHandle>> OpenAsync(FileHandle directory, ReadOnlyMemory<byte> path, OpenIntent intent);

    /// <summary>Status of an open file (statx(2)).</summary>
    ValueTask<IoResult<FileStatus>> StatAsync(FileHandle file);

    /// <summary>Status by path; a symbolic link is reported as such, not followed.</summary>
    ValueTask<IoResult<FileStatus>> StatAtAsync(FileHandle directory, ReadOnlyMemory<byte> path);

    /// <summary>Space, inodes and kind of the file system that holds <paramref name="file"/> (statfs(2)).</summary>
    ValueTask<IoResult<FileSystemStatus>> StatFileSystemAsync(FileHandle file);

    /// <summary>Reads at an offset. May be short; 0 is the end of the file (pread(2)).</summary>
    ValueTask<IoResult<int>> ReadAsync(FileHandle file, Memory<byte> buffer, long offset);

    /// <summary>
    /// As <see cref="ReadAsync"/>, for a large range that is known not to be in the page cache and will not be wanted there: reads past it
    /// (open(2), O_DIRECT) where buffer, offset and length are multiples of <see cref="DirectAlignmentBytes"/> and the file system can, and
    /// through it elsewhere. The rest of a length, and the end of a file that is not aligned, come with the next read.
    /// </summary>
    ValueTask<IoResult<int>> ReadColdAsync(FileHandle file, Memory<byte> buffer, long offset) => ReadAsync(file, buffer, offset);

    /// <summary>Writes at an offset, from several pieces at once. May be short (pwritev(2)).</summary>
    ValueTask<IoResult<int>> WriteAsync(FileHandle file, ReadOnlySequence<byte> data, long offset);

    /// <summary>Reads an extended attribute; ENODATA when absent, ERANGE when <paramref name="value"/> is too small. Answers its length.</summary>
    ValueTask<IoResult<int>> GetXattrAsync(FileHandle file, XattrName name, Memory<byte> value);

    /// <summary>Creates or replaces an extended attribute. ENOSPC or ERANGE when the file system cannot hold it.</summary>
    ValueTask<IoResult> SetXattrAsync(FileHandle file, XattrName name, ReadOnlyMemory<byte> value);

    /// <summary>
    /// <see cref="SetXattrAsync"/>, and when it succeeded <see cref="SyncAsync"/>: what a commit does to each of its files, in one trip where
    /// that is cheaper.
    /// </summary>
    async ValueTask<IoResult> SetXattrAndSyncAsync(FileHandle file, XattrName name, ReadOnlyMemory<byte> value)
    {
        IoResult set = await SetXattrAsync(file, name, value);
        return set.Ok ? await SyncAsync(file) : set;
    }

    /// <summary>Makes a small file: in one trip where a disk has that, else by the verbs that it consists of.</summary>
    ValueTask<WholeFileResult> MakeAsync(WholeFile file) => this.MakeStepwiseAsync(file);

    /// <summary>Data, size, attributes and extended attributes of a file, or the entries of a directory, are on stable storage (fsync(2)).</summary>
    ValueTask<IoResult> SyncAsync(FileHandle file);

    /// <summary>Everything written to the file system that holds <paramref name="file"/> so far is on stable storage (syncfs(2)).</summary>
    ValueTask<IoResult> SyncFileSystemAsync(FileHandle file);

    /// <summary>Makes a directory; EEXIST when the name is taken by anything.</summary>
    ValueTask<IoResult> MakeDirectoryAsync(FileHandle directory, ReadOnlyMemory<byte> name);

    /// <summary>Renames within one file system; see <see cref="RenameMode"/> for what happens to the target.</summary>
    ValueTask<IoResult> RenameAsync(
        FileHandle fromDirectory, ReadOnlyMemory<byte> fromName, FileHandle toDirectory, ReadOnlyMemory<byte> toName, RenameMode mode);

    /// <summary>A second name for a file; EEXIST when the new name is taken.</summary>
    ValueTask<IoResult> LinkAsync(
        FileHandle fromDirectory, ReadOnlyMemory<byte> fromName, FileHandle toDirectory, ReadOnlyMemory<byte> toName);

    /// <summary>Removes a name: EISDIR or ENOTDIR when it is of the other kind, ENOTEMPTY for a directory with entries.</summary>
    ValueTask<IoResult> UnlinkAsync(FileHandle directory, ReadOnlyMemory<byte> name, EntryKind kind);

    /// <summary>Feeds every entry but "." and ".." to <paramref name="sink"/>, in no order. Starts at the beginning each time. One that was removed has none.</summary>
    ValueTask<IoResult> ListAsync(FileHandle directory, IEntrySink sink);

    /// <summary>
    /// Feeds a part of the directory to <paramref name="part"/>, the files with their attribute, and notes there where the next part begins: a directory of any size in bounded memory, and one
    /// trip for many files where a disk has that. What is there throughout is met once.
    /// </summary>
    ValueTask<IoResult> ListPartAsync(FileHandle directory, DirectoryPart part) => this.ListPartStepwiseAsync(directory, part);

    /// <summary>Takes an exclusive advisory lock that ends with the handle; EAGAIN when another process has it (flock(2)).</summary>
    ValueTask<IoResult> LockAsync(FileHandle file);
}

/// <summary>Receives directory entries; called on whatever thread reads the directory, one call at a time.</summary>
public interface IEntrySink
{
    /// <summary>One entry; <paramref name="name"/> is gone after the call.</summary>
    void Add(ReadOnlySpan<byte> name, EntryKind kind);
}

/// <summary>What a file is opened for.</summary>
public enum OpenIntent
{
    /// <summary>An existing regular file, to read.</summary>
    Read,

    /// <summary>An existing regular file, to read and write.</summary>
    ReadWrite,

    /// <summary>A file that must not exist yet, to read and write, mode 0644 (O_CREAT, O_EXCL).</summary>
    CreateNew,

    /// <summary>An existing directory.</summary>
    Directory,
}

/// <summary>What becomes of the target of a rename (renameat2(2)).</summary>
public enum RenameMode
{
    /// <summary>The target, if any, is replaced atomically.</summary>
    Replace,

    /// <summary>EEXIST when the target exists (RENAME_NOREPLACE).</summary>
    NoReplace,

    /// <summary>Both exist and change places atomically; ENOENT when one is missing (RENAME_EXCHANGE).</summary>
    Exchange,
}

/// <summary>Kind of a directory entry.</summary>
public enum EntryKind
{
    /// <summary>A regular file.</summary>
    File,

    /// <summary>A directory.</summary>
    Directory,

    /// <summary>Anything else: symbolic link, device, socket, pipe. The engine never makes one and never touches one.</summary>
    Other,
}

/// <summary>Extended attributes that the engine uses. The names are short because they share the inode with the record (docs/ON_DISK.md).</summary>
public enum XattrName
{
    /// <summary><c>user.slu</c>: the object's metadata record.</summary>
    Record,

    /// <summary><c>user.slt</c>: on a member of a wide replica set, its work file's name and its object (<c>WorkTarget</c>).</summary>
    Target,

    /// <summary><c>user.slq</c>: on a file in quarantine, why it is there and whose it was (<c>Quarantine</c>).</summary>
    Quarantine,
}

/// <summary>What statx(2) says. Times are nanoseconds since 1970 UTC.</summary>
public readonly record struct FileStatus
{
    /// <summary>Kind of the file.</summary>
    public required EntryKind Kind { get; init; }

    /// <summary>Size in bytes.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Inode number, unique within <see cref="Device"/> while the file lives.</summary>
    public required ulong Inode { get; init; }

    /// <summary>Device of the file system.</summary>
    public required ulong Device { get; init; }

    /// <summary>Number of names.</summary>
    public required uint Links { get; init; }

    /// <summary>Last access.</summary>
    public required long AccessedNs { get; init; }

    /// <summary>Last write of data.</summary>
    public required long ModifiedNs { get; init; }

    /// <summary>Last change of anything in the inode.</summary>
    public required long ChangedNs { get; init; }
}

/// <summary>What statfs(2) says of a file system.</summary>
public readonly record struct FileSystemStatus
{
    /// <summary>Magic number of its kind, e.g. 0xEF53 (ext4) or 0x58465342 (XFS).</summary>
    public required long Magic { get; init; }

    /// <summary>Size in bytes.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Bytes free to the engine.</summary>
    public required long FreeBytes { get; init; }

    /// <summary>Inodes in all; 0 where the file system has no fixed number.</summary>
    public required long InodeCount { get; init; }

    /// <summary>Inodes free.</summary>
    public required long FreeInodeCount { get; init; }

    /// <summary>Mounted read-only.</summary>
    public required bool ReadOnly { get; init; }
}

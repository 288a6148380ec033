using System.Buffers;
using Sluice.Engine.Io;
using Sluice.Native;

namespace Sluice.Bench;

/// <summary>Verbs that <see cref="InlineFileIo"/> makes on the calling thread.</summary>
[Flags]
internal enum InlineVerbs
{
    None = 0,
    GetXattr = 1,
    SetXattr = 2,
    Write = 4,
    Create = 8,
    Rename = 16,
    All = 31,
}

/// <summary>The ring, but some verbs are blocking calls on the loop: what that would save, if a loop might wait.</summary>
internal sealed class InlineFileIo(IFileIo inner, InlineVerbs verbs) : IFileIo
{
    private static readonly byte[] s_record = "user.slu\0"u8.ToArray();

    public void Close(int descriptor) => inner.Close(descriptor);

    public ValueTask<IoResult<FileHandle>> OpenRootAsync(string path) => inner.OpenRootAsync(path);

    public ValueTask<IoResult<FileHandle>> OpenAsync(FileHandle directory, ReadOnlyMemory<byte> path, OpenIntent intent)
    {
        if (!verbs.HasFlag(InlineVerbs.Create))
        {
            return inner.OpenAsync(directory, path, intent);
        }

        Errno error = Libc.OpenBeneath(
            directory.Descriptor, path.Span, intent == OpenIntent.CreateNew ? Libc.OpenMode.CreateNew : Libc.OpenMode.Read, out int descriptor);
        return new(error == Errno.None ? new IoResult<FileHandle>(new FileHandle(descriptor, BlockingOwner.Instance)) : IoResult<FileHandle>.Failed(error));
    }

    public ValueTask<IoResult<FileStatus>> StatAsync(FileHandle file) => inner.StatAsync(file);

    public ValueTask<IoResult<FileStatus>> StatAtAsync(FileHandle directory, ReadOnlyMemory<byte> path) => inner.StatAtAsync(directory, path);

    public ValueTask<IoResult<FileSystemStatus>> StatFileSystemAsync(FileHandle file) => inner.StatFileSystemAsync(file);

    public ValueTask<IoResult<int>> ReadAsync(FileHandle file, Memory<byte> buffer, long offset) => inner.ReadAsync(file, buffer, offset);

    public ValueTask<IoResult<int>> WriteAsync(FileHandle file, ReadOnlySequence<byte> data, long offset)
    {
        if (!verbs.HasFlag(InlineVerbs.Write))
        {
            return inner.WriteAsync(file, data, offset);
        }

        return Libc.Write(file.Descriptor, data, offset, out int count) is Errno.None ? new(new IoResult<int>(count)) : new(IoResult<int>.Failed(Errno.EIO));
    }

    public ValueTask<IoResult<int>> GetXattrAsync(FileHandle file, XattrName name, Memory<byte> value)
    {
        if (!verbs.HasFlag(InlineVerbs.GetXattr))
        {
            return inner.GetXattrAsync(file, name, value);
        }

        Errno error = Libc.GetXattr(file.Descriptor, s_record, value.Span, out int count);
        return new(error == Errno.None ? new IoResult<int>(count) : IoResult<int>.Failed(error));
    }

    public ValueTask<IoResult> SetXattrAsync(FileHandle file, XattrName name, ReadOnlyMemory<byte> value) =>
        verbs.HasFlag(InlineVerbs.SetXattr)
            ? new(new IoResult(Libc.SetXattr(file.Descriptor, s_record, value.Span)))
            : inner.SetXattrAsync(file, name, value);

    public ValueTask<IoResult> SyncAsync(FileHandle file) => inner.SyncAsync(file);

    public ValueTask<IoResult> SyncFileSystemAsync(FileHandle file) => inner.SyncFileSystemAsync(file);

    public ValueTask<IoResult> MakeDirectoryAsync(FileHandle directory, ReadOnlyMemory<byte> name) => inner.MakeDirectoryAsync(directory, name);

    public ValueTask<IoResult> RenameAsync(
        FileHandle fromDirectory, ReadOnlyMemory<byte> fromName, FileHandle toDirectory, ReadOnlyMemory<byte> toName, RenameMode mode) =>
        verbs.HasFlag(InlineVerbs.Rename)
            ? new(new IoResult(Libc.Rename(fromDirectory.Descriptor, fromName.Span, toDirectory.Descriptor, toName.Span, (uint)mode)))
            : inner.RenameAsync(fromDirectory, fromName, toDirectory, toName, mode);

    public ValueTask<IoResult> LinkAsync(
        FileHandle fromDirectory, ReadOnlyMemory<byte> fromName, FileHandle toDirectory, ReadOnlyMemory<byte> toName) =>
        inner.LinkAsync(fromDirectory, fromName, toDirectory, toName);

    public ValueTask<IoResult> UnlinkAsync(FileHandle directory, ReadOnlyMemory<byte> name, EntryKind kind) => inner.UnlinkAsync(directory, name, kind);

    public ValueTask<IoResult> ListAsync(FileHandle directory, IEntrySink sink) => inner.ListAsync(directory, sink);

    public ValueTask<IoResult> LockAsync(FileHandle file) => inner.LockAsync(file);

    /// <summary>Closes where it is called.</summary>
    private sealed class BlockingOwner : IDescriptorOwner
    {
        public static readonly BlockingOwner Instance = new();

        public void Close(int descriptor) => Libc.Close(descriptor);
    }
}

using System.Buffers;
using Sluice.Engine.Io;

namespace Sluice.Simulation.Tests.Faults;

/// <summary>Passes every verb on; what changes one verb derives from it and says only that.</summary>
public abstract class DelegatingFileIo(IFileIo inner) : IFileIo
{
    protected IFileIo Inner { get; } = inner;

    public void Close(int descriptor) => Inner.Close(descriptor);

    public virtual ValueTask<IoResult<FileHandle>> OpenRootAsync(string path) => Inner.OpenRootAsync(path);

    public virtual ValueTask<IoResult<FileHandle>> OpenAsync(FileHandle directory, ReadOnlyMemory<byte> path, OpenIntent intent) =>
        Inner.OpenAsync(directory, path, intent);

    public virtual ValueTask<IoResult<FileStatus>> StatAsync(FileHandle file) => Inner.StatAsync(file);

    public virtual ValueTask<IoResult<FileStatus>> StatAtAsync(FileHandle directory, ReadOnlyMemory<byte> path) =>
        Inner.StatAtAsync(directory, path);

    public virtual ValueTask<IoResult<FileSystemStatus>> StatFileSystemAsync(FileHandle file) => Inner.StatFileSystemAsync(file);

    public virtual ValueTask<IoResult<int>> ReadAsync(FileHandle file, Memory<byte> buffer, long offset) =>
        Inner.ReadAsync(file, buffer, offset);

    public virtual ValueTask<IoResult<int>> WriteAsync(FileHandle file, ReadOnlySequence<byte> data, long offset) =>
        Inner.WriteAsync(file, data, offset);

    public virtual ValueTask<IoResult<int>> GetXattrAsync(FileHandle file, XattrName name, Memory<byte> value) =>
        Inner.GetXattrAsync(file, name, value);

    public virtual ValueTask<IoResult> SetXattrAsync(FileHandle file, XattrName name, ReadOnlyMemory<byte> value) =>
        Inner.SetXattrAsync(file, name, value);

    public virtual ValueTask<IoResult> SyncAsync(FileHandle file) => Inner.SyncAsync(file);

    public virtual ValueTask<IoResult> SyncFileSystemAsync(FileHandle file) => Inner.SyncFileSystemAsync(file);

    public virtual ValueTask<IoResult> MakeDirectoryAsync(FileHandle directory, ReadOnlyMemory<byte> name) =>
        Inner.MakeDirectoryAsync(directory, name);

    public virtual ValueTask<IoResult> RenameAsync(
        FileHandle fromDirectory, ReadOnlyMemory<byte> fromName, FileHandle toDirectory, ReadOnlyMemory<byte> toName, RenameMode mode) =>
        Inner.RenameAsync(fromDirectory, fromName, toDirectory, toName, mode);

    public virtual ValueTask<IoResult> LinkAsync(
        FileHandle fromDirectory, ReadOnlyMemory<byte> fromName, FileHandle toDirectory, ReadOnlyMemory<byte> toName) =>
        Inner.LinkAsync(fromDirectory, fromName, toDirectory, toName);

    public virtual ValueTask<IoResult> UnlinkAsync(FileHandle directory, ReadOnlyMemory<byte> name, EntryKind kind) =>
        Inner.UnlinkAsync(directory, name, kind);

    public virtual ValueTask<IoResult> ListAsync(FileHandle directory, IEntrySink sink) => Inner.ListAsync(directory, sink);

    public virtual ValueTask<IoResult> LockAsync(FileHandle file) => Inner.LockAsync(file);
}

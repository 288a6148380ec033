using Sluice.Engine.Chunks;
using Sluice.Engine.Io;

namespace Sluice.Engine.Sources;

/// <summary>A file of the server that is open to be read once, as it was when it was opened. Its owner disposes it.</summary>
internal sealed class SourceFile : IDisposable
{
    private readonly IFileIo _io;
    private readonly FileHandle _directory; // held by whoever opened this
    private readonly ReadOnlyMemory<byte> _name;
    private readonly FileHandle _file;
    private readonly FileStatus _opened;

    private SourceFile(IFileIo io, FileHandle directory, ReadOnlyMemory<byte> name, FileHandle file, FileStatus opened)
    {
        (_io, _directory, _name, _file, _opened) = (io, directory, name, file, opened);
    }

    /// <summary>Its size in bytes.</summary>
    public long SizeBytes => _opened.SizeBytes;

    /// <summary>Opens a regular file; the directory stays open until this is disposed.</summary>
    public static async ValueTask<Result<SourceFile>> OpenAsync(IFileIo io, FileHandle directory, ReadOnlyMemory<byte> name)
    {
        IoResult<FileHandle> opened = await io.OpenAsync(directory, name, OpenIntent.Read);
        if (!opened.Ok)
        {
            return SourceProblem.Of(opened.Error, name.Span);
        }

        IoResult<FileStatus> status = await io.StatAsync(opened.Value);
        if (!status.Ok)
        {
            opened.Value.Dispose();
            return SourceProblem.Of(status.Error, name.Span);
        }

        return new SourceFile(io, directory, name, opened.Value, status.Value);
    }

    /// <summary>
    /// Its bytes as the body of an object, which the caller disposes; <paramref name="take"/> is called before each block with its bytes. Where it was changed since it was opened, the end
    /// of the body is an <see cref="UnreadableException"/>, and nothing is stored.
    /// </summary>
    public ObjectBody Body(Func<int, ValueTask> take)
    {
        long offset = 0;
        return new ObjectBody(async buffer =>
        {
            int count = (int)Math.Min(Limits.BlockBytes, SizeBytes - offset);
            if (count == 0)
            {
                IoResult<FileStatus> now = await _io.StatAsync(_file);
                return !now.Ok ? SourceProblem.Of(now.Error, _name.Span) : IsSame(now.Value) ? 0 : SourceProblem.Changed(_name.Span);
            }

            await take(count);
            IoResult<int> read = await _io.ReadFullyAsync(_file, buffer[..count], offset);
            offset += count;
            return !read.Ok ? SourceProblem.Of(read.Error, _name.Span) : read.Value == count ? count : SourceProblem.Changed(_name.Span);
        });
    }

    /// <summary>Removes the file, if what has its name is still the file that was read; why it stays otherwise, null when it is gone.</summary>
    public async ValueTask<Failure?> RemoveAsync()
    {
        IoResult<FileStatus> now = await _io.StatAtAsync(_directory, _name);
        if (now.Error == Native.Errno.ENOENT)
        {
            return null;
        }

        if (!now.Ok)
        {
            return SourceProblem.Of(now.Error, _name.Span);
        }

        if (!IsSame(now.Value))
        {
            return new Failure(Contract.ErrorCode.Busy, $"{SourceProblem.Shown(_name.Span)} was changed since it was read");
        }

        IoResult removed = await _io.UnlinkAsync(_directory, _name, EntryKind.File);
        return removed.Ok || removed.Error == Native.Errno.ENOENT ? null
            : new Failure(Contract.ErrorCode.AccessDenied, $"{SourceProblem.Shown(_name.Span)} may not be removed by the server: {removed.Error}");
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private bool IsSame(FileStatus now) => now.Kind == EntryKind.File
        && (now.Device, now.Inode, now.SizeBytes, now.ModifiedNs) == (_opened.Device, _opened.Inode, _opened.SizeBytes, _opened.ModifiedNs);
}

using System.Buffers;
using System.Runtime.CompilerServices;
using Sluice.Engine.Pooling;
using Sluice.Native;

namespace Sluice.Engine.Io;

/// <summary>What the engine builds from the disk verbs: whole reads and writes over short ones.</summary>
public static class FileIoVerbs
{
    /// <summary>Reads until the buffer is full or the file ends; answers the bytes read.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public static async ValueTask<IoResult<int>> ReadFullyAsync(this IFileIo io, FileHandle file, Memory<byte> buffer, long offset)
    {
        int done = 0;
        while (done < buffer.Length)
        {
            IoResult<int> read = await io.ReadAsync(file, buffer[done..], offset + done);
            if (!read.Ok)
            {
                return read;
            }

            if (read.Value == 0)
            {
                break;
            }

            done += read.Value;
        }

        return new IoResult<int>(done);
    }

    /// <summary>
    /// Reads past the page cache until there are <paramref name="count"/> bytes or the file ends; answers the bytes read. Offset and buffer are as
    /// <see cref="IFileIo.ReadColdAsync"/> wants them, with room for whole pages: what it holds behind the count is undefined.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public static async ValueTask<IoResult<int>> ReadColdFullyAsync(this IFileIo io, FileHandle file, Memory<byte> buffer, long offset, int count)
    {
        int done = 0;
        while (done < count)
        {
            IoResult<int> read = await io.ReadColdAsync(file, buffer[done..], offset + done);
            if (!read.Ok)
            {
                return read;
            }

            if (read.Value == 0)
            {
                break;
            }

            done += read.Value;
        }

        return new IoResult<int>(Math.Min(done, count));
    }

    /// <summary>Writes all of it.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    public static async ValueTask<IoResult> WriteFullyAsync(this IFileIo io, FileHandle file, ReadOnlySequence<byte> data, long offset)
    {
        while (!data.IsEmpty)
        {
            IoResult<int> written = await io.WriteAsync(file, data, offset);
            if (!written.Ok)
            {
                return written.WithoutValue();
            }

            if (written.Value == 0)
            {
                return new IoResult(Errno.ENOSPC); // write(2) of a regular file makes no progress only when there is no room
            }

            data = data.Slice(written.Value);
            offset += written.Value;
        }

        return IoResult.Done;
    }

    /// <summary>Makes a small file by the verbs that it consists of.</summary>
    public static async ValueTask<WholeFileResult> MakeStepwiseAsync(this IFileIo io, WholeFile file)
    {
        IoResult<FileHandle> made = await io.OpenAsync(file.Directory, file.Name, OpenIntent.CreateNew);
        if (!made.Ok)
        {
            return new WholeFileResult(WholeFileStep.Create, made.Error);
        }

        using (FileHandle handle = made.Value)
        {
            IoResult written = await io.WriteFullyAsync(handle, new ReadOnlySequence<byte>(file.Data), 0);
            if (!written.Ok)
            {
                return new WholeFileResult(WholeFileStep.Write, written.Error);
            }

            IoResult complete = await (file.IsSynced
                ? io.SetXattrAndSyncAsync(handle, file.Attribute, file.Value)
                : io.SetXattrAsync(handle, file.Attribute, file.Value));
            if (!complete.Ok)
            {
                return new WholeFileResult(WholeFileStep.Seal, complete.Error);
            }
        }

        return file.TargetDirectory is { } target
            ? new WholeFileResult(WholeFileStep.Rename, (await io.RenameAsync(file.Directory, file.Name, target, file.TargetName, file.Mode)).Error)
            : WholeFileResult.Done;
    }

    /// <summary>Lists a directory as one part by the verbs that it consists of.</summary>
    public static async ValueTask<IoResult> ListPartStepwiseAsync(this IFileIo io, FileHandle directory, DirectoryPart part)
    {
        var entries = new NextEntries([], int.MaxValue / 2);
        IoResult listed = await io.ListAsync(directory, entries);
        if (!listed.Ok)
        {
            return listed;
        }

        part.Position = -1;
        var value = new byte[DirectoryPart.ValueBytesMax];
        foreach ((byte[] name, EntryKind kind) in entries.Take(out _))
        {
            IoResult<FileHandle> opened = kind == EntryKind.File ? await io.OpenAsync(directory, name, OpenIntent.Read) : default;
            using FileHandle? file = opened.Ok ? opened.Value : null;
            IoResult<int> read = file is null ? IoResult<int>.Failed(opened.Error) : await io.GetXattrAsync(file, part.Attribute, value);
            part.Add(name, kind, value.AsSpan(0, read.Ok ? read.Value : 0), read.Error);
        }

        return listed;
    }

    /// <summary>Reads a whole small file; ERANGE when it is longer than <paramref name="bytesMax"/>.</summary>
    public static async ValueTask<IoResult<byte[]>> ReadFileAsync(this IFileIo io, FileHandle file, int bytesMax)
    {
        IoResult<FileStatus> status = await io.StatAsync(file);
        if (!status.Ok)
        {
            return IoResult<byte[]>.Failed(status.Error);
        }

        if (status.Value.SizeBytes > bytesMax)
        {
            return IoResult<byte[]>.Failed(Errno.ERANGE);
        }

        var bytes = new byte[status.Value.SizeBytes];
        IoResult<int> read = await io.ReadFullyAsync(file, bytes, 0);
        return read.Ok ? new IoResult<byte[]>(bytes[..read.Value]) : IoResult<byte[]>.Failed(read.Error);
    }
}

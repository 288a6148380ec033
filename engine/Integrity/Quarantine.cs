using System.Text;
using Microsoft.Extensions.Logging;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Native;

namespace Sluice.Engine.Integrity;

/// <summary>Why a file is in quarantine, and whose it was.</summary>
/// <param name="Reason">One sentence, without a stop.</param>
/// <param name="Bucket">The bucket as it is written, <c>ais://b</c>; empty when the file was nobody's.</param>
/// <param name="Object">The object; empty likewise.</param>
public readonly record struct QuarantineNote(string Reason, string Bucket, string Object);

/// <summary>A file in quarantine.</summary>
public sealed record QuarantinedFile
{
    /// <summary>Its mountpath, as configured.</summary>
    public required string Mountpath { get; init; }

    /// <summary>Its name in <c>.sluice/quarantine</c>; with the mountpath it says which file is meant.</summary>
    public required string File { get; init; }

    /// <summary>Bytes.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>When it was put there, nanoseconds since 1970 UTC.</summary>
    public required long SinceNs { get; init; }

    /// <summary>Why; empty when that could not be written.</summary>
    public required QuarantineNote Note { get; init; }
}

/// <summary>
/// Where files go that are not what they should be: <c>.sluice/quarantine</c> of their mountpath. Nothing is served from there and nothing is removed by
/// itself: somebody may want to know what became of the bytes. The note is an attribute of the file; a disk that takes no attribute any more still has the file moved.
/// </summary>
public static class Quarantine
{
    private const int NoteBytesMax = 900;
    private static readonly byte[] s_path = ".sluice/quarantine"u8.ToArray();

    /// <summary>The directory, below a mountpath.</summary>
    internal static ReadOnlyMemory<byte> DirectoryPath => s_path;

    /// <summary>
    /// Moves a file of an open directory there, under a name that begins with <paramref name="digest"/>; durable when this returns. Answers that name. Throws <see cref="StorageException"/>.
    /// </summary>
    public static async ValueTask<string> MoveAsync(
        ObjectDisk disk, FileHandle directory, ReadOnlyMemory<byte> leaf, ulong digest, QuarantineNote note, ILogger log)
    {
        using DirectoryLease quarantine = disk.Check(await disk.Directories.AcquireAsync(s_path, DirectoryUse.CreateDurable), "mkdir", s_path);
        byte[] name = disk.NewWorkName(digest);
        await WriteNoteAsync(disk, directory, leaf, note);
        disk.Check(await disk.Io.RenameAsync(directory, leaf, quarantine.Handle, name, RenameMode.NoReplace), "rename", leaf.Span);
        disk.Check(await quarantine.SyncAsync(), "fsync of the directory", s_path);
        string file = Encoding.ASCII.GetString(name);
        log.LogError("mountpath {Mountpath}: {Bucket}/{Object} is in quarantine as {File}: {Reason}", disk.Path, note.Bucket, note.Object, file, note.Reason);
        return file;
    }

    /// <summary>What is there. Throws <see cref="StorageException"/>.</summary>
    public static async ValueTask<List<QuarantinedFile>> ListAsync(ObjectDisk disk)
    {
        List<QuarantinedFile> files = [];
        foreach (byte[] name in await DirectoryNames.FilesAsync(disk, s_path))
        {
            byte[] path = [.. s_path, (byte)'/', .. name];
            IoResult<FileHandle> opened = await disk.Io.OpenAsync(disk.Root, path, OpenIntent.Read);
            if (opened.Error == Errno.ENOENT)
            {
                continue; // dropped meanwhile
            }

            using FileHandle file = disk.Check(opened, "open", path);
            FileStatus status = disk.Check(await disk.Io.StatAsync(file), "statx", path);
            files.Add(new QuarantinedFile
            {
                Mountpath = disk.Path,
                File = Encoding.UTF8.GetString(name),
                SizeBytes = status.SizeBytes,
                SinceNs = status.ChangedNs,
                Note = await ReadNoteAsync(disk, file),
            });
        }

        return files;
    }

    /// <summary>Removes a file from there for good; false when there is none of that name. Throws <see cref="StorageException"/>.</summary>
    public static async ValueTask<bool> DropAsync(ObjectDisk disk, string file)
    {
        byte[] name = Encoding.UTF8.GetBytes(file);
        if (!BlockingVerbs.IsComponent(name))
        {
            return false;
        }

        IoResult<DirectoryLease> opened = await disk.Directories.AcquireAsync(s_path, DirectoryUse.Existing);
        if (opened.Error == Errno.ENOENT)
        {
            return false;
        }

        using DirectoryLease quarantine = disk.Check(opened, "open", s_path);
        IoResult removed = await disk.Io.UnlinkAsync(quarantine.Handle, name, EntryKind.File);
        if (removed.Error == Errno.ENOENT)
        {
            return false;
        }

        disk.Check(removed, "unlink", s_path);
        return true;
    }

    private static async ValueTask WriteNoteAsync(ObjectDisk disk, FileHandle directory, ReadOnlyMemory<byte> leaf, QuarantineNote note)
    {
        IoResult<FileHandle> opened = await disk.Io.OpenAsync(directory, leaf, OpenIntent.ReadWrite);
        if (opened.Ok)
        {
            using FileHandle file = opened.Value;
            byte[] text = Encoding.UTF8.GetBytes($"{note.Reason}\n{note.Bucket}\n{note.Object}");
            _ = await disk.Io.SetXattrAsync(file, XattrName.Quarantine, text.AsMemory(0, Math.Min(text.Length, NoteBytesMax)));
        }
    }

    private static async ValueTask<QuarantineNote> ReadNoteAsync(ObjectDisk disk, FileHandle file)
    {
        var buffer = new byte[NoteBytesMax];
        IoResult<int> read = await disk.Io.GetXattrAsync(file, XattrName.Quarantine, buffer);
        string[] lines = read.Ok ? Encoding.UTF8.GetString(buffer, 0, read.Value).Split('\n', 3) : [];
        return lines.Length == 3 ? new QuarantineNote(lines[0], lines[1], lines[2]) : new QuarantineNote("", "", "");
    }
}

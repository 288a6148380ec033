using System.Buffers;
using System.Text;
using Sluice.Engine.Io;
using Sluice.Native;

namespace Sluice.Engine.Mountpaths;

/// <summary>
/// Reads and replaces documents in a mountpath's <c>.sluice</c> directory. A replacement is whole and durable when it returns: work file,
/// fsync, rename, fsync of the directory, whose own name was made durable when it was made.
/// </summary>
public static class DocumentFiles
{
    private static readonly byte[] s_system = ".sluice"u8.ToArray();

    /// <summary>Opens the system directory; makes it, durably, when asked to. Null when it does not exist.</summary>
    public static async ValueTask<IoResult<FileHandle>> OpenSystemAsync(IFileIo io, FileHandle root, bool make)
    {
        IoResult<FileHandle> opened = await io.OpenAsync(root, s_system, OpenIntent.Directory);
        if (opened.Ok || opened.Error != Errno.ENOENT || !make)
        {
            return opened;
        }

        IoResult made = await io.MakeDirectoryAsync(root, s_system);
        if (made.Ok)
        {
            made = await io.SyncAsync(root);
        }

        return made.Ok ? await io.OpenAsync(root, s_system, OpenIntent.Directory) : IoResult<FileHandle>.Failed(made.Error);
    }

    /// <summary>The JSON of a document; null without a problem when there is none, null with a sentence when it cannot be trusted.</summary>
    public static async ValueTask<(ReadOnlyMemory<byte>? Json, string? Problem)> ReadAsync(IFileIo io, FileHandle system, string kind)
    {
        IoResult<FileHandle> opened = await io.OpenAsync(system, Encoding.ASCII.GetBytes(kind), OpenIntent.Read);
        if (!opened.Ok)
        {
            return opened.Error == Errno.ENOENT ? (null, null) : (null, $"{opened.Error} on open");
        }

        using FileHandle file = opened.Value;
        return await ReadAsync(io, kind, file);
    }

    /// <summary>The same of a document that was opened.</summary>
    public static async ValueTask<(ReadOnlyMemory<byte>? Json, string? Problem)> ReadAsync(IFileIo io, string kind, FileHandle file)
    {
        IoResult<byte[]> bytes = await io.ReadFileAsync(file, Limits.DocumentBytesMax);
        if (!bytes.Ok)
        {
            return (null, $"{bytes.Error} on read");
        }

        return SealedDocument.TryParse(kind, bytes.Value, out ReadOnlyMemory<byte> json, out string? problem) ? (json, null) : (null, problem);
    }

    /// <summary>Removes what a crash left of unfinished replacements. For who has the mountpath to itself.</summary>
    public static async ValueTask SweepAsync(IFileIo io, FileHandle system, IEnumerable<string> kinds)
    {
        foreach (string kind in kinds)
        {
            await io.UnlinkAsync(system, WorkName(kind), EntryKind.File); // none is the rule; one that stays is replaced by the next write
        }
    }

    /// <summary>Replaces a document. One writer at a time for each document and mountpath.</summary>
    public static async ValueTask<IoResult> WriteAsync(IFileIo io, FileHandle system, string kind, ReadOnlyMemory<byte> json)
    {
        byte[] name = Encoding.ASCII.GetBytes(kind);
        byte[] work = WorkName(kind);
        IoResult<FileHandle> created = await io.OpenAsync(system, work, OpenIntent.CreateNew);
        if (created.Error == Errno.EEXIST)
        {
            await io.UnlinkAsync(system, work, EntryKind.File); // left by a crash
            created = await io.OpenAsync(system, work, OpenIntent.CreateNew);
        }

        if (!created.Ok)
        {
            return created.WithoutValue();
        }

        using FileHandle file = created.Value;
        IoResult done = await io.WriteFullyAsync(file, new ReadOnlySequence<byte>(SealedDocument.Format(kind, json.Span)), 0);
        done = done.Ok ? await io.SyncAsync(file) : done;
        done = done.Ok ? await io.RenameAsync(system, work, system, name, RenameMode.Replace) : done;
        return done.Ok ? await io.SyncAsync(system) : done;
    }

    private static byte[] WorkName(string kind) => Encoding.ASCII.GetBytes(kind + ".new");
}

using Sluice.Engine.Objects;
using Sluice.Native;

namespace Sluice.Engine.Io;

/// <summary>Reads whole directories into memory, for the small ones: work files, sidecars, trash, one level of a recovery walk.</summary>
public static class DirectoryNames
{
    /// <summary>All entries of an open directory.</summary>
    public static async ValueTask<List<(byte[] Name, EntryKind Kind)>> ReadAsync(ObjectDisk disk, FileHandle directory)
    {
        var sink = new Collector();
        disk.Check(await disk.Io.ListAsync(directory, sink), "getdents", default);
        return sink.Entries;
    }

    /// <summary>Names of the files in a directory by path; none when it does not exist.</summary>
    public static async ValueTask<List<byte[]>> FilesAsync(ObjectDisk disk, ReadOnlyMemory<byte> path)
    {
        IoResult<FileHandle> opened = await disk.Io.OpenAsync(disk.Root, path, OpenIntent.Directory);
        if (opened.Error is Errno.ENOENT or Errno.ENOTDIR)
        {
            return [];
        }

        using FileHandle directory = disk.Check(opened, "open", path.Span);
        return [.. (await ReadAsync(disk, directory)).Where(entry => entry.Kind == EntryKind.File).Select(entry => entry.Name)];
    }

    private sealed class Collector : IEntrySink
    {
        public List<(byte[] Name, EntryKind Kind)> Entries { get; } = [];

        public void Add(ReadOnlySpan<byte> name, EntryKind kind) => Entries.Add((name.ToArray(), kind));
    }
}

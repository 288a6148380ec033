using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;
using Sluice.Native;

namespace Sluice.Engine.Chunks;

/// <summary>Looks for the files of uploads in the directories of all mountpaths.</summary>
internal sealed class UploadFiles(DiskTable disks)
{
    /// <summary>The uploads that have a directory in the bucket.</summary>
    public async ValueTask<IReadOnlyCollection<ulong>> UploadsAsync(Bucket bucket)
    {
        var found = new SortedSet<ulong>();
        foreach (string name in await NamesAsync([.. bucket.Objects.Span, (byte)'/', .. ChunkName.DirectoryName], EntryKind.Directory))
        {
            if (ChunkName.TryReadUpload(name, out ulong uploadId))
            {
                found.Add(uploadId);
            }
        }

        return found;
    }

    /// <summary>The numbers of an upload's files, its note among them, rising.</summary>
    public async ValueTask<IReadOnlyCollection<int>> NumbersAsync(Bucket bucket, ulong uploadId)
    {
        var found = new SortedSet<int>();
        string directory = $"/{ChunkName.TextOf(uploadId)}/";
        byte[] path = [.. bucket.Objects.Span, (byte)'/', .. ChunkName.DirectoryName, .. System.Text.Encoding.ASCII.GetBytes(directory[..^1])];
        foreach (string name in await NamesAsync(path, EntryKind.File))
        {
            if (ChunkName.TryRead(System.Text.Encoding.UTF8.GetBytes("\0" + directory + name), out ChunkName chunk))
            {
                found.Add(chunk.Number);
            }
        }

        return found;
    }

    private async ValueTask<HashSet<string>> NamesAsync(byte[] path, EntryKind kind)
    {
        var names = new Names(kind);
        using DiskUse use = disks.Enter();
        foreach (ObjectDisk disk in use.Set.Readable)
        {
            IoResult<FileHandle> opened = await disk.Io.OpenAsync(disk.Root, path, OpenIntent.Directory);
            if (opened.Error is Errno.ENOENT or Errno.ENOTDIR)
            {
                continue;
            }

            using FileHandle directory = disk.Check(opened, "open", path);
            disk.Check(await disk.Io.ListAsync(directory, names), "getdents", path);
        }

        return names.All;
    }

    private sealed class Names(EntryKind wanted) : IEntrySink
    {
        public HashSet<string> All { get; } = [];

        public void Add(ReadOnlySpan<byte> name, EntryKind kind)
        {
            if (kind == wanted)
            {
                All.Add(System.Text.Encoding.Latin1.GetString(name));
            }
        }
    }
}

using System.Runtime.CompilerServices;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Native;

namespace Sluice.Engine.Scrub;

/// <summary>
/// Every file below a directory of one mountpath, whatever its name, in bounded memory: of each directory the next
/// <see cref="Limits.WalkEntriesMax"/> entries are kept, and a larger one is read again from there.
/// </summary>
internal static class TreeWalk
{
    /// <summary>
    /// Paths below the mountpath, and what is there, in no order; directories are walked and not answered. The walk ends where it is when the
    /// mountpath leaves.
    /// </summary>
    public static async IAsyncEnumerable<(byte[] Path, EntryKind Kind)> FilesAsync(
        ScrubWorld world, ObjectDisk disk, ReadOnlyMemory<byte> directory, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var open = new Stack<(byte[] Path, byte[] After)>();
        open.Push((directory.ToArray(), []));
        while (open.TryPop(out (byte[] Path, byte[] After) at))
        {
            var next = new NextEntries(at.After, Limits.WalkEntriesMax);
            using (IDisposable? use = world.Enter(disk))
            {
                if (use is null || !await ListAsync(disk, at.Path, next))
                {
                    continue;
                }
            }

            List<(byte[] Name, EntryKind Kind)> entries = next.Take(out bool isCut);
            if (isCut)
            {
                open.Push((at.Path, entries[^1].Name));
            }

            foreach ((byte[] name, EntryKind kind) in entries)
            {
                cancellation.ThrowIfCancellationRequested();
                byte[] path = [.. at.Path, (byte)'/', .. name];
                if (kind == EntryKind.Directory)
                {
                    open.Push((path, []));
                }
                else
                {
                    yield return (path, kind);
                }
            }
        }
    }

    /// <summary>False when there is no such directory: removed while we walk, or a bucket without any here.</summary>
    private static async ValueTask<bool> ListAsync(ObjectDisk disk, byte[] path, NextEntries sink)
    {
        IoResult<FileHandle> opened = await disk.Io.OpenAsync(disk.Root, path, OpenIntent.Directory);
        if (opened.Error is Errno.ENOENT or Errno.ENOTDIR)
        {
            return false;
        }

        using FileHandle handle = disk.Check(opened, "open", path);
        disk.Check(await disk.Io.ListAsync(handle, sink), "getdents", path);
        return true;
    }
}

using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;
using Sluice.Native;

namespace Sluice.Engine.Scrub;

/// <summary>What a scrub sees of the engine.</summary>
public sealed class ScrubWorld
{
    /// <summary>The mountpaths that objects are read from.</summary>
    public required Func<IReadOnlyList<ObjectDisk>> Disks { get; init; }

    /// <summary>
    /// Begins to work with a mountpath, which stays open until the answer is disposed; null when it has left. For the time of one object or directory, so
    /// that a mountpath need not wait to be let go of.
    /// </summary>
    public required Func<ObjectDisk, IDisposable?> Enter { get; init; }

    /// <summary>Those that a digest's objects go to, best first.</summary>
    public required Func<ulong, ObjectDisk[]> Ranked { get; init; }

    /// <summary>The locks on names.</summary>
    public required NameLock Locks { get; init; }

    /// <summary>Clock.</summary>
    public required TimeProvider Time { get; init; }

    /// <summary>
    /// Makes what relaxed writes changed on a mountpath durable, and lets go of what they replaced; nothing to do where no engine writes. False after a flush that
    /// failed: what was replaced is kept until the next start then. Throws <see cref="StorageException"/>.
    /// </summary>
    public required Func<ObjectDisk, ValueTask<bool>> FlushAsync { get; init; }

    /// <summary>
    /// Looks at the documents of mountpaths and answers those that are not what they should be; with true it writes them anew where that can be. None where buckets alone are wanted.
    /// </summary>
    public required Func<bool, CancellationToken, ValueTask<IReadOnlyList<DamagedDocument>>> CheckDocumentsAsync { get; init; }

    /// <summary>
    /// What is wrong with the chunks of an object, or with a file of an upload that nobody speaks of; null when nothing is, or it is neither. Throws <see cref="StorageException"/>.
    /// </summary>
    public required Func<Bucket, ObjectName, ValueTask<string?>> ChunksProblemAsync { get; init; }

    /// <summary>Who repairs.</summary>
    public required IScrubRepair Repair { get; init; }

    /// <summary>
    /// The head that stands under a name on a mountpath, with what is wrong with it; null when there is none. Nothing is cached, and its sidecar is not
    /// looked at. The caller owns the file.
    /// </summary>
    internal static async ValueTask<ScrubbedHead?> HeadAsync(ObjectDisk disk, Bucket bucket, ObjectName name)
    {
        ObjectPath path = ObjectPath.Plain(bucket.Objects, name.Utf8.Span);
        IoResult<FileHandle> opened = await disk.Io.OpenAsync(disk.Root, path.Whole, OpenIntent.Read);
        if (opened.Error == Errno.EISDIR)
        {
            path = path.AsLeaf();
            opened = await disk.Io.OpenAsync(disk.Root, path.Whole, OpenIntent.Read);
        }

        if (opened.Error is Errno.ENOENT or Errno.ENOTDIR)
        {
            return null;
        }

        return await HeadAsync(disk, disk.Check(opened, "open", path.Whole.Span), path.Whole);
    }

    /// <summary>The same of an open file, which it takes over.</summary>
    internal static async ValueTask<ScrubbedHead> HeadAsync(ObjectDisk disk, FileHandle owned, ReadOnlyMemory<byte> path)
    {
        try
        {
            (ObjectMetadata? metadata, string? problem) = await RecordFiles.ReadAsync(disk, owned, path);
            FileStatus status = disk.Check(await disk.Io.StatAsync(owned), "statx", path.Span);
            return new ScrubbedHead(owned, metadata, problem, status);
        }
        catch (StorageException)
        {
            owned.Dispose();
            throw;
        }
    }
}

/// <summary>A file under a name: its record, or what is wrong with that.</summary>
internal sealed record ScrubbedHead(FileHandle File, ObjectMetadata? Metadata, string? Problem, FileStatus Status) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => File.Dispose();
}

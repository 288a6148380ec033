using Sluice.Engine.Io;
using Sluice.Engine.Placement;

namespace Sluice.Engine.Mountpaths;

/// <summary>
/// An attached mountpath: open, locked against other processes, with a known identity. Its state document has one writer at a time.
/// </summary>
public sealed class Mountpath : IDisposable
{
    private readonly IFileIo _io;
    private readonly FileHandle _lock;
    private readonly SemaphoreSlim _writing = new(1, 1);

    internal Mountpath(IFileIo io, OpenedMountpath opened, string uuid, MountpathState state)
    {
        _io = io;
        _lock = opened.Lock!;
        Path = opened.Path;
        Root = opened.Root;
        System = opened.System!;
        Uuid = uuid;
        IdDigest = Hrw.IdDigest(global::System.Text.Encoding.ASCII.GetBytes(uuid));
        FileSystem = opened.FileSystem;
        Device = opened.Status.Device;
        Inode = opened.Status.Inode;
        WasClean = state.Clean;
        FlushedGeneration = state.FlushedGeneration;
        KeptNames = state.KeepsNames == true;
    }

    /// <summary>As configured.</summary>
    public string Path { get; }

    /// <summary>Its root directory; open as long as the table lives.</summary>
    public FileHandle Root { get; }

    /// <summary>Its <c>.sluice</c> directory.</summary>
    public FileHandle System { get; }

    /// <summary>Identity.</summary>
    public string Uuid { get; }

    /// <summary>Digest of the identity: placement hashes by it, so a remounted drive keeps its objects.</summary>
    public ulong IdDigest { get; }

    /// <summary>Kind of file system: ext4, xfs, or its magic number.</summary>
    public string FileSystem { get; }

    /// <summary>Device that the root was on when it was opened.</summary>
    public ulong Device { get; }

    /// <summary>Inode of the root.</summary>
    public ulong Inode { get; }

    /// <summary>It was left by an orderly stop.</summary>
    public bool WasClean { get; }

    /// <summary>Every object of this generation or an older one was on stable storage when it was left.</summary>
    public ulong FlushedGeneration { get; }

    /// <summary>Whoever ran here last has kept indexes of names.</summary>
    public bool KeptNames { get; }

    /// <summary>So does who runs now.</summary>
    public bool KeepsNames { get; set; }

    /// <summary>From here on a crash is an unclean stop.</summary>
    public ValueTask MarkRunningAsync(ulong flushedGeneration) => MarkAsync(clean: false, flushedGeneration);

    /// <summary>Objects up to that generation are durable.</summary>
    public ValueTask MarkFlushedAsync(ulong flushedGeneration) => MarkAsync(clean: false, flushedGeneration);

    /// <summary>Everything is durable and nobody writes any more.</summary>
    public ValueTask MarkCleanAsync(ulong flushedGeneration) => MarkAsync(clean: true, flushedGeneration);

    /// <inheritdoc/>
    public void Dispose()
    {
        _writing.Dispose();
        System.Dispose();
        _lock.Dispose();
        Root.Dispose();
    }

    private async ValueTask MarkAsync(bool clean, ulong flushedGeneration)
    {
        await _writing.WaitAsync();
        try
        {
            var state = new MountpathState { Clean = clean, FlushedGeneration = flushedGeneration, KeepsNames = KeepsNames ? true : null };
            IoResult written = await DocumentFiles.WriteAsync(_io, System, MountpathState.Kind, state.Format());
            if (!written.Ok)
            {
                throw new StorageException($"mountpath {Path}, .sluice/{MountpathState.Kind}", "write", written.Error);
            }
        }
        finally
        {
            _writing.Release();
        }
    }
}

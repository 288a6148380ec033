using System.Buffers;
using Sluice.Engine.Io;
using Sluice.Native;

namespace Sluice.Simulation.Tests.Disk;

/// <summary>
/// The disks of one simulated machine: a file system for each mountpath, in memory, with what the kernel shows and what lies on the medium
/// kept apart. Every verb is complete when it returns, so that a run depends on its seed alone. A crash ends the process: handles of
/// before are dead (EBADF), locks are free.
/// </summary>
public sealed class SimulatedDisk : IFileIo
{
    private readonly Lock _gate = new(); // finalizers close handles on their own thread
    private readonly SortedDictionary<string, SimulatedFileSystem> _mounts = new(StringComparer.Ordinal);
    private readonly Dictionary<int, (SimulatedFileSystem System, SimulatedInode Inode)> _open = [];
    private int _descriptors;

    /// <summary>Disks for mountpaths /sim/0, /sim/1, ….</summary>
    public SimulatedDisk(int mountpaths)
    {
        for (int i = 0; i < mountpaths; i++)
        {
            _mounts.Add($"/sim/{i}", new SimulatedFileSystem((ulong)i + 1));
        }
    }

    /// <summary>Paths of the mountpaths.</summary>
    public IReadOnlyList<string> Mountpaths => [.. _mounts.Keys];

    /// <summary>Handles that are open now.</summary>
    public int OpenCount
    {
        get
        {
            lock (_gate)
            {
                return _open.Count;
            }
        }
    }

    public SimulatedFileSystem FileSystem(string mountpath) => _mounts[mountpath];

    /// <summary>How fsync behaves until the next change.</summary>
    public void SetMode(JournalMode mode)
    {
        foreach (SimulatedFileSystem system in _mounts.Values)
        {
            system.Mode = mode;
        }
    }

    /// <summary>Everything on all media, whatever stands between them and the engine.</summary>
    public void SyncAll()
    {
        foreach (SimulatedFileSystem system in _mounts.Values)
        {
            system.SyncAll();
        }
    }

    /// <summary>What the kernel does when it fails to write to a mountpath, or to any: the error is told once, the pages count as clean (fsync(2)).</summary>
    public void LoseDirtyPages(string mountpath = "")
    {
        foreach ((_, SimulatedInode inode) in Tree().Where(entry => entry.Path.StartsWith(mountpath, StringComparison.Ordinal)))
        {
            inode.LoseDirtyPages();
        }
    }

    /// <summary>The same for one open file.</summary>
    public void LoseDirtyPages(FileHandle file)
    {
        lock (_gate)
        {
            _open.GetValueOrDefault(file.Descriptor).Inode?.LoseDirtyPages();
        }
    }

    /// <summary>The same for all of the file system that an open file is on.</summary>
    public void LoseDirtyPagesAround(FileHandle file)
    {
        lock (_gate)
        {
            if (_open.TryGetValue(file.Descriptor, out (SimulatedFileSystem System, SimulatedInode Inode) open))
            {
                foreach ((_, SimulatedInode inode) in SimulatedFileSystem.Walk(open.System.Root, ""))
                {
                    inode.LoseDirtyPages();
                }
            }
        }
    }

    /// <summary>The process ends, and with a power cut all that did not reach the media.</summary>
    public void End(Crash crash)
    {
        lock (_gate)
        {
            foreach (SimulatedInode inode in _open.Values.Select(open => open.Inode))
            {
                inode.LockedBy = 0;
            }

            _open.Clear();
            if (crash.Kind != CrashKind.Kill)
            {
                var choice = new CrashChoice(crash);
                foreach (SimulatedFileSystem system in _mounts.Values)
                {
                    system.CutPower(choice);
                }
            }
        }
    }

    /// <summary>Everything on all mountpaths, by absolute path.</summary>
    public List<(string Path, SimulatedInode Inode)> Tree() =>
        [.. _mounts.SelectMany(mount => SimulatedFileSystem.Walk(mount.Value.Root, mount.Key + "/"))];

    /// <inheritdoc/>
    public void Close(int descriptor)
    {
        lock (_gate)
        {
            if (_open.Remove(descriptor, out (SimulatedFileSystem System, SimulatedInode Inode) file) && file.Inode.LockedBy == descriptor)
            {
                file.Inode.LockedBy = 0;
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask<IoResult<FileHandle>> OpenRootAsync(string path)
    {
        lock (_gate)
        {
            return new(_mounts.TryGetValue(path, out SimulatedFileSystem? system)
                ? new IoResult<FileHandle>(Opened(system, system.Root))
                : IoResult<FileHandle>.Failed(Errno.ENOENT));
        }
    }

    /// <inheritdoc/>
    public ValueTask<IoResult<FileHandle>> OpenAsync(FileHandle directory, ReadOnlyMemory<byte> path, OpenIntent intent) =>
        On(directory, (system, inode) =>
        {
            SimulatedInode found;
            Errno error = intent == OpenIntent.CreateNew
                ? system.Make(inode, path.Span, EntryKind.File, out found)
                : system.Find(inode, path.Span, out found);
            error = error != Errno.None ? error : (intent, found.Kind) switch
            {
                (OpenIntent.Directory, EntryKind.File) => Errno.ENOTDIR,
                (OpenIntent.Read or OpenIntent.ReadWrite, EntryKind.Directory) => Errno.EISDIR,
                _ => Errno.None,
            };
            return error == Errno.None ? new IoResult<FileHandle>(Opened(system, found)) : IoResult<FileHandle>.Failed(error);
        });

    /// <inheritdoc/>
    public ValueTask<IoResult<FileStatus>> StatAsync(FileHandle file) =>
        On(file, static (system, inode) => new IoResult<FileStatus>(Status(system, inode)));

    /// <inheritdoc/>
    public ValueTask<IoResult<FileStatus>> StatAtAsync(FileHandle directory, ReadOnlyMemory<byte> path) => On(directory, (system, inode) =>
    {
        Errno error = system.Find(inode, path.Span, out SimulatedInode found);
        return error == Errno.None ? new IoResult<FileStatus>(Status(system, found)) : IoResult<FileStatus>.Failed(error);
    });

    /// <inheritdoc/>
    public ValueTask<IoResult<FileSystemStatus>> StatFileSystemAsync(FileHandle file) => On(file, static (system, _) =>
    {
        long size = system.CapacityBytes == long.MaxValue ? 1L << 40 : system.CapacityBytes;
        return new IoResult<FileSystemStatus>(new FileSystemStatus
        {
            Magic = 0x58465342,
            SizeBytes = size,
            FreeBytes = Math.Max(0, size - system.UsedBytes),
            InodeCount = 0,
            FreeInodeCount = 0,
            ReadOnly = false,
        });
    });

    /// <inheritdoc/>
    public ValueTask<IoResult<int>> ReadAsync(FileHandle file, Memory<byte> buffer, long offset) => On(file, (_, inode) =>
    {
        int count = (int)Math.Clamp(inode.Data.Length - offset, 0, buffer.Length);
        inode.Data.AsSpan((int)Math.Min(offset, inode.Data.Length), count).CopyTo(buffer.Span);
        return new IoResult<int>(count);
    });

    /// <inheritdoc/>
    public ValueTask<IoResult<int>> WriteAsync(FileHandle file, ReadOnlySequence<byte> data, long offset) => On(file, (system, inode) =>
    {
        Errno error = system.Write(inode, data.ToArray(), offset, out int count);
        return error == Errno.None ? new IoResult<int>(count) : IoResult<int>.Failed(error);
    });

    /// <inheritdoc/>
    public ValueTask<IoResult<int>> GetXattrAsync(FileHandle file, XattrName name, Memory<byte> value) => On(file, (_, inode) =>
    {
        if (!inode.Xattrs.TryGetValue(name, out byte[]? present))
        {
            return IoResult<int>.Failed(Errno.ENODATA);
        }

        if (present.Length > value.Length)
        {
            return IoResult<int>.Failed(Errno.ERANGE);
        }

        present.CopyTo(value);
        return new IoResult<int>(present.Length);
    });

    /// <inheritdoc/>
    public ValueTask<IoResult> SetXattrAsync(FileHandle file, XattrName name, ReadOnlyMemory<byte> value) =>
        Do(file, (system, inode) => system.SetXattr(inode, name, value.ToArray()));

    /// <inheritdoc/>
    public ValueTask<IoResult> SyncAsync(FileHandle file) => Do(file, static (system, inode) =>
    {
        system.Sync(inode);
        return Errno.None;
    });

    /// <inheritdoc/>
    public ValueTask<IoResult> SyncFileSystemAsync(FileHandle file) => Do(file, (system, _) =>
    {
        system.SyncAll();
        foreach (SimulatedInode inode in _open.Values.Where(open => open.System == system).Select(open => open.Inode))
        {
            inode.MakeDataDurable(); // open files without a name
        }

        return Errno.None;
    });

    /// <inheritdoc/>
    public ValueTask<IoResult> MakeDirectoryAsync(FileHandle directory, ReadOnlyMemory<byte> name) =>
        Do(directory, (system, inode) =>
            name.Span.Contains((byte)'/') ? Errno.EINVAL : system.Make(inode, name.Span, EntryKind.Directory, out _));

    /// <inheritdoc/>
    public ValueTask<IoResult> RenameAsync(
        FileHandle fromDirectory, ReadOnlyMemory<byte> fromName, FileHandle toDirectory, ReadOnlyMemory<byte> toName, RenameMode mode) =>
        DoBoth(fromDirectory, toDirectory, (system, from, to) => system.Rename(from, fromName.Span, to, toName.Span, mode));

    /// <inheritdoc/>
    public ValueTask<IoResult> LinkAsync(
        FileHandle fromDirectory, ReadOnlyMemory<byte> fromName, FileHandle toDirectory, ReadOnlyMemory<byte> toName) =>
        DoBoth(fromDirectory, toDirectory, (system, from, to) => system.Link(from, fromName.Span, to, toName.Span));

    /// <inheritdoc/>
    public ValueTask<IoResult> UnlinkAsync(FileHandle directory, ReadOnlyMemory<byte> name, EntryKind kind) =>
        Do(directory, (system, inode) => system.Unlink(inode, name.Span, kind));

    /// <inheritdoc/>
    public ValueTask<IoResult> ListAsync(FileHandle directory, IEntrySink sink) => Do(directory, (_, inode) =>
    {
        if (inode.Kind != EntryKind.Directory)
        {
            return Errno.ENOTDIR;
        }

        foreach ((string name, SimulatedInode entry) in inode.Entries.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            sink.Add(System.Text.Encoding.Latin1.GetBytes(name), entry.Kind);
        }

        return Errno.None;
    });

    /// <inheritdoc/>
    public ValueTask<IoResult> LockAsync(FileHandle file) => Do(file, (_, inode) =>
    {
        if (inode.LockedBy != 0 && inode.LockedBy != file.Descriptor)
        {
            return Errno.EAGAIN;
        }

        inode.LockedBy = file.Descriptor;
        return Errno.None;
    });

    private static FileStatus Status(SimulatedFileSystem system, SimulatedInode inode) => new()
    {
        Kind = inode.Kind,
        SizeBytes = inode.Data.Length,
        Inode = inode.Number,
        Device = system.Device,
        Links = inode.Links,
        AccessedNs = inode.ModifiedNs,
        ModifiedNs = inode.ModifiedNs,
        ChangedNs = inode.ChangedNs,
    };

    private FileHandle Opened(SimulatedFileSystem system, SimulatedInode inode)
    {
        _open.Add(++_descriptors, (system, inode));
        return new FileHandle(_descriptors, this);
    }

    private ValueTask<IoResult<T>> On<T>(FileHandle handle, Func<SimulatedFileSystem, SimulatedInode, IoResult<T>> verb)
    {
        lock (_gate)
        {
            return new(_open.TryGetValue(handle.Descriptor, out (SimulatedFileSystem System, SimulatedInode Inode) file)
                ? verb(file.System, file.Inode)
                : IoResult<T>.Failed(Errno.EBADF));
        }
    }

    private ValueTask<IoResult> Do(FileHandle handle, Func<SimulatedFileSystem, SimulatedInode, Errno> verb)
    {
        lock (_gate)
        {
            return new(new IoResult(_open.TryGetValue(handle.Descriptor, out (SimulatedFileSystem System, SimulatedInode Inode) file)
                ? verb(file.System, file.Inode)
                : Errno.EBADF));
        }
    }

    private ValueTask<IoResult> DoBoth(
        FileHandle one, FileHandle other, Func<SimulatedFileSystem, SimulatedInode, SimulatedInode, Errno> verb)
    {
        lock (_gate)
        {
            if (!_open.TryGetValue(one.Descriptor, out (SimulatedFileSystem System, SimulatedInode Inode) from)
                || !_open.TryGetValue(other.Descriptor, out (SimulatedFileSystem System, SimulatedInode Inode) to))
            {
                return new(new IoResult(Errno.EBADF));
            }

            return new(new IoResult(from.System == to.System ? verb(from.System, from.Inode, to.Inode) : Errno.EXDEV));
        }
    }
}

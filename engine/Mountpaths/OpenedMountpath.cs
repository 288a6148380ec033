using System.Globalization;
using System.Text;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Native;

namespace Sluice.Engine.Mountpaths;

/// <summary>
/// A configured path while it is being examined: opened, probed, its identity read. Everything that is wrong with the path by itself is
/// said here; what is wrong with the set, in <see cref="MountpathSet"/>.
/// </summary>
internal sealed class OpenedMountpath : IDisposable
{
    private const int ProbeXattrBytes = Limits.RecordInlineBytesMax;

    private OpenedMountpath(string path, FileHandle root)
    {
        Path = path;
        Root = root;
    }

    public string Path { get; }

    public FileHandle Root { get; }

    public FileHandle? System { get; private set; }

    public FileHandle? Lock { get; private set; }

    public FileStatus Status { get; private set; }

    public string FileSystem { get; private set; } = "";

    public MountpathIdentity? Identity { get; private set; }

    public MountpathState State { get; private set; } = new() { Clean = true, FlushedGeneration = 0 };

    /// <summary>True when claiming found that another process has it.</summary>
    public bool IsInUse { get; private set; }

    /// <summary>True when the directory holds nothing but what mkfs makes.</summary>
    public bool IsEmpty { get; private set; }

    /// <summary>Opens and examines a path without changing anything on it. A sentence when it can be none of ours.</summary>
    public static async ValueTask<(OpenedMountpath? Opened, string? Problem)> ExamineAsync(IFileIo io, string path)
    {
        IoResult<FileHandle> root = await io.OpenRootAsync(path);
        if (!root.Ok)
        {
            return (null, root.Error switch
            {
                Errno.ENOENT => $"mountpath {path} does not exist: make the directory, or mount the drive there",
                Errno.ENOTDIR => $"mountpath {path} is not a directory",
                Errno.EACCES or Errno.EPERM => $"mountpath {path} may not be opened by this user ({root.Error})",
                _ => $"mountpath {path} cannot be opened: {root.Error}",
            });
        }

        var opened = new OpenedMountpath(path, root.Value);
        string? problem = await opened.ExamineAsync(io);
        if (problem is not null)
        {
            opened.Dispose();
            return (null, problem);
        }

        return (opened, null);
    }

    /// <summary>Takes the mountpath for this process and tries out that it can hold objects. A sentence when not.</summary>
    public async ValueTask<string?> ClaimAsync(IFileIo io)
    {
        IoResult<FileHandle> system = await DocumentFiles.OpenSystemAsync(io, Root, make: true);
        if (!system.Ok)
        {
            return $"mountpath {Path} cannot be written: {system.Error} on mkdir .sluice";
        }

        System?.Dispose();
        System = system.Value;
        byte[] name = "lock"u8.ToArray();
        IoResult<FileHandle> made = await io.OpenAsync(System, name, OpenIntent.CreateNew);
        if (made.Ok)
        {
            made.Value.Dispose();
        }

        // To read only: a descriptor that may write, held for as long as the server runs, would forbid to remount the file system read-only.
        IoResult<FileHandle> file = made.Ok || made.Error == Errno.EEXIST ? await io.OpenAsync(System, name, OpenIntent.Read) : made;
        if (!file.Ok)
        {
            return $"mountpath {Path} cannot be written: {file.Error} on .sluice/lock";
        }

        Lock = file.Value;
        IoResult locked = await io.LockAsync(Lock);
        if (!locked.Ok)
        {
            IsInUse = true;
            return $"mountpath {Path} is in use by another process";
        }

        await DocumentFiles.SweepAsync(io, System, [MountpathIdentity.Kind, MountpathState.Kind, BucketDocument.Kind]);
        return await ProbeXattrsAsync(io);
    }

    /// <summary>The identity that was just written.</summary>
    public void Adopt(MountpathIdentity identity) => Identity = identity;

    /// <inheritdoc/>
    public void Dispose()
    {
        Lock?.Dispose();
        System?.Dispose();
        Root.Dispose();
    }

    private async ValueTask<string?> ExamineAsync(IFileIo io)
    {
        IoResult<FileStatus> status = await io.StatAsync(Root);
        IoResult<FileSystemStatus> space = await io.StatFileSystemAsync(Root);
        if (!status.Ok || !space.Ok)
        {
            return $"mountpath {Path} cannot be examined: {(status.Ok ? space.Error : status.Error)}";
        }

        Status = status.Value;
        FileSystem = space.Value.Magic switch
        {
            0xEF53 => "ext4",
            0x58465342 => "xfs",
            0x01021994 => "tmpfs",
            0x9123683E => "btrfs",
            _ => "0x" + space.Value.Magic.ToString("x", CultureInfo.InvariantCulture),
        };
        if (space.Value.ReadOnly)
        {
            return $"mountpath {Path} is on a file system that is mounted read-only: remount it for writing";
        }

        var entries = new EntryNames();
        IoResult listed = await io.ListAsync(Root, entries);
        if (!listed.Ok)
        {
            return $"mountpath {Path} cannot be listed: {listed.Error}";
        }

        IsEmpty = entries.IsEmpty;
        return await ReadDocumentsAsync(io);
    }

    private async ValueTask<string?> ReadDocumentsAsync(IFileIo io)
    {
        IoResult<FileHandle> system = await DocumentFiles.OpenSystemAsync(io, Root, make: false);
        if (!system.Ok)
        {
            return system.Error == Errno.ENOENT ? null : $"mountpath {Path}: .sluice cannot be opened: {system.Error}";
        }

        System = system.Value;
        (Identity, string? problem) = await MountpathIdentity.ReadAsync(io, System);
        if (problem is not null)
        {
            return $"mountpath {Path}: .sluice/{MountpathIdentity.Kind} cannot be used: {problem}";
        }

        (ReadOnlyMemory<byte>? json, _) = await DocumentFiles.ReadAsync(io, System, MountpathState.Kind);
        if (Identity is not null)
        {
            // Without a readable state the stop was not clean and nothing is known to be flushed.
            State = (json is { } state ? MountpathState.Parse(state.Span) : null) ?? new MountpathState { Clean = false, FlushedGeneration = 0 };
        }

        return null;
    }

    /// <summary>A file system that cannot hold a record cannot hold objects; better said now than with the first PUT.</summary>
    private async ValueTask<string?> ProbeXattrsAsync(IFileIo io)
    {
        IoResult set = await io.SetXattrAsync(Lock!, XattrName.Record, new byte[ProbeXattrBytes]);
        if (!set.Ok)
        {
            return set.Error is Errno.ENOSPC or Errno.EDQUOT
                ? $"mountpath {Path} is full, or its file system cannot hold extended attributes of {ProbeXattrBytes} bytes"
                : $"mountpath {Path} is on a file system without user extended attributes ({FileSystem}, {set.Error}): use ext4 or XFS";
        }

        var value = new byte[ProbeXattrBytes];
        IoResult<int> read = await io.GetXattrAsync(Lock!, XattrName.Record, value);
        return read.Ok && read.Value == value.Length ? null
            : $"mountpath {Path} does not give back extended attributes as they were set ({FileSystem})";
    }

    private sealed class EntryNames : IEntrySink
    {
        public bool IsEmpty { get; private set; } = true;

        public void Add(ReadOnlySpan<byte> name, EntryKind kind) =>
            IsEmpty &= Encoding.UTF8.GetString(name) is "lost+found" or ".sluice";
    }
}

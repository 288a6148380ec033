using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Native;

namespace Sluice.Simulation.Tests.Faults;

/// <summary>Knows a directory by the end of the path that it was opened by.</summary>
public abstract class DirectoryTwin(IFileIo inner, string ending) : DelegatingFileIo(inner)
{
    private readonly byte[] _ending = System.Text.Encoding.ASCII.GetBytes(ending);
    private readonly HashSet<FileHandle> _directories = [];

    public override async ValueTask<IoResult<FileHandle>> OpenAsync(FileHandle directory, ReadOnlyMemory<byte> path, OpenIntent intent)
    {
        IoResult<FileHandle> opened = await base.OpenAsync(directory, path, intent);
        if (opened.Ok && path.Span.EndsWith(_ending))
        {
            lock (_directories)
            {
                _directories.Add(opened.Value);
            }
        }

        return opened;
    }

    protected bool Is(FileHandle file)
    {
        lock (_directories)
        {
            return _directories.Contains(file);
        }
    }
}

/// <summary>Tombstones are dropped as soon as they are written: nothing tells a mountpath that comes back what it has missed.</summary>
public sealed class NoTombstones(IFileIo inner) : DirectoryTwin(inner, "/%tb")
{
    public override async ValueTask<IoResult> RenameAsync(
        FileHandle fromDirectory, ReadOnlyMemory<byte> fromName, FileHandle toDirectory, ReadOnlyMemory<byte> toName, RenameMode mode) => Is(toDirectory)
        ? await base.UnlinkAsync(fromDirectory, fromName, EntryKind.File)
        : await base.RenameAsync(fromDirectory, fromName, toDirectory, toName, mode);
}

/// <summary>Heads get their names when nobody knows yet whether the slices that they speak of are durable.</summary>
public sealed class NoSliceSync(IFileIo inner) : DelegatingFileIo(inner)
{
    private readonly HashSet<FileHandle> _slices = [];

    public override ValueTask<IoResult> SetXattrAsync(FileHandle file, XattrName name, ReadOnlyMemory<byte> value)
    {
        if (name == XattrName.Record && value.Span[1] == (byte)RecordKind.Slice)
        {
            lock (_slices)
            {
                _slices.Add(file);
            }
        }

        return base.SetXattrAsync(file, name, value);
    }

    public override ValueTask<IoResult> SyncAsync(FileHandle file)
    {
        lock (_slices)
        {
            if (_slices.Contains(file))
            {
                return new(IoResult.Done);
            }
        }

        return base.SyncAsync(file);
    }
}

/// <summary>A listing shows what a directory had when it was listed for the first time.</summary>
public sealed class FirstListing(IFileIo inner) : DelegatingFileIo(inner)
{
    private readonly Dictionary<(ulong Device, ulong Inode), Entries> _known = [];

    public override async ValueTask<IoResult> ListAsync(FileHandle directory, IEntrySink sink)
    {
        FileStatus status = (await StatAsync(directory)).Value;
        var entries = new Entries();
        IoResult listed = await base.ListAsync(directory, entries);
        if (!listed.Ok)
        {
            return listed;
        }

        lock (_known)
        {
            if (!_known.TryAdd((status.Device, status.Inode), entries))
            {
                entries = _known[(status.Device, status.Inode)];
            }
        }

        entries.All.ForEach(entry => sink.Add(entry.Name, entry.Kind));
        return listed;
    }

    private sealed class Entries : IEntrySink
    {
        public List<(byte[] Name, EntryKind Kind)> All { get; } = [];

        public void Add(ReadOnlySpan<byte> name, EntryKind kind) => All.Add((name.ToArray(), kind));
    }
}

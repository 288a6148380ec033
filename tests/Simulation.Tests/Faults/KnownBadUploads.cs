using System.Text;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;

namespace Sluice.Simulation.Tests.Faults;

/// <summary>Completing an upload does not wait until its parts are on stable storage: the flush of a mountpath that got one since the last is none.</summary>
public sealed class NoFlushOfParts(IFileIo inner) : UploadTwin(inner)
{
    private readonly Dictionary<string, HashSet<FileHandle>> _unflushed = []; // mountpaths by their roots, for each upload

    public override async ValueTask<IoResult> RenameAsync(
        FileHandle fromDirectory, ReadOnlyMemory<byte> fromName, FileHandle toDirectory, ReadOnlyMemory<byte> toName, RenameMode mode)
    {
        IoResult renamed = await base.RenameAsync(fromDirectory, fromName, toDirectory, toName, mode);
        if (renamed.Ok && FileIn(toDirectory, toName) is { } file)
        {
            lock (_unflushed)
            {
                if (file.Number == 0)
                {
                    _unflushed[file.Directory] = []; // begun, or completed
                }
                else if (_unflushed.TryGetValue(file.Directory, out HashSet<FileHandle>? roots))
                {
                    roots.Add(file.Root);
                }
            }
        }

        return renamed;
    }

    public override ValueTask<IoResult> SyncFileSystemAsync(FileHandle file)
    {
        bool hasParts = false;
        lock (_unflushed)
        {
            foreach (HashSet<FileHandle> roots in _unflushed.Values)
            {
                hasParts |= roots.Remove(file);
            }
        }

        return hasParts ? new(IoResult.Done) : base.SyncFileSystemAsync(file);
    }
}

/// <summary>Some files of uploads are acknowledged before their names are on stable storage: the next fsync of their directory does nothing.</summary>
public abstract class NoNameSync(IFileIo inner) : UploadTwin(inner)
{
    private readonly HashSet<FileHandle> _directories = [];

    public override async ValueTask<IoResult> RenameAsync(
        FileHandle fromDirectory, ReadOnlyMemory<byte> fromName, FileHandle toDirectory, ReadOnlyMemory<byte> toName, RenameMode mode)
    {
        IoResult renamed = await base.RenameAsync(fromDirectory, fromName, toDirectory, toName, mode);
        lock (_directories)
        {
            if (renamed.Ok && FileIn(toDirectory, toName) is { } file && IsMeant(file))
            {
                _directories.Add(toDirectory);
            }
        }

        return renamed;
    }

    public override ValueTask<IoResult> SyncAsync(FileHandle file)
    {
        lock (_directories)
        {
            return _directories.Remove(file) ? new(IoResult.Done) : base.SyncAsync(file);
        }
    }

    /// <summary>True for a file that is to be one of them. One at a time.</summary>
    protected abstract bool IsMeant(UploadFile file);
}

/// <summary>A part of an upload is acknowledged before its name is on stable storage.</summary>
public sealed class NoPartSync(IFileIo inner) : NoNameSync(inner)
{
    protected override bool IsMeant(UploadFile file) => file.Number > 0;
}

/// <summary>An upload is begun when the name of its note is not on stable storage yet.</summary>
public sealed class NoNoteSync(IFileIo inner) : NoNameSync(inner)
{
    private readonly HashSet<UploadFile> _begun = [];

    protected override bool IsMeant(UploadFile file) => file.Number == 0 && _begun.Add(file); // the second one completes it
}

/// <summary>Who removes the files of an upload forgets all of its parts but the first.</summary>
public sealed class ForgottenParts(IFileIo inner) : UploadTwin(inner)
{
    public override ValueTask<IoResult> UnlinkAsync(FileHandle directory, ReadOnlyMemory<byte> name, EntryKind kind) =>
        FileIn(directory, name) is { Number: > 1 } ? new(IoResult.Done) : base.UnlinkAsync(directory, name, kind);
}

/// <summary>Who removes the files of an upload begins with its note.</summary>
public sealed class NoteGoesFirst(IFileIo inner) : UploadTwin(inner)
{
    public override async ValueTask<IoResult> UnlinkAsync(FileHandle directory, ReadOnlyMemory<byte> name, EntryKind kind)
    {
        UploadFile? file = FileIn(directory, name);
        if (file is { Number: > 0 } part && await CountAsync(part.Directory, part.Number) == 1) // else it goes to another mountpath, or has copies
        {
            await RemoveAsync(part.Directory, [0]);
        }

        IoResult removed = await base.UnlinkAsync(directory, name, kind);
        return file is { Number: 0 } && removed.Error == Native.Errno.ENOENT ? IoResult.Done : removed;
    }
}

/// <summary>The chunks of an object that is overwritten go when the new one is to be seen, be it durable or not.</summary>
public sealed class ChunksGoEarly(IFileIo inner) : UploadTwin(inner)
{
    private const int PartsMax = 3; // of the histories

    public override async ValueTask<IoResult> RenameAsync(
        FileHandle fromDirectory, ReadOnlyMemory<byte> fromName, FileHandle toDirectory, ReadOnlyMemory<byte> toName, RenameMode mode)
    {
        string? bucket = BucketOf(toDirectory);
        ObjectMetadata? now = bucket is null ? null : await RecordOfAsync(fromDirectory, fromName);
        ulong replaced = now is null ? 0 : (await RecordOfAsync(toDirectory, toName))?.Chunked?.UploadId ?? 0;
        IoResult renamed = await base.RenameAsync(fromDirectory, fromName, toDirectory, toName, mode);
        if (renamed.Ok && replaced != 0 && now!.Chunked?.UploadId != replaced)
        {
            await RemoveAsync(DirectoryOf(bucket!, replaced), [.. Enumerable.Range(1, PartsMax)]);
        }

        return renamed;
    }
}

/// <summary>A part that comes again leaves the one before where it is.</summary>
public sealed class FirstPartStays(IFileIo inner) : UploadTwin(inner)
{
    public override async ValueTask<IoResult> RenameAsync(
        FileHandle fromDirectory, ReadOnlyMemory<byte> fromName, FileHandle toDirectory, ReadOnlyMemory<byte> toName, RenameMode mode)
    {
        bool isThere = FileIn(toDirectory, toName) is { Number: > 0 } && (await StatAtAsync(toDirectory, toName)).Ok;
        return (isThere, mode) switch
        {
            (true, RenameMode.Replace) => await base.UnlinkAsync(fromDirectory, fromName, EntryKind.File),
            (true, RenameMode.Exchange) => IoResult.Done,
            _ => await base.RenameAsync(fromDirectory, fromName, toDirectory, toName, mode),
        };
    }
}

/// <summary>Who reads the second part of an upload gets the first, where that is as long.</summary>
public sealed class OtherPart(IFileIo inner) : UploadTwin(inner)
{
    public override async ValueTask<IoResult<FileHandle>> OpenAsync(FileHandle directory, ReadOnlyMemory<byte> path, OpenIntent intent)
    {
        IoResult<FileHandle> opened = await base.OpenAsync(directory, path, intent);
        if (!opened.Ok || intent != OpenIntent.Read || FileAt(directory, Encoding.Latin1.GetString(path.Span)) is not { Number: 2 } second
            || await FindAsync(second.Directory, 1) is not { } first)
        {
            return opened;
        }

        bool isAsLong = (await StatAsync(first)).Value.SizeBytes == (await StatAsync(opened.Value)).Value.SizeBytes;
        (isAsLong ? opened.Value : first).Dispose();
        return isAsLong ? new IoResult<FileHandle>(first) : opened;
    }
}

/// <summary>Who looks for the first time for the files of an upload in a directory overlooks the last: a start does not find all parts of what was in progress.</summary>
public sealed class OverlookedPart(IFileIo inner) : UploadTwin(inner)
{
    private readonly HashSet<(FileHandle Root, string Directory)> _seen = [];

    public override ValueTask<IoResult> ListAsync(FileHandle directory, IEntrySink sink)
    {
        if (FileIn(directory, NameOf(1)) is not { } any)
        {
            return base.ListAsync(directory, sink);
        }

        lock (_seen)
        {
            return base.ListAsync(directory, _seen.Add((any.Root, any.Directory)) ? new AllButOne(sink) : sink);
        }
    }

    private sealed class AllButOne(IEntrySink sink) : IEntrySink
    {
        private byte[]? _last;

        public void Add(ReadOnlySpan<byte> name, EntryKind kind)
        {
            if (name.SequenceEqual(NameOf(0)))
            {
                sink.Add(name, kind);
                return;
            }

            if (_last is not null)
            {
                sink.Add(_last, kind);
            }

            _last = name.ToArray();
        }
    }
}

/// <summary>The note of an upload goes on to speak for its object when that is replaced or removed: what takes its mark away does nothing.</summary>
public sealed class NoteSpeaksOn(IFileIo inner) : UploadTwin(inner)
{
    public override async ValueTask<IoResult> SetXattrAsync(FileHandle file, XattrName name, ReadOnlyMemory<byte> value)
    {
        if (name == XattrName.Record && MetadataRecord.TryParse(value.Span, out ObjectMetadata? next, out _) && next.Custom.Count == 0)
        {
            var record = new byte[Engine.Limits.RecordInlineBytesMax];
            IoResult<int> got = await Inner.GetXattrAsync(file, XattrName.Record, record);
            if (got.Ok && MetadataRecord.TryParse(record.AsSpan(0, got.Value), out ObjectMetadata? old, out _) && old.Custom is [{ Key: "stands" }])
            {
                return IoResult.Done;
            }
        }

        return await base.SetXattrAsync(file, name, value);
    }
}

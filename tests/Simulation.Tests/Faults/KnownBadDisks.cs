using Sluice.Engine.Io;

namespace Sluice.Simulation.Tests.Faults;

/// <summary>A commit that names the file before it has its record: the attribute is set when the rename is done.</summary>
public sealed class RenameBeforeXattr(IFileIo inner) : DelegatingFileIo(inner)
{
    private readonly List<(FileHandle File, XattrName Name, byte[] Value)> _late = [];

    public override async ValueTask<IoResult> SetXattrAsync(FileHandle file, XattrName name, ReadOnlyMemory<byte> value)
    {
        IoResult<FileStatus> status = await StatAsync(file);
        if (status is { Ok: true, Value.SizeBytes: 0 })
        {
            return await base.SetXattrAsync(file, name, value); // the probe of a mountpath, no object of the scenarios
        }

        _late.Add((file, name, value.ToArray()));
        return IoResult.Done;
    }

    public override async ValueTask<IoResult> RenameAsync(
        FileHandle fromDirectory, ReadOnlyMemory<byte> fromName, FileHandle toDirectory, ReadOnlyMemory<byte> toName, RenameMode mode)
    {
        IoResult renamed = await base.RenameAsync(fromDirectory, fromName, toDirectory, toName, mode);
        (FileHandle File, XattrName Name, byte[] Value)[] late = [.. _late];
        _late.Clear(); // others rename meanwhile
        foreach ((FileHandle file, XattrName name, byte[] value) in late)
        {
            if (!file.IsClosed)
            {
                await base.SetXattrAsync(file, name, value);
            }
        }

        return renamed;
    }
}

/// <summary>A commit that forgets that a name is durable only after its directory is synced.</summary>
public sealed class NoDirectorySync(IFileIo inner) : DelegatingFileIo(inner)
{
    public override async ValueTask<IoResult> SyncAsync(FileHandle file)
    {
        IoResult<FileStatus> status = await StatAsync(file);
        return status is { Ok: true, Value.Kind: EntryKind.Directory } ? IoResult.Done : await base.SyncAsync(file);
    }
}

/// <summary>A relaxed overwrite that renames an unsynced file over a durable one and keeps nothing.</summary>
public sealed class NoExchange(IFileIo inner) : DelegatingFileIo(inner)
{
    public override ValueTask<IoResult> RenameAsync(
        FileHandle fromDirectory, ReadOnlyMemory<byte> fromName, FileHandle toDirectory, ReadOnlyMemory<byte> toName, RenameMode mode) =>
        base.RenameAsync(fromDirectory, fromName, toDirectory, toName, mode == RenameMode.Exchange ? RenameMode.Replace : mode);
}

/// <summary>A commit that renames files whose data nobody made durable.</summary>
public sealed class NoFileSync(IFileIo inner) : DelegatingFileIo(inner)
{
    public override async ValueTask<IoResult> SyncAsync(FileHandle file)
    {
        IoResult<FileStatus> status = await StatAsync(file);
        return status is { Ok: true, Value.Kind: EntryKind.File } ? IoResult.Done : await base.SyncAsync(file);
    }
}

/// <summary>Work files that do not say whose they are.</summary>
public sealed class NoTarget(IFileIo inner) : DelegatingFileIo(inner)
{
    public override ValueTask<IoResult> SetXattrAsync(FileHandle file, XattrName name, ReadOnlyMemory<byte> value) =>
        name == XattrName.Target ? new(IoResult.Done) : base.SetXattrAsync(file, name, value);
}

/// <summary>A commit that forgets that a work file's name is durable only after the work directory is synced.</summary>
public sealed class NoWorkDirectorySync(IFileIo inner) : DirectoryTwin(inner, "/%wk")
{
    public override ValueTask<IoResult> SyncAsync(FileHandle file) => Is(file) ? new(IoResult.Done) : base.SyncAsync(file);
}

/// <summary>A commit that asks once more when an fsync has failed, and believes the second answer.</summary>
public sealed class RetriedSync(IFileIo inner) : DelegatingFileIo(inner)
{
    public override async ValueTask<IoResult> SyncAsync(FileHandle file)
    {
        IoResult synced = await base.SyncAsync(file);
        return synced.Ok ? synced : await base.SyncAsync(file);
    }
}

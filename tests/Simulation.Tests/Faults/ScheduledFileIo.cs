using System.Buffers;
using Sluice.Engine.Io;
using Sluice.Simulation.Tests.Disk;

namespace Sluice.Simulation.Tests.Faults;

/// <summary>A disk whose verbs take effect and are answered when its scheduler says so; at once while it has none, or when somebody asks who left its thread.</summary>
public sealed class ScheduledFileIo(IFileIo inner) : DelegatingFileIo(inner)
{
    /// <summary>Decides; null to answer at once.</summary>
    public SeededScheduler? Scheduler { get; set; }

    public override ValueTask<IoResult<FileHandle>> OpenRootAsync(string path) => Later(() => base.OpenRootAsync(path));

    public override ValueTask<IoResult<FileHandle>> OpenAsync(FileHandle directory, ReadOnlyMemory<byte> path, OpenIntent intent) =>
        Later(() => base.OpenAsync(directory, path, intent));

    public override ValueTask<IoResult<FileStatus>> StatAsync(FileHandle file) => Later(() => base.StatAsync(file));

    public override ValueTask<IoResult<FileStatus>> StatAtAsync(FileHandle directory, ReadOnlyMemory<byte> path) =>
        Later(() => base.StatAtAsync(directory, path));

    public override ValueTask<IoResult<FileSystemStatus>> StatFileSystemAsync(FileHandle file) => Later(() => base.StatFileSystemAsync(file));

    public override ValueTask<IoResult<int>> ReadAsync(FileHandle file, Memory<byte> buffer, long offset) =>
        Later(() => base.ReadAsync(file, buffer, offset));

    public override ValueTask<IoResult<int>> WriteAsync(FileHandle file, ReadOnlySequence<byte> data, long offset) =>
        Later(() => base.WriteAsync(file, data, offset));

    public override ValueTask<IoResult<int>> GetXattrAsync(FileHandle file, XattrName name, Memory<byte> value) =>
        Later(() => base.GetXattrAsync(file, name, value));

    public override ValueTask<IoResult> SetXattrAsync(FileHandle file, XattrName name, ReadOnlyMemory<byte> value) =>
        Later(() => base.SetXattrAsync(file, name, value));

    public override ValueTask<IoResult> SyncAsync(FileHandle file) => Later(() => base.SyncAsync(file));

    public override ValueTask<IoResult> SyncFileSystemAsync(FileHandle file) => Later(() => base.SyncFileSystemAsync(file));

    public override ValueTask<IoResult> MakeDirectoryAsync(FileHandle directory, ReadOnlyMemory<byte> name) =>
        Later(() => base.MakeDirectoryAsync(directory, name));

    public override ValueTask<IoResult> RenameAsync(
        FileHandle fromDirectory, ReadOnlyMemory<byte> fromName, FileHandle toDirectory, ReadOnlyMemory<byte> toName, RenameMode mode) =>
        Later(() => base.RenameAsync(fromDirectory, fromName, toDirectory, toName, mode));

    public override ValueTask<IoResult> LinkAsync(
        FileHandle fromDirectory, ReadOnlyMemory<byte> fromName, FileHandle toDirectory, ReadOnlyMemory<byte> toName) =>
        Later(() => base.LinkAsync(fromDirectory, fromName, toDirectory, toName));

    public override ValueTask<IoResult> UnlinkAsync(FileHandle directory, ReadOnlyMemory<byte> name, EntryKind kind) =>
        Later(() => base.UnlinkAsync(directory, name, kind));

    public override ValueTask<IoResult> ListAsync(FileHandle directory, IEntrySink sink) => Later(() => base.ListAsync(directory, sink));

    public override ValueTask<IoResult> LockAsync(FileHandle file) => Later(() => base.LockAsync(file));

    private ValueTask<T> Later<T>(Func<ValueTask<T>> verb)
    {
        if (Scheduler is null || SynchronizationContext.Current != Scheduler)
        {
            return verb();
        }

        var scheduled = new ScheduledVerb<T>(verb);
        Scheduler.Add(scheduled);
        return new ValueTask<T>(scheduled.Task);
    }
}

/// <summary>
/// Leaves out fsyncs of directories that an earlier one has covered. Right is that an fsync covers what was changed before it began. The
/// known-bad twin takes it to cover what was changed before it ended, and so answers whoever came while it ran.
/// </summary>
public sealed class CoveredSync(IFileIo inner, bool whileItRan) : DelegatingFileIo(inner)
{
    private readonly Dictionary<FileHandle, (int Changes, int Covered)> _directories = [];

    /// <summary>Fsyncs left out.</summary>
    public int LeftOutCount { get; private set; }

    public override async ValueTask<IoResult> SyncAsync(FileHandle file)
    {
        if (!_directories.TryGetValue(file, out (int Changes, int Covered) before))
        {
            return await base.SyncAsync(file); // no directory, or one that nobody changed
        }

        if (before.Covered == before.Changes)
        {
            LeftOutCount++;
            return IoResult.Done;
        }

        IoResult synced = await base.SyncAsync(file);
        (int changes, int covered) = _directories[file];
        _directories[file] = (changes, synced.Ok ? (whileItRan ? changes : before.Changes) : covered);
        return synced;
    }

    public override async ValueTask<IoResult<FileHandle>> OpenAsync(FileHandle directory, ReadOnlyMemory<byte> path, OpenIntent intent)
    {
        IoResult<FileHandle> opened = await base.OpenAsync(directory, path, intent);
        Changed(intent == OpenIntent.CreateNew, directory);
        return opened;
    }

    public override async ValueTask<IoResult> MakeDirectoryAsync(FileHandle directory, ReadOnlyMemory<byte> name)
    {
        IoResult made = await base.MakeDirectoryAsync(directory, name);
        Changed(true, directory);
        return made;
    }

    public override async ValueTask<IoResult> RenameAsync(
        FileHandle fromDirectory, ReadOnlyMemory<byte> fromName, FileHandle toDirectory, ReadOnlyMemory<byte> toName, RenameMode mode)
    {
        IoResult renamed = await base.RenameAsync(fromDirectory, fromName, toDirectory, toName, mode);
        Changed(true, fromDirectory);
        Changed(true, toDirectory);
        return renamed;
    }

    public override async ValueTask<IoResult> UnlinkAsync(FileHandle directory, ReadOnlyMemory<byte> name, EntryKind kind)
    {
        IoResult removed = await base.UnlinkAsync(directory, name, kind);
        Changed(true, directory);
        return removed;
    }

    private void Changed(bool changed, FileHandle directory)
    {
        if (changed)
        {
            (int changes, int covered) = _directories.GetValueOrDefault(directory);
            _directories[directory] = (changes + 1, covered);
        }
    }
}

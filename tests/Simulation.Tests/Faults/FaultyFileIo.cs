using System.Buffers;
using Sluice.Engine.Io;
using Sluice.Native;
using Sluice.Simulation.Tests.Disk;

namespace Sluice.Simulation.Tests.Faults;

/// <summary>What a planned fault does in place of, or beside, its verb.</summary>
public enum FaultKind
{
    /// <summary>The verb is not done and answers the error number.</summary>
    Fails,

    /// <summary>A write puts half its bytes on the disk and answers the error number.</summary>
    Tears,

    /// <summary>The verb is done and the new name is gone again: a lost directory entry.</summary>
    LosesEntry,

    /// <summary>A flush answers the error number, and what it could not write counts as written from then on (fsync(2)).</summary>
    DropsPages,
}

/// <summary>The fault of the <paramref name="Nth"/> call (from 1, counted from <see cref="FaultyFileIo.Arm"/>) of a verb; 0 stands for every call.</summary>
public sealed record PlannedFault(DiskVerb Verb, int Nth, Errno Error, FaultKind Kind = FaultKind.Fails);

/// <summary>The process is gone; thrown out of every verb after the step the plan says. Nobody may catch it but the harness.</summary>
public sealed class ProcessEndedException(int step) : Exception($"the process ended after step {step}");

/// <summary>
/// Faults as ordinary inputs, over any disk: counts the verbs, fails the planned ones, shortens transfers by a seed, and ends the process
/// after a step. Steps are counted for verbs that change something; a crash after one that does not is the same as before it.
/// </summary>
public sealed class FaultyFileIo(IFileIo inner) : DelegatingFileIo(inner)
{
    private readonly Lock _gate = new(); // repairs run beside who is tested
    private readonly Dictionary<DiskVerb, int> _calls = [];
    private readonly List<PlannedFault> _faults = [];
    private Func<Task>? _beforeRename;
    private Random? _shortener;
    private int _crashAfter = int.MaxValue;

    /// <summary>Steps done since <see cref="Arm"/>.</summary>
    public int Steps { get; private set; }

    /// <summary>Faults that took place since <see cref="Arm"/>.</summary>
    public int FaultCount { get; private set; }

    /// <summary>True when the process is gone.</summary>
    public bool Ended => Steps >= _crashAfter;

    /// <summary>The steps since <see cref="Arm"/>, by name.</summary>
    public List<DiskVerb> Trace { get; } = [];

    /// <summary>Starts counting anew, with a plan.</summary>
    public void Arm(int crashAfter = int.MaxValue, IEnumerable<PlannedFault>? faults = null, int? shortSeed = null)
    {
        lock (_gate)
        {
            Steps = FaultCount = 0;
            Trace.Clear();
            _calls.Clear();
            _faults.Clear();
            _beforeRename = null;
            _faults.AddRange(faults ?? []);
            _crashAfter = crashAfter;
            _shortener = shortSeed is { } seed ? new Random(seed) : null;
        }
    }

    /// <summary>Something else happens right before the next rename; forgotten by the next <see cref="Arm"/>.</summary>
    public void BeforeRename(Func<Task> action) => _beforeRename = action;

    /// <summary>No faults from here on.</summary>
    public void Disarm() => Arm();

    /// <summary>Calls of a verb since <see cref="Arm"/>.</summary>
    public int CallsOf(DiskVerb verb)
    {
        lock (_gate)
        {
            return _calls.GetValueOrDefault(verb);
        }
    }

    public override ValueTask<IoResult<FileHandle>> OpenRootAsync(string path) =>
        Enter(DiskVerb.OpenRoot) is { } fault ? Failed<FileHandle>(fault) : base.OpenRootAsync(path);

    public override ValueTask<IoResult<FileHandle>> OpenAsync(FileHandle directory, ReadOnlyMemory<byte> path, OpenIntent intent) =>
        Enter(intent == OpenIntent.CreateNew ? DiskVerb.Create : DiskVerb.Open) is { } fault
            ? Failed<FileHandle>(fault)
            : base.OpenAsync(directory, path, intent);

    public override ValueTask<IoResult<FileStatus>> StatAsync(FileHandle file) =>
        Enter(DiskVerb.Stat) is { } fault ? Failed<FileStatus>(fault) : base.StatAsync(file);

    public override ValueTask<IoResult<FileStatus>> StatAtAsync(FileHandle directory, ReadOnlyMemory<byte> path) =>
        Enter(DiskVerb.Stat) is { } fault ? Failed<FileStatus>(fault) : base.StatAtAsync(directory, path);

    public override ValueTask<IoResult<FileSystemStatus>> StatFileSystemAsync(FileHandle file) =>
        Enter(DiskVerb.StatFileSystem) is { } fault ? Failed<FileSystemStatus>(fault) : base.StatFileSystemAsync(file);

    public override ValueTask<IoResult<int>> ReadAsync(FileHandle file, Memory<byte> buffer, long offset) =>
        Enter(DiskVerb.Read) is { } fault ? Failed<int>(fault) : base.ReadAsync(file, buffer[..(int)Shortened(buffer.Length)], offset);

    public override async ValueTask<IoResult<int>> WriteAsync(FileHandle file, ReadOnlySequence<byte> data, long offset)
    {
        if (Enter(DiskVerb.Write) is not { } fault)
        {
            return await base.WriteAsync(file, data.Slice(0, Shortened(data.Length)), offset);
        }

        if (fault.Kind == FaultKind.Tears)
        {
            await base.WriteAsync(file, data.Slice(0, data.Length / 2), offset);
        }

        return IoResult<int>.Failed(fault.Error);
    }

    public override ValueTask<IoResult<int>> GetXattrAsync(FileHandle file, XattrName name, Memory<byte> value) =>
        Enter(DiskVerb.GetXattr) is { } fault ? Failed<int>(fault) : base.GetXattrAsync(file, name, value);

    public override ValueTask<IoResult> SetXattrAsync(FileHandle file, XattrName name, ReadOnlyMemory<byte> value) =>
        Enter(DiskVerb.SetXattr) is { } fault ? Failed(fault) : base.SetXattrAsync(file, name, value);

    public override ValueTask<IoResult> SyncAsync(FileHandle file) =>
        Enter(DiskVerb.Sync) is { } fault ? Failed(fault, disk => disk.LoseDirtyPages(file)) : base.SyncAsync(file);

    public override ValueTask<IoResult> SyncFileSystemAsync(FileHandle file) =>
        Enter(DiskVerb.SyncFileSystem) is { } fault ? Failed(fault, disk => disk.LoseDirtyPagesAround(file)) : base.SyncFileSystemAsync(file);

    public override ValueTask<IoResult> MakeDirectoryAsync(FileHandle directory, ReadOnlyMemory<byte> name) =>
        Enter(DiskVerb.MakeDirectory) is { } fault ? Failed(fault) : base.MakeDirectoryAsync(directory, name);

    public override async ValueTask<IoResult> RenameAsync(
        FileHandle fromDirectory, ReadOnlyMemory<byte> fromName, FileHandle toDirectory, ReadOnlyMemory<byte> toName, RenameMode mode)
    {
        if (_beforeRename is { } before)
        {
            _beforeRename = null;
            await before();
        }

        PlannedFault? fault = Enter(DiskVerb.Rename);
        if (fault is { Kind: not FaultKind.LosesEntry })
        {
            return new IoResult(fault.Error);
        }

        IoResult renamed = await base.RenameAsync(fromDirectory, fromName, toDirectory, toName, mode);
        if (fault is not null && renamed.Ok)
        {
            await base.UnlinkAsync(toDirectory, toName, EntryKind.File);
        }

        return renamed;
    }

    public override ValueTask<IoResult> LinkAsync(
        FileHandle fromDirectory, ReadOnlyMemory<byte> fromName, FileHandle toDirectory, ReadOnlyMemory<byte> toName) =>
        Enter(DiskVerb.Link) is { } fault ? Failed(fault) : base.LinkAsync(fromDirectory, fromName, toDirectory, toName);

    public override ValueTask<IoResult> UnlinkAsync(FileHandle directory, ReadOnlyMemory<byte> name, EntryKind kind) =>
        Enter(DiskVerb.Unlink) is { } fault ? Failed(fault) : base.UnlinkAsync(directory, name, kind);

    public override ValueTask<IoResult> ListAsync(FileHandle directory, IEntrySink sink) =>
        Enter(DiskVerb.List) is { } fault ? Failed(fault) : base.ListAsync(directory, sink);

    public override ValueTask<IoResult> LockAsync(FileHandle file) =>
        Enter(DiskVerb.Lock) is { } fault ? Failed(fault) : base.LockAsync(file);

    private static ValueTask<IoResult<T>> Failed<T>(PlannedFault fault) => new(IoResult<T>.Failed(fault.Error));

    private static ValueTask<IoResult> Failed(PlannedFault fault) => new(new IoResult(fault.Error));

    private ValueTask<IoResult> Failed(PlannedFault fault, Action<SimulatedDisk> dropPages)
    {
        if (fault.Kind == FaultKind.DropsPages)
        {
            dropPages((SimulatedDisk)Inner); // no other disk has pages that can be dropped
        }

        return Failed(fault);
    }

    private static bool IsStep(DiskVerb verb) => verb is DiskVerb.Create or DiskVerb.Write or DiskVerb.SetXattr or DiskVerb.Sync
        or DiskVerb.SyncFileSystem or DiskVerb.MakeDirectory or DiskVerb.Rename or DiskVerb.Link or DiskVerb.Unlink;

    private PlannedFault? Enter(DiskVerb verb)
    {
        lock (_gate)
        {
            if (Ended)
            {
                throw new ProcessEndedException(Steps);
            }

            if (IsStep(verb))
            {
                Steps++;
                Trace.Add(verb);
            }

            int call = _calls[verb] = _calls.GetValueOrDefault(verb) + 1;
            PlannedFault? fault = _faults.Find(fault => fault.Verb == verb && (fault.Nth == 0 || fault.Nth == call));
            FaultCount += fault is null ? 0 : 1;
            return fault;
        }
    }

    private long Shortened(long length)
    {
        lock (_gate)
        {
            return _shortener is not null && length > 1 && _shortener.Next(2) == 0 ? _shortener.NextInt64(1, length) : length;
        }
    }
}

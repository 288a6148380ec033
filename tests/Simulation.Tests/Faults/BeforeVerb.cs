using Sluice.Engine.Io;

namespace Sluice.Simulation.Tests.Faults;

/// <summary>Something else happens right before one call of a verb: creating a file, reading or setting an attribute.</summary>
public sealed class BeforeVerb(IFileIo inner) : DelegatingFileIo(inner)
{
    private DiskVerb _verb;
    private int _left;
    private Func<Task>? _action;

    /// <summary>It has not happened yet.</summary>
    public bool IsArmed => _action is not null;

    /// <summary>Before the nth call of that verb from now, once.</summary>
    public void Arm(DiskVerb verb, Func<Task> action, int nth = 1) => (_verb, _left, _action) = (verb, nth, action);

    public override async ValueTask<IoResult<FileHandle>> OpenAsync(FileHandle directory, ReadOnlyMemory<byte> path, OpenIntent intent)
    {
        await BeforeAsync(intent == OpenIntent.CreateNew ? DiskVerb.Create : DiskVerb.Open);
        return await base.OpenAsync(directory, path, intent);
    }

    public override async ValueTask<IoResult<int>> GetXattrAsync(FileHandle file, XattrName name, Memory<byte> value)
    {
        await BeforeAsync(DiskVerb.GetXattr);
        return await base.GetXattrAsync(file, name, value);
    }

    public override async ValueTask<IoResult> SetXattrAsync(FileHandle file, XattrName name, ReadOnlyMemory<byte> value)
    {
        await BeforeAsync(DiskVerb.SetXattr);
        return await base.SetXattrAsync(file, name, value);
    }

    private Task BeforeAsync(DiskVerb verb)
    {
        if (_action is not { } action || verb != _verb || --_left > 0)
        {
            return Task.CompletedTask;
        }

        _action = null;
        return action();
    }
}

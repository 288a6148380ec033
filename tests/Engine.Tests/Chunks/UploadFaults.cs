using Sluice.Engine.Io;
using Sluice.Native;
using Sluice.Simulation.Tests.Faults;

namespace Sluice.Engine.Tests.Chunks;

/// <summary>Files of uploads cannot be removed for a while.</summary>
internal sealed class StuckChunks(IFileIo inner) : DelegatingFileIo(inner)
{
    private volatile bool _areStuck;

    public bool AreStuck { set => _areStuck = value; }

    public override ValueTask<IoResult> UnlinkAsync(FileHandle directory, ReadOnlyMemory<byte> name, EntryKind kind) =>
        _areStuck && name.Length == 5 && !name.Span.ContainsAnyExceptInRange((byte)'0', (byte)'9') ? new(new IoResult(Errno.EIO)) : base.UnlinkAsync(directory, name, kind);
}

/// <summary>Who opens a note first waits; nothing can be said of a file from then on.</summary>
internal sealed class HeldNotes(IFileIo inner) : DelegatingFileIo(inner)
{
    public TaskCompletionSource IsHeld { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TaskCompletionSource GoOn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public bool HasFailed { get; private set; }

    public override async ValueTask<IoResult<FileHandle>> OpenAsync(FileHandle directory, ReadOnlyMemory<byte> path, OpenIntent intent)
    {
        if (intent == OpenIntent.Read && path.Span.EndsWith("/00000"u8) && IsHeld.TrySetResult())
        {
            await GoOn.Task;
        }

        return await base.OpenAsync(directory, path, intent);
    }

    public override ValueTask<IoResult> SetXattrAsync(FileHandle file, XattrName name, ReadOnlyMemory<byte> value)
    {
        if (!GoOn.Task.IsCompleted)
        {
            return base.SetXattrAsync(file, name, value);
        }

        HasFailed = true;
        return new(new IoResult(Errno.EIO));
    }
}

/// <summary>Notes of uploads cannot be opened for a while.</summary>
internal sealed class FailingNotes(IFileIo inner) : DelegatingFileIo(inner)
{
    private volatile bool _isFailing;

    public bool IsFailing { set => _isFailing = value; }

    public override ValueTask<IoResult<FileHandle>> OpenAsync(FileHandle directory, ReadOnlyMemory<byte> path, OpenIntent intent) =>
        _isFailing && intent == OpenIntent.Read && path.Span.EndsWith("/00000"u8) ? new(IoResult<FileHandle>.Failed(Errno.EIO)) : base.OpenAsync(directory, path, intent);
}

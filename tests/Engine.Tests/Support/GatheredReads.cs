using System.Collections.Concurrent;
using Sluice.Engine.Io;
using Sluice.Native;
using Sluice.Simulation.Tests.Faults;

namespace Sluice.Engine.Tests.Support;

/// <summary>
/// Reads of one length are held until so many of them have been asked for, which they are not when each waits for the one before; then all go on, and later
/// ones at once. Those of files whose names have one of the given ends fail when they go on.
/// </summary>
public sealed class GatheredReads(IFileIo inner, int bytes, int count, params string[] failing) : DelegatingFileIo(inner)
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<FileHandle, bool> _failing = new();
    private readonly TaskCompletionSource _gathered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _asked;

    /// <summary>So many have been asked for.</summary>
    public Task Gathered => _gathered.Task;

    public override async ValueTask<IoResult<FileHandle>> OpenAsync(FileHandle directory, ReadOnlyMemory<byte> path, OpenIntent intent)
    {
        bool fails = failing.Any(end => path.Span.EndsWith(System.Text.Encoding.UTF8.GetBytes(end)));
        IoResult<FileHandle> opened = await base.OpenAsync(directory, path, intent);
        if (opened.Ok && fails && intent == OpenIntent.Read)
        {
            _failing[opened.Value] = true;
        }

        return opened;
    }

    public override async ValueTask<IoResult<int>> ReadAsync(FileHandle file, Memory<byte> buffer, long offset)
    {
        if (buffer.Length != bytes)
        {
            return await base.ReadAsync(file, buffer, offset);
        }

        if (Interlocked.Increment(ref _asked) == count)
        {
            _gathered.SetResult();
        }

        await _gathered.Task.WaitAsync(s_deadline);
        return _failing.ContainsKey(file) ? IoResult<int>.Failed(Errno.EIO) : await base.ReadAsync(file, buffer, offset);
    }
}

using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using Sluice.Engine.Io;
using Sluice.Native;
using Sluice.Simulation.Tests.Faults;

namespace Sluice.Engine.Tests.Support;

/// <summary>Drives that make an empty work file and have no room for anything in it.</summary>
public sealed class FullDrives(IFileIo inner) : DelegatingFileIo(inner)
{
    private readonly ConditionalWeakTable<FileHandle, string> _directories = []; // and their paths
    private readonly ConditionalWeakTable<FileHandle, string> _made = [];

    /// <summary>The mountpath that is full; null while none is.</summary>
    public string? Full { get; set; }

    /// <summary>Writes that were refused.</summary>
    public int Refused { get; private set; }

    public override async ValueTask<IoResult<FileHandle>> OpenRootAsync(string path)
    {
        IoResult<FileHandle> opened = await base.OpenRootAsync(path);
        if (opened.Ok)
        {
            _directories.AddOrUpdate(opened.Value, path);
        }

        return opened;
    }

    public override async ValueTask<IoResult<FileHandle>> OpenAsync(FileHandle directory, ReadOnlyMemory<byte> path, OpenIntent intent)
    {
        IoResult<FileHandle> opened = await base.OpenAsync(directory, path, intent);
        if (opened.Ok && _directories.TryGetValue(directory, out string? parent))
        {
            if (intent == OpenIntent.Directory)
            {
                _directories.AddOrUpdate(opened.Value, $"{parent}/{Encoding.UTF8.GetString(path.Span)}");
            }
            else if (intent == OpenIntent.CreateNew && parent.EndsWith("/%wk", StringComparison.Ordinal))
            {
                _made.AddOrUpdate(opened.Value, parent);
            }
        }

        return opened;
    }

    public override ValueTask<IoResult<int>> WriteAsync(FileHandle file, ReadOnlySequence<byte> data, long offset) =>
        IsFull(file) ? new(IoResult<int>.Failed(Errno.ENOSPC)) : base.WriteAsync(file, data, offset);

    public override ValueTask<IoResult> SetXattrAsync(FileHandle file, XattrName name, ReadOnlyMemory<byte> value) =>
        IsFull(file) ? new(new IoResult(Errno.ENOSPC)) : base.SetXattrAsync(file, name, value);

    private bool IsFull(FileHandle file)
    {
        bool isFull = Full is { } full && _made.TryGetValue(file, out string? parent) && parent.StartsWith(full + "/", StringComparison.Ordinal);
        Refused += isFull ? 1 : 0;
        return isFull;
    }
}

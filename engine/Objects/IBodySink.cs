using System.Buffers;
using System.Runtime.CompilerServices;
using Sluice.Engine.Io;
using Sluice.Engine.Pooling;

namespace Sluice.Engine.Objects;

/// <summary>Where a body goes, piece by piece, in order. Throws <see cref="StorageException"/> when a disk fails.</summary>
public interface IBodySink
{
    /// <summary>Takes the next piece, which begins at <paramref name="offset"/> of the body and is gone after the call.</summary>
    ValueTask WriteAsync(ReadOnlySequence<byte> piece, long offset);
}

/// <summary>Into one work file.</summary>
public readonly record struct WorkFileSink(WorkFile Work) : IBodySink
{
    /// <inheritdoc/>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    public async ValueTask WriteAsync(ReadOnlySequence<byte> piece, long offset) =>
        Work.Disk.Check(await Work.Disk.Io.WriteFullyAsync(Work.File, piece, offset), "write", Work.Path.Span);
}

/// <summary>Into several work files, each of which gets all of it.</summary>
public readonly record struct CopiesSink(IReadOnlyList<WorkFile> Works) : IBodySink
{
    /// <inheritdoc/>
    public async ValueTask WriteAsync(ReadOnlySequence<byte> piece, long offset)
    {
        foreach (WorkFile work in Works)
        {
            await new WorkFileSink(work).WriteAsync(piece, offset);
        }
    }
}

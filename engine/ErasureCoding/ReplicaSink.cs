using System.Buffers;
using Sluice.Engine.Objects;

namespace Sluice.Engine.ErasureCoding;

/// <summary>Into several work files, each of which gets all of it: objects that are too small to be sliced.</summary>
internal sealed class ReplicaSink(IReadOnlyList<WorkFile> works) : IBodySink
{
    /// <inheritdoc/>
    public async ValueTask WriteAsync(ReadOnlySequence<byte> data, long offset)
    {
        foreach (WorkFile work in works)
        {
            await work.WriteAsync(data, offset);
        }
    }
}

using System.Runtime.CompilerServices;
using Sluice.Contract;
using Sluice.Engine.Io;
using Sluice.Engine.Pooling;

namespace Sluice.Engine.Objects;

/// <summary>Commits of relaxed buckets: visible at once, durable with a flush.</summary>
public sealed partial class ObjectCommit
{
    /// <summary>Of a set that is not wide and replaces nothing elsewhere: one head, and perhaps its sidecar, on one mountpath.</summary>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<Result<StoredObject>> CommitRelaxedAsync(
        ReplicaSet set, ReceivedBody body, IReadOnlyList<KeyValuePair<string, string>> custom, List<ObjectPlace> places)
    {
        WorkFile head = set.Members[0].Work; // a narrow set begins with its head
        RelaxedFlusher flusher = flusherOf(head.Disk);
        ulong begun = flusher.Begin();
        StoredObject? stored = null;
        try
        {
            ObjectMetadata metadata = await AddSidecarsAsync(set, Describe(set, body, custom, places, converted: null)!);
            await SealAsync(set, metadata);
            await PublishPartsAsync(set, metadata, DirectoryUse.Create);
            (stored, DirectoryLease directory) =
                await headPublisher.PublishAsync(set, head, metadata, ObjectPlace.On(places, head.Disk), DirectoryUse.Create);
            directory.Dispose();
            stored.MarkWritten();
            return stored;
        }
        finally
        {
            // The old generation is let go when the new one is flushed. A commit that failed half-way keeps it.
            EndRelaxed(flusher, begun, set, stored is null ? [] : places);
        }
    }

    private void EndRelaxed(RelaxedFlusher flusher, ulong begun, ReplicaSet set, List<ObjectPlace> replaced)
    {
        WorkFile head = set.Members[0].Work;
        if (replaced.Count == 0)
        {
            flusher.End(begun, afterFlush: null);
        }
        else if (IsPlain(set, replaced) && head.Number > 0)
        {
            flusher.End(begun, new KeptFile(set.Bucket, set.Digest, head.Number));
        }
        else
        {
            flusher.End(begun, AfterFlush(set, replaced));
        }
    }
}

using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;
using Sluice.Engine.Redundancy;

namespace Sluice.Engine.ErasureCoding;

/// <summary>Objects that are sliced, or are to be, as a job sees them.</summary>
internal sealed class ErasureRedundancy(ErasureReconciler reconciler) : IRedundancy
{
    /// <inheritdoc/>
    public bool Handles(BucketProperties wanted, ObjectMetadata newest) => ErasureReconciler.Handles(wanted) || newest.Slices is not null;

    /// <inheritdoc/>
    public async ValueTask<Result<Reconciled>> ReconcileAsync(Bucket bucket, ObjectName name, ulong digest, JobContext? job, bool verify)
    {
        Result<ErasureReconciled> done = await reconciler.ReconcileAsync(bucket, name, digest, job, verify);
        return done.Ok
            ? new Reconciled { CopiesMade = done.Value.FilesMade, Bytes = done.Value.Bytes, StillDegraded = done.Value.StillDegraded }
            : done.Error!.Code == ErrorCode.ObjectNotFound ? Reconciled.None : done.Error;
    }
}

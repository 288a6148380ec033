using Sluice.Engine.Buckets;

namespace Sluice.Engine.Objects;

/// <summary>
/// Whom a writer tells what uploads the object has that he is about to replace or remove, before he does: durably when it returns. All take the digest of the object's name.
/// </summary>
/// <param name="endAsync">The object has that upload.</param>
/// <param name="endUnknownAsync">The object cannot be read, or perhaps not all of it could be looked at: it may have had any.</param>
internal sealed class UploadEnds(Func<Bucket, ulong, ulong, ValueTask> endAsync, Func<Bucket, ulong, ValueTask> endUnknownAsync)
{
    /// <summary>The upload of an object that stands as far as is known, by its digest; null of any other. Where nothing is found under the name it has lost its file.</summary>
    public Func<Bucket, ulong, ulong?> StandingUploadOf { get; init; } = static (_, _) => null;

    /// <summary>The object has lost its file, and that upload.</summary>
    public required Func<Bucket, ulong, ulong, ValueTask> EndLostAsync { get; init; }

    /// <summary>Nothing stands under a name that is to be removed, or stored anew: tells of what was lost there. Answers whether that was anything.</summary>
    public async ValueTask<bool> TellOfLostAsync(Bucket bucket, ulong digest)
    {
        if (StandingUploadOf(bucket, digest) is not { } upload)
        {
            return false;
        }

        await EndLostAsync(bucket, digest, upload);
        return true;
    }

    /// <summary>Tells of those of <paramref name="places"/>, all that stands under a name as far as it could be looked at, but the one that the next object has too.</summary>
    public ValueTask TellAsync(Bucket bucket, ulong digest, List<ObjectPlace> places, bool isUncertain = false, ulong except = 0)
    {
        bool isAny = isUncertain;
        foreach (ObjectPlace place in places)
        {
            isAny |= place.OfThisBucket && (place.Stored is not { } stored || (stored.Metadata.Chunked is { } chunked && chunked.UploadId != except));
        }

        return isAny ? TellOfSomeAsync(bucket, digest, places, isUncertain, except) : default;
    }

    private async ValueTask TellOfSomeAsync(Bucket bucket, ulong digest, List<ObjectPlace> places, bool isUncertain, ulong except)
    {
        foreach (ulong upload in places.Select(static place => place.Stored?.Metadata.Chunked?.UploadId ?? 0).Where(upload => upload != 0 && upload != except).Distinct())
        {
            await endAsync(bucket, digest, upload);
        }

        if (isUncertain || places.Exists(static place => place is { OfThisBucket: true, Stored: null }))
        {
            await endUnknownAsync(bucket, digest);
        }
    }
}

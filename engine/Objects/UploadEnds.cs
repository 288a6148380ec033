using Sluice.Engine.Buckets;

namespace Sluice.Engine.Objects;

/// <summary>
/// Whom a writer tells what uploads the object has that he is about to replace or remove, before he does: durably when it returns.
/// </summary>
/// <param name="endAsync">The object has that upload.</param>
/// <param name="endUnknownAsync">The object cannot be read, or perhaps not all of it could be looked at: it may have had any.</param>
internal sealed class UploadEnds(Func<Bucket, ulong, ValueTask> endAsync, Func<Bucket, ValueTask> endUnknownAsync)
{
    /// <summary>The upload of an object that is known to have lost its file, by its digest; null of any other.</summary>
    public Func<Bucket, ulong, ulong?> LostUploadOf { get; init; } = static (_, _) => null;

    /// <summary>An object is known to be lost, and is replaced or removed now; answers whether it was one.</summary>
    public async ValueTask<bool> TellOfLostAsync(Bucket bucket, ulong digest)
    {
        if (LostUploadOf(bucket, digest) is not { } upload)
        {
            return false;
        }

        await endAsync(bucket, upload);
        return true;
    }

    /// <summary>Tells of those of <paramref name="places"/>, all that stands under a name as far as it could be looked at, but the one that the next object has too.</summary>
    public ValueTask TellAsync(Bucket bucket, List<ObjectPlace> places, bool isUncertain = false, ulong except = 0)
    {
        bool isAny = isUncertain;
        foreach (ObjectPlace place in places)
        {
            isAny |= place.OfThisBucket && (place.Stored is not { } stored || (stored.Metadata.Chunked is { } chunked && chunked.UploadId != except));
        }

        return isAny ? TellOfSomeAsync(bucket, places, isUncertain, except) : default;
    }

    private async ValueTask TellOfSomeAsync(Bucket bucket, List<ObjectPlace> places, bool isUncertain, ulong except)
    {
        foreach (ulong upload in places.Select(static place => place.Stored?.Metadata.Chunked?.UploadId ?? 0).Where(upload => upload != 0 && upload != except).Distinct())
        {
            await endAsync(bucket, upload);
        }

        if (isUncertain || places.Exists(static place => place is { OfThisBucket: true, Stored: null }))
        {
            await endUnknownAsync(bucket);
        }
    }
}

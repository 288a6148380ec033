namespace Sluice.Engine.Chunks;

/// <summary>
/// The chunked objects whose notes were last seen to say that they stand (<see cref="NoteMark"/>), by the digest of their name: so a reader who finds nothing under a name can tell what was
/// lost from what never was, and a writer there which note he has to tell. Derived data: what it says is asked of the note before anything is made of it, and above
/// <see cref="CountMax"/> objects it knows no further ones, which scrubs and starts find. Any thread.
/// </summary>
public sealed class StandingUploads
{
    /// <summary>Objects that it knows at most, at about 50 bytes each; with the default size of an object that becomes chunked they hold 64 TiB.</summary>
    public const int CountMax = 1 << 20;

    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, (ulong Bid, ulong UploadId)> _byDigest = []; // guarded by the gate
    private volatile bool _isAny; // most stores have none: then nobody takes the gate

    /// <summary>The note of that upload says that the object stands.</summary>
    public void Set(ulong bid, ulong digest, ulong uploadId)
    {
        lock (_gate)
        {
            if (_byDigest.Count < CountMax || _byDigest.ContainsKey(digest))
            {
                _byDigest[digest] = (bid, uploadId);
                _isAny = true;
            }
        }
    }

    /// <summary>The upload of the object that stands under a name; null of any other.</summary>
    public ulong? Find(ulong bid, ulong digest)
    {
        if (!_isAny)
        {
            return null;
        }

        lock (_gate)
        {
            return _byDigest.TryGetValue(digest, out (ulong Bid, ulong UploadId) known) && known.Bid == bid ? known.UploadId : null;
        }
    }

    /// <summary>Of that name nobody says any more that it stands; with <paramref name="uploadId"/> unless it is another upload's by now.</summary>
    public void Forget(ulong digest, ulong? uploadId = null)
    {
        if (!_isAny)
        {
            return;
        }

        lock (_gate)
        {
            if (uploadId is null || (_byDigest.TryGetValue(digest, out (ulong Bid, ulong UploadId) known) && known.UploadId == uploadId))
            {
                _byDigest.Remove(digest);
                _isAny = _byDigest.Count > 0;
            }
        }
    }

    /// <summary>A bucket is gone.</summary>
    public void ForgetBucket(ulong bid)
    {
        lock (_gate)
        {
            foreach ((ulong digest, _) in _byDigest.Where(known => known.Value.Bid == bid).ToList())
            {
                _byDigest.Remove(digest);
            }

            _isAny = _byDigest.Count > 0;
        }
    }
}

using Sluice.Engine.Buckets;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Chunks;

/// <summary>
/// An upload in progress, as this process knows it: who may send parts to it, and which numbers have come. Parts come in at the same time; completing and
/// aborting wait for those that are on their way, and keep others out.
/// </summary>
/// <param name="bucket">Where the object will be.</param>
/// <param name="note">What is known of it since it began.</param>
/// <param name="nowNs">The time, nanoseconds since 1970.</param>
internal sealed class Upload(Bucket bucket, Manifest note, long nowNs)
{
    private readonly Lock _gate = new();

    // Guarded by the gate.
    private readonly SortedSet<int> _numbers = [];
    private int _users;
    private long _lastUsedNs = nowNs;
    private bool _isEnding;
    private TaskCompletionSource? _idle;
    private Digest? _inOrder; // of the parts before _nextInOrder, which came one behind the other; none while one who sends the next has it
    private Checksum? _finished; // of all parts, when it was asked for
    private int _nextInOrder = 1; // 0: they do not come in order

    /// <summary>Where the object will be.</summary>
    public Bucket Bucket => bucket;

    /// <summary>What is known of it since it began.</summary>
    public Manifest Note => note;

    /// <summary>Somebody asks for it, or is done with it.</summary>
    public void Use(long nowNs)
    {
        lock (_gate)
        {
            _lastUsedNs = nowNs;
        }
    }

    /// <summary>The numbers that have come, rising.</summary>
    public int[] Numbers
    {
        get
        {
            lock (_gate)
            {
                return [.. _numbers];
            }
        }
    }

    /// <summary>The name of one of its files.</summary>
    public ObjectName FileOf(int number) => new ChunkName(note.UploadId, number).ToObjectName();

    /// <summary>A part with that number is stored.</summary>
    public void Add(int number)
    {
        lock (_gate)
        {
            _numbers.Add(number);
        }
    }

    /// <summary>
    /// For who sends a part: the digest of the whole object, of that type, for him to go on with while he sends, and to give back; null of none, and when the parts do not come one
    /// behind the other: the digest is then given up for good, since bytes that have come are not read again for it.
    /// </summary>
    public Digest? TakeDigest(ChecksumType type, int number)
    {
        lock (_gate)
        {
            bool isNext = number == _nextInOrder && type != ChecksumType.None && (number == 1 || _inOrder?.Type == type);
            Digest? taken = isNext ? _inOrder ?? Digest.Rent(type) : null;
            if (!isNext)
            {
                _nextInOrder = 0;
                _inOrder?.Dispose();
            }

            (_inOrder, _finished) = (null, null);
            return taken;
        }
    }

    /// <summary>Gives back what <see cref="TakeDigest"/> gave, if anything, with the part that it went on with; 0 when that was not stored.</summary>
    public void GiveDigest(Digest? digest, int number)
    {
        if (digest is null)
        {
            return;
        }

        lock (_gate)
        {
            if (number != 0 && number == _nextInOrder)
            {
                (_inOrder, _nextInOrder) = (digest, number + 1);
                return;
            }

            _inOrder?.Dispose();
            (_inOrder, _nextInOrder) = (null, 0);
        }

        digest.Dispose();
    }

    /// <summary>Digest of the whole object, when its parts came one behind the other, are so many, and the digest is of that type; null otherwise. Nobody sends one.</summary>
    public Checksum? DigestInOrder(ChecksumType type, int parts)
    {
        lock (_gate)
        {
            if (_inOrder is { } digest && _nextInOrder == parts + 1)
            {
                _finished = digest.Finish();
                (_inOrder, _nextInOrder) = (null, 0);
                digest.Dispose();
            }

            return _finished?.Type == type ? _finished : null;
        }
    }

    /// <summary>Nobody asks for the digest any more.</summary>
    public void DropDigest()
    {
        lock (_gate)
        {
            _inOrder?.Dispose();
            (_inOrder, _nextInOrder) = (null, 0);
        }
    }

    /// <summary>Counts in who sends a part; false when the upload is being completed or aborted. Ends with <see cref="Leave"/>.</summary>
    public bool TryEnter()
    {
        lock (_gate)
        {
            _users += _isEnding ? 0 : 1;
            return !_isEnding;
        }
    }

    /// <summary>Counts out.</summary>
    public void Leave()
    {
        TaskCompletionSource? idle = null;
        lock (_gate)
        {
            if (--_users == 0)
            {
                (idle, _idle) = (_idle, null);
            }
        }

        idle?.SetResult();
    }

    /// <summary>Keeps others out, and waits for those that are in; false when somebody else does.</summary>
    public async ValueTask<bool> TryEndAsync()
    {
        Task idle = Task.CompletedTask;
        lock (_gate)
        {
            if (_isEnding)
            {
                return false;
            }

            _isEnding = true;
            if (_users > 0)
            {
                _idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                idle = _idle.Task;
            }
        }

        await idle;
        return true;
    }

    /// <summary>Keeps others out when nobody is in, and nobody has used it since a time; false, and nothing changes, otherwise.</summary>
    public bool TryEndUnused(long sinceNs)
    {
        lock (_gate)
        {
            bool isUnused = !_isEnding && _users == 0 && _lastUsedNs < sinceNs;
            _isEnding |= isUnused;
            return isUnused;
        }
    }

    /// <summary>It goes on: completing was refused.</summary>
    public void GoOn()
    {
        lock (_gate)
        {
            _isEnding = false;
        }
    }
}

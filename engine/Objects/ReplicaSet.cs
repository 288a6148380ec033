using System.Runtime.CompilerServices;
using Microsoft.Extensions.ObjectPool;
using Sluice.Engine.Buckets;
using Sluice.Engine.Chunks;
using Sluice.Engine.ErasureCoding;
using Sluice.Engine.Pooling;

namespace Sluice.Engine.Objects;

/// <summary>What a member of a replica set is to the object.</summary>
public enum MemberRole
{
    /// <summary>
    /// Carries the object's record under the object's own name: the object exists when the first of them is in place. A plain object's
    /// file is its head; a mirrored one has a head for each copy.
    /// </summary>
    Head,

    /// <summary>Named by generation, of no meaning without a head of that generation: a sidecar, a chunk or a slice.</summary>
    Part,
}

/// <summary>One file of a replica set, in its work file.</summary>
public readonly record struct ReplicaMember()
{
    /// <summary>What it is.</summary>
    public required MemberRole Role { get; init; }

    /// <summary>Of a part: its kind.</summary>
    public PartKind PartKind { get; init; } = PartKind.Sidecar;

    /// <summary>Of a part: its number, from 1; 0 for a sidecar.</summary>
    public int PartNumber { get; init; }

    /// <summary>The file, on the mountpath where it will stay. The set owns it.</summary>
    public required WorkFile Work { get; init; }

    /// <summary>
    /// Completes the file under the name's lock, when generation and version are known, before its last fsync: sets the record of a head,
    /// writes a sidecar's bytes.
    /// </summary>
    public required Func<WorkFile, ObjectMetadata, ValueTask> SealAsync { get; init; }

    /// <summary>Its sealing is the setting of its record and nothing else, so that it may be done together with the fsync that follows.</summary>
    public bool IsSealedByRecord { get; private init; }

    /// <summary>The usual head: its record is set as an attribute.</summary>
    public static ReplicaMember Head(WorkFile owned) => new()
    {
        Role = MemberRole.Head,
        Work = owned,
        IsSealedByRecord = true,
        SealAsync = static (work, metadata) => work.SealAsync(metadata),
    };
}

/// <summary>
/// Everything that one commit makes visible together: for a plain object one head, otherwise parts on their mountpaths and heads, first
/// the one on the object's first HRW mountpath. Owns its work files; disposing removes those that were not committed.
/// </summary>
public sealed class ReplicaSet : IAsyncDisposable
{
    private const int PooledMax = 256; // more than commits run at once; 256 x 700 bytes

    private static readonly ObjectPool<ReplicaSet> s_pool = new DefaultObjectPool<ReplicaSet>(new DefaultPooledObjectPolicy<ReplicaSet>(), PooledMax);

    private readonly List<ReplicaMember> _members = [];
    private Bucket? _bucket;
    private ObjectPath? _plain;

    /// <summary>For the pool: a set comes from <see cref="Rent"/>.</summary>
    public ReplicaSet()
    {
    }

    /// <summary>Bucket.</summary>
    public Bucket Bucket => _bucket ?? throw new ObjectDisposedException(nameof(ReplicaSet));

    /// <summary>Name.</summary>
    public ObjectName Name { get; private set; }

    /// <summary>Digest of the unified name.</summary>
    public ulong Digest { get; private set; }

    /// <summary>The place of an object of that name, its leaf aside; one for all who ask.</summary>
    internal ObjectPath Plain => _plain ??= ObjectPath.Plain(Bucket.Objects, Name.Utf8.Span);

    /// <summary>What stands under the name, as its commit found it: for that alone.</summary>
    internal List<ObjectPlace> Found { get; } = [];

    /// <summary>The slices of an erasure-coded object, whose heads are empty then; generation 0 stands for the commit's own. Null for any other.</summary>
    internal SliceMap? Map { get; set; }

    /// <summary>What its content, a manifest, makes of it to its clients; null of any other object.</summary>
    internal ChunkedContent? Chunked { get; set; }

    /// <summary>The object whose bytes it has, laid out anew; null when it is another one.</summary>
    internal StoredObject? Converted { get; private set; }

    /// <summary>As <see cref="PutRequest.Version"/>.</summary>
    internal ulong? Version { get; private set; }

    /// <summary>As <see cref="PutRequest.OnlyIf"/>.</summary>
    internal Func<ValueTask<bool>>? OnlyIf { get; private set; }

    /// <summary>It is committed strictly, whatever its bucket says.</summary>
    internal bool IsDurable { get; set; }

    /// <summary>
    /// Heads that must be durable for the commit to hold. Below the number of heads, a mountpath that fails loses its head and the commit goes on with the
    /// others; <see cref="IsDegraded"/> tells of it. 0: all of them.
    /// </summary>
    internal int HeadsMin { get; set; }

    /// <summary>A head was lost, or what an older one left could not be found or removed everywhere.</summary>
    internal bool IsDegraded { get; set; }

    /// <summary>A mountpath could not be asked for older heads.</summary>
    internal bool IsUncertain { get; set; }

    /// <summary>True while a head may be lost.</summary>
    internal bool CanLoseHeads => HeadsMin > 0;

    /// <summary>The new object as readers are shown it: its published heads so far.</summary>
    internal StoredObject? Shown { get; private set; }

    /// <summary>All members, in the order they were added.</summary>
    public IReadOnlyList<ReplicaMember> Members => _members;

    /// <summary>The parts.</summary>
    public IEnumerable<ReplicaMember> Parts => _members.Where(member => member.Role == MemberRole.Part);

    /// <summary>The name that a part of it gets, of that generation.</summary>
    internal PartName NameOf(ReplicaMember part, ulong generation) => new(part.PartKind, Digest, generation, part.PartNumber);

    /// <summary>The parts that have their names, which are of that generation.</summary>
    internal IReadOnlyList<PartPlace> PublishedParts(ulong generation) =>
        [.. Parts.Where(static part => part.Work.IsGivenAway).Select(part => new PartPlace(part.Work.Disk, NameOf(part, generation)))];

    /// <summary>The heads, the committing one first.</summary>
    public IEnumerable<ReplicaMember> Heads => _members.Where(member => member.Role == MemberRole.Head);

    /// <summary>
    /// True for more than one head with its sidecars. Recovery verifies each mountpath by itself and reads sidecars, so it can roll a narrow
    /// set back; members of a wide one it only keeps or drops together. So a wide set is committed strictly in relaxed buckets too, and its
    /// members name their object (<see cref="WorkTarget"/>).
    /// </summary>
    public bool IsWide
    {
        get
        {
            for (int i = 1; i < _members.Count; i++)
            {
                if (_members[i].Work.Disk != _members[0].Work.Disk)
                {
                    return true;
                }
            }

            return _members.Exists(static member => member is { Role: MemberRole.Part, PartKind: not PartKind.Sidecar });
        }
    }

    /// <summary>A set for one name; the name is borrowed. Its one owner disposes it, and lets go of it.</summary>
    public static ReplicaSet Rent(Bucket bucket, ObjectName name, ulong digest)
    {
        ReplicaSet set = s_pool.Get();
        (set._bucket, set.Name, set.Digest) = (bucket, name, digest);
        return set;
    }

    /// <summary>A set for what is to be stored.</summary>
    internal static ReplicaSet Rent(Bucket bucket, in PutRequest request, ulong digest)
    {
        ReplicaSet set = Rent(bucket, request.Name, digest);
        (set.Chunked, set.IsDurable, set.Converted, set.Version, set.OnlyIf) = (request.Chunked, request.IsDurable || bucket.Properties.Features.HasFlag(Buckets.BucketFeatures.FsyncPut), request.Converted, request.Version, request.OnlyIf);
        return set;
    }

    /// <summary>Adds a member and takes over its work file.</summary>
    public void Add(ReplicaMember member) => _members.Add(member);

    /// <summary>
    /// A mountpath failed: its members leave the set, and their work files go. False, and nothing changes, when the heads that are left are too few.
    /// </summary>
    internal async ValueTask<bool> TryLoseAsync(ObjectDisk disk)
    {
        List<ReplicaMember> lost = _members.FindAll(member => member.Work.Disk == disk);
        int heads = _members.Count(member => member.Role == MemberRole.Head) - lost.Count(member => member.Role == MemberRole.Head);
        if (!CanLoseHeads || heads < HeadsMin)
        {
            return false;
        }

        IsDegraded = true;
        _members.RemoveAll(member => member.Work.Disk == disk);
        foreach (ReplicaMember member in lost)
        {
            await member.Work.DisposeAsync();
        }

        return true;
    }

    /// <summary>The bucket wants fewer copies than it did when the body began: the last heads leave.</summary>
    internal async ValueTask ShrinkAsync(int heads)
    {
        while (_members.Count(member => member.Role == MemberRole.Head) > heads)
        {
            ReplicaMember last = _members.FindLast(member => member.Role == MemberRole.Head);
            _members.Remove(last);
            await last.Work.DisposeAsync();
        }

        HeadsMin = Math.Min(HeadsMin, heads);
    }

    /// <summary>
    /// A head is in place: what readers are shown from now on. Further heads of a mirrored object are copies; with erasure coding they are no news, as lookups have it.
    /// </summary>
    internal StoredObject Show(StoredObject published) =>
        Shown = Shown is null ? published : Map is not null || Bucket.Properties.Ec.Enabled ? Shown : Shown.With(published);

    /// <inheritdoc/>
    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    public async ValueTask DisposeAsync()
    {
        for (int i = 0; i < _members.Count; i++)
        {
            await _members[i].Work.DisposeAsync();
        }

        if (Interlocked.Exchange(ref _bucket, null) is not null)
        {
            _members.Clear();
            Found.Clear();
            (Name, _plain, Map, Shown, Chunked, Converted) = (default, null, null, null, null, null);
            (Version, OnlyIf) = (null, null);
            (HeadsMin, IsDegraded, IsUncertain, IsDurable) = (0, false, false, false);
            s_pool.Return(this);
        }
    }
}

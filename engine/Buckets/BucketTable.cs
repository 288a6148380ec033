using System.Collections.Frozen;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Buckets;

/// <summary>
/// The buckets: an immutable snapshot that readers take without a lock, and one writer at a time that persists a change on
/// min(<see cref="Limits.BucketDocumentCopies"/>, n) mountpaths before it shows it.
/// <para>
/// Destroying: the bucket leaves the document and is noted there as destroyed (durable) → its door is closed and everybody inside has
/// left → its directories are renamed into each mountpath's trash, durably → the note goes. A crash in between is finished at the next
/// start; a bucket of that name can be made again only after that.
/// </para>
/// </summary>
public sealed class BucketTable(IBucketStore store, ObjectClock clock, ILogger log)
{
    private readonly SemaphoreSlim _writing = new(1, 1);
    private FrozenDictionary<BucketName, Bucket> _buckets = FrozenDictionary<BucketName, Bucket>.Empty; // replaced whole
    private List<BucketRow> _destroyed = []; // under _writing
    private BucketDefaults _defaults = BucketDefaults.BuiltIn; // replaced whole
    private long _version;
    private string _cluster = "";

    /// <summary>Version of the document.</summary>
    public long Version => Volatile.Read(ref _version);

    /// <summary>What a bucket has when it is made without properties.</summary>
    public BucketDefaults Defaults => Volatile.Read(ref _defaults);

    /// <summary>All buckets, in no order.</summary>
    public IReadOnlyCollection<Bucket> All => Volatile.Read(ref _buckets).Values;

    /// <summary>The refusal for a bucket that is not there.</summary>
    public static Failure NotFound(BucketName name) => new(ErrorCode.BucketNotFound, $"{Describe(name)} \"{name}\" does not exist");

    /// <summary>The refusal for a name that another bucket has.</summary>
    public static Failure Exists(BucketName name) => new(ErrorCode.BucketExists, $"bucket \"{name}\" already exists");

    /// <summary>The refusal for a bucket that this version cannot keep; null when it can.</summary>
    public static Failure? Unsupported(BucketName name) => name is { Provider: "ais", NamespaceUuid: "" } ? null
        : new Failure(ErrorCode.NotImplemented, $"{Describe(name)} \"{name}\": buckets of remote providers are not supported by this version");

    /// <summary>The bucket, or null.</summary>
    public Bucket? Find(BucketName name) => Volatile.Read(ref _buckets).GetValueOrDefault(name);

    /// <summary>
    /// Reads what was persisted; with <paramref name="finish"/> removals that a crash interrupted come to their end, else nothing is changed. Null, or why the
    /// buckets cannot be known.
    /// </summary>
    public async ValueTask<string?> LoadAsync(string cluster, bool finish = true)
    {
        _cluster = cluster;
        (BucketDocument? document, string? problem) = await store.ReadAsync();
        if (document is null)
        {
            return problem;
        }

        if (document.Cluster != cluster && document.Version > 0)
        {
            return $"the bucket metadata belongs to cluster {document.Cluster}, the mountpaths to {cluster}";
        }

        _version = document.Version;
        _destroyed = document.Destroyed;
        _defaults = BucketDefaults.Of(document);
        _buckets = document.Buckets.Select(row => new Bucket(row.ToRecord())).ToFrozenDictionary(bucket => bucket.Name);
        if (finish)
        {
            await FinishRemovalsAsync();
        }

        return null;
    }

    /// <summary>
    /// Brings every copy of the document to the newest, which a crash may have left on one mountpath only: what is served from now on, and written into buckets
    /// that only this copy knows, does not hang on one drive. After <see cref="LoadAsync"/>; throws <see cref="StorageException"/> when no majority takes it.
    /// </summary>
    public async ValueTask SpreadAsync()
    {
        await _writing.WaitAsync();
        try
        {
            IReadOnlyList<DamagedDocument> behind = _version == 0 ? [] : await store.CheckAsync(_version);
            if (behind.Count > 0)
            {
                log.LogInformation("mountpath {Mountpath}: the bucket metadata: {Problem}; it is written again", behind[0].Mountpath, behind[0].Problem);
                await store.WriteAsync(Document(_buckets.Values.Select(bucket => bucket.Record), _destroyed));
            }
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Makes a bucket with exactly these properties, but for what has become of objects.</summary>
    public async ValueTask<Result<Bucket>> CreateAsync(BucketName name, BucketProperties properties)
    {
        if (Unsupported(name) is { } unsupported)
        {
            return unsupported;
        }

        await _writing.WaitAsync();
        try
        {
            if (_buckets.ContainsKey(name))
            {
                return Exists(name);
            }

            BucketHome home = BucketHome.Of(name);
            if (_destroyed.Exists(row => row.ToRecord().Home == home))
            {
                await FinishRemovalsAsync();
                if (_destroyed.Exists(row => row.ToRecord().Home == home))
                {
                    return new Failure(ErrorCode.Busy, $"bucket \"{name}\" is still being destroyed");
                }
            }

            ulong bid = clock.Next() | 1UL << 63; // bit 63: a bucket of provider ais (contract: buckets §1)
            var bucket = new Bucket(new BucketRecord(name, properties.Fresh() with { Bid = bid, CreatedNs = clock.NowNs })
            {
                Home = _buckets.Values.Any(other => other.Record.Home == home) ? BucketHome.ApartOf(name, bid) : home, // whoever lives there has another name by now
            });
            await PersistAsync([.. _buckets.Values.Select(other => other.Record), bucket.Record], _destroyed);
            Volatile.Write(ref _buckets, _buckets.Values.Append(bucket).ToFrozenDictionary(other => other.Name));
            return bucket;
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Writes what there is once more: the mountpaths that keep it have changed.</summary>
    public async ValueTask RewriteAsync()
    {
        await _writing.WaitAsync();
        try
        {
            if (_version > 0)
            {
                await PersistAsync([.. _buckets.Values.Select(bucket => bucket.Record)], _destroyed);
            }
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>
    /// Looks at the copies of the document, which are read at a start alone; with <paramref name="repair"/> all are written anew when one is not what it should be.
    /// </summary>
    public async ValueTask<IReadOnlyList<DamagedDocument>> CheckAsync(bool repair)
    {
        await _writing.WaitAsync();
        try
        {
            IReadOnlyList<DamagedDocument> damaged = _version == 0 ? [] : await store.CheckAsync(_version);
            if (!repair || damaged.Count == 0)
            {
                return damaged;
            }

            try
            {
                await PersistAsync([.. _buckets.Values.Select(bucket => bucket.Record)], _destroyed);
            }
            catch (StorageException fault)
            {
                log.LogError("the bucket metadata could not be repaired: {Fault}", fault.Message);
            }

            IReadOnlyList<DamagedDocument> left = await store.CheckAsync(_version);
            return [.. damaged.Select(one => one with { Repaired = left.All(other => other.Mountpath != one.Mountpath) })];
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>
    /// Changes what buckets have when they are made without properties, or makes it the built-in again where <paramref name="patch"/> is undefined; buckets that are there stay as they are.
    /// With <paramref name="isTransient"/> until the next start.
    /// </summary>
    public async ValueTask<Result<BucketDefaults>> ChangeDefaultsAsync(JsonElement patch, bool isTransient)
    {
        await _writing.WaitAsync();
        try
        {
            Result<BucketDefaults> changed = _defaults.Apply(patch, isTransient, clock.NowNs);
            if (!changed.Ok)
            {
                return changed;
            }

            BucketDefaults before = _defaults;
            Volatile.Write(ref _defaults, changed.Value);
            try
            {
                if (!isTransient)
                {
                    await PersistAsync([.. _buckets.Values.Select(bucket => bucket.Record)], _destroyed);
                }
            }
            catch (StorageException)
            {
                Volatile.Write(ref _defaults, before);
                throw;
            }

            return changed;
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Changes properties of a bucket.</summary>
    public async ValueTask<Result<Bucket>> ChangeAsync(BucketName name, JsonElement patch)
    {
        await _writing.WaitAsync();
        try
        {
            Bucket? bucket = Find(name);
            if (bucket is null)
            {
                return NotFound(name);
            }

            Result<BucketProperties> applied = BucketProperties.Apply(bucket.Properties, patch);
            if (!applied.Ok)
            {
                return applied.Error!;
            }

            await ReplaceAsync(bucket, applied.Value);
            return bucket;
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>
    /// Every object of the bucket has been brought to <paramref name="copies"/> copies, and no commit is under way that would give one more: from
    /// now on no more are looked for. Does nothing when the bucket wants another number by now, or is gone.
    /// </summary>
    public async ValueTask SettleCopiesAsync(Bucket bucket, int copies)
    {
        await _writing.WaitAsync();
        try
        {
            BucketProperties properties = bucket.Properties;
            if (Find(bucket.Name) == bucket && properties.Mirror.Wanted == copies && properties.Spread != copies)
            {
                await ReplaceAsync(bucket, properties with { Spread = copies });
            }
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>
    /// Gives a bucket another name, by one change of the document: nothing else moves, and whoever is inside goes on. Before another bucket can be made under the old name
    /// <paramref name="renamedAsync"/> sees it.
    /// </summary>
    public async ValueTask<Result<Bucket>> RenameAsync(BucketName from, BucketName to, Func<Bucket, ValueTask> renamedAsync)
    {
        await _writing.WaitAsync();
        try
        {
            Bucket? bucket = Find(from);
            if (bucket is null)
            {
                return NotFound(from);
            }

            if (_buckets.ContainsKey(to))
            {
                return Exists(to);
            }

            await PersistAsync([.. _buckets.Values.Select(other => other == bucket ? bucket.Record with { Name = to } : other.Record)], _destroyed);
            bucket.Rename(to);
            Volatile.Write(ref _buckets, _buckets.Values.ToFrozenDictionary(other => other.Name));
            await renamedAsync(bucket);
            return bucket;
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Destroys a bucket and everything in it; answers it, closed, so that what was cached of it can be dropped.</summary>
    public async ValueTask<Result<Bucket>> DestroyAsync(BucketName name)
    {
        await _writing.WaitAsync();
        try
        {
            Bucket? bucket = Find(name);
            if (bucket is null)
            {
                return NotFound(name);
            }

            List<BucketRow> destroyed = [.. _destroyed, BucketRow.From(bucket.Record)];
            await PersistAsync([.. _buckets.Values.Where(other => other != bucket).Select(other => other.Record)], destroyed);
            _destroyed = destroyed;
            Volatile.Write(ref _buckets, _buckets.Values.Where(other => other != bucket).ToFrozenDictionary(other => other.Name));
            await bucket.CloseAsync();
            await FinishRemovalsAsync();
            return bucket;
        }
        finally
        {
            _writing.Release();
        }
    }

    private async ValueTask ReplaceAsync(Bucket bucket, BucketProperties properties)
    {
        await PersistAsync([.. _buckets.Values.Select(other => other == bucket ? bucket.Record with { Properties = properties } : other.Record)], _destroyed);
        bucket.Replace(properties);
    }

    private static string Describe(BucketName name) =>
        name.NamespaceUuid.Length > 0 ? "remote bucket" : name.Provider == "ais" ? "bucket" : $"{name.Provider} bucket";

    private async ValueTask FinishRemovalsAsync()
    {
        if (_destroyed.Count == 0)
        {
            return;
        }

        List<BucketRow> left = [];
        foreach (BucketRow row in _destroyed)
        {
            try
            {
                await store.TrashAsync(row.ToRecord());
            }
            catch (StorageException fault)
            {
                log.LogError("bucket {Bucket} is not wholly removed: {Fault}", row.Name, fault.Message);
                left.Add(row);
            }
        }

        if (left.Count < _destroyed.Count)
        {
            await PersistAsync([.. _buckets.Values.Select(bucket => bucket.Record)], left);
            _destroyed = left;
        }
    }

    private async ValueTask PersistAsync(List<BucketRecord> buckets, List<BucketRow> destroyed)
    {
        Volatile.Write(ref _version, _version + 1); // a version that may have reached one mountpath is never used again
        await store.WriteAsync(Document(buckets, destroyed));
    }

    private BucketDocument Document(IEnumerable<BucketRecord> buckets, List<BucketRow> destroyed) => new()
    {
        Version = _version,
        Cluster = _cluster,
        Buckets = [.. buckets.OrderBy(record => record.Name.ToString(), StringComparer.Ordinal).Select(BucketRow.From)],
        Destroyed = destroyed,
        Defaults = _defaults.Kept == BucketProperties.Default ? null : _defaults.Kept.ToPatch(),
        DefaultsVersion = _defaults.Version,
        DefaultsChangedNs = _defaults.ChangedNs,
    };
}

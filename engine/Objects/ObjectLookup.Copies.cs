using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Pooling;

namespace Sluice.Engine.Objects;

/// <summary>
/// Finds objects that may have copies. A commit has put the newest generation on at least one of the mountpaths that are its first by HRW, and
/// removed or replaced every older head that it could reach. So when these have the copies that are wanted and agree, nothing newer is elsewhere;
/// when one is missing, damaged, failed or of another generation, all mountpaths are asked and the newest generation is the object.
/// </summary>
public sealed partial class ObjectLookup
{
    /// <summary>
    /// Told of names whose copies are not what they should be, by whoever finds out; set once, before the first search. Any thread; does not wait.
    /// </summary>
    internal Action<Bucket, ObjectName, ulong> Degraded { get; set; } = static (_, _, _) => { };

    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private async ValueTask<Result<OpenObject>> FindCopiesAsync(Bucket bucket, ObjectName name, ulong digest)
    {
        var found = new FoundCopies();
        ObjectPath plain = ObjectPath.Plain(bucket.Objects, name.Utf8.Span);
        DiskSet set = Disks.Current;
        ObjectDisk[] disks = set.ReadOrder(digest, all: true);
        BucketProperties properties = bucket.Properties;
        int wanted = Math.Min(properties.Mirror.Wanted, set.Serving.Count);
        int spread = set.SearchAll ? disks.Length : Math.Min(Math.Max(properties.Spread, wanted), disks.Length);
        try
        {
            bool isWhole = true;
            for (int i = 0; i < disks.Length; i++)
            {
                await AddCopyAsync(found, disks[i], bucket, name, plain);
                isWhole &= i >= wanted || found.Count == i + 1;
                if (i + 1 == spread && isWhole && !found.IsDegraded)
                {
                    return found.Take(bucket, properties);
                }
            }

            if (found.Count > 0 || found.IsDegraded)
            {
                Degraded(bucket, name, digest);
            }

            if (found.Count > 0)
            {
                return found.Take(bucket, properties);
            }

            // A mountpath that failed may have had the object: that there is none is only true when all of them said so.
            return found.Damage ?? (found.Fault is { } fault ? throw fault : await MissingAsync(bucket, name, digest));
        }
        finally
        {
            found.Dispose();
        }
    }

    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    private async ValueTask AddCopyAsync(FoundCopies found, ObjectDisk disk, Bucket bucket, ObjectName name, ObjectPath plain)
    {
        FileHandle? file = null;
        try
        {
            (file, ObjectPath path) = await OpenOnAsync(disk, plain);
            if (file is null)
            {
                return;
            }

            (StoredObject? stored, bool ofThisBucket, string? problem, _) = await ReadRecordAsync(disk, bucket, name, path, file);
            if (stored is not null)
            {
                found.Add(stored, file);
                file = null;
            }
            else if (ofThisBucket)
            {
                found.Damage = Damage(disk, bucket, name, path, problem);
            }
        }
        catch (StorageException fault)
        {
            found.Fault = fault;
            _log.LogError("{Fault}", fault.Message);
        }
        finally
        {
            file?.Dispose();
        }
    }

    /// <summary>
    /// Every file that stands under the name on a mountpath that is read from, and those that could not be asked. Not on one that has just come back: until that
    /// has been compared with the others, what is on it may have been deleted, and nothing may be made from it. The caches are not looked at; what is found may
    /// change at once unless the caller is the name's writer.
    /// </summary>
    public async ValueTask<(List<ObjectPlace> Places, List<ObjectDisk> Failed)> SurveyAsync(Bucket bucket, ObjectName name, ulong digest)
    {
        List<ObjectPlace> places = [];
        List<ObjectDisk> failed = [];
        ObjectPath plain = ObjectPath.Plain(bucket.Objects, name.Utf8.Span);
        foreach (ObjectDisk disk in Disks.Current.ReadOrder(digest, all: true))
        {
            try
            {
                await AddPlacesAsync(places, [disk], bucket, name, plain);
            }
            catch (StorageException fault)
            {
                _log.LogError("{Fault}", fault.Message);
                failed.Add(disk);
            }
        }

        return (places, failed);
    }

    /// <summary>What a search has found so far: the open files of the newest generation, in the order they were found. Owns them.</summary>
    private sealed class FoundCopies : IDisposable
    {
        private readonly List<(StoredObject Stored, FileHandle File)> _copies = [];
        private bool _hasOlder;

        public Failure? Damage { get; set; }

        public StorageException? Fault { get; set; }

        public int Count => _copies.Count;

        public bool IsDegraded => _hasOlder || Damage is not null || Fault is not null;

        public void Add(StoredObject stored, FileHandle file)
        {
            ulong newest = _copies.Count == 0 ? 0 : _copies[0].Stored.Metadata.Generation;
            if (stored.Metadata.Generation < newest)
            {
                _hasOlder = true;
                file.Dispose();
                return;
            }

            if (stored.Metadata.Generation > newest)
            {
                _hasOlder |= _copies.Count > 0;
                Dispose();
            }
            else
            {
                // One generation is one record: kept once.
                stored = new StoredObject(_copies[0].Stored.Metadata, stored.Disk, stored.Path, stored.AccessedNs);
            }

            _copies.Add((stored, file));
        }

        /// <summary>The chain of them, which is the caller's. Those that erasure coding has made, and will bring to its own number, are told to nobody as copies.</summary>
        public OpenObject Take(Bucket bucket, BucketProperties properties)
        {
            OpenObject? chain = null;
            for (int i = _copies.Count - 1; i > 0; i--)
            {
                chain = new OpenObject(_copies[i].Stored, _copies[i].File, chain) { Bucket = bucket };
            }

            StoredObject first = _copies[0].Stored;
            bool isCoded = properties.Ec.Enabled || first.Metadata.Kind == RecordKind.Stripe;
            StoredObject[] others = isCoded ? [] : [.. _copies.Skip(1).Select(copy => copy.Stored)];
            var open = new OpenObject(new StoredObject(first.Metadata, first.Disk, first.Path, first.AccessedNs, others), _copies[0].File, chain) { Bucket = bucket };
            _copies.Clear();
            return open;
        }

        public void Dispose()
        {
            _copies.ForEach(copy => copy.File.Dispose());
            _copies.Clear();
        }
    }
}

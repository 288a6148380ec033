using System.Buffers;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;
using Sluice.Engine.Recovery;
using Sluice.Engine.Redundancy;
using Sluice.Simulation.Tests.Disk;
using Sluice.Simulation.Tests.Faults;

namespace Sluice.Simulation.Tests.Matrix;

/// <summary>What one commit of a bench writes: "2+4" is two heads and four parts, each on its own disk; "2+4s" has a sidecar beside each head.</summary>
public sealed record SetShape(int Heads, int Parts, bool HasSidecars)
{
    public bool IsWide => Heads + Parts > 1;

    public static SetShape Parse(string text)
    {
        int[] counts = [.. text.TrimEnd('s').Split('+').Select(count => int.Parse(count, CultureInfo.InvariantCulture))];
        return new SetShape(counts[0], counts[1], text.EndsWith('s'));
    }

    public IReadOnlyList<KeyValuePair<string, string>> Custom => HasSidecars ? Session.ManyPairs('s') : Session.FewPairs("set");
}

/// <summary>One generation as it was written.</summary>
public sealed record CommittedSet(ulong Generation, byte[] Content, SetShape Shape);

/// <summary>
/// The commit of replica sets by itself, several in a row under one name, on as many disks as the largest has members: heads first in HRW
/// order, then chunks and slices by turns.
/// </summary>
public sealed partial class ReplicaSetBench : IPartMap
{
    private static readonly ObjectName s_name = ObjectName.From("dir/set");
    private readonly SimulatedTime _time = new();
    private readonly Bucket _bucket;
    private readonly ulong _digest;
    private readonly SetShape[] _shapes;
    private readonly IFileIo _io;
    private RelaxedFlusher[] _flushers = [];
    private ObjectDisk[] _disks = [];
    private ObjectLookup? _lookup;
    private ObjectCommit? _commit;
    private ObjectReconciler? _reconciler;
    private NestedNames? _nested;
    private ulong _instance;

    /// <summary><paramref name="scenario"/>: the shapes of the commits, "1+0,2+4,1+0".</summary>
    public ReplicaSetBench(string scenario, JournalMode mode, Durability durability = Durability.Strict, Func<IFileIo, IFileIo>? twin = null)
    {
        _shapes = [.. scenario.Split(',').Select(SetShape.Parse)];
        Disk = new SimulatedDisk(_shapes.Max(shape => shape.Heads + shape.Parts));
        Disk.SetMode(mode);
        Faults = new FaultyFileIo(Disk);
        _io = twin?.Invoke(Faults) ?? Faults;
        _bucket = new Bucket(new BucketRecord(Session.Bucket, BucketProperties.Default with { Bid = 77, Durability = durability, WasRelaxed = durability == Durability.Relaxed }));
        _digest = Hrw.Digest(Session.Bucket.UnamePrefix.Span, s_name.Utf8.Span);
    }

    public SimulatedDisk Disk { get; }

    public FaultyFileIo Faults { get; }

    /// <summary>The disks as the engine sees them: behind the faults and a twin.</summary>
    public IFileIo Io => _io;

    /// <summary>What recovery did when the bench was opened last.</summary>
    public RecoveryReport Recovered { get; private set; } = new();

    /// <summary>Stands in for the map of parts that records do not have yet; a known-bad one knows of none.</summary>
    public bool KnowsParts { get; init; } = true;

    /// <summary>Commits of the scenario.</summary>
    public int CommitCount => _shapes.Length;

    /// <summary>Generations that were begun, oldest first.</summary>
    public List<CommittedSet> Committed { get; } = [];

    /// <summary>Opens the disks and settles what is on them.</summary>
    public async Task OpenAsync()
    {
        var locks = new NameLock();
        var clock = new ObjectClock(_time);
        var disks = new List<ObjectDisk>();
        foreach (string path in Disk.Mountpaths)
        {
            ulong digest = Hrw.IdDigest(Encoding.ASCII.GetBytes(path));
            disks.Add(new ObjectDisk(disks.Count, path, (await _io.OpenRootAsync(path)).Value, _io, ++_instance) { IdDigest = digest });
        }

        _disks = [.. disks];
        _lookup = new ObjectLookup(new DiskTable(new DiskSet(_disks, searchAll: true)), locks, new CacheSizes(1024, 64), NullLogger.Instance);
        _flushers = [.. _disks.Select(disk => new RelaxedFlusher(disk, clock, static _ => ValueTask.CompletedTask, NullLogger.Instance))];
        _nested = new NestedNames(locks, _lookup);
        var heads = new HeadPublisher(_lookup, locks, _nested, clock);
        _reconciler = new ObjectReconciler(_lookup, new CopiesRedundancy(_lookup, locks, heads, this, [], NullLogger.Instance), []);
        _commit = new ObjectCommit(_lookup, locks, heads, clock, disk => _flushers[disk.Index], this, NullLogger.Instance);
        DiskState[] states = [.. _disks.Select(_ => new DiskState(Clean: false, FlushedGeneration: 0))];
        Recovered = await new StartupRecovery(_disks, states, _lookup, locks, heads, this, NullLogger.Instance).RunAsync([_bucket]);
    }

    /// <summary>Makes the scenario's commit of that number (from 0); noted before it is sealed, so that a crash in it knows what it wrote.</summary>
    public async Task CommitAsync(int number)
    {
        SetShape shape = _shapes[number];
        var content = new byte[6000 + number];
        new Random(number).NextBytes(content);
        var blocks = new BlockDigests(lengthBytes: null);
        blocks.Append(content);
        var body = new ReceivedBody
        {
            SizeBytes = content.Length,
            Checksum = Digest.Of(ChecksumType.XxHash2, content),
            BlockDigests = blocks.Finish(),
        };
        ObjectDisk[] order = Order();
        await using ReplicaSet set = ReplicaSet.Rent(_bucket, s_name, _digest);
        for (int i = 0; i < shape.Heads + shape.Parts; i++)
        {
            WorkFile work = await WorkFile.CreateAsync(order[i], _bucket, _digest);
            int part = i;
            set.Add(i < shape.Heads ? Head(work, content, shape) : new ReplicaMember
            {
                Role = MemberRole.Part,
                PartKind = PartKindOf(i),
                PartNumber = i,
                Work = work,
                SealAsync = (file, metadata) => WriteAsync(file, PartBytes(part, metadata.Generation)),
            });
            if (i < shape.Heads)
            {
                await WriteAsync(work, content);
            }
        }

        Result<StoredObject> stored = await _commit!.CommitAsync(set, body, shape.Custom);
        Assert.True(stored.Ok, stored.Error?.Message);
    }

    /// <summary>Makes durable what relaxed commits left to the flusher.</summary>
    public async Task FlushAsync()
    {
        foreach (RelaxedFlusher flusher in _flushers)
        {
            await flusher.FlushAsync();
        }
    }

    /// <summary>The process ends.</summary>
    public void Crash(Crash crash)
    {
        Disk.End(crash);
        Faults.Disarm();
    }

    /// <summary>True when the commit is on stable storage when it is acknowledged: also in a relaxed bucket when it is wide or replaces heads elsewhere.</summary>
    public bool IsDurable(int number) => _bucket.Properties.Durability == Durability.Strict
        || _shapes[number].IsWide || (number > 0 && _shapes[number - 1].Heads > 1);

    /// <summary>
    /// What is wrong with what the disks hold: one generation stands, whole, on all its heads, and alone; not one before
    /// <paramref name="oldest"/> (-1: perhaps none).
    /// </summary>
    public async Task<List<string>> SurveyAsync(int oldest)
    {
        List<ObjectPlace> heads = await _lookup!.PlacesAsync(_bucket, s_name, _digest, everywhere: true);
        List<ulong> generations = [.. heads.Select(head => head.Stored?.Metadata.Generation ?? 0).Distinct()];
        if (generations.Count > 1 || generations.Contains(0UL))
        {
            return [$"heads of generations {string.Join(' ', generations)} stand beside each other"];
        }

        int index = generations.Count == 0 ? -1 : Committed.FindIndex(one => one.Generation == generations[0]);
        var violations = new List<string>();
        if (index < oldest)
        {
            violations.Add($"commit {index} stands, {oldest} was acknowledged");
        }

        if (index >= 0)
        {
            await CompareHeadsAsync(violations, heads, Committed[index]);
        }

        ComparePartsAndLeftovers(violations, index < 0 ? null : Committed[index]);
        return violations;
    }

    public IEnumerable<PartPlace> PartsOf(ulong digest, ObjectPlace head)
    {
        CommittedSet? set = KnowsParts ? Committed.Find(one => one.Generation == head.Stored?.Metadata.Generation) : null;
        ObjectDisk[] order = Order();
        return new RecordedParts(static _ => null).PartsOf(digest, head).Concat(Enumerable.Range(set?.Shape.Heads ?? 0, set?.Shape.Parts ?? 0)
            .Select(i => new PartPlace(order[i], new PartName(PartKindOf(i), digest, set!.Generation, i))));
    }

    public void Close()
    {
        _lookup!.Dispose();
        foreach (ObjectDisk disk in _disks)
        {
            disk.Dispose();
            disk.Root.Dispose();
        }

        Assert.Equal(0, Disk.OpenCount);
    }

    private static PartKind PartKindOf(int member) => member % 2 == 0 ? PartKind.Chunk : PartKind.Slice;

    private static byte[] PartBytes(int part, ulong generation)
    {
        var bytes = new byte[5000];
        new Random((part * 7919) ^ (int)generation).NextBytes(bytes);
        return bytes;
    }

    private static async ValueTask WriteAsync(WorkFile work, byte[] bytes) =>
        work.Disk.Check(await work.Disk.Io.WriteFullyAsync(work.File, new ReadOnlySequence<byte>(bytes), 0), "write", work.Path.Span);

    private ReplicaMember Head(WorkFile work, byte[] content, SetShape shape) => new()
    {
        Role = MemberRole.Head,
        Work = work,
        SealAsync = (file, metadata) =>
        {
            if (!Committed.Exists(one => one.Generation == metadata.Generation))
            {
                Committed.Add(new CommittedSet(metadata.Generation, content, shape));
            }

            return RecordFiles.SetAsync(file.Disk, file.File, metadata, file.Path);
        },
    };

    private ObjectDisk[] Order() => _lookup!.Disks.Current.Ranked(_digest);

    private async Task CompareHeadsAsync(List<string> violations, List<ObjectPlace> heads, CommittedSet standing)
    {
        foreach (ObjectDisk disk in Order().Take(standing.Shape.Heads).Where(disk => !heads.Exists(head => head.Disk == disk)))
        {
            violations.Add($"the head on {disk.Path} is missing");
        }

        if (heads.Count > standing.Shape.Heads)
        {
            violations.Add($"{heads.Count} heads stand for {standing.Shape.Heads}");
        }

        foreach (ObjectPlace head in heads)
        {
            using FileHandle file = (await head.Disk.Io.OpenAsync(head.Disk.Root, head.Path.Whole, OpenIntent.Read)).Value;
            byte[] content = (await head.Disk.Io.ReadFileAsync(file, 1 << 20)).Value;
            if (!content.AsSpan().SequenceEqual(standing.Content) || !head.Stored!.Metadata.Custom.SequenceEqual(standing.Shape.Custom))
            {
                violations.Add($"the head on {head.Disk.Path} is torn");
            }
        }
    }

    private void ComparePartsAndLeftovers(List<string> violations, CommittedSet? standing)
    {
        ObjectDisk[] order = Order();
        List<(string Path, SimulatedInode Inode)> files = [.. Disk.Tree().Where(entry => entry.Inode.Kind == EntryKind.File)];
        for (int i = 0; standing is not null && i < standing.Shape.Heads + standing.Shape.Parts; i++)
        {
            bool isHead = i < standing.Shape.Heads;
            if (isHead && !standing.Shape.HasSidecars)
            {
                continue;
            }

            var name = new PartName(isHead ? PartKind.Sidecar : PartKindOf(i), _digest, standing.Generation, isHead ? 0 : i);
            string path = $"{order[i].Path}/{Encoding.ASCII.GetString(name.PathIn(_bucket))}";
            int found = files.RemoveAll(file => file.Path == path
                && (isHead || file.Inode.Data.AsSpan().SequenceEqual(PartBytes(i, standing.Generation)))); // a head without its sidecar is torn
            if (found == 0)
            {
                violations.Add($"part {i} of the generation that stands is missing or torn");
            }
        }

        files.RemoveAll(file => file.Path.Contains("/%ob/", StringComparison.Ordinal));
        if (_bucket.Properties.Durability == Durability.Relaxed)
        {
            // A relaxed object that a power cut tore is set aside, as in the matrix.
            files.RemoveAll(file => file.Path.Contains("/.sluice/quarantine/", StringComparison.Ordinal));
        }

        violations.AddRange(files.Select(file => $"leaked: {file.Path}"));
    }
}

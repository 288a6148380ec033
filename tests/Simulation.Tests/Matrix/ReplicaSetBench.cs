using System.Buffers;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;
using Sluice.Engine.Recovery;
using Sluice.Simulation.Tests.Disk;
using Sluice.Simulation.Tests.Faults;

namespace Sluice.Simulation.Tests.Matrix;

/// <summary>
/// The commit of a replica set by itself, on as many disks as it has members: heads first in HRW order, parts behind them. A part is a
/// record of kind Sidecar that names its object, the only kind of part that recovery can read today.
/// </summary>
public sealed class ReplicaSetBench
{
    private static readonly ObjectName s_name = ObjectName.From("dir/set");
    private readonly SimulatedTime _time = new();
    private readonly Bucket _bucket;
    private readonly ulong _digest;
    private readonly int _headCount;
    private ObjectDisk[] _disks = [];
    private ObjectLookup? _lookup;
    private ObjectCommit? _commit;
    private ulong _instance;

    public ReplicaSetBench(int heads, int parts, JournalMode mode, Durability durability = Durability.Strict)
    {
        _headCount = heads;
        Disk = new SimulatedDisk(heads + parts);
        Disk.SetMode(mode);
        Faults = new FaultyFileIo(Disk);
        _bucket = new Bucket(new BucketRecord(Session.Bucket, BucketProperties.Default with { Bid = 77, Durability = durability, WasRelaxed = durability == Durability.Relaxed }));
        _digest = Hrw.Digest(Session.Bucket.UnamePrefix.Span, s_name.Utf8.Span);
    }

    public SimulatedDisk Disk { get; }

    public FaultyFileIo Faults { get; }

    /// <summary>Generations that were committed, oldest first; their contents by generation.</summary>
    public List<(ulong Generation, byte[] Content)> Committed { get; } = [];

    /// <summary>Opens the disks and settles what is on them.</summary>
    public async Task OpenAsync()
    {
        var locks = new NameLock();
        var clock = new ObjectClock(_time);
        var disks = new List<ObjectDisk>();
        foreach (string path in Disk.Mountpaths)
        {
            disks.Add(new ObjectDisk(disks.Count, path, (await Faults.OpenRootAsync(path)).Value, Faults, ++_instance));
        }

        _disks = [.. disks];
        ulong[] digests = [.. _disks.Select(disk => Hrw.IdDigest(Encoding.ASCII.GetBytes(disk.Path)))];
        _lookup = new ObjectLookup(_disks, digests, locks, new CacheSizes(1024, 64), NullLogger.Instance) { SearchAll = true };
        RelaxedFlusher[] flushers = [.. _disks.Select(disk => new RelaxedFlusher(disk, clock, static _ => ValueTask.CompletedTask, NullLogger.Instance))];
        Func<ObjectDisk, RelaxedFlusher> flusherOf = disk => flushers[disk.Index];
        _commit = new ObjectCommit(_lookup, locks, new HeadPublisher(_lookup, locks, new NestedNames(locks, _lookup), clock), clock, flusherOf, NullLogger.Instance);
        DiskState[] states = [.. _disks.Select(_ => new DiskState(Clean: false, FlushedGeneration: 0))];
        await new StartupRecovery(_disks, states, _lookup, NullLogger.Instance).RunAsync([_bucket]);
    }

    /// <summary>Commits a new generation; noted before it begins, so that a crash in it knows what it wrote.</summary>
    public async Task CommitAsync(int seed)
    {
        var content = new byte[6000 + seed];
        new Random(seed).NextBytes(content);
        var blocks = new BlockDigests();
        blocks.Append(content);
        var body = new ReceivedBody
        {
            SizeBytes = content.Length,
            Checksum = Digest.Of(ChecksumType.XxHash2, content),
            BlockDigests = blocks.Finish(),
        };
        ObjectDisk[] order = Order();
        await using var set = new ReplicaSet(_bucket, s_name, _digest);
        for (int i = 0; i < order.Length; i++)
        {
            WorkFile work = await WorkFile.CreateAsync(order[i], _bucket, _digest);
            if (i < _headCount)
            {
                set.Add(Head(work, content));
                order[i].Check(await order[i].Io.WriteFullyAsync(work.File, new ReadOnlySequence<byte>(content), 0), "write", work.Path.Span);
            }
            else
            {
                int part = i;
                set.Add(new ReplicaMember
                {
                    Role = MemberRole.Part,
                    Work = work,
                    SealAsync = (file, metadata) => SidecarFiles.WriteAsync(file, PartBytes(part, metadata.Generation, metadata.SizeBytes)),
                });
            }
        }

        Result<StoredObject> stored = await _commit!.CommitAsync(set, body, []);
        Assert.True(stored.Ok, stored.Error?.Message);
    }

    /// <summary>The process ends.</summary>
    public void Crash(Crash crash)
    {
        Disk.End(crash);
        Faults.Disarm();
    }

    /// <summary>What is wrong with what the disks hold: the newest surviving generation must be whole, and alone.</summary>
    public async Task<List<string>> SurveyAsync(int acknowledged)
    {
        var violations = new List<string>();
        List<ObjectPlace> heads = await _lookup!.PlacesAsync(_bucket, s_name, _digest, everywhere: true);
        List<ulong> generations = [.. heads.Select(head => head.Stored?.Metadata.Generation ?? 0).Distinct()];
        if (generations.Count > 1 || generations.Contains(0UL))
        {
            return [$"heads of generations {string.Join(' ', generations)} stand beside each other"];
        }

        int index = generations.Count == 0 ? -1 : Committed.FindIndex(one => one.Generation == generations[0]);
        if (index < acknowledged - 1)
        {
            violations.Add($"commit {index} stands, {acknowledged - 1} was acknowledged");
        }

        if (heads.Count > 0 && heads[0].Disk != Order()[0])
        {
            violations.Add("the head on the first mountpath is missing");
        }

        foreach (ObjectPlace head in heads)
        {
            using FileHandle file = (await head.Disk.Io.OpenAsync(head.Disk.Root, head.Path.Whole, OpenIntent.Read)).Value;
            byte[] content = (await head.Disk.Io.ReadFileAsync(file, 1 << 20)).Value;
            if (index < 0 || !content.AsSpan().SequenceEqual(Committed[index].Content))
            {
                violations.Add($"the head on {head.Disk.Path} is torn");
            }
        }

        ComparePartsAndLeftovers(violations, index);
        return violations;
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

    private ReplicaMember Head(WorkFile work, byte[] content) => new()
    {
        Role = MemberRole.Head,
        Work = work,
        SealAsync = (file, metadata) =>
        {
            if (!Committed.Exists(one => one.Generation == metadata.Generation))
            {
                Committed.Add((metadata.Generation, content));
            }

            return RecordFiles.SetAsync(file.Disk, file.File, metadata, file.Path);
        },
    };

    private static byte[] PartBytes(int part, ulong generation, long size) => MetadataRecord.Format(new ObjectMetadata
    {
        Kind = RecordKind.Sidecar,
        SizeBytes = size,
        Bid = 77,
        Generation = generation,
        Custom = [.. Enumerable.Range(0, 60).Select(i => new KeyValuePair<string, string>($"part{part}-{i}", new string('p', 80)))],
        SidecarOf = s_name.Utf8.ToArray(),
    });

    private ObjectDisk[] Order()
    {
        var order = new int[_disks.Length];
        _lookup!.Rank(_digest, order);
        return [.. order.Select(index => _disks[index])];
    }

    private void ComparePartsAndLeftovers(List<string> violations, int index)
    {
        ObjectDisk[] order = Order();
        List<(string Path, SimulatedInode Inode)> files = [.. Disk.Tree().Where(entry => entry.Inode.Kind == EntryKind.File)];
        for (int i = _headCount; i < order.Length && index >= 0; i++)
        {
            (ulong generation, byte[] content) = Committed[index];
            string path = $"{order[i].Path}/@ais/b/%sc/{Encoding.ASCII.GetString(SidecarFiles.NameOf(_digest, generation))}";
            int found = files.RemoveAll(file => file.Path == path
                && file.Inode.Data.AsSpan().SequenceEqual(PartBytes(i, generation, content.Length)));
            if (found == 0)
            {
                violations.Add($"part {i} of the generation that stands is missing or torn");
            }
        }

        files.RemoveAll(file => file.Path.Contains("/%ob/", StringComparison.Ordinal));
        if (_bucket.Properties.Durability == Durability.Relaxed && Disk.Mountpaths.Count == 1)
        {
            // A relaxed object that a power cut tore is set aside, as in the matrix.
            files.RemoveAll(file => file.Path.Contains("/.sluice/quarantine/", StringComparison.Ordinal));
        }

        violations.AddRange(files.Select(file => $"leaked: {file.Path}"));
    }
}

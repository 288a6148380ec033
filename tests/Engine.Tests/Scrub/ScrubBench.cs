using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;
using Sluice.Engine.Placement;
using Sluice.Engine.Scrub;
using Sluice.Engine.Tests.Support;

namespace Sluice.Engine.Tests.Scrub;

/// <summary>An engine whose files a test damages behind its back, and scrubs of it.</summary>
public sealed class ScrubBench : IAsyncDisposable
{
    private const int RecordBytesMax = 4096;

    private ScrubBench(EngineFixture fixture)
    {
        Fixture = fixture;
    }

    public EngineFixture Fixture { get; }

    public static async Task<ScrubBench> NewAsync(int mountpaths = 1, string properties = """{"durability":"relaxed"}""") =>
        new(await EngineFixture.NewAsync(mountpaths, properties));

    public static byte[] Content(int bytes, int seed)
    {
        var content = new byte[bytes];
        new Random(seed).NextBytes(content);
        return content;
    }

    /// <summary>Pairs that need a sidecar, which has about so many bytes.</summary>
    public static KeyValuePair<string, string>[] Pairs(int bytes) => [new("k", new string('v', bytes))];

    public async Task PutAsync(string name, byte[] content, KeyValuePair<string, string>[]? custom = null)
    {
        await Fixture.PutAsync(name, content);
        if (custom is not null)
        {
            Result<ObjectAttributes> set = await Fixture.Io.OnItsThreadAsync(
                () => Fixture.Engine.SetCustomAsync(Caller.Anonymous, Fixture.Bucket, ObjectName.From(name), custom, replaceAll: true));
            Assert.True(set.Ok, set.Error?.Message);
        }
    }

    /// <summary>The only file of a plainly named object.</summary>
    public string FileOf(string name) => Fixture.Paths.Select(path => Path.Combine(path, "@ais/b/%ob", name)).Single(File.Exists);

    /// <summary>The sidecars, all of them.</summary>
    public string[] Sidecars() =>
        [.. Fixture.Paths.Select(path => Path.Combine(path, "@ais/b/%sc")).Where(Directory.Exists).SelectMany(Directory.EnumerateFiles)];

    public static void Flip(string file, long offset, byte bits)
    {
        using FileStream stream = File.Open(file, FileMode.Open, FileAccess.ReadWrite);
        stream.Position = offset;
        int value = stream.ReadByte();
        stream.Position = offset;
        stream.WriteByte((byte)(value ^ bits));
    }

    /// <summary>The record attribute of a file, changed by <paramref name="change"/> and set again.</summary>
    public Task ChangeRecordAsync(string file, Func<byte[], byte[]> change) => ChangeAttributeAsync(file, XattrName.Record, change);

    /// <summary>The same of any attribute of ours.</summary>
    public async Task ChangeAttributeAsync(string file, XattrName attribute, Func<byte[], byte[]> change)
    {
        IFileIo io = Fixture.Io.Io;
        using FileHandle directory = (await io.OpenRootAsync(Path.GetDirectoryName(file)!)).Value;
        using FileHandle handle = (await io.OpenAsync(directory, System.Text.Encoding.UTF8.GetBytes(Path.GetFileName(file)), OpenIntent.ReadWrite)).Value;
        var record = new byte[RecordBytesMax];
        IoResult<int> read = await io.GetXattrAsync(handle, attribute, record);
        IoResult set = await io.SetXattrAsync(handle, attribute, change(read.Ok ? record[..read.Value] : []));
        Assert.True(set.Ok, set.Error.ToString());
    }

    /// <summary>A copy of a file with its record.</summary>
    public async Task CopyAsync(string from, string to)
    {
        byte[] record = [];
        await ChangeRecordAsync(from, old => record = old);
        Directory.CreateDirectory(Path.GetDirectoryName(to)!);
        File.Copy(from, to);
        await ChangeRecordAsync(to, _ => record);
    }

    /// <summary>What a scrubber of its own does to flush a mountpath; what the engine replaced is flushed before it is looked at from outside.</summary>
    public Func<bool> Flush { get; set; } = static () => true;

    /// <summary>Scrubs as a client would have it and answers the ended job.</summary>
    public async Task<Job> ScrubAsync(string settings = "", JobTarget? target = null)
    {
        Result<Job> started = await Fixture.Engine.Jobs.StartAsync(JobKinds.Scrub, new JobRequest(target ?? JobTarget.All, settings), WhenRunning.Refuse);
        Assert.True(started.Ok, started.Error?.Message);
        await started.Value.Ended;
        Assert.True(started.Value.Error.Length == 0, $"{started.Value.Error}: {string.Join("; ", started.Value.Findings.Select(finding => $"{finding.Kind} {finding.Name}: {finding.Detail}"))}");
        return started.Value;
    }

    /// <summary>What a scrub finds: kind and name, in order.</summary>
    public async Task<string[]> FindingsAsync(string settings = "") => Texts(await ScrubAsync(settings));

    public static string[] Texts(Job job) => [.. job.Findings.Select(finding => $"{finding.Kind} {finding.Name}").Order(StringComparer.Ordinal)];

    /// <summary>A scrubber of its own over the same files, which believes that the bucket has other properties or that blocks are what they are not.</summary>
    public async Task<Job> ScrubOtherwiseAsync(
        Func<BucketProperties, BucketProperties>? properties = null, Func<ulong, ulong, bool>? matches = null, IScrubRepair? repair = null)
    {
        BucketRecord record = Fixture.Engine.HeadBucket(Caller.Anonymous, Fixture.Bucket).Value;
        var bucket = new Bucket(record with { Properties = properties?.Invoke(record.Properties) ?? record.Properties });
        List<ObjectDisk> disks = [];
        foreach (string path in Fixture.Paths)
        {
            string uuid = File.Exists(Path.Combine(path, ".sluice/identity")) ? MountpathFixture.UuidOf(path) : Guid.Empty.ToString("D");
            disks.Add(new ObjectDisk(disks.Count, path, (await Fixture.Io.Io.OpenRootAsync(path)).Value, Fixture.Io.Io, instance: 1)
            {
                Uuid = Guid.Parse(uuid),
                IdDigest = Hrw.IdDigest(System.Text.Encoding.ASCII.GetBytes(uuid)),
            });
        }

        var world = new ScrubWorld
        {
            Disks = () => disks,
            Enter = _ => Stream.Null,
            Ranked = digest => Ranked(disks, digest),
            Locks = new NameLock(),
            Time = TimeProvider.System,
            FlushAsync = _ => new(Flush()),
            CheckDocumentsAsync = static (_, _) => new([]),
            ChunksProblemAsync = static (_, _) => new((string?)null),
            Repair = repair ?? new NoRepair(),
        };
        Scrubber scrubber = matches is null ? new Scrubber(world, new ScrubCounters()) : new Scrubber(world, new ScrubCounters()) { Matches = matches };
        Result<Job> started = await Fixture.Engine.Jobs.StartAsync(
            JobKinds.Scrub, JobTarget.All, job => scrubber.RunAsync(job, new ScrubSettings(repair is not null, 0), [bucket], disks), WhenRunning.Refuse);
        await started.Value.Ended;
        disks.ForEach(disk => disk.Root.Dispose());
        disks.ForEach(disk => disk.Dispose());
        return started.Value;
    }

    public ValueTask DisposeAsync() => Fixture.DisposeAsync();

    /// <summary>As the engine has it; in their order where some are no mountpaths.</summary>
    private static ObjectDisk[] Ranked(List<ObjectDisk> disks, ulong digest)
    {
        if (disks.Exists(disk => disk.Uuid == Guid.Empty))
        {
            return [.. disks];
        }

        var order = new int[disks.Count];
        Hrw.Rank(digest, [.. disks.Select(disk => disk.IdDigest)], order);
        return [.. order.Select(index => disks[index])];
    }

    internal sealed class NoRepair : IScrubRepair
    {
        public ValueTask<RepairOutcome> RepairAsync(Bucket bucket, ObjectName name, ulong digest, JobContext job) => ValueTask.FromResult(RepairOutcome.Impossible);

        public ValueTask SettledAsync(ulong digest) => default;

        public ValueTask<RepairOutcome> RepairTombstoneAsync(Bucket bucket, ObjectDisk disk, byte[] file) => ValueTask.FromResult(RepairOutcome.Impossible);
    }
}

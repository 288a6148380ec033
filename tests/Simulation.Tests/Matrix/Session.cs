using System.IO.Pipelines;
using System.Text.Json;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;

namespace Sluice.Simulation.Tests.Matrix;

/// <summary>What one client does, every verb told to the oracle before it begins and when it is acknowledged.</summary>
public sealed class Session(SimulatedHost host, Durability durability, bool isCoded = false)
{
    /// <summary>Objects from here on are sliced in a coded bucket.</summary>
    public const int SlicedFrom = 8_000;

    /// <summary>Slices of data and of parity there.</summary>
    public static readonly (int Data, int Parity) Coding = (2, 1);

    private int _content;
    private bool? _wantsReplica;

    public static BucketName Bucket { get; } = NameOf("b");

    private static BucketName OtherName { get; } = NameOf("c");

    public SimulatedHost Host { get; } = host;

    /// <summary>What the bucket is called, once it has got another name.</summary>
    private History<BucketName> Names { get; } = new();

    public bool IsCoded => isCoded;

    /// <summary>Sliced objects have a replica.</summary>
    public bool KeepsReplica { get; init; }

    /// <summary>They should have one once everything is as the bucket wants it.</summary>
    public bool WantsReplica => _wantsReplica ?? KeepsReplica;

    public Oracle Oracle { get; } = new();

    public BucketLife Life => Oracle.Bucket.Last ?? throw new InvalidOperationException("there is no bucket");

    /// <summary>Pairs whose record stays in the attribute.</summary>
    public static KeyValuePair<string, string>[] FewPairs(string value) => [new("color", value), new("kind", "test")];

    /// <summary>Pairs of more than 4 KiB: they need a sidecar.</summary>
    public static KeyValuePair<string, string>[] ManyPairs(char value) =>
        [.. Enumerable.Range(0, 50).Select(i => new KeyValuePair<string, string>($"key-{i:d3}", new string(value, 90)))];

    /// <summary>The section of a coded bucket, as text of JSON.</summary>
    private string Ec => string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"\"ec\":{{\"enabled\":true,\"data_slices\":{Coding.Data},\"parity_slices\":{Coding.Parity},\"unit\":\"64KiB\",\"objsize_limit\":{SlicedFrom},\"keep_replica\":{(KeepsReplica ? "true" : "false")}}}");

    public Task CreateBucketAsync() => CreateBucketAsync(IsCoded);

    public async Task CreateBucketAsync(bool isCoded)
    {
        string ec = isCoded ? "," + Ec : "";
        using JsonDocument properties = JsonDocument.Parse($$"""{"durability":"{{(durability == Durability.Strict ? "strict" : "relaxed")}}"{{ec}}}""");
        Oracle.Bucket.Begin(new BucketLife { Strict = durability == Durability.Strict });
        Result<BucketRecord> made = await Host.Engine.CreateBucketAsync(Caller.Anonymous, Bucket, properties.RootElement);
        Assert.True(made.Ok, made.Error?.Message);
        Oracle.Bucket.Acknowledge();
    }

    /// <summary>What is there stays as it is until somebody makes it whole.</summary>
    public Task SwitchCodingOnAsync() => SetAsync("{" + Ec + "}");

    /// <summary>The same of replicas.</summary>
    public Task SwitchReplicasAsync(bool on)
    {
        _wantsReplica = on;
        return SetAsync($$$"""{"ec":{"keep_replica":{{{(on ? "true" : "false")}}}}}""");
    }

    private static BucketName NameOf(string text) =>
        BucketName.TryCreate("ais", "", "", text, out BucketName? name, out string? problem) ? name : throw new ArgumentException(problem);

    /// <summary>From here on each PUT is durable, whatever the bucket's durability.</summary>
    public async Task SwitchFsyncOnAsync()
    {
        await SetAsync("""{"features":"16"}""");
        Life.Strict = true;
    }

    private async Task SetAsync(string section)
    {
        using JsonDocument properties = JsonDocument.Parse(section);
        Result<BucketRecord> changed = await Host.Engine.SetBucketPropertiesAsync(Caller.Anonymous, Bucket, properties.RootElement);
        Assert.True(changed.Ok, changed.Error?.Message);
    }

    /// <summary>Brings an object to what the bucket wants; to its readers it stays the same.</summary>
    public async Task MakeWholeAsync(string name)
    {
        Result done = await Host.Engine.MakeWholeAsync(Caller.Anonymous, Bucket, ObjectName.From(name));
        Assert.True(done.Ok, done.Error?.Message);
    }

    /// <summary>A slice is gone, for good.</summary>
    public async Task LoseSliceAsync()
    {
        string path = Host.Disk.Tree().Select(entry => entry.Path).First(path => path.Contains("/%ec/", StringComparison.Ordinal));
        int mountpath = path.IndexOf("/@ais", StringComparison.Ordinal);
        int leaf = path.LastIndexOf('/');
        using FileHandle root = (await Host.Disk.OpenRootAsync(path[..mountpath])).Value;
        using FileHandle directory = (await Host.Disk.OpenAsync(root, System.Text.Encoding.ASCII.GetBytes(path[(mountpath + 1)..leaf]), OpenIntent.Directory)).Value;
        IoResult removed = await Host.Disk.UnlinkAsync(directory, System.Text.Encoding.ASCII.GetBytes(path[(leaf + 1)..]), EntryKind.File);
        Assert.True(removed.Ok && (await Host.Disk.SyncAsync(directory)).Ok, "the slice is removed");
    }

    /// <summary>Gives the bucket the other one of two names.</summary>
    public async Task RenameBucketAsync()
    {
        BucketName from = Names.Last ?? Bucket, to = from == Bucket ? OtherName : Bucket;
        Names.Begin(to);
        Result<Engine.Jobs.Job> renamed = await Host.Engine.RenameBucketAsync(Caller.Anonymous, from, to);
        Assert.True(renamed.Ok, renamed.Error?.Message);
        Names.Acknowledge();
    }

    /// <summary>Behind a crash: the bucket has one name, that which it got or the one before, and gets the first one again. Answers what is wrong.</summary>
    public async Task<string?> SettleNameAsync()
    {
        List<BucketName> found = [.. new[] { Bucket, OtherName }.Where(name => Host.Engine.HeadBucket(Caller.Anonymous, name).Ok)];
        if (found.Count == 0)
        {
            return Names.Last is null ? null : "the bucket has neither name";
        }

        bool isAllowed = found is [var only] && Names.Allowed(acknowledgedSurvives: true).Any(name => (name ?? Bucket) == only);
        if (isAllowed && found[0] != Bucket)
        {
            Assert.True((await Host.Engine.RenameBucketAsync(Caller.Anonymous, OtherName, Bucket)).Ok);
        }

        return isAllowed ? null : $"the bucket is called {string.Join(" and ", found)}";
    }

    public async Task DestroyBucketAsync()
    {
        Oracle.Bucket.Begin(null);
        Result destroyed = await Host.Engine.DestroyBucketAsync(Caller.Anonymous, Bucket);
        Assert.True(destroyed.Ok, destroyed.Error?.Message);
        Oracle.Bucket.Acknowledge();
    }

    /// <summary>From relaxed to strict: what was acknowledged so far is durable when this answers.</summary>
    public async Task MakeStrictAsync()
    {
        Result changed = await TryMakeStrictAsync();
        Assert.True(changed.Ok, changed.Error?.Message);
    }

    public async Task<Result> TryMakeStrictAsync()
    {
        using JsonDocument properties = JsonDocument.Parse("""{"durability":"strict"}""");
        Action flushed = BeginFlush();
        Result<BucketRecord> changed = await Host.Engine.SetBucketPropertiesAsync(Caller.Anonymous, Bucket, properties.RootElement);
        if (!changed.Ok)
        {
            return changed.Error!;
        }

        flushed();
        Life.Strict = true;
        return Result.Done;
    }

    public async Task<Result> TryPutAsync(string name, int size, IReadOnlyList<KeyValuePair<string, string>>? custom = null)
    {
        var content = new byte[size];
        new Random(++_content).NextBytes(content);
        History<ObjectState> history = Life.Of(name);
        var state = new ObjectState(content, (history.Last?.Version ?? 0) + 1, custom ?? []);
        history.Begin(state);
        Result<ObjectAttributes> put = await Host.Engine.PutObjectAsync(
            Caller.Anonymous,
            new PutRequest
            {
                Bucket = Bucket,
                Name = ObjectName.From(name),
                Body = PipeReader.Create(new MemoryStream(content)),
                LengthBytes = size,
                Custom = state.Custom,
            },
            CancellationToken.None);
        if (!put.Ok)
        {
            return put.Error!;
        }

        history.Acknowledge();
        Assert.Equal(state.Checksum, put.Value.Checksum);
        return Result.Done;
    }

    public async Task PutAsync(string name, int size, IReadOnlyList<KeyValuePair<string, string>>? custom = null)
    {
        Result put = await TryPutAsync(name, size, custom);
        Assert.True(put.Ok, put.Error?.Message);
    }

    public async Task DeleteAsync(string name)
    {
        History<ObjectState> history = Life.Of(name);
        history.Begin(null);
        Result deleted = await Host.Engine.DeleteObjectAsync(Caller.Anonymous, Bucket, ObjectName.From(name));
        Assert.True(deleted.Ok, deleted.Error?.Message);
        history.Acknowledge();
    }

    /// <summary>The object gets another name: no crash may leave it without any.</summary>
    public async Task RenameAsync(string name, string to)
    {
        ObjectState moved = Life.Of(name).Last!;
        Life.Of(to).Begin(new ObjectState(moved.Content, (Life.Of(to).Last?.Version ?? 0) + 1, moved.Custom));
        Life.Of(name).Begin(null);
        Life.Moved.Add((name, to));
        Result<ObjectAttributes> renamed = await Host.Engine.RenameObjectAsync(Caller.Anonymous, Bucket, ObjectName.From(name), ObjectName.From(to), CancellationToken.None);
        Assert.True(renamed.Ok, renamed.Error?.Message);
        Life.Of(name).Acknowledge();
        Life.Of(to).Acknowledge();
    }

    /// <summary>Replaces all pairs.</summary>
    public async Task PatchAsync(string name, KeyValuePair<string, string>[] custom)
    {
        History<ObjectState> history = Life.Of(name);
        history.Begin(new ObjectState(history.Last!.Content, history.Last.Version, custom));
        Result<ObjectAttributes> patched =
            await Host.Engine.SetCustomAsync(Caller.Anonymous, Bucket, ObjectName.From(name), custom, replaceAll: true);
        Assert.True(patched.Ok, patched.Error?.Message);
        history.Acknowledge();
    }

    public async Task FlushAsync()
    {
        Action flushed = BeginFlush();
        await Host.Engine.FlushAsync();
        flushed();
    }

    /// <summary>Waits for the jobs that run.</summary>
    public async Task EndOfJobsAsync()
    {
        while (Host.Engine.Jobs.All.FirstOrDefault(job => job.IsRunning) is { } running)
        {
            await running.Ended.WaitAsync(TimeSpan.FromSeconds(30));
        }
    }

    private Action BeginFlush()
    {
        List<Action> all = Oracle.Bucket.Last is { } life ? [.. life.Objects.Values.Select(history => history.BeginFlush())] : [];
        return () => all.ForEach(one => one());
    }
}

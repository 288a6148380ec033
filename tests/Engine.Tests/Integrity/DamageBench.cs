using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Scrub;
using Sluice.Engine.Tests.Support;

namespace Sluice.Engine.Tests.Integrity;

/// <summary>An engine with objects of one size, whose files are damaged; every read is as verify=always has it: a block at a time, compared in the buffer that is answered.</summary>
public sealed class DamageBench : IAsyncDisposable
{
    private const int PutsAtATime = 8;

    private DamageBench(ScrubBench scrubs) => Scrubs = scrubs;

    public ScrubBench Scrubs { get; }

    public EngineFixture Fixture => Scrubs.Fixture;

    public Dictionary<string, byte[]> Contents { get; } = [];

    public static async Task<DamageBench> NewAsync(int mountpaths, string properties) => new(await ScrubBench.NewAsync(mountpaths, properties));

    /// <summary>A store with as many objects as the kind has, which a scrub finds nothing wrong with.</summary>
    public static async Task<DamageBench> NewAsync(FileKind kind, int? objects = null, int? size = null)
    {
        DamageBench bench = await NewAsync(kind.Mountpaths, kind.Properties);
        for (int i = 0; i < (objects ?? kind.Objects); i++)
        {
            bench.Contents.Add($"o{i:d3}", ScrubBench.Content(size ?? kind.Size, seed: i));
        }

        await Parallel.ForEachAsync(
            bench.Contents,
            new ParallelOptions { MaxDegreeOfParallelism = PutsAtATime },
            async (one, _) => await bench.Scrubs.PutAsync(one.Key, one.Value, kind.Pairs > 0 ? ScrubBench.Pairs(kind.Pairs) : null));
        await bench.Fixture.Engine.FlushAsync();
        Assert.Empty(await bench.Scrubs.FindingsAsync());
        return bench;
    }

    /// <summary>What a client gets; null when the object is refused as damaged.</summary>
    public Task<byte[]?> ReadAsync(string name) => Fixture.Io.OnItsThreadAsync(async ValueTask<byte[]?> () =>
    {
        Result<ObjectReader> open = await Fixture.Engine.OpenObjectAsync(Caller.Anonymous, Fixture.Bucket, ObjectName.From(name));
        if (!open.Ok)
        {
            Assert.Equal(ErrorCode.Damaged, open.Error!.Code);
            return null;
        }

        using ObjectReader reader = open.Value;
        Assert.Equal(VerifyMode.Always, reader.Verify);
        Assert.False(reader.MaySend(0, reader.SizeBytes) || reader.MaySendSmall(0, reader.SizeBytes), "it would go out as it lies in the page cache");
        var content = new byte[reader.SizeBytes];
        var block = new byte[Limits.BlockBytes];
        for (int i = 0; i < reader.Stored.Metadata.BlockCount; i++)
        {
            Result<BlockSource> read = await reader.ReadBlockAsync(i, block);
            if (!read.Ok)
            {
                Assert.Equal(ErrorCode.Damaged, read.Error!.Code);
                return null;
            }

            block.AsSpan(0, reader.BlockBytes(i)).CopyTo(content.AsSpan(i * Limits.BlockBytes));
        }

        return content;
    });

    /// <summary>All objects are read, and are exactly what was put.</summary>
    public async Task AllAreExactAsync(string context)
    {
        foreach ((string name, byte[] content) in Contents)
        {
            byte[]? read = await ReadAsync(name);
            Assert.True(read is not null, $"{context}: {name} is refused");
            Assert.True(content.AsSpan().SequenceEqual(read), $"{context}: {name} has wrong bytes");
        }
    }

    /// <summary>Nothing is cached any more: what is on disk is read anew.</summary>
    public async Task ReopenAsync()
    {
        await Fixture.CloseAsync();
        await Fixture.OpenAsync();
    }

    /// <summary>A scrub finds exactly this, with these actions.</summary>
    public async Task<Job> FindsAsync(IEnumerable<string> expected, string context, string settings = "", string? action = null)
    {
        Job job = await Scrubs.ScrubAsync(settings);
        string[] wanted = [.. expected.Order(StringComparer.Ordinal)];
        string[] found = ScrubBench.Texts(job);
        Assert.True(
            wanted.SequenceEqual(found),
            $"{context}: missed [{string.Join(", ", wanted.Except(found))}], and found besides [{string.Join(", ", job.Findings.Where(one => !wanted.Contains($"{one.Kind} {one.Name}")))}], {wanted.Length} and {found.Length}");
        Assert.All(job.Findings, finding => Assert.True(action is null || finding.Action == action, $"{context}: {finding}"));
        return job;
    }

    public ValueTask DisposeAsync() => Scrubs.DisposeAsync();
}

using System.Text;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;

namespace Sluice.Engine.Tests;

/// <summary>
/// The caches seen from outside: bounded however many objects there are, never stale, and a file that is being sent outlives its entry.
/// </summary>
public sealed class CacheTests
{
    private const int ManyObjects = 400;

    [Fact]
    public async Task OpenFilesAndMetadataAreBounded()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2);
        await fixture.CloseAsync();
        await fixture.OpenAsync(With(fixture, openFiles: Limits.Shards, memory: 1));
        int idle = fixture.Io.OpenCount;
        for (int i = 0; i < ManyObjects; i++)
        {
            await fixture.PutAsync($"n{i}", $"content {i}");
            Assert.Equal($"content {i}", await fixture.GetTextAsync($"n{i}"));
            Assert.InRange(await CounterAsync(fixture, "cache.files"), 0, Limits.Shards);
        }

        Assert.InRange(await CounterAsync(fixture, "cache.metadata"), 1, 1024); // the floor of EngineOptions.CacheSizes
        Assert.InRange(fixture.Io.OpenCount - idle, 1, Limits.Shards + 12); // and some directories, those of the indexes too
        for (int i = 0; i < ManyObjects; i++)
        {
            Assert.Equal($"content {i}", await fixture.GetTextAsync($"n{i}"));
        }
    }

    [Fact]
    public async Task AFileThatIsBeingSentSurvivesEvictionOverwriteAndDelete()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        await fixture.CloseAsync();
        await fixture.OpenAsync(With(fixture, openFiles: Limits.Shards, memory: 1));
        string[] names = ["evicted", "overwritten", "deleted", "destroyed"];
        var readers = new List<ObjectReader>();
        foreach (string name in names)
        {
            await fixture.PutAsync(name, $"old {name}");
            readers.Add(await OpenAsync(fixture, name));
        }

        for (int i = 0; i < ManyObjects; i++)
        {
            await fixture.PutAsync($"n{i}", "x");
            Assert.NotNull(await fixture.GetAsync($"n{i}"));
        }

        await fixture.PutAsync("overwritten", "new");
        Assert.True((await fixture.DeleteAsync("deleted")).Ok);
        Assert.True((await fixture.Engine.DestroyBucketAsync(Caller.Anonymous, fixture.Bucket)).Ok);
        for (int i = 0; i < names.Length; i++)
        {
            var content = new byte[readers[i].SizeBytes];
            Assert.Equal(content.Length, (await readers[i].ReadAsync(content, 0)).Value);
            Assert.Equal($"old {names[i]}", Encoding.UTF8.GetString(content));
            Assert.True((await readers[i].VerifyAsync(0, content.Length)).Ok);
            readers[i].Dispose();
            Assert.True(readers[i].Handle.IsClosed);
        }
    }

    [Fact]
    public async Task TwoReadersShareOneOpenFileAndTheLastOneClosesIt()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        await fixture.PutAsync("x", "content");
        ObjectReader one = await OpenAsync(fixture, "x");
        int open = fixture.Io.OpenCount;
        ObjectReader two = await OpenAsync(fixture, "x");
        Assert.Equal(open, fixture.Io.OpenCount);
        await fixture.DeleteAsync("x");
        Assert.Equal(open, fixture.Io.OpenCount);
        one.Dispose();
        Assert.Equal(open, fixture.Io.OpenCount);
        two.Dispose();
        Assert.Equal(open - 1, fixture.Io.OpenCount);
    }

    [Fact]
    public async Task ACachedObjectIsNeverStale()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2);
        for (int i = 1; i <= 20; i++)
        {
            await fixture.PutAsync("x", $"content {i}");
            Assert.Equal($"content {i}", await fixture.GetTextAsync("x"));
            Assert.Equal($"{i}", (await HeadAsync(fixture)).Value.Version);
            await fixture.Engine.SetCustomAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From("x"), [new("i", $"{i}")], replaceAll: true);
            Assert.Equal([new("i", $"{i}")], (await HeadAsync(fixture)).Value.Custom);
        }

        await fixture.DeleteAsync("x");
        Assert.False((await HeadAsync(fixture)).Ok);
        Assert.Equal(0, await CounterAsync(fixture, "cache.files"));
        Assert.Equal(0, await CounterAsync(fixture, "cache.metadata"));
    }

    private static async Task<Result<ObjectAttributes>> HeadAsync(EngineFixture fixture) =>
        await fixture.Engine.HeadObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From("x"));

    private static async Task<ObjectReader> OpenAsync(EngineFixture fixture, string name)
    {
        Result<ObjectReader> open = await fixture.Engine.OpenObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From(name));
        Assert.True(open.Ok, open.Error?.Message);
        return open.Value;
    }

    private static async Task<long> CounterAsync(EngineFixture fixture, string name) => (await fixture.Engine.StatusAsync()).Counters[name];

    private static EngineOptions With(EngineFixture fixture, int openFiles, long memory) => new()
    {
        Mountpaths = fixture.Paths,
        AllowSharedDisk = true,
        MemoryBytes = memory,
        OpenFilesMax = openFiles,
        FlushInterval = TimeSpan.Zero,
    };
}

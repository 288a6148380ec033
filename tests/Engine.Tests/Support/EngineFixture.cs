using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Listing;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Tests.Support;

/// <summary>
/// A real engine over real directories, opened and reopened at will. Disposing closes it and asserts that nothing leaked: no open file, no
/// locked name, no work file.
/// </summary>
public sealed class EngineFixture : IAsyncDisposable
{
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("sluice-engine-");
    private ObjectEngine? _engine;

    private EngineFixture(int mountpaths)
    {
        Paths = [.. Enumerable.Range(0, mountpaths).Select(i => Directory.CreateDirectory(Path.Combine(_home.FullName, $"mp{i}")).FullName)];
    }

    public List<string> Paths { get; }

    private Sluice.Engine.Names.SqliteNameStores? _stores;

    public TestedFileIo Io { get; } = new(TestedFileIo.Default);

    /// <summary>Whether there are indexes of names from the next opening on.</summary>
    public void KeepNames(bool keeps) => _stores = keeps ? new(NullLogger.Instance) : null;

    /// <summary>What the engine's verbs pass through from the next opening on.</summary>
    public Func<IFileIo, IFileIo> Over { get; set; } = static io => io;

    /// <summary>The engine's clock from the next opening on.</summary>
    public TimeProvider Time { get; set; } = TimeProvider.System;

    public ObjectEngine Engine => _engine ?? throw new InvalidOperationException("the engine is closed");

    public bool IsOpen => _engine is not null;

    /// <summary>The bucket that verbs are of.</summary>
    public BucketName Bucket { get; set; } = Name("b");

    public static BucketName Name(string bucket) =>
        BucketName.TryCreate("ais", "", "", bucket, out BucketName? name, out string? problem) ? name : throw new ArgumentException(problem);

    /// <summary>With an open engine and a bucket; with indexes of names if it <paramref name="keepsNames"/>.</summary>
    public static async Task<EngineFixture> NewAsync(int mountpaths = 1, string properties = "null", bool keepsNames = false)
    {
        var fixture = new EngineFixture(mountpaths);
        fixture.KeepNames(keepsNames);
        await fixture.OpenAsync();
        Result<BucketRecord> made = await fixture.Engine.CreateBucketAsync(Caller.Anonymous, fixture.Bucket, Json(properties));
        Assert.True(made.Ok, made.Error?.Message);
        return fixture;
    }

    public static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;

    public EngineOptions Options => new()
    {
        Mountpaths = Paths,
        AllowSharedDisk = true,
        MemoryBytes = 64 << 20,
        OpenFilesMax = 256,
        FlushInterval = TimeSpan.Zero,
        Health = new() { Interval = TimeSpan.Zero },
    };

    public async Task OpenAsync(EngineOptions? options = null)
    {
        Result<ObjectEngine> opened = await TryOpenAsync(options);
        Assert.True(opened.Ok, opened.Error?.Message);
        _engine = opened.Value;
    }

    /// <summary>Opens an engine that the caller looks after: for what is expected to be refused.</summary>
    public Task<Result<ObjectEngine>> TryOpenAsync(EngineOptions? options = null)
    {
        Children.Settle();
        return ObjectEngine.OpenAsync(options ?? Options, new EngineEnvironment { Io = Over(Io.Io), Time = Time, Log = NullLogger.Instance, NameStores = _stores });
    }

    public async Task CloseAsync()
    {
        ObjectEngine engine = Engine;
        await RepairedAsync();
        _engine = null;
        await engine.DisposeAsync(); // jobs and repairs on the way hold names until then
        Assert.Equal(0, engine.HeldNameCount);
        Assert.Equal(0, Io.OpenCount);
    }

    /// <summary>Whatever was found damaged is repaired, or was tried to be: nobody holds a name in the background.</summary>
    public async Task RepairedAsync()
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        while (Engine.Repairs.Count > 0)
        {
            Assert.True(watch.Elapsed < TimeSpan.FromMinutes(1), "a repair does not end");
            await Task.Yield();
        }
    }

    public async Task<Result<ObjectAttributes>> TryPutAsync(string name, byte[] content, Checksum expected = default, long? length = null)
    {
        return await Io.OnItsThreadAsync(() => Engine.PutObjectAsync(
            Caller.Anonymous,
            new PutRequest
            {
                Bucket = Bucket,
                Name = ObjectName.From(name),
                Body = PipeReader.Create(new MemoryStream(content)),
                LengthBytes = length ?? content.Length,
                Expected = expected,
            },
            CancellationToken.None));
    }

    public async Task<ObjectAttributes> PutAsync(string name, byte[] content)
    {
        Result<ObjectAttributes> put = await TryPutAsync(name, content);
        Assert.True(put.Ok, put.Error?.Message);
        return put.Value;
    }

    public Task<ObjectAttributes> PutAsync(string name, string content) => PutAsync(name, Encoding.UTF8.GetBytes(content));

    public Task<byte[]?> GetAsync(string name) => Io.OnItsThreadAsync(() => ReadAsync(name));

    private async ValueTask<byte[]?> ReadAsync(string name)
    {
        Result<ObjectReader> open = await Engine.OpenObjectAsync(Caller.Anonymous, Bucket, ObjectName.From(name));
        if (!open.Ok)
        {
            Assert.Equal(Contract.ErrorCode.ObjectNotFound, open.Error!.Code);
            return null;
        }

        using ObjectReader reader = open.Value;
        var content = new byte[reader.SizeBytes];
        Result<int> read = await reader.ReadAsync(content, 0);
        Assert.True(read.Ok, read.Error?.Message);
        Assert.True((await reader.VerifyAsync(0, reader.SizeBytes)).Ok);
        return content;
    }

    public async Task<string?> GetTextAsync(string name) => await GetAsync(name) is { } content ? Encoding.UTF8.GetString(content) : null;

    public async Task<Result> DeleteAsync(string name) => await Io.OnItsThreadAsync(() => Engine.DeleteObjectAsync(Caller.Anonymous, Bucket, ObjectName.From(name)));

    public async Task<ListPage> ListAsync(string prefix = "", string after = "", int pageSize = 1000, bool flat = false, bool attributes = true)
    {
        Result<ListPage> page = await Io.OnItsThreadAsync(() => Engine.ListObjectsAsync(
            Caller.Anonymous,
            new ListRequest
            {
                Bucket = Bucket,
                Prefix = Encoding.UTF8.GetBytes(prefix),
                After = Encoding.UTF8.GetBytes(after),
                PageSize = pageSize,
                NonRecursive = flat,
                WithAttributes = attributes,
            },
            CancellationToken.None));
        Assert.True(page.Ok, page.Error?.Message);
        return page.Value;
    }

    public async Task<string[]> NamesAsync(string prefix = "", bool flat = false) =>
        [.. (await ListAsync(prefix, flat: flat)).Entries.Select(entry => Encoding.UTF8.GetString(entry.Name.Span))];

    /// <summary>Files in all work directories: 0 whenever no request is in flight and relaxed writes are flushed.</summary>
    public int WorkFileCount() => WorkFiles().Count();

    /// <summary>The same files.</summary>
    public IEnumerable<string> WorkFiles() => Paths
        .SelectMany(path => Directory.EnumerateFileSystemEntries(path, "*", SearchOption.AllDirectories))
        .Where(file => file.Contains("/%wk/", StringComparison.Ordinal));

    public async ValueTask DisposeAsync()
    {
        if (_engine is not null)
        {
            await CloseAsync();
        }

        Assert.Empty(WorkFiles());
        Io.Dispose();
        _home.Delete(recursive: true);
    }
}

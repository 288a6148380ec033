using System.Text;
using Sluice.Contract;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Tests.Support;
using Sluice.Simulation.Tests.Faults;

namespace Sluice.Engine.Tests.Jobs;

/// <summary>An engine that may promote what lies below one directory, and the files there.</summary>
internal sealed class PromotionBench : IAsyncDisposable
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(60);
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("sluice-promote-");

    private PromotionBench(EngineFixture fixture)
    {
        Fixture = fixture;
        Root = Directory.CreateDirectory(Path.Combine(_home.FullName, "root")).FullName;
    }

    public EngineFixture Fixture { get; }

    /// <summary>The promote root.</summary>
    public string Root { get; }

    /// <summary>What lies beside the root.</summary>
    public string Outside => _home.FullName;

    public static async Task<PromotionBench> NewAsync(int mountpaths = 2, string properties = "null", Func<PromotionBench, IEnumerable<string>>? roots = null, Func<IFileIo, IFileIo>? over = null)
    {
        var bench = new PromotionBench(await EngineFixture.NewAsync(mountpaths, properties));
        await bench.Fixture.CloseAsync();
        bench.Fixture.Over = over ?? bench.Fixture.Over;
        await bench.Fixture.OpenAsync(bench.Fixture.Options with { PromoteRoots = [.. roots is null ? [bench.Root] : roots(bench)] });
        return bench;
    }

    /// <summary>Makes a file below the root, and the directories that lead to it; answers its path.</summary>
    public string Write(string path, string content) => Write(path, Encoding.UTF8.GetBytes(content));

    public string Write(string path, byte[] content)
    {
        string full = Path.Combine(Root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllBytes(full, content);
        return full;
    }

    public PromotionRequest Request(string source = "", string prefix = "") => new()
    {
        Bucket = Fixture.Bucket, Source = Encoding.UTF8.GetBytes(Path.Combine(Root, source)), Prefix = Encoding.UTF8.GetBytes(prefix),
    };

    public Task<Result<Promotion>> StartAsync(PromotionRequest request) =>
        Fixture.Io.OnItsThreadAsync(() => Fixture.Engine.PromoteAsync(Caller.Anonymous, request, CancellationToken.None));

    /// <summary>The job of a promotion that has one, when it has ended.</summary>
    public async Task<Job> EndedAsync(PromotionRequest request)
    {
        Result<Promotion> started = await StartAsync(request);
        Assert.True(started.Ok, started.Error?.Message);
        Assert.NotNull(started.Value.Job);
        await started.Value.Job.Ended.WaitAsync(s_deadline);
        return started.Value.Job;
    }

    public async Task RefusedAsync(PromotionRequest request, ErrorCode code, string sentence)
    {
        Result<Promotion> started = await StartAsync(request);
        Assert.False(started.Ok, $"{Encoding.UTF8.GetString(request.Source.Span)} is promoted");
        Assert.Equal(code, started.Error!.Code);
        Assert.Contains(sentence, started.Error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Fixture.Engine.Jobs.All, job => job.Kind == JobKinds.Promote);
    }

    public async ValueTask DisposeAsync()
    {
        await Fixture.DisposeAsync();
        using var remove = System.Diagnostics.Process.Start("rm", ["-rf", _home.FullName]); // some names are no text
        await remove.WaitForExitAsync();
    }
}

/// <summary>Does something when a file of a name has been read, or is about to be removed.</summary>
internal sealed class WatchedSources(IFileIo inner) : DelegatingFileIo(inner)
{
    private readonly Dictionary<FileHandle, string> _open = [];

    /// <summary>Is told the name of each file that is read, behind the read.</summary>
    public Func<string, Task> Read { get; set; } = static _ => Task.CompletedTask;

    /// <summary>Is told the name of each file that is removed, before it is.</summary>
    public Action<string> Remove { get; set; } = static _ => { };

    /// <summary>Names whose bytes were made durable, or whose file system was, so far.</summary>
    public int Syncs { get; private set; }

    public override async ValueTask<IoResult<FileHandle>> OpenAsync(FileHandle directory, ReadOnlyMemory<byte> path, OpenIntent intent)
    {
        IoResult<FileHandle> opened = await base.OpenAsync(directory, path, intent);
        if (opened.Ok && intent == OpenIntent.Read)
        {
            lock (_open)
            {
                _open[opened.Value] = Encoding.UTF8.GetString(path.Span);
            }
        }

        return opened;
    }

    public override async ValueTask<IoResult<int>> ReadAsync(FileHandle file, Memory<byte> buffer, long offset)
    {
        IoResult<int> read = await base.ReadAsync(file, buffer, offset);
        string? name;
        lock (_open)
        {
            _open.TryGetValue(file, out name);
        }

        if (name is not null)
        {
            await Read(name); // nobody blocks a thread of the disks for another verb on them
        }

        return read;
    }

    public override ValueTask<IoResult> UnlinkAsync(FileHandle directory, ReadOnlyMemory<byte> name, EntryKind kind)
    {
        Remove(Encoding.UTF8.GetString(name.Span));
        return base.UnlinkAsync(directory, name, kind);
    }

    public override async ValueTask<IoResult> SyncAsync(FileHandle file)
    {
        IoResult synced = await base.SyncAsync(file);
        Syncs++;
        return synced;
    }

    public override async ValueTask<IoResult> SyncFileSystemAsync(FileHandle file)
    {
        IoResult synced = await base.SyncFileSystemAsync(file);
        Syncs++;
        return synced;
    }
}

using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Sluice.Engine.Jobs;
using Sluice.Engine.Listing;
using Sluice.Engine.Names;
using Sluice.Engine.Objects;
using Sluice.Engine.Scrub;
using Sluice.Engine.Tests.Support;
using Sluice.Native.Sqlite;

namespace Sluice.Engine.Tests.Names;

/// <summary>Listings by the index of names, over stops, kills and what may happen to its files. That a listing is right is shown by walks over the same directories.</summary>
public sealed class NameIndexTests
{
    private static readonly string[] s_names = ["a", "a/b", "a/b/c", "d/", "..", "e//f", "%o", new string('x', 600), "sub/é", "plain.txt"];

    [Theory]
    [InlineData(1, "strict")]
    [InlineData(3, "strict")]
    [InlineData(3, "relaxed")]
    public async Task AfterAnOrderlyStopNothingIsMadeAnew(int mountpaths, string durability)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(mountpaths, $$"""{"durability":"{{durability}}"}""", keepsNames: true);
        await PutAllAsync(fixture);
        await fixture.DeleteAsync("a/b");
        await MadeAsync(fixture);
        (string, long)[] listed = await SizesAsync(fixture);
        Assert.Equal(s_names.Where(name => name != "a/b").Select(name => (name, (long)name.Length)).OrderBy(pair => pair.name, ByteOrder), listed);
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        await MadeAsync(fixture);
        Assert.Equal(0, await CounterAsync(fixture, "index.made"));
        Assert.Equal(listed, await SizesAsync(fixture));
        await fixture.PutAsync("new", "content");
        Assert.Contains(("new", 7), await SizesAsync(fixture));
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        await MadeAsync(fixture);
        Assert.Equal(0, await CounterAsync(fixture, "index.made"));
        Assert.Contains(("new", 7), await SizesAsync(fixture));
    }

    [Theory]
    [InlineData("no store")]
    [InlineData("no mark")]
    [InlineData("no directory")]
    [InlineData("another store")]
    [InlineData("a torn store")]
    [InlineData("a torn mark")]
    public async Task WhatCannotBeTrustedIsMadeAnew(string what)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(1, keepsNames: true);
        await PutAllAsync(fixture);
        await MadeAsync(fixture);
        await fixture.CloseAsync();
        string directory = Path.Combine(fixture.Paths[0], ".sluice/index");
        string store = Assert.Single(Directory.GetFiles(directory, "*.db"));
        string mark = Assert.Single(Directory.GetFiles(directory, "*.clean"));
        if (what == "another store")
        {
            byte[] old = File.ReadAllBytes(store);
            await fixture.OpenAsync();
            await fixture.PutAsync("unknown to the old one", "content");
            await fixture.CloseAsync();
            File.WriteAllBytes(store, old);
        }

        Action harm = what switch
        {
            "no store" => () => File.Delete(store),
            "no mark" => () => File.Delete(mark),
            "no directory" => () => Directory.Delete(directory, recursive: true),
            "a torn store" => () => File.WriteAllBytes(store, File.ReadAllBytes(store)[..4096]),
            "a torn mark" => () => File.WriteAllBytes(mark, File.ReadAllBytes(mark)[..10]),
            _ => () => { },
        };
        harm();
        await fixture.OpenAsync();
        string[] wanted = what == "another store" ? [.. s_names, "unknown to the old one"] : s_names;
        Assert.Equal(wanted.OrderBy(name => name, ByteOrder), await fixture.NamesAsync()); // walked, or made by now
        await MadeAsync(fixture);
        Assert.Equal(1, await CounterAsync(fixture, "index.made"));
        Assert.Equal(wanted.OrderBy(name => name, ByteOrder), (await SizesAsync(fixture)).Select(pair => pair.Name));
    }

    /// <summary>A store that turns out to be damaged in the midst of a listing: that begins again without it, and the store is made anew.</summary>
    [Fact]
    public async Task AListingGoesOnWithoutAStoreThatIsDamaged()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(1, keepsNames: true);
        for (int i = 0; i < 300; i++)
        {
            await fixture.PutAsync($"{i:d3} {new string('n', 200)}", "content");
        }

        await MadeAsync(fixture);
        await fixture.CloseAsync();
        string store = Assert.Single(Directory.GetFiles(Path.Combine(fixture.Paths[0], ".sluice/index"), "*.db"));
        byte[] bytes = File.ReadAllBytes(store);
        int page = bytes.AsSpan().LastIndexOf("250 nnn"u8) / 4096 * 4096;
        bytes.AsSpan(page, 4096).Fill(0xee);
        File.WriteAllBytes(store, bytes);
        await fixture.OpenAsync();
        Assert.Equal(300, (await fixture.NamesAsync()).Length);
        await MadeAsync(fixture);
        Assert.Equal(1, await CounterAsync(fixture, "index.made"));
        Assert.Equal(300, (await fixture.NamesAsync()).Length);
    }

    /// <summary>What a kill leaves is what the mountpaths hold while the engine runs: a copy of them is opened.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task BehindAKillOnlyChangedBucketsAreMadeAnew(int mountpaths)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(mountpaths, keepsNames: true);
        await PutAllAsync(fixture);
        Assert.True((await fixture.Engine.CreateBucketAsync(Caller.Anonymous, EngineFixture.Name("untouched"), default)).Ok);
        fixture.Bucket = EngineFixture.Name("untouched");
        await PutAllAsync(fixture);
        await MadeAsync(fixture);
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        fixture.Bucket = EngineFixture.Name("b");
        await fixture.PutAsync("late", "content");
        for (int i = 0; i < 40; i++)
        {
            await fixture.PutAsync($"late/{i}", "content"); // so that each mountpath has some
        }

        await fixture.DeleteAsync("a");
        DirectoryInfo copies = Directory.CreateTempSubdirectory("sluice-killed-");
        List<string> paths = [.. fixture.Paths];
        try
        {
            using (var copy = Process.Start("cp", ["-a", .. fixture.Paths, copies.FullName]))
            {
                await copy.WaitForExitAsync(TestContext.Current.CancellationToken);
                Assert.Equal(0, copy.ExitCode);
            }

            string[] wanted = await fixture.NamesAsync();
            Assert.Contains("late", wanted);
            await fixture.CloseAsync();
            paths.ForEach(path => fixture.Paths[fixture.Paths.IndexOf(path)] = Path.Combine(copies.FullName, Path.GetFileName(path)));
            await fixture.OpenAsync(fixture.Options with { AllowMoved = true });
            Assert.Equal(wanted, await fixture.NamesAsync());
            await MadeAsync(fixture);
            Assert.Equal(mountpaths, await CounterAsync(fixture, "index.made"));
            Assert.Equal(wanted, (await SizesAsync(fixture)).Select(pair => pair.Name));
            fixture.Bucket = EngineFixture.Name("untouched");
            Assert.Equal(s_names.OrderBy(name => name, ByteOrder), await fixture.NamesAsync());
            await fixture.CloseAsync();
        }
        finally
        {
            fixture.Paths.Clear();
            fixture.Paths.AddRange(paths);
            copies.Delete(recursive: true);
        }
    }

    /// <summary>An index that says other than the files is found by a scrub, and by <c>fsck</c>; with repair it is made anew.</summary>
    [Theory]
    [InlineData("DELETE FROM names WHERE name = CAST('a/b' AS BLOB)", "a/b")]
    [InlineData("INSERT INTO names VALUES(CAST('nobody' AS BLOB), 14)", "nobody")]
    [InlineData("UPDATE names SET value = value + 2 WHERE name = CAST('plain.txt' AS BLOB)", "plain.txt")]
    public async Task AScrubFindsWhatAnIndexSaysWrong(string harm, string name)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(1, keepsNames: true);
        await PutAllAsync(fixture);
        await MadeAsync(fixture);
        await fixture.CloseAsync();
        string store = Assert.Single(Directory.GetFiles(Path.Combine(fixture.Paths[0], ".sluice/index"), "*.db"));
        Assert.Equal(SqliteError.None, SqliteDatabase.Open(store, create: false, out SqliteDatabase? database));
        using (database)
        {
            Assert.Equal(SqliteError.None, database!.Execute(harm));
        }

        Assert.Equal([(name, "reported")], await CheckedAsync(fixture, repair: false));
        Assert.Equal([(name, "repaired")], await CheckedAsync(fixture, repair: true));
        Assert.Empty(await CheckedAsync(fixture, repair: true));
        await fixture.OpenAsync();
        await MadeAsync(fixture);
        Assert.Equal(s_names.Select(one => (one, (long)one.Length)).OrderBy(pair => pair.one, ByteOrder), await SizesAsync(fixture));
        Assert.Empty(await CheckedAsync(fixture, repair: false, offline: false));
    }

    private static async Task<(string, string)[]> CheckedAsync(EngineFixture fixture, bool repair, bool offline = true)
    {
        if (!offline)
        {
            Result<Job> started = await fixture.Engine.Jobs.StartAsync(JobKinds.Scrub, new JobRequest(JobTarget.All, repair ? """{"repair":true}""" : ""), WhenRunning.Refuse);
            Assert.True(started.Ok, started.Error?.Message);
            await started.Value.Ended;
            return [.. started.Value.Findings.Select(finding => (finding.Name, finding.Action))];
        }

        var environment = new EngineEnvironment { Io = fixture.Io.Io, Time = TimeProvider.System, Log = NullLogger.Instance, NameStores = new SqliteNameStores(NullLogger.Instance) };
        Result<Job> done = await ObjectEngine.CheckAsync(fixture.Options, environment, new ScrubSettings(repair, 0), static _ => { }, CancellationToken.None);
        Assert.True(done.Ok, done.Error?.Message);
        Assert.All(done.Value.Findings, static finding => Assert.Equal("index", finding.Kind));
        return [.. done.Value.Findings.Select(finding => (finding.Name, finding.Action))];
    }

    /// <summary>A run without indexes changes names and leaves the marks: no run behind it trusts them, however short it is.</summary>
    [Fact]
    public async Task WhatARunWithoutIndexesChangedIsListed()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(1, keepsNames: true);
        await fixture.PutAsync("a", "content");
        await fixture.PutAsync("b", "content");
        await MadeAsync(fixture);
        await fixture.CloseAsync();
        Assert.NotEmpty(Marks());
        fixture.KeepNames(false);
        await fixture.OpenAsync();
        await fixture.PutAsync("c", "content");
        Assert.True((await fixture.DeleteAsync("a")).Ok);
        await fixture.CloseAsync();
        Assert.NotEmpty(Marks());
        fixture.KeepNames(true);
        await fixture.OpenAsync();
        Assert.Empty(Marks());
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        Assert.Equal(["b", "c"], await fixture.NamesAsync());

        string[] Marks() => Directory.GetFiles(Path.Combine(fixture.Paths[0], ".sluice/index"), "*.clean");
    }

    [Fact]
    public async Task ADestroyedBucketLeavesNoFiles()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2, keepsNames: true);
        await PutAllAsync(fixture);
        await MadeAsync(fixture);
        Assert.True((await fixture.Engine.DestroyBucketAsync(Caller.Anonymous, fixture.Bucket)).Ok);
        Assert.All(fixture.Paths, path => Assert.Empty(Directory.Exists(Path.Combine(path, ".sluice/index")) ? Directory.GetFiles(Path.Combine(path, ".sluice/index")) : []));
        Assert.True((await fixture.Engine.CreateBucketAsync(Caller.Anonymous, fixture.Bucket, default)).Ok);
        Assert.Empty(await fixture.NamesAsync());
        await fixture.PutAsync("x", "content");
        Assert.Equal(["x"], await fixture.NamesAsync());
    }

    /// <summary>Names come and go while the index is made, over and over: in the end it is what the directories are.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task AnIndexThatIsMadeBesideWritersIsRight(int seed)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(2, """{"durability":"relaxed"}""", keepsNames: true);
        var random = new Random(seed);
        var model = new Dictionary<string, long>();
        for (int i = 0; i < 300; i++)
        {
            await ChangeAsync(fixture, model, random);
        }

        for (int round = 0; round < 4; round++)
        {
            await fixture.CloseAsync();
            fixture.Paths.ForEach(static path => Directory.Delete(Path.Combine(path, ".sluice/index"), recursive: true));
            await fixture.OpenAsync();
            for (int i = 0; i < 100; i++)
            {
                await ChangeAsync(fixture, model, random);
                if (i % 10 == 0)
                {
                    Assert.Equal(model.Keys.OrderBy(name => name, ByteOrder), await fixture.NamesAsync());
                }
            }

            await MadeAsync(fixture);
            Assert.Equal(model.Select(pair => (pair.Key, pair.Value)).OrderBy(pair => pair.Key, ByteOrder), await SizesAsync(fixture));
        }
    }

    /// <summary>More changes than are kept in memory, and pages in between.</summary>
    [Fact]
    public async Task AnAcknowledgedChangeIsInTheNextList()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(1, """{"durability":"relaxed"}""", keepsNames: true);
        await MadeAsync(fixture);
        int there = 0;
        for (int i = 0; i < 9000; i++)
        {
            await fixture.PutAsync($"n/{i * 7919 % 9000:d4}", "content");
            there++;
            if (i % 3 == 2)
            {
                Assert.True((await fixture.DeleteAsync($"n/{(i - 1) * 7919 % 9000:d4}")).Ok);
                there--;
            }

            if (i % 500 == 0)
            {
                string name = $"n/{i * 7919 % 9000:d4}";
                Assert.Equal(name, Encoding.ASCII.GetString((await fixture.ListAsync(name, pageSize: 1, attributes: false)).Entries[0].Name.Span));
                Assert.Equal(there, await CountAsync(fixture));
            }
        }

        Assert.Equal(there, await CountAsync(fixture));
        Assert.Equal(1, await CounterAsync(fixture, "index.made"));
    }

    private static IComparer<string> ByteOrder { get; } =
        Comparer<string>.Create(static (one, other) => Encoding.UTF8.GetBytes(one).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(other)));

    private static async Task ChangeAsync(EngineFixture fixture, Dictionary<string, long> model, Random random)
    {
        string name = string.Join('/', Enumerable.Range(0, random.Next(1, 4)).Select(_ => "abcd"[random.Next(4)]));
        if (random.Next(3) == 0)
        {
            Assert.Equal(model.Remove(name), (await fixture.DeleteAsync(name)).Ok);
        }
        else
        {
            model[name] = random.Next(1, 3000);
            await fixture.PutAsync(name, new byte[model[name]]);
        }
    }

    private static async Task PutAllAsync(EngineFixture fixture)
    {
        foreach (string name in s_names)
        {
            await fixture.PutAsync(name, "an older one, of another size");
            await fixture.PutAsync(name, new byte[name.Length]);
        }
    }

    private static async Task<int> CountAsync(EngineFixture fixture)
    {
        int count = 0;
        for (string after = ""; ;)
        {
            ListPage page = await fixture.ListAsync(after: after, pageSize: 1000, attributes: false);
            count += page.Entries.Count;
            if (page.ContinuationToken.IsEmpty)
            {
                return count;
            }

            after = Encoding.UTF8.GetString(page.ContinuationToken.Span);
        }
    }

    private static async Task<(string Name, long Size)[]> SizesAsync(EngineFixture fixture)
    {
        Result<ListPage> page = await fixture.Io.OnItsThreadAsync(() => fixture.Engine.ListObjectsAsync(
            Caller.Anonymous, new ListRequest { Bucket = fixture.Bucket, PageSize = 1000, WithSizes = true }, CancellationToken.None));
        Assert.True(page.Ok, page.Error?.Message);
        return [.. page.Value.Entries.Select(entry => (Encoding.UTF8.GetString(entry.Name.Span), entry.Size!.Value.Bytes))];
    }

    private static async Task<long> CounterAsync(EngineFixture fixture, string name) => (await fixture.Engine.StatusAsync()).Counters[name];

    private static async Task MadeAsync(EngineFixture fixture)
    {
        var watch = Stopwatch.StartNew();
        while (await CounterAsync(fixture, "index.waiting") > 0)
        {
            Assert.True(watch.Elapsed < TimeSpan.FromMinutes(1), "an index is never made");
            await Task.Yield();
        }
    }
}

using System.Text;
using Sluice.Contract;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;
using Sluice.Engine.Sources;
using Sluice.Engine.Tests.Chunks;
using Sluice.Engine.Tests.Support;

namespace Sluice.Engine.Tests.Jobs;

/// <summary>Files of the server become objects, and go only when that is sure; what cannot become one is told, and does not hold up the others.</summary>
public sealed class PromotionTests
{
    [Fact]
    public async Task ADirectoryGivesItsFilesAndWithRecursionThoseBelow()
    {
        await using PromotionBench bench = await PromotionBench.NewAsync();
        string top = bench.Write("d/top", "first");
        string inner = bench.Write("d/inner/x/file", "within");
        bench.Write("d/empty", "");
        Job flat = await bench.EndedAsync(bench.Request("d", "p/"));
        Assert.Equal((JobKinds.Promote, bench.Fixture.Bucket, 2, 5, 2, ""), (flat.Kind, flat.Target.Bucket, flat.Objects, flat.Bytes, flat.ObjectsExpected, flat.Error));
        Assert.Equal(["p/empty", "p/top"], await bench.Fixture.NamesAsync());
        File.WriteAllText(top, "second, and longer");
        Job deep = await bench.EndedAsync(bench.Request("d/", "p/") with { IsRecursive = true, Overwrites = true, DeletesSource = true });
        Assert.Equal((3, 24, ""), (deep.Objects, deep.Bytes, deep.Error));
        Assert.Equal(["p/empty", "p/inner/x/file", "p/top"], await bench.Fixture.NamesAsync());
        Assert.Equal(("second, and longer", "within", ""), (await bench.Fixture.GetTextAsync("p/top"), await bench.Fixture.GetTextAsync("p/inner/x/file"), await bench.Fixture.GetTextAsync("p/empty")));
        Assert.False(File.Exists(top) || File.Exists(inner));
        Assert.True(Directory.Exists(Path.GetDirectoryName(inner)), "directories stay");
        Assert.Equal(0, (await bench.EndedAsync(bench.Request("d", "p/") with { IsRecursive = true })).Objects);
    }

    [Theory]
    [InlineData("", "file.txt")]
    [InlineData("other", "other")]
    [InlineData("dir/", "dir/file.txt")]
    [InlineData("dir/other", "dir/other")]
    public async Task ASmallFileIsPromotedAtOnce(string prefix, string name)
    {
        await using PromotionBench bench = await PromotionBench.NewAsync();
        string file = bench.Write("file.txt", "content");
        Result<Promotion> promoted = await bench.StartAsync(bench.Request("file.txt", prefix));
        Assert.Null(promoted.Value.Job);
        Assert.Equal((7, "1"), (promoted.Value.Stored!.Value.SizeBytes, promoted.Value.Stored.Value.Version));
        Assert.Equal([name], await bench.Fixture.NamesAsync());
        Assert.Equal("content", await bench.Fixture.GetTextAsync(name));

        File.WriteAllText(file, "changed");
        promoted = await bench.StartAsync(bench.Request("file.txt", prefix) with { DeletesSource = true });
        Assert.Equal((null, null), (promoted.Value.Job, promoted.Value.Stored)); // an object is there
        Assert.Equal(("content", true), (await bench.Fixture.GetTextAsync(name), File.Exists(file)));
        promoted = await bench.StartAsync(bench.Request("file.txt", prefix) with { DeletesSource = true, Overwrites = true });
        Assert.Equal("2", promoted.Value.Stored!.Value.Version);
        Assert.Equal(("changed", false), (await bench.Fixture.GetTextAsync(name), File.Exists(file)));
    }

    [Fact]
    public async Task ObjectsThatAreThereStayAndAreCountedAsSkipped()
    {
        await using PromotionBench bench = await PromotionBench.NewAsync();
        await bench.Fixture.PutAsync("a", "old");
        string kept = bench.Write("a", "new");
        bench.Write("b", "new");
        Job job = await bench.EndedAsync(bench.Request() with { DeletesSource = true });
        Assert.Equal((1, "1 skipped: an object is there", ""), (job.Objects, job.Detail, job.Error));
        Assert.Equal(("old", "new", true), (await bench.Fixture.GetTextAsync("a"), await bench.Fixture.GetTextAsync("b"), File.Exists(kept)));
    }

    [Theory]
    [InlineData("""{"chunks":{"objsize_limit":1048576,"chunk_size":1048576}}""", 5)]
    [InlineData("""{"durability":"relaxed","chunks":{"objsize_limit":1048576,"chunk_size":1048576}}""", 5)]
    [InlineData("""{"durability":"relaxed"}""", 0)]
    [InlineData("""{"mirror":{"enabled":true,"copies":2}}""", 0)]
    [InlineData("""{"ec":{"enabled":true,"data_slices":2,"parity_slices":1,"objsize_limit":0}}""", 0)]
    public async Task ALargeFileIsStoredAsItsBucketHasIt(string properties, int chunks)
    {
        WatchedSources? watched = null;
        await using PromotionBench bench = await PromotionBench.NewAsync(3, properties, over: io => watched = new WatchedSources(io));
        byte[] content = UploadBench.Bytes(new Random(1), Limits.PromotedAtOnceBytesMax + 12_345);
        string file = bench.Write("large", content);
        int syncs = -1;
        watched!.Remove = name => syncs = name == "large" ? watched.Syncs : syncs;
        int before = watched.Syncs;
        Job job = await bench.EndedAsync(bench.Request("large", "l") with { DeletesSource = true });
        Assert.Equal((1, content.Length, content.Length, ""), (job.Objects, job.Bytes, job.BytesExpected, job.Error));
        ObjectAttributes stored = (await bench.Fixture.Io.OnItsThreadAsync(() => bench.Fixture.Engine.HeadObjectAsync(Caller.Anonymous, bench.Fixture.Bucket, ObjectName.From("l")))).Value;
        Assert.Equal((content.Length, chunks), (stored.SizeBytes, stored.ChunkCount));
        if (chunks > 0)
        {
            await UploadBench.CompareAsync(bench.Fixture, "l", content, new Random(2));
            Assert.True(syncs > before, "the file was removed before anything was flushed");
        }
        else
        {
            Assert.Equal(content, await bench.Fixture.GetAsync("l"));
        }

        Assert.False(File.Exists(file));
    }

    [Theory]
    [InlineData("""{"durability":"relaxed"}""")]
    [InlineData("""{"durability":"strict"}""")]
    public async Task AFileGoesBehindTheDurabilityOfItsObject(string properties)
    {
        WatchedSources? watched = null;
        await using PromotionBench bench = await PromotionBench.NewAsync(1, properties, over: io => watched = new WatchedSources(io));
        bench.Write("f", "small");
        (int before, int atRemoval) = (watched!.Syncs, 0);
        watched.Remove = name => atRemoval = name == "f" ? watched.Syncs : atRemoval;
        Assert.NotNull((await bench.StartAsync(bench.Request("f") with { DeletesSource = true })).Value.Stored);
        Assert.True(atRemoval > before, $"{before} files were synced before, and {atRemoval} when the source went");
    }

    [Fact]
    public async Task WhatCannotBecomeAnObjectIsToldAndTheRestIsPromoted()
    {
        await using PromotionBench bench = await PromotionBench.NewAsync(1, roots: static bench => [bench.Outside]);
        string mountpath = Path.Combine(bench.Root, "mp"); // which joins while the server runs
        Directory.CreateDirectory(mountpath);
        Assert.True((await bench.Fixture.Engine.Mountpaths.AttachAsync(mountpath)).Ok);
        bench.Write("good", "1");
        bench.Write("d/good", "2");
        bench.Write("bad\u0001name", "3");
        string secret = Path.Combine(bench.Outside, "secret");
        File.WriteAllText(secret, "secret");
        File.CreateSymbolicLink(Path.Combine(bench.Root, "link"), secret);
        File.CreateSymbolicLink(Path.Combine(bench.Root, "dangling"), "nowhere");
        Directory.CreateSymbolicLink(Path.Combine(bench.Root, "up"), bench.Outside);
        Run("mkfifo", Path.Combine(bench.Root, "pipe"));
        Run("/bin/sh", "-c", $"printf 4 > '{bench.Root}/'\"$(printf 'b\\377d')\"");
        Job job = await bench.EndedAsync(bench.Request() with { IsRecursive = true });
        Assert.Equal(["d/good", "good"], await bench.Fixture.NamesAsync());
        Assert.Equal((2, 7), (job.Objects, job.Failed));
        Assert.StartsWith("7 objects could not be done; the first: \"", job.Error, StringComparison.Ordinal);
        Assert.Equal(
            ["bad\u0001name name", "b\ufffdd name", "dangling kind", "link kind", "mp denied", "pipe kind", "up kind"],
            job.Findings.Select(finding => $"{finding.Name} {finding.Kind}").Order(StringComparer.Ordinal));
        Assert.All(job.Findings, finding => Assert.Equal(("ais://b", "", "not promoted"), (finding.Bucket, finding.Mountpath, finding.Action)));
        Assert.Equal("secret", File.ReadAllText(secret));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AFileThatIsChangedWhileItIsReadIsNotStored(bool grows)
    {
        WatchedSources? watched = null;
        await using PromotionBench bench = await PromotionBench.NewAsync(1, over: io => watched = new WatchedSources(io));
        string file = bench.Write("d/f", new byte[3 << 20]);
        bench.Write("d/other", "stays as it is");
        watched!.Read = name =>
        {
            if (name == "f")
            {
                using FileStream stream = File.OpenWrite(file);
                stream.SetLength(grows ? (3 << 20) + 1 : 1 << 20);
            }

            return Task.CompletedTask;
        };
        Job job = await bench.EndedAsync(bench.Request("d") with { DeletesSource = true });
        Assert.Equal((1, 14, 1), (job.Objects, job.Bytes, job.Failed));
        Assert.Equal(("f", "changed"), (job.Findings.Single().Name, job.Findings.Single().Kind));
        Assert.Equal(["other"], await bench.Fixture.NamesAsync());
        Assert.True(File.Exists(file));
        Assert.Equal(0, bench.Fixture.WorkFileCount());
    }

    [Fact]
    public async Task AFileThatIsNotTheOneThatWasReadAnyMoreStays()
    {
        WatchedSources? watched = null;
        await using PromotionBench bench = await PromotionBench.NewAsync(1, over: io => watched = new WatchedSources(io));
        string file = bench.Write("d/f", "as it was read");
        watched!.Read = name =>
        {
            if (name == "f")
            {
                File.Move(bench.Write("new", "as it was read"), file, overwrite: true); // the same to the eye
            }

            return Task.CompletedTask;
        };
        Job job = await bench.EndedAsync(bench.Request("d") with { DeletesSource = true });
        Assert.Equal((1, 1, "kept", "stored"), (job.Objects, job.Failed, job.Findings.Single().Kind, job.Findings.Single().Action));
        Assert.Contains("\"f\" is stored, and its file stays: \"f\" was changed since it was read", job.Error, StringComparison.Ordinal);
        Assert.Equal(("as it was read", true), (await bench.Fixture.GetTextAsync("f"), File.Exists(file)));
        watched.Read = static _ => Task.CompletedTask;
        Assert.Equal((1, ""), ((await bench.EndedAsync(bench.Request("d") with { DeletesSource = true, Overwrites = true })).Objects, ""));
        Assert.False(File.Exists(file));
    }

    [Fact]
    public async Task AStoppedJobLeavesWhatItHasDoneAndNothingHalf()
    {
        WatchedSources? watched = null;
        await using PromotionBench bench = await PromotionBench.NewAsync(1, over: io => watched = new WatchedSources(io));
        for (int i = 0; i < 200; i++)
        {
            bench.Write($"d/{i:d3}", $"content {i}");
        }

        bench.Write("d/100", new byte[20 << 20]);
        watched!.Read = name =>
        {
            if (name == "100") // the first block of twenty
            {
                bench.Fixture.Engine.Jobs.Abort(bench.Fixture.Engine.Jobs.All.Single(job => job.Kind == JobKinds.Promote).Id, "enough");
            }

            return Task.CompletedTask;
        };
        Job job = await bench.EndedAsync(bench.Request("d") with { DeletesSource = true });
        Assert.True(job.IsAborted);
        string[] names = await bench.Fixture.NamesAsync();
        Assert.Equal(job.Objects, names.Length);
        Assert.DoesNotContain("100", names);
        Assert.Equal(Enumerable.Range(0, 200).Select(i => $"{i:d3}").Except(names), Directory.GetFiles(Path.Combine(bench.Root, "d")).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal));
        Assert.Equal(0, bench.Fixture.WorkFileCount());
    }

    [Fact]
    public async Task ABucketThatForbidsItMeanwhileEndsTheJob()
    {
        WatchedSources? watched = null;
        await using PromotionBench bench = await PromotionBench.NewAsync(1, over: io => watched = new WatchedSources(io));
        for (int i = 0; i < 100; i++)
        {
            bench.Write($"d/{i}", "content");
        }

        watched!.Read = _ => bench.Fixture.Engine.SetBucketPropertiesAsync(Caller.Anonymous, bench.Fixture.Bucket, EngineFixture.Json("""{"access":"rw"}""")).AsTask();
        Job job = await bench.EndedAsync(bench.Request("d"));
        Assert.InRange(job.Objects, 0, 99);
        Assert.Contains("PROMOTE access denied", job.Error, StringComparison.Ordinal);
        Assert.Equal(ErrorCode.AccessDenied, (await bench.StartAsync(bench.Request("d"))).Error!.Code);
        Assert.Equal(ErrorCode.BucketNotFound, (await bench.StartAsync(bench.Request("d") with { Bucket = EngineFixture.Name("nosuch") })).Error!.Code);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(1000)]
    public async Task AWalkMeetsEachFileOnceHoweverFewItKeeps(int entriesMax)
    {
        await using PromotionBench bench = await PromotionBench.NewAsync(1);
        List<string> expected = [];
        for (int i = 0; i < 40; i++)
        {
            string path = $"{(i % 3 == 0 ? "" : i % 3 == 1 ? "d/" : "d/e/")}{i}";
            expected.Add(path);
            bench.Write(path, "");
        }

        IFileIo io = bench.Fixture.Io.Io;
        using FileHandle root = (await bench.Fixture.Io.OnItsThreadAsync(() => io.OpenRootAsync(bench.Root))).Value;
        var avoided = new AvoidedDirectories(io, static () => "", static () => []);
        List<string> met = await bench.Fixture.Io.OnItsThreadAsync(async () =>
        {
            List<string> met = [];
            await foreach (SourceEntry entry in SourceTree.EntriesAsync(io, root, isRecursive: true, avoided, entriesMax, CancellationToken.None))
            {
                using (entry)
                {
                    met.Add(Encoding.UTF8.GetString(entry.Path));
                }
            }

            return met;
        });
        Assert.Equal(expected.Order(StringComparer.Ordinal), met.Order(StringComparer.Ordinal));
    }

    private static void Run(params string[] command)
    {
        using var process = System.Diagnostics.Process.Start(command[0], command[1..]);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}

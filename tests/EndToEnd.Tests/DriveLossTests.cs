// Eight drives that are shut down, made read-only, filled up and swapped, never more at a time than parity or further copies, under readers that compare every
// byte; and that come back with what was on them when they left.
using System.Globalization;
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class DriveLossTests
{
    [Fact]
    public async Task NoReaderNoticesThatDrivesFailOneAfterAnotherAndComeBackStale()
    {
        await using DriveRun run = await DriveRun.StartAsync();
        await run.IsWholeAsync("at first");

        // As many at once as there is parity, and as there are further copies.
        await Eventually.TrueAsync("the drive is read-only", () => run.Disks.TryMakeReadOnly(1));
        run.Disks.CutPower(0);
        await run.AreOutAsync(0, 1);
        await run.ChangeAsync(mayBeFull: false);
        await run.IsWholeAsync("without the drive that was shut down and the one that is read-only");
        await Eventually.TrueAsync("the drive can be unmounted", () => run.Disks.TryUnmount(0));
        run.Disks.Mount(0);
        run.Disks.MakeWritable(1);
        run.AreStale(0, 1);
        await run.EnableAsync(0, 1);
        await run.IsWholeAsync("when both are back");

        // One that is full, and one in whose place an empty one is found.
        run.Disks.Fill(2);
        run.Disks.Swap(3, "xfs");
        await run.AreOutAsync(3);
        await run.ChangeAsync(mayBeFull: true);
        await run.IsWholeAsync("with one drive full and one swapped", DriveRun.Mirrored);
        Assert.Contains("is another drive mounted?", await run.RefusedAsync("enable", run.Disks.Paths[3]), StringComparison.Ordinal);
        run.Disks.Empty(2);
        await Eventually.TrueAsync("the empty drive can be unmounted", () => run.Disks.TryUnmount(3));
        await Eventually.TrueAsync("the drive can be mounted again", () => run.Disks.TryMount(3));
        run.AreStale(3);
        await run.EnableAsync(3);
        await run.IsWholeAsync("when there is room again, and the right drive");

        // One that is swapped for good, then, with all that it held made again, another.
        run.Disks.Swap(4, "xfs");
        await run.AreOutAsync(4);
        await run.ChangeAsync(mayBeFull: false);
        await run.ReplaceAsync(4);
        await run.IsWholeAsync("with a new drive");
        run.Disks.CutPower(5);
        await run.AreOutAsync(5);
        await run.ChangeAsync(mayBeFull: false);
        await run.IsWholeAsync("without the last one");
        await Eventually.TrueAsync("the last drive can be unmounted", () => run.Disks.TryUnmount(5));
        run.Disks.Mount(5);
        run.AreStale(5);
        await run.EnableAsync(5);
        await run.IsWholeAsync("when the last one is back");
        string? old = null;
        await Eventually.TrueAsync("the drive that was replaced can be mounted elsewhere", () => (old = run.Disks.TryMountElsewhere(4)) is not null);
        Assert.NotEmpty(StoredCopies.KeptOn(old!, DriveRun.Mirrored));
        Assert.Contains("was taken out of this cluster; empty it", await run.RefusedAsync("attach", old!), StringComparison.Ordinal);

        await run.EndAsync();
        await run.DetectorsTellAsync();
    }

    /// <summary>TEST_DRIVE_ROUNDS: how many times a drive fails; two seconds each. One object was lost in 65 rounds where a repair took what was stored anew for a copy too many.</summary>
    [Fact]
    public async Task NoReaderNoticesThatEachDriveFailsInItsTurnUnderObjectsThatComeAndGo()
    {
        int rounds = int.TryParse(Environment.GetEnvironmentVariable("TEST_DRIVE_ROUNDS"), CultureInfo.InvariantCulture, out int given) ? given : 3;
        await using DriveRun run = await DriveRun.StartAsync();
        await run.IsWholeAsync("at first"); // the loaders have read what they are to read
        for (int round = 0; round < rounds; round++)
        {
            int disk = round % 8;
            run.Disks.CutPower(disk);
            await run.AreOutAsync(disk);
            await Eventually.TrueAsync("the drive can be unmounted", () => run.Disks.TryUnmount(disk));
            run.Disks.Mount(disk);
            await run.EnableAsync(disk);
            await run.IsQuietAsync();
        }

        await run.IsWholeAsync("when all are back");
        await run.EndAsync();
    }
}

/// <summary>Eight file systems, a server over them, two buckets, and everybody who reads and writes.</summary>
internal sealed class DriveRun : IAsyncDisposable
{
    /// <summary>Three copies of each object.</summary>
    public const string Mirrored = "mirrored";

    /// <summary>Four data and two parity slices of each object; three copies of small ones.</summary>
    public const string Coded = "coded";

    private const int SlicedFromBytes = 16 << 10;
    private const int Loaded = 20; // objects of the loader in each bucket

    // TEST_DRIVE_OBJECTS: of each bucket, of up to 1 MiB; the drives' room bounds it to some 300.
    private static readonly int s_keptEach = int.TryParse(Environment.GetEnvironmentVariable("TEST_DRIVE_OBJECTS"), CultureInfo.InvariantCulture, out int kept) ? kept : 60;
    private static readonly string[] s_buckets = [Mirrored, Coded];
    private static readonly TimeSpan s_moving = TimeSpan.FromSeconds(60); // what a drive held is made again in seconds; a busy machine takes longer

    private readonly Dictionary<string, Dictionary<string, long>> _loaded = []; // by bucket and name: bytes
    private readonly HashSet<int> _out = [];
    private readonly List<RunningLoad> _loads = [];
    private SluiceProcess _server;
    private Store _store;
    private int _changes;

    private DriveRun(LoopDisks disks, SluiceProcess server)
    {
        (Disks, _server, _store) = (disks, server, new Store(server.Endpoint));
        Objects = new KnownObjects(_store, s_buckets, s_keptEach, 1 << 20);
    }

    /// <summary>Drives.</summary>
    public LoopDisks Disks { get; }

    private KnownObjects Objects { get; }

    private string[] InService => [.. Enumerable.Range(0, 8).Where(disk => !_out.Contains(disk)).Select(disk => Disks.Paths[disk])];

    /// <summary>Everything stored, everybody reading.</summary>
    public static async Task<DriveRun> StartAsync()
    {
        var disks = new LoopDisks(320L << 20, [.. Enumerable.Repeat("xfs", 8)]);
        DriveRun? run = null;
        try
        {
            run = new DriveRun(disks, await SluiceProcess.StartAsync(disks.Paths, "--health-interval", "200ms"));
            await run.FillAsync();
            return run;
        }
        catch
        {
            if (run is null)
            {
                disks.Dispose();
            }
            else
            {
                await run.DisposeAsync();
            }

            throw;
        }
    }

    /// <summary>Waits until these drives are out of service by the server's own doing.</summary>
    public async Task AreOutAsync(params int[] disks)
    {
        foreach (int disk in disks)
        {
            await Eventually.HoldsAsync(async () => await RowAsync(disk) is ("faulted", "disabled-by-FSHC") ? null : $"{Disks.Paths[disk]} is {await RowAsync(disk)}");
            _out.Add(disk);
        }
    }

    /// <summary>An operator brings drives back.</summary>
    public async Task EnableAsync(params int[] disks)
    {
        foreach (int disk in disks)
        {
            await CliAsync("mountpath", "enable", Disks.Paths[disk], "--wait");
            Assert.Equal(("serving", ""), await RowAsync(disk));
            _out.Remove(disk);
        }
    }

    /// <summary>An operator gives a drive up, and the empty one at its path takes its place.</summary>
    public async Task ReplaceAsync(int disk)
    {
        await CliAsync("mountpath", "detach", Disks.Paths[disk], "--force");
        await CliAsync("mountpath", "attach", Disks.Paths[disk]);
        Assert.Equal(("serving", ""), await RowAsync(disk));
        _out.Remove(disk);
    }

    /// <summary>Overwrites a quarter of the objects, deletes a quarter, stores those anew that were deleted the time before.</summary>
    public async Task ChangeAsync(bool mayBeFull)
    {
        int turn = _changes++;
        KnownObject[] deleted = [.. Objects.Kept.Where(one => one.Present is null)];
        await ForKeptAsync(i => i % 4 == turn % 4, one => Objects.PutAsync(one), mayBeFull);
        await ForKeptAsync(i => i % 4 == (turn + 1) % 4, one => Objects.DeleteAsync(one), mayBeFull);
        await ForKeptAsync(i => i % 4 > 1 && deleted.Contains(Objects.Kept[i]), one => Objects.PutAsync(one), mayBeFull);
        Objects.AreAsTheyMustBe();
    }

    /// <summary>Waits until no resilver runs; no reader has met anything that must not be.</summary>
    public async Task IsQuietAsync()
    {
        await Eventually.HoldsAsync(
            async () => await CliAsync("job", "ls", "--kind", "resilver", "--running", "--json") is { Length: > 0 } running ? running : null, s_moving);
        Objects.AreAsTheyMustBe();
    }

    /// <summary>
    /// Waits until redundancy is full on the drives in service, as they show it and as a scrub sees it; what is stored is then listed, and nothing else. Of one
    /// bucket while a drive is full: a scrub tells then that what belongs there lies elsewhere.
    /// </summary>
    public async Task IsWholeAsync(string when, string? only = null)
    {
        string[] buckets = only is null ? s_buckets : [only];
        await IsQuietAsync();
        await Objects.QuietAsync(async () =>
        {
            try
            {
                await Eventually.HoldsAsync(
                    () => Task.FromResult(buckets.Select(Problem).FirstOrDefault(problem => problem is not null) is { } problem ? $"{when}: {problem}" : null), s_moving);
            }
            catch (Xunit.Sdk.XunitException failure)
            {
                (_, string scrubbed, _) = await SluiceProcess.RunAsync(null, _server.Endpoint, "scrub", "--wait"); // tells more than a count
                Assert.Fail($"{failure.Message}\n{scrubbed}\n{_server.Log}");
            }

            foreach (string bucket in s_buckets)
            {
                Dictionary<string, long> listed = await ListAsync(bucket);
                string[] differing = [.. Expected(bucket).Except(listed).Select(one => $"-{one}"), .. listed.Except(Expected(bucket)).Select(one => $"+{one}")];
                Assert.True(differing.Length == 0, $"{when}: the list of {bucket} differs: {string.Join(' ', differing)}\n{_server.Log}");
            }

            if (only is null)
            {
                Assert.EndsWith("0 findings, 0 of them cured\n", await CliAsync("scrub", "--wait"), StringComparison.Ordinal);
            }
        });
        Objects.AreAsTheyMustBe();
    }

    /// <summary>Drives that are about to come back hold objects that were deleted since they left: there is something that could reappear.</summary>
    public void AreStale(params int[] disks)
    {
        HashSet<(string, string)> deleted = [.. Objects.Kept.Where(one => one.Present is null).Select(one => (one.Bucket, one.Name))];
        foreach (int disk in disks)
        {
            int stale = s_buckets.Sum(bucket => StoredCopies.KeptOn(Disks.Paths[disk], bucket).Count(name => deleted.Contains((bucket, name))));
            Assert.True(stale > 0, $"{Disks.Paths[disk]} has {stale} objects that were deleted");
        }
    }

    /// <summary>Ends readers and writers, restarts the server, and reads everything once more.</summary>
    public async Task EndAsync()
    {
        await Objects.EndAsync();
        long loaded = 0;
        foreach (RunningLoad load in _loads)
        {
            loaded += await load.EndAsync();
        }

        Assert.True(loaded > 200 && Objects.Reads > 500, $"the loaders read {loaded}; {Objects.Told}");
        TestContext.Current.TestOutputHelper?.WriteLine($"the loaders read {loaded}; {Objects.Told}");
        Assert.Equal(0, await _server.StopAsync());
        _server.Dispose();
        _store.Dispose();
        _server = await SluiceProcess.StartAsync(Disks.Paths);
        _store = new Store(_server.Endpoint);
        await Objects.CheckAllAsync(_store);
        foreach (string bucket in s_buckets)
        {
            Assert.Null(Problem(bucket));
            (long good, long errors, string error) = await RunningLoad.ReadOnceAsync(_server.Endpoint, bucket);
            Assert.True((good, errors) == (Loaded, 0), error);
        }
    }

    /// <summary>What was silent all the time speaks when there is something to tell: the count of copies, the scrub, and the loader.</summary>
    public async Task DetectorsTellAsync()
    {
        foreach ((string bucket, string kind) in ((string, string)[])[(Mirrored, "%ob"), (Coded, "%ec")])
        {
            File.Delete(Directory.EnumerateFiles(Path.Combine(Disks.Paths[0], $"@ais/{bucket}/{kind}"), "*", SearchOption.AllDirectories).First());
            Assert.NotNull(Problem(bucket));
            (int code, string output, string error) = await SluiceProcess.RunAsync(null, _server.Endpoint, "scrub", $"ais://{bucket}", "--wait");
            Assert.True(code == 1 && output.Contains("1 findings", StringComparison.Ordinal), $"{code} {output} {error}");
            await CliAsync("scrub", $"ais://{bucket}", "--repair", "--wait");
            Assert.Null(Problem(bucket));
            (string name, long size) = _loaded[bucket].First();
            await _store.PutAsync(bucket, name, new byte[size]);
            Assert.Equal((Loaded - 1, 1), await RunningLoad.ReadOnceAsync(_server.Endpoint, bucket) is (long good, long errors, _) ? (good, errors) : default);
        }

        Assert.Equal(0, await _server.StopAsync());
    }

    /// <summary>A verb on mountpaths that is refused; the sentence.</summary>
    public async Task<string> RefusedAsync(string verb, string path)
    {
        (int code, _, string error) = await SluiceProcess.RunAsync(null, _server.Endpoint, "mountpath", verb, path);
        Assert.NotEqual(0, code);
        return error;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _loads.ForEach(load => load.Dispose());
        await Objects.DisposeAsync();
        _store.Dispose();
        _server.Dispose();
        Disks.Dispose();
    }

    private async Task FillAsync()
    {
        await _store.CreateAsync(Mirrored, """{"mirror":{"enabled":true,"copies":3}}""");
        await _store.CreateAsync(Coded, $$$"""{"ec":{"enabled":true,"data_slices":4,"parity_slices":2,"unit":"64KiB","objsize_limit":{{{SlicedFromBytes}}}}}""");
        foreach (string bucket in s_buckets)
        {
            await RunningLoad.FillAsync(_server.Endpoint, bucket, Loaded);
            _loaded[bucket] = await ListAsync(bucket);
            Assert.Equal(Loaded, _loaded[bucket].Count);
        }

        await ForKeptAsync(_ => true, one => Objects.PutAsync(one), mayBeFull: false);
        Objects.Start();
        _loads.AddRange(s_buckets.Select(bucket => new RunningLoad(_server.Endpoint, bucket)));
    }

    private async Task<string> CliAsync(params string[] arguments)
    {
        (int code, string output, string error) = await SluiceProcess.RunAsync(null, _server.Endpoint, arguments);
        Assert.True(code == 0, $"{string.Join(' ', arguments)}: {code} {output} {error}\n{_server.Log}");
        return output;
    }

    private async Task<(string State, string Reason)> RowAsync(int disk)
    {
        string rows = await CliAsync("mountpath", "ls", "--json");
        foreach (string line in rows.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using JsonDocument row = JsonDocument.Parse(line);
            if (row.RootElement.GetProperty("path").GetString() == Disks.Paths[disk])
            {
                return (row.RootElement.GetProperty("state").GetString()!, row.RootElement.GetProperty("reason").GetString()!);
            }
        }

        return ("", "");
    }

    private Task ForKeptAsync(Func<int, bool> isOne, Func<KnownObject, Task<System.Net.HttpStatusCode>> write, bool mayBeFull) =>
        Parallel.ForEachAsync(Objects.Kept.Where((_, i) => isOne(i)), new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (one, _) =>
        {
            int status = (int)await write(one);
            Assert.True(status is 200 or 404 || (status == 507 && mayBeFull), $"{one.Bucket}/{one.Name}: {status}\n{_server.Log}");
        });

    private Dictionary<string, long> ExpectedOf(string bucket) => new(_loaded[bucket].Concat(Objects.Present(bucket).Select(one => KeyValuePair.Create(one.Name, one.SizeBytes))));

    private IEnumerable<KeyValuePair<string, long>> Expected(string bucket) => ExpectedOf(bucket).OrderBy(one => one.Key, StringComparer.Ordinal);

    private string? Problem(string bucket)
    {
        Dictionary<string, long> expected = ExpectedOf(bucket);
        int sliced = bucket == Coded ? expected.Count(one => one.Value >= SlicedFromBytes) : 0;
        return StoredCopies.Problem(InService, bucket, expected.Keys, heads: 3, sliced, slices: 6);
    }

    private async Task<Dictionary<string, long>> ListAsync(string bucket)
    {
        string list = await _store.ControlAsync(HttpMethod.Get, $"/v1/buckets/{bucket}", """{"action":"list","value":{"props":"name,size"}}""");
        using JsonDocument page = JsonDocument.Parse(list);
        Assert.Equal("", page.RootElement.GetProperty("continuation_token").GetString());
        return page.RootElement.GetProperty("entries").EnumerateArray().ToDictionary(
            entry => entry.GetProperty("name").GetString()!, entry => entry.TryGetProperty("size", out JsonElement size) ? long.Parse(size.GetString()!, CultureInfo.InvariantCulture) : 0);
    }
}

// The main job on real input: every file of the .NET SDK through the published binary over four file systems, across restarts, kill -9 and power cuts.
using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class RealFilesTests
{
    private const int Writers = 8;

    [Theory]
    [MemberData(nameof(IoBackends.Each), MemberType = typeof(IoBackends))]
    public async Task EveryFileOfTheSdkSurvivesRestartAndKillUnderLoad(string backend)
    {
        using var disks = new LoopDisks(4L << 30, "ext4", "ext4", "xfs", "xfs");
        string root = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "../../../sdk"));
        string[] files = [.. Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories).Where(file => new FileInfo(file).LinkTarget is null)];
        Assert.True(files.Length > 1000, $"{root} has only {files.Length} files");

        using (SluiceProcess first = await SluiceProcess.StartAsync(disks.Paths, "--io", backend))
        {
            using var store = new Store(first.Endpoint);
            await store.CreateAsync("sdk");
            await store.CreateAsync("load");
            await Parallel.ForEachAsync(files, Bounded, async (file, _) =>
            {
                byte[] bytes = await File.ReadAllBytesAsync(file, CancellationToken.None);
                await store.PutAsync("sdk", Name(file), bytes, ("Ais-Checksum-Type", "sha256"), ("Ais-Checksum-Value", Convert.ToHexStringLower(SHA256.HashData(bytes))));
            });
            Assert.Equal(0, await first.StopAsync());
        }

        ConcurrentDictionary<string, byte[]> acknowledged = await KillUnderLoadAsync(disks, backend);
        using SluiceProcess third = await SluiceProcess.StartAsync(disks.Paths, "--io", backend);
        using var after = new Store(third.Endpoint);
        await VerifyLoadAsync(after, acknowledged);
        Assert.True(acknowledged.Count > 50, $"only {acknowledged.Count} writes were acknowledged before the kill");
        await Parallel.ForEachAsync(files, Bounded, async (file, _) =>
        {
            byte[] bytes = await File.ReadAllBytesAsync(file, CancellationToken.None);
            using HttpResponseMessage answer = await after.SendAsync(HttpMethod.Get, Store.Target("sdk", Name(file)));
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal(bytes.Length, answer.Content.Headers.ContentLength);
            byte[] came = await answer.Content.ReadAsByteArrayAsync(CancellationToken.None);
            Assert.True(bytes.AsSpan().SequenceEqual(came), $"{file}: other bytes came back");
            Assert.Equal(Digest(bytes), answer.Headers.GetValues("Ais-Checksum-Value").Single());
        });
        Assert.Equal([.. files.Select(Name).Order(StringComparer.Ordinal)], await ListAsync(after, "sdk"));
        Assert.Equal(0, await third.StopAsync());

        string Name(string file) => Path.GetRelativePath(root, file);
    }

    [Theory]
    [MemberData(nameof(IoBackends.Each), MemberType = typeof(IoBackends))]
    public async Task AcknowledgedWritesSurvivePowerCutsOnXfs(string backend)
    {
        using var disks = new LoopDisks(512L << 20, "xfs", "xfs");
        var acknowledged = new ConcurrentDictionary<string, byte[]>();
        for (int round = 0; round < 5; round++)
        {
            using SluiceProcess server = await SluiceProcess.StartAsync(disks.Paths, "--io", backend);
            using var store = new Store(server.Endpoint);
            if (round == 0)
            {
                await store.CreateAsync("load");
            }

            await VerifyLoadAsync(store, acknowledged);
            await WriteUntilAsync(store, acknowledged, 150, () =>
            {
                disks.CutPower(0);
                disks.CutPower(1);
                return server.KillAsync();
            });
            disks.Unmount(0);
            disks.Unmount(1);
            disks.Mount(0);
            disks.Mount(1);
        }

        using SluiceProcess last = await SluiceProcess.StartAsync(disks.Paths, "--io", backend);
        using var after = new Store(last.Endpoint);
        await VerifyLoadAsync(after, acknowledged);
        Assert.Equal(Writers * 8, acknowledged.Count);
    }

    private static ParallelOptions Bounded => new() { MaxDegreeOfParallelism = Writers };

    private static string Digest(byte[] bytes) => Sluice.Native.Codecs.XxHash64.Hash(bytes, 0).ToString("x16", CultureInfo.InvariantCulture);

    private static async Task<ConcurrentDictionary<string, byte[]>> KillUnderLoadAsync(LoopDisks disks, string backend)
    {
        using SluiceProcess second = await SluiceProcess.StartAsync(disks.Paths, "--io", backend);
        using var store = new Store(second.Endpoint);
        var acknowledged = new ConcurrentDictionary<string, byte[]>();
        await WriteUntilAsync(store, acknowledged, 400, second.KillAsync);
        return acknowledged;
    }

    /// <summary>Eight writers overwrite 64 names with contents that tell name, number and length, until the disaster strikes after so many answers.</summary>
    private static async Task WriteUntilAsync(Store store, ConcurrentDictionary<string, byte[]> acknowledged, int answers, Func<Task> disaster)
    {
        int count = 0;
        var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task[] writers = [.. Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            for (int i = 0; ; i++)
            {
                string name = $"w{writer}/{i % 8}";
                byte[] content = Content(name, acknowledged.TryGetValue(name, out byte[]? old) ? NumberOf(old) + 1 : i);
                try
                {
                    await store.PutAsync("load", name, content);
                }
                catch (Exception gone) when (gone is HttpRequestException or IOException or OperationCanceledException or System.Net.Sockets.SocketException or Xunit.Sdk.XunitException)
                {
                    return; // the server is dead or its disk is: this write was not acknowledged
                }

                acknowledged[name] = content; // also while the power is being cut: what is answered then must be there
                if (Interlocked.Increment(ref count) == answers)
                {
                    enough.SetResult();
                }
            }
        }))];
        await enough.Task.WaitAsync(TimeSpan.FromMinutes(2));
        await disaster();
        await Task.WhenAll(writers);
    }

    /// <summary>Every acknowledged content is there, or the one content that was on its way after it.</summary>
    private static async Task VerifyLoadAsync(Store store, ConcurrentDictionary<string, byte[]> acknowledged)
    {
        foreach ((string name, byte[] content) in acknowledged)
        {
            byte[]? found = await store.GetAsync("load", name);
            Assert.True(found is not null, $"{name}: acknowledged and gone");
            bool isNext = found.AsSpan().SequenceEqual(Content(name, NumberOf(content) + 1));
            Assert.True(isNext || found.AsSpan().SequenceEqual(content), $"{name}: number {NumberOf(content)} was acknowledged, {Describe(name, found)} is there");
            acknowledged[name] = found;
        }
    }

    /// <summary>Which write some bytes are of, and where they first differ from it.</summary>
    private static string Describe(string name, byte[] found)
    {
        if (found.Length < 10 || !int.TryParse(Encoding.ASCII.GetString(found, 0, 10), NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture, out int number))
        {
            return $"something of {found.Length} bytes and no number";
        }

        byte[] whole = Content(name, number);
        int same = whole.AsSpan().CommonPrefixLength(found);
        return same == whole.Length && same == found.Length ? $"number {number}, whole," : $"{found.Length} of {whole.Length} bytes of number {number}, first wrong at {same},";
    }

    private static byte[] Content(string name, int number)
    {
        byte[] content = new byte[100 + (number * 7919 % 300_000)];
        new Random(HashCode.Combine(number, name.Length)).NextBytes(content);
        Encoding.ASCII.GetBytes($"{number,10}{name}").CopyTo(content, 0);
        return content;
    }

    private static int NumberOf(byte[] content) => int.Parse(Encoding.ASCII.GetString(content, 0, 10), CultureInfo.InvariantCulture);

    private static async Task<List<string>> ListAsync(Store store, string bucket)
    {
        var names = new List<string>();
        string token = "";
        do
        {
            string message = $$$"""{"action":"list","value":{"pagesize":700,"continuation_token":{{{JsonSerializer.Serialize(token)}}}}}""";
            using JsonDocument page = JsonDocument.Parse(await store.ControlAsync(HttpMethod.Get, $"/v1/buckets/{bucket}", message));
            names.AddRange(page.RootElement.GetProperty("entries").EnumerateArray().Select(entry => entry.GetProperty("name").GetString()!));
            token = page.RootElement.GetProperty("continuation_token").GetString()!;
        }
        while (token.Length > 0);
        return names;
    }
}

// Erasure-coded objects as clients see them: exact when all slices are there, exact when as many are gone as there is parity, refused when more are.
using System.Globalization;
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class ErasureTests : IDisposable
{
    private const string Properties = """{"ec":{"enabled":true,"data_slices":4,"parity_slices":2,"unit":"64KiB","objsize_limit":0}}""";

    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("sluice-ec-");
    private readonly string[] _mountpaths;

    public ErasureTests() =>
        _mountpaths = [.. Enumerable.Range(0, 7).Select(i => Directory.CreateDirectory(Path.Combine(_home.FullName, $"mp{i}")).FullName)];

    [Theory]
    [MemberData(nameof(IoBackends.Each), MemberType = typeof(IoBackends))]
    public async Task AnyTwoSlicesMayBeGoneAndNotThree(string backend)
    {
        Content[] contents = [.. ((long[])[1, 70_000, (4 << 16) + 1, (5 << 20) + 4097]).Select((size, i) => new Content(i + 1, size))];
        using (SluiceProcess server = await StartAsync(backend))
        {
            using var store = new Store(server.Endpoint);
            await store.CreateAsync("e", Properties);
            foreach (Content content in contents)
            {
                await store.PutAsync("e", $"o{content.SizeBytes}", content.Bytes(0, (int)content.SizeBytes));
            }

            await AreExactAsync(store, contents);
            using HttpResponseMessage head = await store.SendAsync(HttpMethod.Head, Store.Target("e", "o70000"));
            Assert.Equal(("4", "2"), (head.Headers.GetValues("Ais-Ec-Data").Single(), head.Headers.GetValues("Ais-Ec-Parity").Single()));
            Assert.Equal(0, await server.StopAsync());
        }

        Lose(1, 4);
        using (SluiceProcess server = await StartAsync(backend))
        {
            using var store = new Store(server.Endpoint);
            await AreExactAsync(store, contents);
            await Eventually.HoldsAsync(async () => await CounterAsync(store, "ec.repaired_slices") is var repaired && repaired == 2 * contents.Length
                ? null : $"{repaired} slices are repaired");
            await AreExactAsync(store, contents);
            Assert.Equal(0, await server.StopAsync());
        }

        Lose(2, 3, 6);
        using (SluiceProcess server = await StartAsync(backend))
        {
            using var store = new Store(server.Endpoint);
            foreach (Content content in contents)
            {
                using HttpResponseMessage answer = await store.SendAsync(HttpMethod.Get, Store.Target("e", $"o{content.SizeBytes}"));
                Assert.Equal(500, (int)answer.StatusCode);
                Assert.Contains("3 of its 6 slices are left, 4 are needed", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            }

            await server.StopAsync();
        }
    }

    [Fact]
    public async Task WhatIsThereIsEncodedWhenABucketGetsErasureCoding()
    {
        using SluiceProcess server = await StartAsync("uring");
        using var store = new Store(server.Endpoint);
        await store.CreateAsync("e");
        Content[] contents = [.. Enumerable.Range(1, 20).Select(i => new Content(i, i * 50_000))];
        foreach (Content content in contents)
        {
            await store.PutAsync("e", $"o{content.SizeBytes}", content.Bytes(0, (int)content.SizeBytes));
        }

        string job = await store.ControlAsync(HttpMethod.Patch, "/v1/buckets/e", $$"""{"action":"set-bprops","value":{{Properties}}}""");
        Assert.Matches("^[a-z][A-Za-z0-9]{8,}$", job);
        await Eventually.TrueAsync("all are encoded", () => SliceFiles().Length == 6 * contents.Length);
        await AreExactAsync(store, contents);
        Assert.NotEqual("", await store.ControlAsync(HttpMethod.Post, "/v1/buckets/e", """{"action":"ec-encode"}"""));
        await store.ControlAsync(HttpMethod.Patch, "/v1/buckets/e", """{"action":"set-bprops","value":{"ec":{"enabled":false}}}""");
        await Eventually.TrueAsync("all are plain again", () => SliceFiles().Length == 0);
        await AreExactAsync(store, contents);
        Assert.Equal(0, await server.StopAsync());
    }

    /// <summary>Slices vanish from two mountpaths while a loader compares every byte that it gets.</summary>
    [Fact]
    public async Task ALoaderDoesNotSeeThatSlicesVanish()
    {
        using SluiceProcess server = await StartAsync("uring");
        using var store = new Store(server.Endpoint);
        await store.CreateAsync("e", Properties);
        string[] common = ["load", $"-ip={server.Endpoint.Host}", $"-port={server.Endpoint.Port}", "-bucket=ais://e", "-cleanup=false", "-seed=5"];
        (int code, string output, string error) =
            await SluiceProcess.RunAsync(null, server.Endpoint, [.. common, "-pctput=100", "-maxputs=40", "-minsize=1", "-maxsize=2m"]);
        Assert.True(code == 0, output + error);
        Task<(int Code, string Output, string Error)> reading =
            SluiceProcess.RunAsync(null, server.Endpoint, [.. common, "-epochs=20", "-verifyhash", "-numworkers=4"]);
        foreach (string file in SliceFiles().Where(file => file.StartsWith(_mountpaths[0], StringComparison.Ordinal) || file.StartsWith(_mountpaths[5], StringComparison.Ordinal)))
        {
            File.Delete(file);
        }

        (code, output, error) = await reading;
        Assert.True(code == 0, output + error);
        Assert.Contains("Verified: 800 contents and 800 checksums of 800 GETs", output, StringComparison.Ordinal);
        Assert.Equal(0, await server.StopAsync());
    }

    public void Dispose() => _home.Delete(recursive: true);

    private static async Task AreExactAsync(Store store, Content[] contents)
    {
        var random = new Random(7);
        foreach (Content content in contents)
        {
            byte[]? whole = await store.GetAsync("e", $"o{content.SizeBytes}");
            Assert.Equal(content.Bytes(0, (int)content.SizeBytes), whole);
            for (int i = 0; i < 8; i++)
            {
                long from = random.NextInt64(content.SizeBytes);
                int count = (int)random.NextInt64(1, content.SizeBytes - from + 1);
                string range = string.Create(CultureInfo.InvariantCulture, $"bytes={from}-{from + count - 1}");
                using HttpResponseMessage answer = await store.SendAsync(HttpMethod.Get, Store.Target("e", $"o{content.SizeBytes}"), null, ("Range", range));
                Assert.Equal(206, (int)answer.StatusCode);
                Assert.Equal(content.Bytes(from, count), await answer.Content.ReadAsByteArrayAsync());
            }
        }
    }

    private static async Task<long> CounterAsync(Store store, string name)
    {
        using HttpResponseMessage answer = await store.SendAsync(HttpMethod.Get, "/v1/health?details=true");
        using var document = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        return document.RootElement.GetProperty("counters").GetProperty(name).GetInt64();
    }

    private Task<SluiceProcess> StartAsync(string backend) => SluiceProcess.StartAsync(_mountpaths, "--allow-shared-disk", "--io", backend);

    private string[] SliceFiles() => [.. _mountpaths
        .Select(path => Path.Combine(path, "@ais/e/%ec")).Where(Directory.Exists).SelectMany(Directory.GetFiles)];

    private void Lose(params int[] numbers)
    {
        string[] ends = [.. numbers.Select(number => number.ToString("d5", CultureInfo.InvariantCulture))];
        foreach (string file in SliceFiles().Where(file => ends.Contains(file[^5..])))
        {
            File.Delete(file);
        }
    }
}

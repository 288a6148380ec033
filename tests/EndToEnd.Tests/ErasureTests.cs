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

    /// <summary>A damaged replica is read around and comes back; slices that are gone, more than there is parity for, come back from it.</summary>
    [Theory]
    [MemberData(nameof(IoBackends.Each), MemberType = typeof(IoBackends))]
    public async Task AReplicaStandsInForSlicesAndTheyForIt(string backend)
    {
        Content[] contents = [.. ((long[])[1, 70_000, (5 << 20) + 4097]).Select((size, i) => new Content(i + 1, size))];
        using (SluiceProcess server = await StartAsync(backend))
        {
            using var store = new Store(server.Endpoint);
            await store.CreateAsync("e", Properties.Replace("\"enabled\":true", "\"enabled\":true,\"keep_replica\":true", StringComparison.Ordinal));
            foreach (Content content in contents)
            {
                await store.PutAsync("e", $"o{content.SizeBytes}", content.Bytes(0, (int)content.SizeBytes));
            }

            await AreExactAsync(store, contents);
            Assert.Equal(7 * contents.Length, SliceFiles().Length);
            Assert.Equal(0, await server.StopAsync());
        }

        Lose(2, 5);
        foreach (string replica in SliceFiles().Where(file => file.EndsWith('7')))
        {
            using FileStream stream = File.Open(replica, FileMode.Open, FileAccess.ReadWrite);
            int value = stream.ReadByte();
            stream.Position = 0;
            stream.WriteByte((byte)(value ^ 16));
        }

        using (SluiceProcess server = await StartAsync(backend))
        {
            using var store = new Store(server.Endpoint);
            await AreExactAsync(store, contents);
            foreach ((string counter, int each) in ((string, int)[])[("ec.repaired_replicas", 1), ("ec.repaired_slices", 2), ("repair.quarantined", 1)])
            {
                await Eventually.HoldsAsync(async () => await CounterAsync(store, counter) is var count && count == each * contents.Length ? null : $"{counter} {count}");
            }

            await AreExactAsync(store, contents);
            Assert.Equal(0, await server.StopAsync());
        }

        Lose(1, 2, 4, 6);
        using (SluiceProcess server = await StartAsync(backend))
        {
            using var store = new Store(server.Endpoint);
            await AreExactAsync(store, contents);
            await store.ControlAsync(HttpMethod.Post, "/v1/buckets/e", """{"action":"ec-encode"}""");
            await Eventually.TrueAsync("all slices are back", () => SliceFiles().Length == 7 * contents.Length);
            await store.ControlAsync(HttpMethod.Patch, "/v1/buckets/e", """{"action":"set-bprops","value":{"ec":{"keep_replica":false}}}""");
            await Eventually.TrueAsync("the replicas are gone", () => SliceFiles().Length == 6 * contents.Length);
            await AreExactAsync(store, contents);
            await store.ControlAsync(HttpMethod.Patch, "/v1/buckets/e", """{"action":"set-bprops","value":{"ec":{"keep_replica":true}}}""");
            await Eventually.TrueAsync("and here again", () => SliceFiles().Length == 7 * contents.Length);
            await AreExactAsync(store, contents);
            Assert.Equal(0, await server.StopAsync());
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

    /// <summary>HEAD in both dialects and listings in both formats say how an object is kept, when they are asked.</summary>
    [Fact]
    public async Task HeadsAndListingsSayHowAnObjectIsKept()
    {
        using SluiceProcess server = await StartAsync("uring");
        using var store = new Store(server.Endpoint);
        await store.CreateAsync("e", """{"ec":{"enabled":true,"data_slices":4,"parity_slices":2}}""");
        await store.CreateAsync("plain");
        await store.PutAsync("e", "small", new byte[1000]);
        await store.PutAsync("e", "large", new byte[300 << 10]);
        await store.PutAsync("plain", "small", new byte[1000]);
        foreach (string query in (string[])["", "?props=size,ec"])
        {
            Assert.Equal("4 2 true", await KeptAsync(store, "e", "small", query));
            Assert.Equal("4 2 false", await KeptAsync(store, "e", "large", query));
            Assert.Equal(("1", "1"), (await CopiesAsync(store, "small"), await CopiesAsync(store, "large")));
            Assert.Equal("", await KeptAsync(store, "plain", "small", query));
        }

        Assert.Equal("", await KeptAsync(store, "e", "small", "?props=size,checksum"));
        Assert.Equal(["4:2[encoded]", "4:2[replicated]"], await ListedAsync(store, "e", "name,ec"));
        Assert.Equal([null, null], await ListedAsync(store, "e", "name,size,checksum")); // which has the two letters
        Assert.Equal([null], await ListedAsync(store, "plain", "name,ec"));
        using HttpResponseMessage packed = await store.SendAsync(
            HttpMethod.Get, "/v1/buckets/e", new StringContent("""{"action":"list","value":{"props":"name,ec","uuid":"u12345678"}}"""), ("Accept", "application/msgpack"));
        byte[] expected =
        [
            0x84, 0xa4, .. "UUID"u8, 0xa9, .. "u12345678"u8, 0xb1, .. "ContinuationToken"u8, 0xa0, 0xa7, .. "Entries"u8, 0x92,
            0x83, 0xa1, (byte)'n', 0xa5, .. "large"u8, 0xa2, .. "ec"u8, 0xac, .. "4:2[encoded]"u8, 0xa1, (byte)'f', 0x40,
            0x83, 0xa1, (byte)'n', 0xa5, .. "small"u8, 0xa2, .. "ec"u8, 0xaf, .. "4:2[replicated]"u8, 0xa1, (byte)'f', 0x40, 0xa5, .. "Flags"u8, 0x00,
        ];
        Assert.Equal(expected, await packed.Content.ReadAsByteArrayAsync());
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

    /// <summary>What the headers of a HEAD say of erasure coding; "" when nothing.</summary>
    private static async Task<string> KeptAsync(Store store, string bucket, string name, string query)
    {
        using HttpResponseMessage head = await store.SendAsync(HttpMethod.Head, Store.Target(bucket, name) + query);
        Assert.Equal(200, (int)head.StatusCode);
        string[] names = ["Ais-Ec-Data", "Ais-Ec-Parity", "Ais-Ec-Replicated"];
        bool isKept = head.Headers.TryGetValues("Ais-Ec-Generation", out IEnumerable<string>? generation);
        Assert.True(!isKept || long.Parse(generation!.Single(), CultureInfo.InvariantCulture) > 0);
        Assert.All(names, header => Assert.Equal(isKept, head.Headers.Contains(header)));
        return isKept ? string.Join(' ', names.Select(header => head.Headers.GetValues(header).Single())) : "";
    }

    private static async Task<string> CopiesAsync(Store store, string name)
    {
        using HttpResponseMessage head = await store.SendAsync(HttpMethod.Head, Store.Target("e", name));
        return head.Headers.GetValues("Ais-Mirror-Copies").Single();
    }

    private static async Task<List<string?>> ListedAsync(Store store, string bucket, string properties)
    {
        string text = await store.ControlAsync(HttpMethod.Get, $"/v1/buckets/{bucket}", $$$"""{"action":"list","value":{"props":"{{{properties}}}"}}""");
        using var page = JsonDocument.Parse(text);
        return [.. page.RootElement.GetProperty("entries").EnumerateArray().Select(entry => entry.TryGetProperty("ec", out JsonElement kept) ? kept.GetString() : null)];
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

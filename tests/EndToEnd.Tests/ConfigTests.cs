// The cluster's configuration as far as it is the buckets' defaults, and all of a bucket's properties.
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class ConfigTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private Store Store => fixture.Store;

    [Fact]
    public async Task ABucketShowsEveryPropertyOfTheContract()
    {
        await Store.CreateAsync("cfg-all");
        JsonElement tree = await PropertiesAsync("cfg-all");
        foreach (string path in (string[])
        [
            "provider=ais", "backend_bck.name=", "Renamed=", "checksum.type=xxhash2", "checksum.validate_cold_get=False", "checksum.validate_warm_get=False", "checksum.validate_obj_move=False",
            "checksum.enable_read_range=False", "versioning.enabled=True", "versioning.validate_warm_get=False", "versioning.synchronize=False", "lru.enabled=False", "lru.dont_evict_time=2h",
            "lru.capacity_upd_time=10m", "lru.batch_size=32768", "mirror.enabled=False", "mirror.copies=2", "mirror.burst_buffer=512", "ec.enabled=False", "ec.objsize_limit=262144", "ec.data_slices=2",
            "ec.parity_slices=2", "ec.disk_only=False", "ec.compression=never", "ec.bundle_multiplier=2", "ec.burst_buffer=512", "chunks.objsize_limit=64MiB", "chunks.chunk_size=64MiB",
            "chunks.max_monolithic_size=1TiB", "chunks.checkpoint_every=0", "chunks.flags=0", "rate_limit.backend.enabled=False", "rate_limit.backend.interval=1m", "rate_limit.backend.max_tokens=1000",
            "rate_limit.backend.num_retries=3", "rate_limit.backend.per_op_max_tokens=", "rate_limit.frontend.enabled=False", "rate_limit.frontend.interval=1m", "rate_limit.frontend.max_tokens=1000",
            "rate_limit.frontend.burst_size=375", "access=18446744073709551615", "features=0", "write_policy.data=immediate", "write_policy.md=immediate", "extra.aws.cloud_region=", "extra.aws.endpoint=",
            "extra.aws.profile=", "extra.aws.max_pagesize=0", "extra.aws.multipart_size=0", "extra.gcp.application_creds=", "extra.oci.region=", "extra.custom=",
        ])
        {
            string[] parts = path.Split('=');
            JsonElement leaf = parts[0].Split('.').Aggregate(tree, (element, name) => element.GetProperty(name));
            Assert.Equal((path, leaf.ToString()), (path, parts[1]));
        }
    }

    [Fact]
    public async Task TheDefaultsAreSetByMessageOrByQueryAndBucketsAreMadeAndResetWithThem()
    {
        try
        {
            await Store.CreateAsync("cfg-old");
            await Store.ControlAsync(HttpMethod.Put, "/v1/cluster", """{"action":"set-config","value":{"checksum":{"type":"md5"}}}""");
            await Store.ControlAsync(HttpMethod.Put, "/v1/cluster/set-config?versioning.enabled=false&lru.batch_size=4096", "");
            await Store.ControlAsync(HttpMethod.Put, "/v1/daemon/set-config?transient=true&lru.dont_evict_time=1h30m", "");
            JsonElement config = JsonDocument.Parse(await Store.ControlAsync(HttpMethod.Get, "/v1/cluster?what=cluster_config", "")).RootElement;
            Assert.Equal(("md5", false, 4096, "1h30m", false, false), (
                config.GetProperty("checksum").GetProperty("type").GetString(), config.GetProperty("versioning").GetProperty("enabled").GetBoolean(),
                config.GetProperty("lru").GetProperty("batch_size").GetInt32(), config.GetProperty("lru").GetProperty("dont_evict_time").GetString(),
                config.GetProperty("auth").GetProperty("enabled").GetBoolean(), config.GetProperty("auth").GetProperty("intra_cluster").GetProperty("enabled").GetBoolean()));
            Assert.NotEqual("", config.GetProperty("uuid").GetString());
            Assert.Equal("xxhash2", (await PropertiesAsync("cfg-old")).GetProperty("checksum").GetProperty("type").GetString());
            await Store.CreateAsync("cfg-new");
            Assert.Equal("md5", (await PropertiesAsync("cfg-new")).GetProperty("checksum").GetProperty("type").GetString());
            await Store.ControlAsync(HttpMethod.Patch, "/v1/buckets/cfg-old", """{"action":"reset-bprops"}""");
            Assert.Equal("md5", (await PropertiesAsync("cfg-old")).GetProperty("checksum").GetProperty("type").GetString());
        }
        finally
        {
            await Store.ControlAsync(HttpMethod.Put, "/v1/cluster", """{"action":"reset-config"}""");
        }

        await Store.CreateAsync("cfg-after");
        Assert.Equal("xxhash2", (await PropertiesAsync("cfg-after")).GetProperty("checksum").GetProperty("type").GetString());
    }

    [Theory]
    [InlineData("PUT", "/v1/cluster", """{"action":"set-config","value":{"log":{"level":"4"}}}""", "property \\\"log\\\" is not supported by this version")]
    [InlineData("PUT", "/v1/cluster", """{"action":"set-config","value":"x"}""", "must be a JSON object")]
    [InlineData("PUT", "/v1/cluster/set-config", "", "the query names nothing to set")]
    [InlineData("PUT", "/v1/cluster/set-config?checksum=md5&checksum.type=md5", "", "lies below a name that has a value already")]
    [InlineData("PUT", "/v1/cluster/set-config?checksum.type=md5&checksum.type=sha256", "", "is given twice")]
    [InlineData("PUT", "/v1/cluster/set-config?access=ro", "", "is a property of one bucket")]
    [InlineData("PUT", "/v1/cluster/set-config?checksum.type=md6", "", "must be one of")]
    public async Task WhatMakesNoSenseIsRefused(string method, string target, string body, string sentence)
    {
        string answer = await Store.ControlAsync(new HttpMethod(method), target, body, 400);
        Assert.Contains(sentence, answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheVerbShowsAndChangesIt()
    {
        await RunAsync(0, "config", "cluster", "lru.batch_size=8192", "--transient");
        Assert.Contains("lru.batch_size = 8192\n", await RunAsync(0, "config", "cluster"), StringComparison.Ordinal);
        Assert.Equal(8192, JsonDocument.Parse(await RunAsync(0, "config", "cluster", "--json")).RootElement.GetProperty("lru").GetProperty("batch_size").GetInt32());
        await RunAsync(0, "config", "cluster", "--reset");
        Assert.Contains("lru.batch_size = 32768\n", await RunAsync(0, "config", "cluster"), StringComparison.Ordinal);
        await RunAsync(4, "config", "cluster", "lru.batch_size=1");
        await RunAsync(2, "config", "cluster", "--transient");
        await RunAsync(2, "config", "cluster", "--reset", "lru.batch_size=8192");
    }

    private async Task<JsonElement> PropertiesAsync(string bucket)
    {
        using HttpResponseMessage answer = await Store.SendAsync(HttpMethod.Head, $"/v1/buckets/{bucket}");
        return JsonDocument.Parse(answer.Headers.GetValues("Ais-Bucket-Props").Single()).RootElement;
    }

    private async Task<string> RunAsync(int code, params string[] arguments)
    {
        (int got, string output, string error) = await SluiceProcess.RunAsync(null, fixture.Server.Endpoint, arguments);
        Assert.True(got == code, $"{string.Join(' ', arguments)}: {got} {error}");
        return output;
    }
}

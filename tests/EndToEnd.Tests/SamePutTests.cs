// A PUT that declares what the object is already, as clients declare it (contract: objects §4).
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class SamePutTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private Store Store => fixture.Store;

    [Theory]
    [InlineData("", "xxhash2", "", "1")]
    [InlineData("", "xxhash", "", "1")]
    [InlineData("?skip_vc=true", "xxhash2", "", "2")]
    [InlineData("?skip_vc=false", "xxhash2", "", "1")]
    [InlineData("", "md5", "781e5e245d69b566979b86e28d23f2c7", "2")]
    [InlineData("", "", "none", "2")]
    public async Task TheVersionSaysWhetherItWasStored(string query, string type, string value, string version)
    {
        string name = $"same-{query.Length}-{type}";
        using HttpResponseMessage first = await Store.SendAsync(HttpMethod.Put, Store.Target("b", name), new ByteArrayContent("0123456789"u8.ToArray()), ("Ais-Custom-Md", "k=v"));
        string digest = first.Headers.GetValues("Ais-Checksum-Value").Single();
        (string, string)[] headers = type.Length == 0 ? [] : [("Ais-Checksum-Type", type), ("Ais-Checksum-Value", value.Length > 0 ? value : digest)];
        using HttpResponseMessage answer = await Store.SendAsync(HttpMethod.Put, Store.Target("b", name) + query, new ByteArrayContent("0123456789"u8.ToArray()), headers);
        Assert.Equal((200, version), ((int)answer.StatusCode, answer.Headers.GetValues("Ais-Version").Single()));
        Assert.Equal(version == "1", answer.Headers.Contains("Ais-Custom-Md"));
        Assert.Equal("0123456789"u8.ToArray(), await Store.GetAsync("b", name));
        using HttpResponseMessage other = await Store.SendAsync(HttpMethod.Put, Store.Target("b", name), new ByteArrayContent("012345678x"u8.ToArray()), ("Ais-Checksum-Type", "xxhash2"), ("Ais-Checksum-Value", digest));
        Assert.Equal(400, (int)other.StatusCode);
        Assert.Contains("bad data checksum", await other.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal("0123456789"u8.ToArray(), await Store.GetAsync("b", name));
    }

    [Fact]
    public async Task TheClientsSecondPutLeavesTheObject()
    {
        foreach (string version in new[] { "1", "1" })
        {
            Assert.Equal(0, (await SluiceProcess.RunAsync(null, fixture.Server.Endpoint, "put", Path.Combine(fixture.PromoteRoot, "promoted"), "ais://b/by-client")).Code);
            using HttpResponseMessage head = await Store.SendAsync(HttpMethod.Head, "/v1/objects/b/by-client");
            Assert.Equal(version, head.Headers.GetValues("Ais-Version").Single());
        }
    }
}

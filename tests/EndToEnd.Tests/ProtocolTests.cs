// The native API as clients use it, against the published binary (contract: objects §1–5, buckets §6, §8, native API §6, §7).
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class ProtocolTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private readonly Store _store = fixture.Store;

    [Theory]
    [InlineData("bytes=0-0", 206, "0", "bytes 0-0/10")]
    [InlineData("bytes=3-5", 206, "345", "bytes 3-5/10")]
    [InlineData("bytes=7-", 206, "789", "bytes 7-9/10")]
    [InlineData("bytes=-4", 206, "6789", "bytes 6-9/10")]
    [InlineData("bytes=5-5000", 206, "56789", "bytes 5-9/10")]
    [InlineData("bytes=-5000", 206, "0123456789", "bytes 0-9/10")]
    public async Task ARangeReturnsExactlyItsBytes(string range, int status, string content, string contentRange)
    {
        using HttpResponseMessage answer = await _store.SendAsync(HttpMethod.Get, "/v1/objects/b/kept", null, ("Range", range));
        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Equal(content, await answer.Content.ReadAsStringAsync());
        Assert.Equal(contentRange, answer.Content.Headers.ContentRange!.ToString());
    }

    [Fact]
    public async Task HeadsTellWhatTheyAreAskedFor()
    {
        using HttpResponseMessage all = await _store.SendAsync(HttpMethod.Head, "/v1/objects/b/kept");
        Assert.Equal(10, all.Content.Headers.ContentLength);
        Assert.Equal("true", all.Headers.GetValues("Ais-Present").Single());
        Assert.Equal("1", all.Headers.GetValues("Ais-Version").Single());
        Assert.StartsWith("[/", all.Headers.GetValues("Ais-Mirror-Paths").Single(), StringComparison.Ordinal);
        using HttpResponseMessage some = await _store.SendAsync(HttpMethod.Head, "/v1/objects/b/kept?props=etag,last-modified");
        Assert.NotNull(some.Headers.ETag);
        Assert.NotNull(some.Content.Headers.LastModified);
        Assert.False(some.Headers.Contains("Ais-Version"));
    }

    [Fact]
    public async Task VersionsAndCustomMetadataAreKept()
    {
        await _store.PutAsync("b", "v", [1], ("Ais-Custom-Md", "a=1"), ("Ais-Custom-Md", "b=2"));
        await _store.PutAsync("b", "v", [1, 2], ("Ais-Custom-Md", "a=1"));
        await _store.ControlAsync(HttpMethod.Patch, "/v1/objects/b/v", """{"action":"","name":"","value":{"c":"3"}}""");
        using HttpResponseMessage head = await _store.SendAsync(HttpMethod.Head, "/v1/objects/b/v");
        Assert.Equal("2", head.Headers.GetValues("Ais-Version").Single());
        Assert.Equal(["a=1", "c=3"], head.Headers.GetValues("Ais-Custom-Md"));
        await _store.ControlAsync(HttpMethod.Patch, "/v1/objects/b/v?set-new-custom=True", """{"value":{"d":"4"}}""");
        using HttpResponseMessage replaced = await _store.SendAsync(HttpMethod.Head, "/v1/objects/b/v?props=custom");
        Assert.Equal(["d=4"], replaced.Headers.GetValues("Ais-Custom-Md"));
        await _store.ControlAsync(HttpMethod.Post, "/v1/objects/b/v", """{"action":"check-lock"}""");
        await _store.ControlAsync(HttpMethod.Delete, "/v1/objects/b/v", "");
    }

    [Theory]
    [InlineData("xxhash2", 16)]
    [InlineData("xxh3", 16)]
    [InlineData("crc32c", 8)]
    [InlineData("crc64nvme", 16)]
    [InlineData("md5", 32)]
    [InlineData("sha256", 64)]
    [InlineData("sha512", 128)]
    [InlineData("none", 0)]
    public async Task ABucketKeepsTheDigestItIsToldTo(string type, int digits)
    {
        string bucket = $"sum-{type}";
        await _store.CreateAsync(bucket, $$$"""{"checksum":{"type":"{{{type}}}"}}""");
        await _store.PutAsync(bucket, "o", new byte[3_000_000]);
        using HttpResponseMessage head = await _store.SendAsync(HttpMethod.Head, $"/v1/objects/{bucket}/o");
        Assert.Equal(digits > 0, head.Headers.TryGetValues("Ais-Checksum-Value", out IEnumerable<string>? value));
        Assert.Equal(digits, value?.Single().Length ?? 0);
        await _store.ControlAsync(HttpMethod.Delete, $"/v1/buckets/{bucket}", """{"action":"destroy-bck"}""");
        await _store.ControlAsync(HttpMethod.Delete, $"/v1/buckets/{bucket}", """{"action":"destroy-bck"}""", 404);
    }

    [Fact]
    public async Task AccessBitsForbid()
    {
        await _store.CreateAsync("readonly");
        await _store.PutAsync("readonly", "o", [1]);
        await _store.ControlAsync(HttpMethod.Patch, "/v1/buckets/readonly", """{"action":"set-bprops","value":{"access":"ro"}}""");
        await _store.ControlAsync(HttpMethod.Put, "/v1/objects/readonly/o", "x", 403);
        await _store.ControlAsync(HttpMethod.Delete, "/v1/objects/readonly/o", "", 403);
        Assert.Equal([1], await _store.GetAsync("readonly", "o"));
        using HttpResponseMessage head = await _store.SendAsync(HttpMethod.Head, "/v1/buckets/readonly");
        using JsonDocument properties = JsonDocument.Parse(head.Headers.GetValues("Ais-Bucket-Props").Single());
        Assert.Equal("771", properties.RootElement.GetProperty("access").GetString());
    }

    [Fact]
    public async Task ListingPagesAndFoldsDirectories()
    {
        await _store.CreateAsync("pages");
        string[] names = ["a/1", "a/2", "a/b/3", "c", "d/4"];
        foreach (string name in names)
        {
            await _store.PutAsync("pages", name, [1, 2]);
        }

        Assert.Equal(["a/", "c", "d/"], await NamesAsync("""{"flags":"2048"}"""));
        Assert.Equal(["a/1", "a/2", "a/b/"], await NamesAsync("""{"flags":"2048","prefix":"a/"}"""));
        Assert.Equal(["c", "d/4"], await NamesAsync("""{"start_after":"a/b/3"}"""));
        Assert.Equal(["a/1", "a/2"], await NamesAsync("""{"pagesize":2}"""));
        Assert.Equal(["a/b/3", "c"], await NamesAsync("""{"pagesize":2,"continuation_token":"a/2"}"""));
        Assert.Empty(await NamesAsync("""{"pagesize":1,"continuation_token":"d/4"}"""));
    }

    [Fact]
    public async Task ListingSpeaksMessagePack()
    {
        await _store.CreateAsync("packed");
        await _store.PutAsync("packed", "o", new byte[300]);
        using HttpResponseMessage answer = await _store.SendAsync(
            HttpMethod.Get, "/v1/buckets/packed", new StringContent("""{"action":"list","value":{"props":"name,size","uuid":"u12345678"}}"""), ("Accept", "application/msgpack"));
        Assert.Equal("application/msgpack", answer.Content.Headers.ContentType!.ToString());
        byte[] expected =
        [
            0x84, 0xa4, .. "UUID"u8, 0xa9, .. "u12345678"u8, 0xb1, .. "ContinuationToken"u8, 0xa0, 0xa7, .. "Entries"u8, 0x91,
            0x83, 0xa1, (byte)'n', 0xa1, (byte)'o', 0xa1, (byte)'s', 0xcd, 0x01, 0x2c, 0xa1, (byte)'f', 0x40, 0xa5, .. "Flags"u8, 0x00,
        ];
        Assert.Equal(expected, await answer.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task TheMapNamesOneNodeInTwoRoles()
    {
        using JsonDocument map = JsonDocument.Parse(await _store.ControlAsync(HttpMethod.Get, "/v1/daemon?what=smap", ""));
        JsonElement target = map.RootElement.GetProperty("tmap").EnumerateObject().Single().Value;
        string id = target.GetProperty("daemon_id").GetString()!;
        Assert.Equal(Sluice.Native.Codecs.XxHash64.Hash(Encoding.UTF8.GetBytes(id), 1103515245), target.GetProperty("id_digest").GetUInt64());
        Assert.Equal(fixture.Server.Endpoint.GetLeftPart(UriPartial.Authority), map.RootElement.GetProperty("proxy_si").GetProperty("public_net").GetProperty("direct_url").GetString());
        Assert.True(long.Parse(map.RootElement.GetProperty("version").GetString()!, CultureInfo.InvariantCulture) > 0);
        await _store.ControlAsync(HttpMethod.Get, "/v1/health?prr=true", "");
        await _store.ControlAsync(HttpMethod.Get, "/v1/health?readiness=true", "");
        using JsonDocument details = JsonDocument.Parse(await _store.ControlAsync(HttpMethod.Get, "/v1/health?details=true", ""));
        Assert.Equal(2, details.RootElement.GetProperty("mountpaths").GetArrayLength());
    }

    [Fact]
    public async Task EasyAddressesWork()
    {
        using HttpResponseMessage put = await _store.SendAsync(HttpMethod.Put, "/ais/b/easy", new ByteArrayContent([7]));
        Assert.Equal(HttpStatusCode.OK, put.StatusCode);
        Assert.Equal([7], await _store.GetAsync("b", "easy"));
        Assert.Contains("\"easy\"", await _store.ControlAsync(HttpMethod.Get, "/ais/b", ""), StringComparison.Ordinal);
        await _store.ControlAsync(HttpMethod.Delete, "/ais/b/easy", "");
    }

    private async Task<List<string?>> NamesAsync(string value)
    {
        string text = await _store.ControlAsync(HttpMethod.Get, "/v1/buckets/pages", $$$"""{"action":"list","value":{{{value}}}}""");
        using JsonDocument page = JsonDocument.Parse(text);
        return [.. page.RootElement.GetProperty("entries").EnumerateArray().Select(entry => entry.GetProperty("name").GetString())];
    }
}

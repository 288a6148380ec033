// What access bits forbid, each verb against each bit (contract: buckets §4); and properties set and reset (§3), and buckets listed by provider (§2).
using System.Globalization;
using System.Text;
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class AccessTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private const ulong Get = 1 << 0, Head = 1 << 1, Put = 1 << 2, Delete = 1 << 4, Promote = 1 << 6, Update = 1 << 7, HeadBucket = 1 << 8, List = 1 << 9, Patch = 1 << 10, Acl = 1 << 11, Destroy = 1 << 15;

    // The last one takes the bucket away.
    private static readonly (string Method, string Target, string Body, ulong Needed)[] s_verbs =
    [
        ("GET", "/v1/objects/{b}/kept", "", Get),
        ("HEAD", "/v1/objects/{b}/kept", "", Head),
        ("POST", "/v1/objects/{b}/kept", """{"action":"check-lock"}""", Head),
        ("PATCH", "/v1/objects/{b}/kept", """{"value":{"k":"v"}}""", Update),
        ("PUT", "/v1/objects/{b}/new", "content", Put),
        ("PUT", "/v1/objects/{b}/kept?object_to=ais/@%23/{b}/copy", "", Get | Put),
        ("POST", "/v1/objects/{b}/big", """{"action":"mpt-upload"}""", Put),
        ("POST", "/v1/objects/{b}", """{"action":"promote","name":"{p}/promoted"}""", Promote),
        ("DELETE", "/v1/objects/{b}/gone", "", Delete),
        ("GET", "/v1/buckets/{b}", """{"action":"list","value":{}}""", List),
        ("GET", "/v1/buckets/{b}?what=uploads", "", List),
        ("GET", "/v1/buckets/{b}", """{"action":"summary-bck","value":{}}""", HeadBucket),
        ("HEAD", "/v1/buckets/{b}", "", HeadBucket),
        ("HEAD", "/v1/buckets/{b}?bsumm_remote=true", "", HeadBucket),
        ("PATCH", "/v1/buckets/{b}", """{"action":"set-bprops","value":{"versioning":{"enabled":true}}}""", Patch),
        ("PATCH", "/v1/buckets/{b}", """{"action":"set-bprops","value":{"access":"{a}"}}""", Patch | Acl),
        ("POST", "/v1/buckets/{b}", """{"action":"rechunk"}""", Patch),
        ("POST", "/v1/buckets/{b}", """{"action":"make-n-copies","value":1}""", Patch),
        ("POST", "/v1/buckets/{b}", """{"action":"ec-encode"}""", Patch),
        ("POST", "/v1/buckets/{b}?bck_to=ais/@%23/{b}-to/", """{"action":"copy-bck"}""", Get),
        ("POST", "/v1/buckets/b?bck_to=ais/@%23/{b}/", """{"action":"copy-bck","value":{"dry_run":false}}""", Put),
        ("POST", "/v1/buckets/b?bck_to=ais/@%23/{b}/", """{"action":"copy-bck","value":{"synchronize":true,"prefix":"nothing"}}""", Put | Delete),
        ("POST", "/v1/buckets/{b}?bck_to=ais/@%23/b/", """{"action":"move-bck"}""", 1UL << 16),
        ("POST", "/v1/buckets/{b}", """{"action":"copy-listrange","value":{"tobck":{"name":"b"},"objnames":["kept"]}}""", Get),
        ("DELETE", "/v1/buckets/{b}", """{"action":"delete-listrange","value":{"objnames":["other"]}}""", Delete),
        ("DELETE", "/v1/buckets/{b}", """{"action":"destroy-bck"}""", Destroy),
    ];

    private static int s_buckets;

    private Store Store => fixture.Store;

    [Fact]
    public async Task EveryVerbNeedsItsBitsAndNoOther()
    {
        var wrong = new List<string>();
        for (int bit = 0; bit < 18; bit++)
        {
            string bucket = await FilledAsync();
            string access = (ulong.MaxValue & ~(1UL << bit)).ToString(CultureInfo.InvariantCulture);
            await Store.ControlAsync(HttpMethod.Patch, $"/v1/buckets/{bucket}", $$$"""{"action":"set-bprops","value":{"access":"{{{access}}}"}}""");
            foreach ((string method, string target, string body, ulong needed) in s_verbs)
            {
                using HttpResponseMessage answer = await Store.SendAsync(
                    new HttpMethod(method), target.Replace("{b}", bucket, StringComparison.Ordinal),
                    body.Length == 0 && method != "PUT" ? null : Text(body.Replace("{b}", bucket, StringComparison.Ordinal).Replace("{a}", access, StringComparison.Ordinal).Replace("{p}", fixture.PromoteRoot, StringComparison.Ordinal)));
                bool isForbidden = (needed & (1UL << bit)) != 0;
                int status = (int)answer.StatusCode;
                bool isAllowed = status is >= 200 and <= 299 || (status == 400 && body.Contains("ec-encode", StringComparison.Ordinal)) // a bucket without erasure coding: seen behind the bits
                    || (status == 409 && body.Contains("move-bck", StringComparison.Ordinal)); // a name that is taken: likewise
                if (isForbidden ? status != 403 : !isAllowed)
                {
                    wrong.Add($"without bit {bit}: {method} {target} {body}: {status} {await answer.Content.ReadAsStringAsync()}");
                }
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public async Task PropertiesComeAsNumbersOrTextsAndGoBackToTheDefaults()
    {
        string bucket = await FilledAsync();
        JsonElement fresh = await PropertiesAsync(bucket);
        await SetAsync(bucket, """{"access":2047,"versioning":{"enabled":"false"},"checksum":{"type":"md5"},"durability":"relaxed","chunks":{"chunk_size":"1MiB","objsize_limit":"2097152"}}""");
        JsonElement set = await PropertiesAsync(bucket);
        Assert.Equal("2047", set.GetProperty("access").GetString());
        Assert.Equal("1MiB 2MiB", $"{set.GetProperty("chunks").GetProperty("chunk_size").GetString()} {set.GetProperty("chunks").GetProperty("objsize_limit").GetString()}");
        Assert.False(set.GetProperty("versioning").GetProperty("enabled").GetBoolean());
        await Store.ControlAsync(HttpMethod.Patch, $"/v1/buckets/{bucket}", """{"action":"reset-bprops"}""", 403); // the bit that lets access be changed is not among them
        string open = await FilledAsync();
        fresh = await PropertiesAsync(open);
        await SetAsync(open, """{"access":"4095","versioning":{"enabled":false},"checksum":{"type":"md5"},"durability":"relaxed"}""");
        Assert.NotEqual(fresh.GetRawText(), (await PropertiesAsync(open)).GetRawText());
        Assert.Equal("", await Store.ControlAsync(HttpMethod.Patch, $"/v1/buckets/{open}", """{"action":"reset-bprops"}"""));
        Assert.Equal(fresh.GetRawText(), (await PropertiesAsync(open)).GetRawText());
        Assert.Equal("", await Store.ControlAsync(HttpMethod.Patch, $"/v1/buckets/{open}", ""));
        await SetAsync(open, """{"checksum":{"type":"md5"}}""");
        (int code, _, string error) = await SluiceProcess.RunAsync(null, fixture.Server.Endpoint, "bucket", "reset", open, "--wait");
        Assert.Equal((0, ""), (code, error));
        Assert.Equal(fresh.GetRawText(), (await PropertiesAsync(open)).GetRawText());
        await Store.ControlAsync(HttpMethod.Patch, "/v1/buckets/nosuch", """{"action":"reset-bprops"}""", 404);
    }

    [Fact]
    public async Task AChangeOfProtectionAnswersItsJobAndTwoAtOnceAreBusy()
    {
        string bucket = await FilledAsync();
        string answer = await Store.ControlAsync(HttpMethod.Patch, $"/v1/buckets/{bucket}",
            """{"action":"set-bprops","value":{"mirror":{"enabled":true},"ec":{"enabled":true,"data_slices":1,"parity_slices":1}}}""", 409);
        Assert.Contains("mirror and ec cannot be changed at once", answer, StringComparison.Ordinal);
        Assert.StartsWith("j", await SetAsync(bucket, """{"mirror":{"enabled":true,"copies":2}}"""), StringComparison.Ordinal);
        Assert.StartsWith("j", await Store.ControlAsync(HttpMethod.Patch, $"/v1/buckets/{bucket}", """{"action":"reset-bprops"}"""), StringComparison.Ordinal);
        Assert.False((await PropertiesAsync(bucket)).GetProperty("mirror").GetProperty("enabled").GetBoolean());
        string few = await Store.ControlAsync(HttpMethod.Patch, $"/v1/buckets/{bucket}", """{"action":"set-bprops","value":{"ec":{"enabled":true,"data_slices":4,"parity_slices":2}}}""", 400);
        Assert.Contains("needs 6 mountpaths", few, StringComparison.Ordinal);
        Assert.StartsWith("j", await SetAsync(bucket, """{"force":true,"ec":{"enabled":true,"data_slices":4,"parity_slices":2}}"""), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("?provider=ais", true)]
    [InlineData("?provider=aws", false)]
    [InlineData("?provider=s3", false)]
    [InlineData("?provider=gs&presence=2", false)]
    public async Task BucketsAreListedByTheirProvider(string query, bool hasOurs)
    {
        string bucket = await FilledAsync();
        string answer = await Store.ControlAsync(HttpMethod.Get, $"/v1/buckets{query}", """{"action":"list","name":"","value":null}""");
        string[] names = [.. JsonDocument.Parse(answer).RootElement.EnumerateArray().Select(one => one.GetProperty("name").GetString()!)];
        Assert.Equal(names.Order(StringComparer.Ordinal), names);
        Assert.Equal(hasOurs, names.Contains(bucket));
        Assert.Equal(hasOurs, answer != "[]");
        await Store.ControlAsync(HttpMethod.Get, "/v1/buckets?provider=ftp", """{"action":"list","name":"","value":null}""", 400);
    }

    private static StringContent Text(string text) => new(text, Encoding.UTF8, "application/json");

    private async Task<string> FilledAsync()
    {
        string bucket = $"acc-{Interlocked.Increment(ref s_buckets)}";
        await Store.CreateAsync(bucket);
        foreach (string name in new[] { "kept", "gone", "other" })
        {
            await Store.PutAsync(bucket, name, "content"u8.ToArray());
        }

        return bucket;
    }

    private Task<string> SetAsync(string bucket, string tree) =>
        Store.ControlAsync(HttpMethod.Patch, $"/v1/buckets/{bucket}", $$"""{"action":"set-bprops","value":{{tree}}}""");

    private async Task<JsonElement> PropertiesAsync(string bucket)
    {
        using HttpResponseMessage answer = await Store.SendAsync(HttpMethod.Head, $"/v1/buckets/{bucket}");
        return JsonDocument.Parse(answer.Headers.GetValues("Ais-Bucket-Props").Single()).RootElement;
    }
}

// Many objects removed by one call: the requests that AIStore's Python SDK sends, what it then asks of the job, and the same by the client of the binary.
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class DeletionTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    // As the SDK has them on every request.
    private static readonly (string Name, string Value)[] s_sdk = [("User-Agent", "ais/python/1.15.0"), ("Accept", "*/*")];

    private Store Store => fixture.Store;

    [Theory]
    [InlineData("""{"objnames": ["obj-1", "obj-2", "dir/obj-3"]}""", "obj-0 obj-10", 3)]
    [InlineData("""{"template": "obj-{1..10..1}"}""", "dir/obj-3 obj-0", 3)]
    [InlineData("""{"template": "obj-{0..2}"}""", "dir/obj-3 obj-10", 3)]
    [InlineData("""{"template": "obj-{00..99..5}"}""", "dir/obj-3 obj-0 obj-1 obj-2", 1)]
    [InlineData("""{"template": "obj-"}""", "dir/obj-3", 4)]
    [InlineData("""{"template":"obj-@2","objnames":null,"num-workers":3,"coer":true}""", "dir/obj-3 obj-10", 3)]
    [InlineData("""{"template":"obj-%01d","objnames":null,"num-workers":-1}""", "dir/obj-3 obj-10", 3)]
    [InlineData("""{"template":"","objnames":null}""", "", 5)]
    [InlineData("""{"template":"*","non-recurs":true}""", "dir/obj-3", 4)]
    [InlineData("{}", "", 5)]
    public async Task WhatTheSdkNamesIsRemovedAndCounted(string value, string left, int removed)
    {
        string bucket = await FilledAsync("obj-0", "obj-1", "obj-2", "obj-10", "dir/obj-3");
        string id = await DeleteAsync(bucket, value);
        Assert.Matches("^[a-zA-Z][a-zA-Z0-9_-]{8,}$", id);
        JsonElement snapshot = await SnapshotAsync(id); // how job.wait() learns the kind, from the moment the id is answered
        Assert.Equal(("delete-listrange", bucket), (snapshot.GetProperty("kind").GetString(), snapshot.GetProperty("bck").GetProperty("name").GetString()));
        JsonElement status = await EndedAsync(id);
        Assert.Equal(("", false), (status.GetProperty("err").GetString(), status.GetProperty("aborted").GetBoolean()));
        snapshot = await SnapshotAsync(id);
        JsonElement statistics = snapshot.GetProperty("stats");
        Assert.Equal(($"{removed}", $"{removed * 7}"), (statistics.GetProperty("loc-objs").GetString(), statistics.GetProperty("loc-bytes").GetString()));
        Assert.True(snapshot.GetProperty("is_idle").GetBoolean());
        Assert.NotEqual("0", snapshot.GetProperty("glob.id").GetString());
        Assert.Equal(left, string.Join(' ', await NamesAsync(bucket)));
        string finished = await Store.ControlAsync(HttpMethod.Get, "/v1/cluster?what=status_all", """{"kind": "delete-objects", "node": "", "show_active": false}""");
        Assert.Contains(id, finished, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AListedNameThatIsMissingFailsTheJobUnlessItContinues()
    {
        string bucket = await FilledAsync("a", "b");
        JsonElement failed = await EndedAsync(await DeleteAsync(bucket, """{"objnames": ["nosuch", "a"]}"""));
        Assert.Equal($"1 object could not be done; the first: ais://{bucket}/nosuch does not exist", failed.GetProperty("err").GetString());
        Assert.Equal(["b"], await NamesAsync(bucket));
        JsonElement well = await EndedAsync(await DeleteAsync(bucket, """{"objnames": ["nosuch", "b"], "coer": true}"""));
        Assert.Equal("", well.GetProperty("err").GetString());
        JsonElement again = await EndedAsync(await DeleteAsync(bucket, """{"template": "{a}"}""".Replace("{a}", "a{1..3}", StringComparison.Ordinal)));
        Assert.Equal("", again.GetProperty("err").GetString());
        Assert.Empty(await NamesAsync(bucket));
    }

    [Theory]
    [InlineData("\"value\":{\"template\":\"a{3..1}\"}", "character 2 of the template: a range goes up, and 3 is more than 1")]
    [InlineData("\"value\":{\"template\":\"{0..10000000}\"}", "more than 10000000 names")]
    [InlineData("\"value\":{\"template\":\"a%d\"}", "character 3 of the template")]
    [InlineData("\"value\":{\"template\":\"../{1..2}\"}", "no object can have the names of the template")]
    [InlineData("\"value\":{\"template\":7}", "\\\"template\\\" must be a JSON string")]
    [InlineData("\"value\":{\"template\":\"a\",\"objnames\":[\"b\"]}", "do not go together")]
    [InlineData("\"value\":{\"objnames\":[]}", "\\\"objnames\\\" is empty")]
    [InlineData("\"value\":{\"objnames\":\"a\"}", "\\\"objnames\\\" must be a JSON array of strings")]
    [InlineData("\"value\":{\"objnames\":[\"a\",7]}", "\\\"objnames\\\" must be a JSON array of strings")]
    [InlineData("\"value\":{\"objnames\":[\"a\",\"b/../c\"]}", "name 2 of the list")]
    [InlineData("\"value\":{\"num-workers\":-2}", "\\\"num-workers\\\" must be a number from -1 to 128")]
    [InlineData("\"value\":{\"num-workers\":1.5}", "\\\"num-workers\\\" must be a number from -1 to 128")]
    [InlineData("\"value\":{\"num-workers\":\"3\"}", "\\\"num-workers\\\" must be a number from -1 to 128")]
    [InlineData("\"value\":{\"coer\":\"yes\"}", "\\\"coer\\\" must be true or false")]
    [InlineData("\"value\":{\"non-recurs\":1}", "\\\"non-recurs\\\" must be true or false")]
    [InlineData("\"value\":[\"a\"]", "must be a JSON object")]
    [InlineData("\"value\":null", "must be a JSON object")]
    [InlineData("\"name\":\"\"", "must be a JSON object")]
    public async Task WhatMakesNoSenseIsRefusedAndNothingIsRemoved(string rest, string sentence)
    {
        string bucket = await FilledAsync("a", "b");
        string answer = await Store.ControlAsync(HttpMethod.Delete, $"/v1/buckets/{bucket}?provider=ais", $$"""{"action":"delete-listrange",{{rest}}}""", 400, s_sdk);
        Assert.Contains(sentence, answer, StringComparison.Ordinal);
        Assert.Equal(400, JsonDocument.Parse(answer).RootElement.GetProperty("status").GetInt32());
        Assert.Equal(["a", "b"], await NamesAsync(bucket));
    }

    [Fact]
    public async Task BucketsThatAreMissingOrForbidAndThoseWithNothingToEvictAreRefused()
    {
        string missing = await Store.ControlAsync(HttpMethod.Delete, "/v1/buckets/nosuch?provider=ais", """{"action":"delete-listrange","value":{"objnames":["a"]}}""", 404, s_sdk);
        Assert.Contains("bucket \\\"ais://nosuch\\\" does not exist", missing, StringComparison.Ordinal);
        string bucket = await FilledAsync("a");
        string evict = await Store.ControlAsync(HttpMethod.Delete, $"/v1/buckets/{bucket}?provider=ais", """{"action":"evict-listrange","value":{"objnames":["a"]}}""", 400, s_sdk);
        Assert.Contains($"evict-listrange: bucket \\\"ais://{bucket}\\\" is not a remote one", evict, StringComparison.Ordinal);
        await Store.ControlAsync(HttpMethod.Delete, "/v1/buckets/nosuch?provider=ais", """{"action":"evict-listrange","value":{}}""", 404, s_sdk);
        await Store.ControlAsync(HttpMethod.Patch, $"/v1/buckets/{bucket}", """{"action":"set-bprops","value":{"access":"ro"}}""");
        string denied = await Store.ControlAsync(HttpMethod.Delete, $"/v1/buckets/{bucket}?provider=ais", """{"action":"delete-listrange","value":{"template":"a"}}""", 403, s_sdk);
        Assert.Contains("access denied", denied, StringComparison.Ordinal);
        await Store.ControlAsync(HttpMethod.Post, $"/v1/buckets/{bucket}", """{"action":"delete-listrange","value":{}}""", 400);
        await Store.ControlAsync(HttpMethod.Put, "/v1/cluster", $$$$"""{"action":"start","value":{"Kind":"delete-objects","Bck":{"name":"{{{{bucket}}}}"}}}""", 400);
        Assert.Equal(["a"], await NamesAsync(bucket));
    }

    [Fact]
    public async Task AJobOverManyNamesIsStopped()
    {
        string bucket = await FilledAsync("n0000000");
        string id = await DeleteAsync(bucket, """{"template": "n{0000000..9999999}"}""");
        string running = await Store.ControlAsync(HttpMethod.Get, "/v1/cluster?what=running_all", """{"kind": "delete-listrange", "node": "", "show_active": true}""");
        Assert.Contains($"delete-listrange[{id}]", running, StringComparison.Ordinal);
        Assert.Equal("10000000", (await SnapshotAsync(id)).GetProperty("ext").GetProperty("objects_expected").GetString());
        await Store.ControlAsync(HttpMethod.Put, "/v1/cluster", $$$"""{"action":"stop","value":{"ID":"{{{id}}}","Kind":""}}""");
        JsonElement status = await EndedAsync(id);
        Assert.Equal((true, "stopped by a user"), (status.GetProperty("aborted").GetBoolean(), status.GetProperty("err").GetString()));
    }

    [Fact]
    public async Task TheVerbRemovesByTemplateListAndPrefix()
    {
        string bucket = await FilledAsync("a1", "a2", "a3", "b", "c,d", "d/x", "d/s/y", "x{1..2}");
        Assert.Equal("2 objects removed, 14 B\n", await RunAsync(0, null, "rm", $"ais://{bucket}", "--template", "a{1..3..2}"));
        Assert.Equal("1 objects removed, 7 B\n", await RunAsync(0, null, "rm", bucket, "--list", "b"));
        Assert.Equal("1 objects removed, 7 B\n", await RunAsync(0, null, "rm", bucket, "--prefix", "x{1..2}", "--yes"));
        Assert.Equal(["a2", "c,d", "d/s/y", "d/x"], await NamesAsync(bucket));
        await RunAsync(4, "n\n", "rm", bucket, "--all");
        await RunAsync(4, "", "rm", bucket, "--prefix", "d/");
        await RunAsync(1, null, "rm", bucket, "--list", "a2,nosuch");
        Assert.Equal("1 objects removed, 7 B\n", await RunAsync(0, "y\n", "rm", bucket, "--prefix", "d/", "--non-recursive"));
        Assert.Equal(["c,d", "d/s/y"], await NamesAsync(bucket));
        string id = (await RunAsync(0, null, "rm", bucket, "--all", "--yes", "--no-wait")).Trim();
        JsonElement job = JsonDocument.Parse(await RunAsync(0, null, "job", "wait", id, "--json")).RootElement;
        Assert.Equal(("delete-listrange", "finished"), (job.GetProperty("kind").GetString(), job.GetProperty("state").GetString()));
        Assert.Empty(await NamesAsync(bucket));
        Assert.Contains("delete-listrange", await RunAsync(0, null, "job", "ls", "--kind", "delete-objects"), StringComparison.Ordinal);
        await RunAsync(3, null, "rm", "nosuch", "--list", "a");
        string help = await RunAsync(0, null, "rm", "--help");
        Assert.All((string[])["--template", "--list", "--prefix", "--all", "--yes", "--no-wait"], option => Assert.Contains(option, help, StringComparison.Ordinal));
    }

    private static int s_buckets;

    private async Task<string> FilledAsync(params string[] names)
    {
        string bucket = $"del-{Interlocked.Increment(ref s_buckets)}";
        await Store.CreateAsync(bucket);
        foreach (string name in names)
        {
            await Store.PutAsync(bucket, name, "content"u8.ToArray());
        }

        return bucket;
    }

    private Task<string> DeleteAsync(string bucket, string value) => Store.ControlAsync(
        HttpMethod.Delete, $"/v1/buckets/{bucket}?provider=ais", $$"""{"action": "delete-listrange", "name": "", "value": {{value}}}""", 200, s_sdk);

    private async Task<JsonElement> SnapshotAsync(string id)
    {
        string answer = await Store.ControlAsync(HttpMethod.Get, "/v1/cluster?what=qryxstats", $$"""{"ID": "{{id}}", "Kind": "", "DaemonID": "", "Bck": null, "Buckets": null}""");
        return JsonDocument.Parse(answer).RootElement.EnumerateObject().Single().Value[0];
    }

    private async Task<JsonElement> EndedAsync(string id)
    {
        JsonElement status = default;
        await Eventually.HoldsAsync(async () =>
        {
            string answer = await Store.ControlAsync(HttpMethod.Get, "/v1/cluster?what=status", $$"""{"ID": "{{id}}", "Kind": "delete-listrange", "DaemonID": "", "Bck": null, "Buckets": null}""");
            status = JsonDocument.Parse(answer).RootElement;
            return status.GetProperty("end_time").GetInt64() > 0 ? null : $"{id} has not ended";
        });
        return status;
    }

    private async Task<string[]> NamesAsync(string bucket)
    {
        string answer = await Store.ControlAsync(HttpMethod.Get, $"/v1/buckets/{bucket}", """{"action":"list","value":{"props":"name"}}""", 200, ("Accept", "application/json"));
        JsonElement entries = JsonDocument.Parse(answer).RootElement.GetProperty("entries");
        return entries.ValueKind == JsonValueKind.Null ? [] : [.. entries.EnumerateArray().Select(entry => entry.GetProperty("name").GetString()!)];
    }

    private async Task<string> RunAsync(int code, string? input, params string[] arguments)
    {
        (int got, string output, string error) = await SluiceProcess.RunAsync(input, fixture.Server.Endpoint, arguments);
        Assert.True(got == code, $"{string.Join(' ', arguments)}: {got} {error}");
        return output;
    }
}

// Buckets copied as AIStore's Python SDK has them copied, what it then asks of the job, and the same by the client of the binary.
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class BucketCopyTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private Store Store => fixture.Store;

    [Fact]
    public async Task TheSdksCopyIsAJobThatCountsAndGoesIdle()
    {
        string bucket = await FilledAsync("prefix-obj.old-ext", "notprefix-obj");
        string to = $"{bucket}-to";
        string id = await PostAsync(bucket, $"&bck_to=ais%2F%40%23%2F{to}%2F", "copy-bck",
            """{"prefix": "prefix", "prepend": "new-", "dry_run": false, "force": false, "latest-ver": false, "synchronize": false, "ext": {"old-ext": "new-ext"}, "num-workers": 10}""");
        JsonElement job = await IdleAsync(id);
        Assert.Equal(("copy-bck", bucket, to), (job.GetProperty("kind").GetString(), Name(job, "src-bck"), Name(job, "dst-bck")));
        Assert.Equal(("1", "7", $"{10 << 10}", ""),
            (job.GetProperty("stats").GetProperty("loc-objs").GetString(), job.GetProperty("stats").GetProperty("loc-bytes").GetString(), job.GetProperty("glob.id").GetString(), job.GetProperty("err").GetString()));
        Assert.Equal(["new-prefix-obj.new-ext"], await NamesAsync(to));
    }

    [Fact]
    public async Task TheSdksCopyOfAGroupHasAnIdOfItsKind()
    {
        string bucket = await FilledAsync("obj-1", "obj-2", "obj-3");
        string to = $"{bucket}-to";
        string id = await PostAsync(bucket, "", "copy-listrange",
            $$$"""{"objnames": ["obj-1", "obj-3"], "prepend": "", "dry_run": false, "force": false, "latest-ver": false, "synchronize": false, "tobck": {"name": "{{{to}}}", "provider": "ais", "namespace": null}, "coer": false, "num-workers": 3}""");
        Assert.Matches("^tco-[a-zA-Z0-9]{8,}$", id);
        JsonElement job = await IdleAsync(id);
        Assert.Equal(("copy-listrange", "2", $"{3 << 10}"), (job.GetProperty("kind").GetString(), job.GetProperty("stats").GetProperty("loc-objs").GetString(), job.GetProperty("glob.id").GetString()));
        Assert.Equal(["obj-1", "obj-3"], await NamesAsync(to));
        string finished = await Store.ControlAsync(HttpMethod.Get, "/v1/cluster?what=status_all", """{"kind": "copy-objects", "node": "", "show_active": false}""");
        Assert.Contains(id, finished, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "copy-bck", "null", "the query has no \\\"bck_to\\\"")]
    [InlineData("&bck_to=to", "copy-bck", "null", "bck_to: a unified name is")]
    [InlineData("&bck_to=ais/@%23/to/x", "copy-bck", "null", "has something behind the bucket")]
    [InlineData("&bck_to=ais/@%23/.to/", "copy-bck", "null", "starts with a dot")]
    [InlineData("&bck_to=ais/@%23/{b}/", "copy-bck", "null", "cannot be copied onto itself")]
    [InlineData("&bck_to=ais/@%23/to/", "copy-bck", "[1]", "must be a JSON object")]
    [InlineData("&bck_to=ais/@%23/to/", "copy-bck", "{\"prepend\":\"x\",\"synchronize\":true}", "do not go together")]
    [InlineData("&bck_to=ais/@%23/to/", "copy-bck", "{\"prepend\":1}", "\\\"prepend\\\" must be a JSON string")]
    [InlineData("&bck_to=ais/@%23/to/", "copy-bck", "{\"dry_run\":\"yes\"}", "\\\"dry_run\\\" must be true or false")]
    [InlineData("&bck_to=ais/@%23/to/", "copy-bck", "{\"ext\":{\"a\":1}}", "\\\"ext\\\" must be")]
    [InlineData("&bck_to=ais/@%23/to/", "copy-bck", "{\"num-workers\":129}", "\\\"num-workers\\\" must be a number")]
    [InlineData("", "copy-listrange", "null", "must be a JSON object")]
    [InlineData("", "copy-listrange", "{\"template\":\"a\"}", "\\\"tobck\\\" must be the bucket")]
    [InlineData("", "copy-listrange", "{\"tobck\":{\"name\":\"a b\"}}", "may contain only letters")]
    [InlineData("", "copy-listrange", "{\"tobck\":{\"name\":\"to\"},\"template\":\"a{3..1}\"}", "a range goes up")]
    public async Task WhatMakesNoSenseIsRefused(string query, string action, string value, string sentence)
    {
        string bucket = await FilledAsync("a");
        string answer = await PostAsync(bucket, query.Replace("{b}", bucket, StringComparison.Ordinal), action, value, 400);
        Assert.Contains(sentence, answer, StringComparison.Ordinal);
        await Store.ControlAsync(HttpMethod.Get, "/v1/buckets/to", """{"action":"list","value":{}}""", 404);
    }

    [Fact]
    public async Task TheVerbCopiesABucketAndKeepsItLikeTheOther()
    {
        string bucket = await FilledAsync("a1", "a2", "b", "d/x.jpeg");
        string to = $"{bucket}-to";
        JsonElement job = JsonDocument.Parse(await RunAsync(0, "bucket", "cp", bucket, to, "--wait", "--json")).RootElement;
        Assert.Equal(("copy-bck", "finished", 4), (job.GetProperty("kind").GetString(), job.GetProperty("state").GetString(), job.GetProperty("objects").GetInt64()));
        await RunAsync(0, "rm", $"ais://{bucket}/b");
        JsonElement dry = JsonDocument.Parse(await RunAsync(0, "bucket", "cp", bucket, $"{to}-dry", "--template", "a{1..5}", "--dry-run", "--wait", "--json")).RootElement;
        Assert.Equal(("copy-listrange", 2), (dry.GetProperty("kind").GetString(), dry.GetProperty("objects").GetInt64()));
        await RunAsync(0, "bucket", "cp", bucket, to, "--sync", "--ext", "jpeg=jpg", "--wait");
        Assert.Equal(["a1", "a2", "d/x.jpg"], await NamesAsync(to));
        await RunAsync(0, "bucket", "cp", bucket, to, "--list", "a1,a2", "--prepend", "p-", "--workers", "1", "--wait");
        Assert.Equal(["a1", "a2", "d/x.jpg", "p-a1", "p-a2"], await NamesAsync(to));
        await RunAsync(2, "bucket", "cp", bucket, to, "--list", "a1", "--prefix", "a");
        await RunAsync(2, "bucket", "cp", bucket, to, "--ext", "jpeg");
        await RunAsync(4, "bucket", "cp", bucket, bucket);
        await RunAsync(3, "bucket", "cp", "nosuch", to);
    }

    private static int s_buckets;

    private static string? Name(JsonElement job, string member) => job.GetProperty(member).GetProperty("name").GetString();

    private async Task<string> FilledAsync(params string[] names)
    {
        string bucket = $"cpy-{Interlocked.Increment(ref s_buckets)}";
        await Store.CreateAsync(bucket);
        foreach (string name in names)
        {
            await Store.PutAsync(bucket, name, "content"u8.ToArray());
        }

        return bucket;
    }

    private Task<string> PostAsync(string bucket, string query, string action, string value, int status = 200) =>
        Store.ControlAsync(HttpMethod.Post, $"/v1/buckets/{bucket}?provider=ais{query}", $$"""{"action": "{{action}}", "name": "", "value": {{value}}}""", status);

    /// <summary>The job's snapshot when it is idle, as wait_for_idle() waits for it.</summary>
    private async Task<JsonElement> IdleAsync(string id)
    {
        JsonElement snapshot = default;
        await Eventually.HoldsAsync(async () =>
        {
            string answer = await Store.ControlAsync(HttpMethod.Get, "/v1/cluster?what=qryxstats", $$"""{"ID": "{{id}}", "Kind": "", "DaemonID": "", "Bck": null, "Buckets": null}""");
            snapshot = JsonDocument.Parse(answer).RootElement.EnumerateObject().Single().Value[0];
            return snapshot.GetProperty("is_idle").GetBoolean() ? null : $"{id} is not idle";
        });
        return snapshot;
    }

    private async Task<string[]> NamesAsync(string bucket)
    {
        string answer = await Store.ControlAsync(HttpMethod.Get, $"/v1/buckets/{bucket}", """{"action":"list","value":{"props":"name"}}""", 200, ("Accept", "application/json"));
        JsonElement entries = JsonDocument.Parse(answer).RootElement.GetProperty("entries");
        return entries.ValueKind == JsonValueKind.Null ? [] : [.. entries.EnumerateArray().Select(entry => entry.GetProperty("name").GetString()!)];
    }

    private async Task<string> RunAsync(int code, params string[] arguments)
    {
        (int got, string output, string error) = await SluiceProcess.RunAsync(null, fixture.Server.Endpoint, arguments);
        Assert.True(got == code, $"{string.Join(' ', arguments)}: {got} {error}");
        return output;
    }
}

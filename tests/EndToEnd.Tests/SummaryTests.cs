// What a bucket holds, asked as AIStore's Python SDK asks it by summary() and info(), and by the client of the binary.
using System.Net;
using System.Text;
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class SummaryTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private Store Store => fixture.Store;

    [Theory]
    [InlineData("", 4, 22)]
    [InlineData("d/", 2, 14)]
    [InlineData("nothing", 0, 0)]
    public async Task TheSdksSummaryIsAcceptedAndPolled(string prefix, int objects, int bytes)
    {
        string bucket = await FilledAsync();
        string id = await Store.ControlAsync(HttpMethod.Get, $"/v1/buckets/{bucket}?provider=ais", Message("", prefix), 202);
        Assert.Matches("^[a-zA-Z][a-zA-Z0-9_-]{8,}$", id);
        JsonElement all = default;
        await Eventually.HoldsAsync(async () =>
        {
            using HttpResponseMessage answer = await Store.SendAsync(HttpMethod.Get, $"/v1/buckets/{bucket}?provider=ais", Json(Message(id, "")));
            all = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;
            Assert.Contains(answer.StatusCode, (HttpStatusCode[])[HttpStatusCode.OK, HttpStatusCode.Accepted, HttpStatusCode.PartialContent]);
            return answer.StatusCode == HttpStatusCode.OK ? null : "it is not complete";
        });
        AssertCounted(Assert.Single(all.EnumerateArray()), bucket, objects, bytes);
        string jobs = await Store.ControlAsync(HttpMethod.Get, "/v1/cluster?what=status_all", """{"kind": "summary", "node": "", "show_active": false}""");
        Assert.Contains(id, jobs, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", 4, 22)]
    [InlineData("/d/", 2, 14)]
    [InlineData("/d/s%20y", 1, 7)]
    public async Task TheSdksInfoSaysItsPrefixOnce(string prefix, int objects, int bytes)
    {
        string bucket = await FilledAsync();
        using HttpResponseMessage first = await Store.SendAsync(HttpMethod.Head, $"/v1/buckets/{bucket}{prefix}?provider=ais&presence=0&bsumm_remote=True");
        Assert.Equal(HttpStatusCode.Accepted, first.StatusCode);
        Assert.Contains("\"provider\":\"ais\"", first.Headers.GetValues("Ais-Bucket-Props").Single(), StringComparison.Ordinal);
        string id = first.Headers.GetValues("Ais-Xaction-Id").Single();
        string summary = "";
        await Eventually.HoldsAsync(async () =>
        {
            using HttpResponseMessage answer = await Store.SendAsync(HttpMethod.Head, $"/v1/buckets/{bucket}?provider=ais&presence=0&bsumm_remote=True&uuid={id}");
            summary = answer.StatusCode == HttpStatusCode.OK ? answer.Headers.GetValues("Ais-Bucket-Summ").Single() : "";
            return summary.Length > 0 ? null : $"it is not complete: {(int)answer.StatusCode}";
        });
        AssertCounted(JsonDocument.Parse(summary).RootElement, bucket, objects, bytes);
    }

    [Fact]
    public async Task WhatMakesNoSenseIsRefused()
    {
        string bucket = await FilledAsync();
        await RefusedAsync($"/v1/buckets/{bucket}", """{"action":"summary-bck","value":[1]}""", 400, "must be a JSON object");
        await RefusedAsync($"/v1/buckets/{bucket}", """{"action":"summary-bck","value":{"prefix":1}}""", 400, "\\\"prefix\\\" must be a JSON string");
        await RefusedAsync($"/v1/buckets/{bucket}", Message("jnosuch", ""), 404, "jnosuch");
        await RefusedAsync("/v1/buckets/nosuch", Message("", ""), 404, "bucket \\\"ais://nosuch\\\" does not exist");
        await RefusedAsync("/v1/buckets?provider=ftp", Message("", ""), 400, "invalid backend provider");
        await Store.ControlAsync(HttpMethod.Post, $"/v1/buckets/{bucket}", Message("", ""), 400);
        foreach ((string target, int status) in new[]
        {
            ($"/v1/buckets/{bucket}/d", 400), ($"/v1/buckets/{bucket}/%zz?bsumm_remote=true", 400), ("/v1/buckets/nosuch?bsumm_remote=true", 404), ($"/v1/buckets/{bucket}?bsumm_remote=1&uuid=jnosuch", 404),
        })
        {
            using HttpResponseMessage answer = await Store.SendAsync(HttpMethod.Head, target);
            Assert.Equal((target, status), (target, (int)answer.StatusCode));
        }

        async Task RefusedAsync(string target, string message, int status, string sentence) =>
            Assert.Contains(sentence, await Store.ControlAsync(HttpMethod.Get, target, message, status), StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheVerbSumsUpOneBucketOrAll()
    {
        string bucket = await FilledAsync();
        string text = await RunAsync(0, "bucket", "summary", bucket);
        Assert.StartsWith("objects   4\nsize      22 B (22 bytes)\non disk   22 B (22 bytes), 0 % of ", text, StringComparison.Ordinal);
        Assert.EndsWith("\nsmallest  1 B (1 bytes)\naverage   6 B (6 bytes)\nlargest   7 B (7 bytes)\n", text, StringComparison.Ordinal);
        JsonElement one = JsonDocument.Parse(await RunAsync(0, "bucket", "summary", $"ais://{bucket}", "--prefix", "d/", "--json")).RootElement;
        Assert.Equal(($"ais://{bucket}", 2, 14), (one.GetProperty("bucket").GetString(), one.GetProperty("objects").GetInt64(), one.GetProperty("size_bytes").GetInt64()));
        string[] all = (await RunAsync(0, "bucket", "summary")).Split('\n');
        Assert.StartsWith("bucket  ", all[0], StringComparison.Ordinal);
        Assert.Matches($"^ais://{bucket} +4 +22 B +22 B +1 B +6 B +7 B$", all.Single(line => line.StartsWith($"ais://{bucket} ", StringComparison.Ordinal)));
        await RunAsync(3, "bucket", "summary", "nosuch");
        Assert.Contains("--prefix", await RunAsync(0, "bucket", "summary", "--help"), StringComparison.Ordinal);
    }

    private static int s_buckets;

    private async Task<string> FilledAsync()
    {
        string bucket = $"sum-{Interlocked.Increment(ref s_buckets)}";
        await Store.CreateAsync(bucket);
        foreach ((string name, int bytes) in new[] { ("a", 1), ("b", 7), ("d/x", 7), ("d/s y", 7) })
        {
            await Store.PutAsync(bucket, name, new byte[bytes]);
        }

        return bucket;
    }

    private static void AssertCounted(JsonElement one, string bucket, int objects, int bytes)
    {
        Assert.Equal((bucket, "ais", true), (one.GetProperty("name").GetString(), one.GetProperty("provider").GetString(), one.GetProperty("is_present").GetBoolean()));
        Assert.Equal(($"{objects}", "0"), (one.GetProperty("ObjCount").GetProperty("obj_count_present").GetString(), one.GetProperty("ObjCount").GetProperty("obj_count_remote").GetString()));
        JsonElement total = one.GetProperty("TotalSize");
        Assert.Equal(($"{bytes}", $"{bytes}", "0"), (total.GetProperty("size_on_disk").GetString(), total.GetProperty("size_all_present_objs").GetString(), total.GetProperty("size_all_remote_objs").GetString()));
        Assert.NotEqual("0", total.GetProperty("total_disks_size").GetString());
        Assert.Equal(JsonValueKind.Number, one.GetProperty("ObjSize").GetProperty("obj_avg_size").ValueKind);
        Assert.Equal(0, one.GetProperty("used_pct").GetInt64());
    }

    private static string Message(string id, string prefix) =>
        $$$"""{"action": "summary-bck", "name": "", "value": {"uuid": "{{{id}}}", "prefix": "{{{prefix}}}", "cached": true, "present": true}}""";

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    private async Task<string> RunAsync(int code, params string[] arguments)
    {
        (int got, string output, string error) = await SluiceProcess.RunAsync(null, fixture.Server.Endpoint, arguments);
        Assert.True(got == code, $"{string.Join(' ', arguments)}: {got} {error}");
        return output;
    }
}

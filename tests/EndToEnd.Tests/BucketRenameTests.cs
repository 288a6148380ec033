// Buckets renamed as AIStore's Python SDK has them renamed, and by the verb of the binary.
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class BucketRenameTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private Store Store => fixture.Store;

    [Fact]
    public async Task TheSdksRenameIsAJobThatIsDoneWhenItIsAnswered()
    {
        string bucket = await FilledAsync();
        string to = $"{bucket}-to";
        string id = await PostAsync(bucket, $"&bck_to=ais/@%23/{to}/");
        string answer = await Store.ControlAsync(HttpMethod.Get, "/v1/cluster?what=status", $$"""{"ID": "{{id}}", "Kind": "", "DaemonID": "", "Bck": null, "Buckets": null}""");
        JsonElement status = JsonDocument.Parse(answer).RootElement;
        Assert.Equal(("move-bck", ""), (status.GetProperty("kind").GetString(), status.GetProperty("err").GetString()));
        Assert.NotEqual(0, status.GetProperty("end_time").GetInt64());
        await Store.ControlAsync(HttpMethod.Get, $"/v1/buckets/{bucket}", """{"action":"list","value":{}}""", 404);
        Assert.Equal("content"u8.ToArray(), await Store.GetAsync(to, "a"));
    }

    [Theory]
    [InlineData("", 400, "the query has no \\\"bck_to\\\"")]
    [InlineData("&bck_to=ais/@%23/{b}/", 400, "has that name already")]
    [InlineData("&bck_to=ais/@%23/a b/", 400, "may contain only letters")]
    [InlineData("&bck_to=aws/@%23/new/", 501, "buckets of remote providers are not supported")]
    [InlineData("&bck_to=ais/@%23/taken/", 409, "bucket \\\"ais://taken\\\" already exists")]
    public async Task WhatMakesNoSenseIsRefused(string query, int status, string sentence)
    {
        string bucket = await FilledAsync();
        await Store.CreateAsync("taken");
        string answer = await PostAsync(bucket, query.Replace("{b}", bucket, StringComparison.Ordinal).Replace(" ", "%20", StringComparison.Ordinal), status);
        Assert.Contains(sentence, answer, StringComparison.Ordinal);
        await Store.ControlAsync(HttpMethod.Delete, "/v1/buckets/taken", """{"action":"destroy-bck"}""");
    }

    [Fact]
    public async Task TheVerbRenamesABucket()
    {
        string bucket = await FilledAsync();
        string to = $"{bucket}-to";
        JsonElement named = JsonDocument.Parse(await RunAsync(0, "bucket", "mv", bucket, $"ais://{to}", "--json")).RootElement;
        Assert.Equal(to, named.GetProperty("name").GetString());
        Assert.Equal("", await RunAsync(0, "bucket", "mv", to, bucket));
        Assert.Equal("", await RunAsync(0, "bucket", "mv", bucket, to));
        await RunAsync(0, "bucket", "create", bucket);
        Assert.Equal("", await RunAsync(0, "ls", $"ais://{bucket}/"));
        Assert.Contains("a", await RunAsync(0, "ls", $"ais://{to}/"), StringComparison.Ordinal);
        await RunAsync(4, "bucket", "mv", bucket, to);
        await RunAsync(3, "bucket", "mv", "nosuch", "other");
        await RunAsync(2, "bucket", "mv", bucket);
    }

    private static int s_buckets;

    private async Task<string> FilledAsync()
    {
        string bucket = $"mv-{Interlocked.Increment(ref s_buckets)}";
        await Store.CreateAsync(bucket);
        await Store.PutAsync(bucket, "a", "content"u8.ToArray());
        return bucket;
    }

    private Task<string> PostAsync(string bucket, string query, int status = 200) =>
        Store.ControlAsync(HttpMethod.Post, $"/v1/buckets/{bucket}?provider=ais{query}", """{"action": "move-bck", "name": "", "value": null}""", status);

    private async Task<string> RunAsync(int code, params string[] arguments)
    {
        (int got, string output, string error) = await SluiceProcess.RunAsync(null, fixture.Server.Endpoint, arguments);
        Assert.True(got == code, $"{string.Join(' ', arguments)}: {got} {error}");
        return output;
    }
}

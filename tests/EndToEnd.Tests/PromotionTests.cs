// Files of the server's machine promoted as AIStore's Python SDK asks for it, and by the client of the binary.
using System.Text;
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class PromotionTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private static int s_buckets;

    private Store Store => fixture.Store;

    [Fact]
    public async Task TheSdksPromotionIsAJobThatCanBeAwaited()
    {
        (string bucket, string source) = await NewAsync();
        Write(source, "top", "contents");
        Write(source, "inner/file", "within");
        string first = await PromoteAsync(bucket, source, "p/");
        await AwaitAsync(first, 1, 8);
        Assert.Equal("contents", await TextAsync(bucket, "p/top"));
        Assert.Null(await Store.GetAsync(bucket, "p/inner/file"));
        Write(source, "top", "other contents");
        string second = await PromoteAsync(bucket, source, "p/", "true");
        await AwaitAsync(second, 2, 20);
        Assert.Equal(("other contents", "within"), (await TextAsync(bucket, "p/top"), await TextAsync(bucket, "p/inner/file")));
        Assert.Empty(Directory.GetFiles(source, "*", SearchOption.AllDirectories));
        string jobs = await Store.ControlAsync(HttpMethod.Get, "/v1/cluster?what=status_all", """{"kind":"promote-files","node":"","show_active":false}""");
        string?[] known = [.. JsonDocument.Parse(jobs).RootElement.EnumerateArray().Where(job => job.GetProperty("kind").GetString() == "promote").Select(job => job.GetProperty("uuid").GetString())];
        Assert.Subset(new HashSet<string?>(known), new HashSet<string?> { first, second });
    }

    [Fact]
    public async Task ASmallFileIsAnsweredAsAPutIs()
    {
        (string bucket, string source) = await NewAsync();
        string file = Write(source, "file", "contents");
        using HttpResponseMessage answer = await SendAsync(bucket, $$$"""{"action":"promote","name":"{{{file}}}","value":{"tid":"","src":"{{{file}}}","obj":"o","rcr":false,"ovw":false,"dls":false,"notshr":true}}""");
        Assert.Equal((200, "", "1", "xxhash2"), ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(), Header(answer, "Ais-Version"), Header(answer, "Ais-Checksum-Type")));
        using HttpResponseMessage again = await SendAsync(bucket, $$$"""{"action":"promote","name":"{{{file}}}","value":{"obj":"o"}}""");
        Assert.Equal((200, "", false), ((int)again.StatusCode, await again.Content.ReadAsStringAsync(), again.Headers.Contains("Ais-Version")));
        Assert.Equal("contents", await TextAsync(bucket, "o"));
    }

    [Theory]
    [InlineData("""{"action":"promote"}""", 400, "neither \\\"src\\\" nor \\\"name\\\" is the path")]
    [InlineData("""{"action":"promote","name":"/a","value":{"src":"/b"}}""", 400, "are not the same path")]
    [InlineData("""{"action":"promote","name":"/a","value":7}""", 400, "must be a JSON object")]
    [InlineData("""{"action":"promote","value":{"src":7}}""", 400, "\\\"src\\\" must be a JSON string")]
    [InlineData("""{"action":"promote","value":{"src":"/a","rcr":"yes"}}""", 400, "\\\"rcr\\\" must be true or false")]
    [InlineData("""{"action":"promote","value":{"src":"/a","tid":"elsewhere"}}""", 400, "\\\"tid\\\" is no target")]
    [InlineData("""{"action":"promote","name":"a"}""", 400, "must be an absolute path")]
    [InlineData("""{"action":"promote","name":"/etc/passwd"}""", 403, "does not lie below a directory")]
    [InlineData("""{"action":"promote","name":"{p}/../mp0"}""", 400, "\\\"..\\\" element")]
    [InlineData("""{"action":"promote","name":"{p}/nosuch"}""", 404, "does not exist on the server")]
    [InlineData("""{"action":"promote","name":"{p}/promoted","value":{"obj":"a/../b"}}""", 400, "element")]
    [InlineData("""{"action":"blob-download","name":"x"}""", 501, "is not built yet")]
    [InlineData("""{"action":"rename-obj","name":"x"}""", 400, "does not go with")]
    public async Task WhatMakesNoSenseIsRefused(string message, int status, string sentence)
    {
        (string bucket, _) = await NewAsync();
        using HttpResponseMessage answer = await SendAsync(bucket, message.Replace("{p}", fixture.PromoteRoot, StringComparison.Ordinal));
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True((int)answer.StatusCode == status, text);
        Assert.Contains(sentence, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NothingIsPromotedUnlessTheServerIsTold()
    {
        DirectoryInfo home = Directory.CreateTempSubdirectory("sluice-closed-");
        try
        {
            using SluiceProcess server = await SluiceProcess.StartAsync([Directory.CreateDirectory(Path.Combine(home.FullName, "mp")).FullName]);
            await SluiceProcess.RunAsync(null, server.Endpoint, "bucket", "create", "b");
            (int code, _, string error) = await SluiceProcess.RunAsync(null, server.Endpoint, "promote", Path.Combine(fixture.PromoteRoot, "promoted"), "ais://b");
            Assert.Equal((4, "sluice: promote is not allowed: the server was started without --promote-root DIR, which names a directory whose files may become objects\n"), (code, error));
            Assert.Equal(0, await server.StopAsync());
        }
        finally
        {
            home.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task TheVerbPromotesAndTellsWhatItCouldNot()
    {
        (string bucket, string source) = await NewAsync();
        Write(source, "a", "1");
        Write(source, "d/b", "22");
        JsonElement job = JsonDocument.Parse(await RunAsync(0, "promote", source, $"ais://{bucket}/p/", "-r", "--wait", "--json")).RootElement;
        Assert.Equal(("promote", "finished", 2, 2, 3), (
            job.GetProperty("kind").GetString(), job.GetProperty("state").GetString(), job.GetProperty("objects").GetInt64(), job.GetProperty("objects_expected").GetInt64(), job.GetProperty("bytes").GetInt64()));
        Assert.Equal("1 file promoted\n", await RunAsync(0, "object", "promote", Path.Combine(source, "a"), $"ais://{bucket}/p/a", "--overwrite", "--delete-source"));
        Assert.False(File.Exists(Path.Combine(source, "a")));
        Assert.Contains("detail = 1 skipped: an object is there", await RunAsync(0, "promote", source, $"ais://{bucket}/p/", "--recursive", "--wait"), StringComparison.Ordinal);
        File.CreateSymbolicLink(Path.Combine(source, "link"), "/etc/passwd");
        string error = await RunAsync(1, "promote", source, bucket, "--wait");
        Assert.Contains("1 object could not be done; the first: \"link\": \"link\" is neither a regular file nor a directory", error, StringComparison.Ordinal);
        string shown = await RunAsync(0, "job", "show", error.Split("\"sluice job show ")[1].Split('"')[0]);
        Assert.Matches("kind +not promoted +link: \"link\" is neither", shown);
        await RunAsync(4, "promote", Path.Combine(source, "link"), bucket);
        await RunAsync(3, "promote", source, "ais://nosuch");
        await RunAsync(2, "promote", "relative", bucket);
    }

    private static string Write(string source, string path, string content)
    {
        string full = Path.Combine(source, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, content);
        return full;
    }

    private static string Header(HttpResponseMessage answer, string name) => answer.Headers.GetValues(name).Single();

    private async Task<(string Bucket, string Source)> NewAsync()
    {
        string bucket = $"prm-{Interlocked.Increment(ref s_buckets)}";
        await Store.CreateAsync(bucket);
        return (bucket, Directory.CreateDirectory(Path.Combine(fixture.PromoteRoot, bucket)).FullName);
    }

    private Task<HttpResponseMessage> SendAsync(string bucket, string message) =>
        Store.SendAsync(HttpMethod.Post, $"/v1/objects/{bucket}?provider=ais", new StringContent(message, Encoding.UTF8, "application/json"));

    private async Task<string> PromoteAsync(string bucket, string source, string prefix, string flag = "false") => await Store.ControlAsync(
        HttpMethod.Post, $"/v1/objects/{bucket}?provider=ais",
        $$$"""{"action": "promote", "name": "{{{source}}}", "value": {"tid": "", "src": "{{{source}}}", "obj": "{{{prefix}}}", "rcr": {{{flag}}}, "ovw": {{{flag}}}, "dls": {{{flag}}}, "notshr": false}}""");

    /// <summary>As the SDK's wait(): the job's snapshot says its kind, and the status of it when it has ended.</summary>
    private async Task AwaitAsync(string id, int objects, int bytes)
    {
        JsonElement snapshot = default;
        await Eventually.HoldsAsync(async () =>
        {
            string status = await Store.ControlAsync(HttpMethod.Get, "/v1/cluster?what=status", $$"""{"ID": "{{id}}", "Kind": "promote", "DaemonID": "", "Bck": null, "Buckets": null}""");
            string answer = await Store.ControlAsync(HttpMethod.Get, "/v1/cluster?what=qryxstats", $$"""{"ID": "{{id}}", "Kind": "", "DaemonID": "", "Bck": null, "Buckets": null}""");
            snapshot = JsonDocument.Parse(answer).RootElement.EnumerateObject().Single().Value[0];
            return JsonDocument.Parse(status).RootElement.GetProperty("end_time").GetInt64() > 0 && snapshot.GetProperty("is_idle").GetBoolean() ? null : $"{id} runs";
        });
        Assert.Equal(("promote", "", $"{objects}", $"{bytes}"), (
            snapshot.GetProperty("kind").GetString(), snapshot.GetProperty("err").GetString(),
            snapshot.GetProperty("stats").GetProperty("loc-objs").GetString(), snapshot.GetProperty("stats").GetProperty("loc-bytes").GetString()));
    }

    private async Task<string?> TextAsync(string bucket, string name) => await Store.GetAsync(bucket, name) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

    private async Task<string> RunAsync(int code, params string[] arguments)
    {
        (int got, string output, string error) = await SluiceProcess.RunAsync(null, fixture.Server.Endpoint, arguments);
        Assert.True(got == code, $"{string.Join(' ', arguments)}: {got} {error}");
        return code == 0 ? output : error;
    }
}

// The client's transfers in parts against a server: put, cut short and gone on with, fetched in ranges, shown; and the reads of ours that it needs.
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class PartedClientTests(ServerFixture fixture) : IClassFixture<ServerFixture>, IDisposable
{
    private const int Mib = 1 << 20;

    private static readonly string[] s_small = ["--part-size", "1MiB", "--multipart-threshold", "1MiB"];
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("sluice-parts-");

    public void Dispose() => _home.Delete(recursive: true);

    [Theory]
    [InlineData("xxhash2", "crc32c")]
    [InlineData("crc64nvme", "crc64nvme")]
    [InlineData("none", "none")]
    public async Task AFileGoesInPartsAndComesBackInRanges(string bucketType, string type)
    {
        string bucket = $"parts-{bucketType}";
        await fixture.Store.CreateAsync(bucket, $$$"""{"checksum":{"type":"{{{bucketType}}}"}}""");
        var content = new Content(seed: 5, (9 * Mib) + 12_345);
        string file = await WriteAsync("f", content);
        string address = $"ais://{bucket}/dir/ü";
        using JsonDocument put = JsonDocument.Parse(await SucceedAsync(["put", file, address, "--json", .. s_small]));
        Assert.True(put.RootElement.GetProperty("verified").GetBoolean());
        await SucceedAsync(["get", address, Path.Join(_home.FullName, "g"), "--parallel", "3", .. s_small]);
        await IsAsync("g", content);
        await SucceedAsync(["get", address, Path.Join(_home.FullName, "whole"), "--parallel", "1"]);
        await IsAsync("whole", content);

        using JsonDocument head = JsonDocument.Parse(await SucceedAsync(["head", address, "--json"]));
        JsonElement manifest = head.RootElement.GetProperty("manifest");
        Assert.Equal((content.SizeBytes, type), (manifest.GetProperty("size").GetInt64(), manifest.GetProperty("checksum_type").GetString()));
        JsonElement[] chunks = [.. manifest.GetProperty("chunks").EnumerateArray()];
        Assert.Equal(Enumerable.Range(1, 10), chunks.Select(chunk => chunk.GetProperty("number").GetInt32()));
        Assert.Equal(Enumerable.Range(0, 10).Select(index => (long)index * Mib), chunks.Select(chunk => chunk.GetProperty("offset").GetInt64()));
        Assert.Equal(12_345, chunks[^1].GetProperty("size").GetInt64());
        Assert.Equal(10, (await SucceedAsync(["head", address])).Split("\n\nchunk ")[1].Trim().Split('\n').Length - 1);
        Assert.Equal("", await SucceedAsync(["uploads", "ls", bucket]));

        await SucceedAsync(["put", file, $"ais://{bucket}/plain"]);
        await SucceedAsync(["get", $"ais://{bucket}/plain", Path.Join(_home.FullName, "p"), .. s_small]);
        await IsAsync("p", content);
    }

    [Theory]
    [InlineData("KILL")]
    [InlineData("INT")]
    public async Task AClientThatIsEndedLeavesAnUploadThatIsGoneOnWith(string signal)
    {
        var content = new Content(seed: 6, (6 * Mib) + 1);
        string address = $"ais://b/ended-by-{signal}";
        using Process client = Start(["put", "-", address, .. s_small]);
        Task<string> error = client.StandardError.ReadToEndAsync();
        await client.StandardInput.BaseStream.WriteAsync(content.Bytes(0, (3 * Mib) + 500));
        await client.StandardInput.BaseStream.FlushAsync();
        string id = "";
        await Eventually.HoldsAsync(async () =>
        {
            string[] line = (await SucceedAsync(["uploads", "ls", "b"])).Split(' ', StringSplitOptions.RemoveEmptyEntries);
            id = line.Length > 2 ? line[2] : "";
            return id.Length > 0 && (await SucceedAsync(["uploads", "show", address, id])).Trim().Split('\n').Length == 1 + 3 ? null : "three parts are not there";
        });
        using (Process kill = Process.Start("kill", [$"-{signal}", client.Id.ToString(CultureInfo.InvariantCulture)]))
        {
            await kill.WaitForExitAsync();
        }

        await client.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        if (signal == "INT")
        {
            Assert.Equal(1, client.ExitCode);
            Assert.Equal(
                $"sluice: the parts that are stored are kept; go on with: sluice put - {address} --resume {id} --part-size 1048576\nsluice: interrupted\n", await error);
        }

        string file = await WriteAsync("f", content);
        await SucceedAsync(["put", file, address, "--resume", id]); // parts of the size that is there
        await SucceedAsync(["get", address, Path.Join(_home.FullName, "g")]);
        await IsAsync("g", content);
        Assert.Equal(7, (await SucceedAsync(["head", address])).Split("\n\nchunk ")[1].Trim().Split('\n').Length - 1);
        Assert.Equal("", await SucceedAsync(["uploads", "ls", "b"]));
        await FailAsync(3, ["put", file, address, "--resume", id]);
    }

    [Fact]
    public async Task StandardInputLongerThanAPartIsStored()
    {
        var content = new Content(seed: 7, 3 * Mib);
        using Process client = Start(["put", "-", "ais://b/input", .. s_small]);
        Task<string> error = client.StandardError.ReadToEndAsync();
        await client.StandardInput.BaseStream.WriteAsync(content.Bytes(0, 3 * Mib));
        client.StandardInput.Close();
        await client.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal((0, ""), (client.ExitCode, await error));
        await SucceedAsync(["get", "ais://b/input", Path.Join(_home.FullName, "g")]);
        await IsAsync("g", content);
    }

    [Fact]
    public async Task WhatIsKnownOfUploadsAndManifestsIsToldOverHttp()
    {
        string target = Store.Target("b", "told");
        string id = await fixture.Store.ControlAsync(HttpMethod.Post, target, """{"action":"mpt-upload"}""");
        foreach ((int number, string part) in new[] { (2, "56789"), (1, "01234") })
        {
            using HttpResponseMessage put = await fixture.Store.SendAsync(
                HttpMethod.Put, $"{target}?uploadId={id}&partNumber={number}", new ByteArrayContent(System.Text.Encoding.ASCII.GetBytes(part)));
            Assert.Equal(HttpStatusCode.OK, put.StatusCode);
        }

        JsonElement upload = await JsonAsync($"{target}?uploadId={id}");
        Assert.Equal((id, "told"), (upload.GetProperty("upload_id").GetString(), upload.GetProperty("name").GetString()));
        JsonElement[] parts = [.. upload.GetProperty("parts").EnumerateArray()];
        Assert.Equal([(1, 5L, "crc32c", 8), (2, 5L, "crc32c", 8)], parts.Select(part => (
            part.GetProperty("number").GetInt32(),
            part.GetProperty("size").GetInt64(),
            part.GetProperty("checksum_type").GetString()!,
            part.GetProperty("checksum").GetString()!.Length)));
        Assert.Contains(id, (await JsonAsync("/v1/buckets/b?what=uploads")).EnumerateArray().Select(one => one.GetProperty("upload_id").GetString()));
        await RefusedAsync($"{target}?what=manifest", 404, "does not exist");
        await fixture.Store.ControlAsync(HttpMethod.Post, $"{target}?uploadId={id}", """{"action":"mpt-complete","value":[{"part-number":1},{"part-number":2}]}""");

        JsonElement manifest = await JsonAsync($"{target}?what=manifest");
        Assert.Equal((id, 10L), (manifest.GetProperty("upload_id").GetString(), manifest.GetProperty("size").GetInt64()));
        Assert.Equal([0L, 5L], manifest.GetProperty("chunks").EnumerateArray().Select(chunk => chunk.GetProperty("offset").GetInt64()));
        using HttpResponseMessage head = await fixture.Store.SendAsync(HttpMethod.Head, target);
        Assert.Equal("2", head.Headers.GetValues("Ais-Chunks-Count").Single());
        await RefusedAsync($"{target}?uploadId={id}", 404, "does not exist");
        await RefusedAsync($"{target}?what=else", 400, "expecting manifest");
        await RefusedAsync($"{Store.Target("b", "kept")}?what=manifest", 404, "is not a chunked object");
        await RefusedAsync("/v1/buckets/b?what=else", 400, "expecting uploads");
        await RefusedAsync("/v1/buckets/nosuch?what=uploads", 404, "does not exist");
        await RefusedAsync($"{Store.Target("nosuch", "x")}?uploadId={id}", 404, "does not exist");
    }

    private async Task<JsonElement> JsonAsync(string target)
    {
        using HttpResponseMessage answer = await fixture.Store.SendAsync(HttpMethod.Get, target);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        using JsonDocument document = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        return document.RootElement.Clone();
    }

    private async Task RefusedAsync(string target, int status, string text)
    {
        using HttpResponseMessage answer = await fixture.Store.SendAsync(HttpMethod.Get, target);
        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Contains(text, await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private async Task<string> WriteAsync(string name, Content content)
    {
        string path = Path.Join(_home.FullName, name);
        await File.WriteAllBytesAsync(path, content.Bytes(0, (int)content.SizeBytes));
        return path;
    }

    private async Task IsAsync(string name, Content content)
    {
        byte[] bytes = await File.ReadAllBytesAsync(Path.Join(_home.FullName, name));
        Assert.Equal((content.SizeBytes, (long?)null), (bytes.LongLength, content.FirstDifference(0, bytes)));
    }

    private Process Start(string[] arguments)
    {
        var start = new ProcessStartInfo(SluiceProcess.Binary, arguments) { RedirectStandardInput = true, RedirectStandardError = true };
        start.Environment["SLUICE_ENDPOINT"] = fixture.Server.Endpoint.GetLeftPart(UriPartial.Authority);
        return Process.Start(start)!;
    }

    private async Task<string> SucceedAsync(string[] arguments)
    {
        (int code, string output, string error) = await SluiceProcess.RunAsync(null, fixture.Server.Endpoint, arguments);
        Assert.True(code == 0, $"{string.Join(' ', arguments)}: {error}");
        return output;
    }

    private async Task FailAsync(int expected, string[] arguments)
    {
        (int code, _, string error) = await SluiceProcess.RunAsync(null, fixture.Server.Endpoint, arguments);
        Assert.True(code == expected, $"{string.Join(' ', arguments)}: {code}, {error}");
    }
}

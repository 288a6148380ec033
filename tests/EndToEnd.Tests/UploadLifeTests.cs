// Uploads over the life of a server: they go on behind a restart and a kill, over TLS in both versions of the protocol, and what is damaged on a disk never reaches a client.
using System.Net;
using System.Text;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class UploadLifeTests : IDisposable
{
    private static readonly int[] s_sizes = [200_000, 3 << 20, 70_001];

    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("sluice-uploads-");
    private readonly string[] _mountpaths;
    private readonly Content _content = new(seed: 11, s_sizes.Sum());

    public UploadLifeTests() =>
        _mountpaths = [.. Enumerable.Range(0, 4).Select(i => Directory.CreateDirectory(Path.Combine(_home.FullName, $"mp{i}")).FullName)];

    public static MatrixTheoryData<string, string> Ends => new(["TERM", "KILL"], ["strict", "relaxed"]);

    public static MatrixTheoryData<string, string> Harms => IoBackends.With<string>(["flipped", "cut", "deleted"]);

    /// <summary>In a strict bucket what was answered is there behind a kill of the server as well; in a relaxed one behind a kill too, since the machine goes on.</summary>
    [Theory]
    [MemberData(nameof(Ends))]
    public async Task AnUploadGoesOnBehindTheEndOfTheServer(string signal, string durability)
    {
        byte[][] parts = UploadClient.Cut(_content, s_sizes);
        string upload, done, aborted;
        using (SluiceProcess server = await StartAsync("auto"))
        {
            using var store = new Store(server.Endpoint);
            using HttpClient http = Client(server);
            var uploads = new UploadClient(http);
            await store.CreateAsync("b", $$"""{"durability":"{{durability}}"}""");
            upload = await uploads.BeginAsync("x");
            await uploads.PartAsync("x", upload, 3, parts[2]);
            await uploads.PartAsync("x", upload, 1, "is replaced"u8.ToArray());
            done = await uploads.UploadAsync("done", _content, s_sizes);
            aborted = await uploads.BeginAsync("aborted");
            await uploads.PartAsync("aborted", aborted, 1, parts[0]);
            server.Signal(signal);
            await server.EndAsync();
        }

        using (SluiceProcess server = await StartAsync("auto"))
        {
            using HttpClient http = Client(server);
            var uploads = new UploadClient(http);
            await IsExactAsync(server, "done", 200, 0, _content.SizeBytes);
            await uploads.PartAsync("x", upload, 2, parts[1]);
            await uploads.PartAsync("x", upload, 1, parts[0]);
            Assert.Contains("partial completion", await uploads.CompleteAsync("x", upload, [1, 2], 400), StringComparison.Ordinal);
            await uploads.CompleteAsync("x", upload, [1, 2, 3]);
            await IsExactAsync(server, "x", 200, 0, _content.SizeBytes);
            await uploads.AbortAsync("aborted", aborted);
            Assert.Contains("does not exist", await uploads.CompleteAsync("done", done, [1, 2, 3], 404), StringComparison.Ordinal);
            Assert.Equal(HttpStatusCode.OK, (await http.DeleteAsync(new Uri("/v1/objects/b/x", UriKind.Relative))).StatusCode);
            Assert.Equal(HttpStatusCode.OK, (await http.DeleteAsync(new Uri("/v1/objects/b/done", UriKind.Relative))).StatusCode);
            await Eventually.TrueAsync("all files of uploads are gone", () => UploadClient.FilesOf(_mountpaths, "b").Length == 0);
            Assert.Equal(0, await server.StopAsync());
        }
    }

    /// <summary>In a bucket without redundancy: a refusal, or, when the head is out, a broken connection. What the damaged chunk has no part in is served.</summary>
    [Theory]
    [MemberData(nameof(Harms))]
    public async Task ADamagedChunkIsNeverServed(string backend, string harm)
    {
        string upload;
        using (SluiceProcess server = await StartAsync(backend))
        {
            using var store = new Store(server.Endpoint);
            using HttpClient http = Client(server);
            await store.CreateAsync("b", """{"checksum":{"verify":"always"}}""");
            upload = await new UploadClient(http).UploadAsync("x", _content, s_sizes);
            Assert.Equal(0, await server.StopAsync());
        }

        Harm(Assert.Single(FilesOf(upload, 2)), harm);
        using (SluiceProcess server = await StartAsync(backend))
        {
            for (int i = 0; i < 2; i++)
            {
                using (RawClient whole = await RawClient.ConnectAsync(server.Endpoint, $"{backend}, {harm}: all of it"))
                {
                    await whole.SendAsync(BackendServer.Get("x"));
                    Assert.Equal(200, (await whole.HeadAsync()).Status);
                    Assert.InRange(await whole.PrefixAsync(_content, 0, _content.SizeBytes), 0, s_sizes[0] + (2 << 20)); // no wrong byte, and no end
                }

                foreach ((long offset, long count) in ((long, long)[])[(0, s_sizes[0]), (5, 40_000), (s_sizes[0] + s_sizes[1], s_sizes[2]), (_content.SizeBytes - 1, 1)])
                {
                    await IsExactAsync(server, "x", 206, offset, count);
                }

                int middle = s_sizes[0] + (s_sizes[1] / 2);
                foreach ((long offset, long count) in ((long, long)[])[(middle, 1), (middle - 40_000, 80_000), (middle - 500_000, 900_000)])
                {
                    using RawClient client = await RangeAsync(server, offset, count);
                    RawHead head = await client.HeadAsync();
                    Assert.True(head.Status == 500, $"{backend}, {harm}, {count} bytes from {offset}: {head.Status}");
                    Assert.Null(head["Content-Range"]);
                }
            }

            Assert.Equal(0, await server.StopAsync());
        }
    }

    /// <summary>A manifest that is damaged, without a copy: its object is served all the same, and a scrub behind that finds nothing.</summary>
    [Theory]
    [MemberData(nameof(IoBackends.Each), MemberType = typeof(IoBackends))]
    public async Task ADamagedManifestIsWrittenAnew(string backend)
    {
        using (SluiceProcess server = await StartAsync(backend))
        {
            using var store = new Store(server.Endpoint);
            using HttpClient http = Client(server);
            await store.CreateAsync("b");
            await new UploadClient(http).UploadAsync("x", _content, s_sizes);
            Assert.Equal(0, await server.StopAsync());
        }

        string manifest = Assert.Single(ManifestFiles());
        byte[] whole = await File.ReadAllBytesAsync(manifest);
        Harm(manifest, "flipped");
        using (SluiceProcess server = await StartAsync(backend))
        {
            await IsExactAsync(server, "x", 200, 0, _content.SizeBytes);
            await IsExactAsync(server, "x", 206, s_sizes[0] - 1, s_sizes[1] + 2);
            await Eventually.TrueAsync("the manifest is whole", () => File.ReadAllBytes(manifest).AsSpan().SequenceEqual(whole));
            (int code, string output, _) = await SluiceProcess.RunAsync(null, server.Endpoint, "scrub", "ais://b", "--wait");
            Assert.True(code == 0, output);
            Assert.Equal(0, await server.StopAsync());
        }
    }

    /// <summary>A manifest that is gone, with its record: a scrub tells of it, with an exit code for scripts, and one that repairs makes the object anew. What is deleted stays so.</summary>
    [Theory]
    [MemberData(nameof(IoBackends.Each), MemberType = typeof(IoBackends))]
    public async Task ALostManifestIsMadeAnewByAScrub(string backend)
    {
        using (SluiceProcess server = await StartAsync(backend))
        {
            using var store = new Store(server.Endpoint);
            using HttpClient http = Client(server);
            await store.CreateAsync("b");
            await new UploadClient(http).UploadAsync("x", _content, s_sizes);
            Assert.Equal(0, await server.StopAsync());
        }

        File.Delete(Assert.Single(ManifestFiles()));
        using (SluiceProcess server = await StartAsync(backend))
        {
            using var store = new Store(server.Endpoint);
            await Eventually.HoldsAsync(async () =>
            {
                using HttpResponseMessage refused = await store.SendAsync(HttpMethod.Get, Store.Target("b", "x"));
                string said = await refused.Content.ReadAsStringAsync();
                return said.Contains("b/x has lost its manifest", StringComparison.Ordinal) ? null : $"{refused.StatusCode} {said}"; // when the notes have been looked through
            });
            (int code, string output, _) = await SluiceProcess.RunAsync(null, server.Endpoint, "scrub", "ais://b", "--wait");
            Assert.True(code == 1 && output.Contains("the manifest of x is lost; all chunks are there", StringComparison.Ordinal), $"{code} {output}");
            (code, output, _) = await SluiceProcess.RunAsync(null, server.Endpoint, "scrub", "ais://b", "--repair", "--wait");
            Assert.True(code == 0, output);
            await IsExactAsync(server, "x", 200, 0, _content.SizeBytes);
            await IsExactAsync(server, "x", 206, s_sizes[0] - 1, s_sizes[1] + 2);
            using HttpResponseMessage deleted = await store.SendAsync(HttpMethod.Delete, Store.Target("b", "x"));
            Assert.Equal(System.Net.HttpStatusCode.OK, deleted.StatusCode);
            (code, output, _) = await SluiceProcess.RunAsync(null, server.Endpoint, "scrub", "ais://b", "--repair", "--wait");
            Assert.True(code == 0, output);
            using HttpResponseMessage missing = await store.SendAsync(HttpMethod.Get, Store.Target("b", "x"));
            Assert.Equal(System.Net.HttpStatusCode.NotFound, missing.StatusCode);
            Assert.Equal(0, await server.StopAsync());
        }
    }

    /// <summary>Of two copies one may be damaged, of every chunk and of the manifest; it is replaced by the other.</summary>
    [Theory]
    [MemberData(nameof(Harms))]
    public async Task ADamagedCopyOfEveryChunkIsReadAroundAndRepaired(string backend, string harm)
    {
        string upload;
        using (SluiceProcess server = await StartAsync(backend))
        {
            using var store = new Store(server.Endpoint);
            using HttpClient http = Client(server);
            await store.CreateAsync("b", """{"mirror":{"enabled":true,"copies":2},"checksum":{"verify":"always"}}""");
            upload = await new UploadClient(http).UploadAsync("x", _content, s_sizes);
            Assert.Equal(0, await server.StopAsync());
        }

        string[] whole = Whole();
        Assert.Equal(2 * (s_sizes.Length + 2), whole.Length); // of each chunk, the note and the manifest
        foreach (string[] copies in (string[][])[.. Enumerable.Range(1, s_sizes.Length).Select(number => FilesOf(upload, number)), ManifestFiles()])
        {
            Assert.Equal(2, copies.Length);
            Harm(copies[0], harm);
        }

        using (SluiceProcess server = await StartAsync(backend))
        {
            for (int i = 0; i < 2; i++)
            {
                await IsExactAsync(server, "x", 200, 0, _content.SizeBytes);
                await IsExactAsync(server, "x", 206, s_sizes[0] - 1, s_sizes[1] + 2);
            }

            Assert.Equal(0, (await SluiceProcess.RunAsync(null, server.Endpoint, "scrub", "ais://b", "--repair", "--wait")).Code); // also of what was read from the other at once
            await Eventually.HoldsAsync(() => Task.FromResult(Whole().SequenceEqual(whole) ? null : $"files and sizes are\n{string.Join('\n', Whole())}"));
            await IsExactAsync(server, "x", 200, 0, _content.SizeBytes);
            Assert.Equal(0, await server.StopAsync());
        }

        string[] Whole() => [.. UploadClient.FilesOf(_mountpaths, "b").Concat(ManifestFiles())
            .Select(file => $"{file[(file.IndexOf("%ob", StringComparison.Ordinal) + 4)..]} {new FileInfo(file).Length}").Order(StringComparer.Ordinal)];
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task UploadsGoOverTls(string version)
    {
        await using var fixture = new TlsServer();
        await fixture.InitializeAsync();
        using HttpClient http = fixture.Client(Version.Parse(version));
        await new UploadClient(http).UploadAsync("x", _content, s_sizes);
        var target = new Uri("/v1/objects/b/x", UriKind.Relative);
        byte[] all = await http.GetByteArrayAsync(target);
        Assert.Equal((_content.SizeBytes, (long?)null), (all.LongLength, _content.FirstDifference(0, all)));
        foreach ((int offset, int count) in ((int, int)[])[(0, 1), (s_sizes[0] - 1, 2), (100_000, 3 << 20), (all.Length - 70_002, 70_002)])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, target) { Version = http.DefaultRequestVersion, VersionPolicy = http.DefaultVersionPolicy };
            request.Headers.Range = new(offset, offset + count - 1);
            using HttpResponseMessage answer = await http.SendAsync(request);
            Assert.Equal(HttpStatusCode.PartialContent, answer.StatusCode);
            Assert.Equal(all[offset..(offset + count)], await answer.Content.ReadAsByteArrayAsync());
        }
    }

    /// <summary>No prefix and no format shows what is in progress, nor the files of what is completed; and no name reaches them.</summary>
    [Fact]
    public async Task FilesOfUploadsAreNeitherListedNorReachedByName()
    {
        using SluiceProcess server = await StartAsync("auto");
        using var store = new Store(server.Endpoint);
        using HttpClient http = Client(server);
        var uploads = new UploadClient(http);
        await store.CreateAsync("b");
        await store.PutAsync("b", "%c/plain", [1]);
        string done = await uploads.UploadAsync("done", _content, s_sizes);
        string begun = await uploads.BeginAsync("begun");
        await uploads.PartAsync("begun", begun, 1, [1]);
        Assert.Equal(6, UploadClient.FilesOf(_mountpaths, "b").Length);
        foreach (string accept in (string[])["application/json", "application/msgpack"])
        {
            foreach (string flags in (string[])["0", "2048"]) // 2048: not recursive
            {
                foreach (string prefix in (string[])["", "%", "%c", "%c/", "%ob", @"\u0000", @"\u0000/", @"\u0000/" + done, @"\u0000/" + done + "/", "%c/" + begun])
                {
                    string message = $$$"""{"action":"list","value":{"prefix":"{{{prefix}}}","flags":"{{{flags}}}","props":"name,size"}}""";
                    using HttpResponseMessage answer = await store.SendAsync(
                        HttpMethod.Get, "/v1/buckets/b", new StringContent(message, Encoding.UTF8, "application/json"), ("Accept", accept));
                    string text = Encoding.Latin1.GetString(await answer.Content.ReadAsByteArrayAsync());
                    string what = $"{accept}, prefix {prefix}, flags {flags}: {(int)answer.StatusCode} {text}";
                    Assert.True(answer.IsSuccessStatusCode || prefix.Contains("u0000", StringComparison.Ordinal), what);
                    Assert.True(!text.Contains("0000", StringComparison.Ordinal) || !answer.IsSuccessStatusCode, what);
                    Assert.True(!text.Contains(begun, StringComparison.Ordinal) && !text.Contains("/" + done, StringComparison.Ordinal), what);
                    Assert.Equal(answer.IsSuccessStatusCode && prefix.Length == 0, text.Contains("done", StringComparison.Ordinal));
                }
            }
        }

        foreach (string name in (string[])[$"%00/{done}/00001", $"%25c/{done}/00001", $"%c/{done}/00001", $"%00%2F{done}%2F00000", $"..%2F%25c/{done}/00001"])
        {
            foreach (HttpMethod method in (HttpMethod[])[HttpMethod.Get, HttpMethod.Delete])
            {
                using HttpResponseMessage answer = await store.SendAsync(method, $"/v1/objects/b/{name}");
                Assert.True(answer.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.BadRequest, $"{method} {name}: {answer.StatusCode}");
            }
        }

        Assert.Equal(6, UploadClient.FilesOf(_mountpaths, "b").Length);
        Assert.Equal(0, await server.StopAsync());
    }

    /// <summary>Jobs do to chunks what they do to objects: copies when a bucket is mirrored, slices when it is erasure-coded, and back.</summary>
    [Fact]
    public async Task JobsReachChunks()
    {
        using SluiceProcess server = await StartAsync("auto");
        using var store = new Store(server.Endpoint);
        using HttpClient http = Client(server);
        await store.CreateAsync("b");
        var uploads = new UploadClient(http);
        string upload = await uploads.UploadAsync("x", _content, s_sizes);
        string begun = await uploads.BeginAsync("begun");
        await uploads.PartAsync("begun", begun, 1, _content.Bytes(0, 100_000));
        await StepAsync("""{"mirror":{"enabled":true,"copies":2}}""", heads: 2, slices: 0);
        (int code, string output, string error) = await SluiceProcess.RunAsync(null, server.Endpoint, "bucket", "make-n-copies", "b", "3", "--wait");
        Assert.True(code == 0, output + error);
        await StepAsync(null, heads: 3, slices: 0);
        await StepAsync("""{"mirror":{"enabled":false}}""", heads: 1, slices: 0);
        await StepAsync("""{"ec":{"enabled":true,"data_slices":2,"parity_slices":1,"unit":"64KiB","objsize_limit":32768}}""", heads: 2, slices: 3); // P+1 heads
        await StepAsync("""{"ec":{"enabled":false}}""", heads: 1, slices: 0);
        await uploads.CompleteAsync("begun", begun, [1]);
        Assert.Equal(100_000, (await store.GetAsync("b", "begun"))!.Length);
        Assert.Equal(0, await server.StopAsync());

        async Task StepAsync(string? properties, int heads, int slices)
        {
            if (properties is not null)
            {
                string job = await store.ControlAsync(HttpMethod.Patch, "/v1/buckets/b", $$"""{"action":"set-bprops","value":{{properties}}}""");
                Assert.Equal(0, (await SluiceProcess.RunAsync(null, server.Endpoint, "job", "wait", job)).Code);
            }

            string[] files = [.. _mountpaths.Select(path => Path.Combine(path, "@ais/b/%ec")).Where(Directory.Exists).SelectMany(path => Directory.GetFiles(path, "*", SearchOption.AllDirectories))];
            for (int number = 1; number <= s_sizes.Length; number++)
            {
                int found = FilesOf(upload, number).Length;
                Assert.True(found == heads, $"{properties}: chunk {number} has {found} files");
            }

            Assert.True(slices == 0 ? files.Length == 0 : files.Length == slices * (s_sizes.Length + 1), $"{properties}: {files.Length} slices"); // and the part of the other upload
            (int scrubbed, string findings, _) = await SluiceProcess.RunAsync(null, server.Endpoint, "scrub", "ais://b", "--wait");
            Assert.True(scrubbed == 0 && findings.EndsWith("0 findings, 0 of them cured\n", StringComparison.Ordinal), findings);
            await IsExactAsync(server, "x", 200, 0, _content.SizeBytes);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _home.Delete(recursive: true);

    private Task<SluiceProcess> StartAsync(string backend) => SluiceProcess.StartAsync(_mountpaths, "--allow-shared-disk", "--io", backend, "--flush-interval", "100ms");

    private static HttpClient Client(SluiceProcess server) => new() { BaseAddress = server.Endpoint, Timeout = TimeSpan.FromMinutes(2) };

    private string[] FilesOf(string upload, int number) => [.. UploadClient.FilesOf(_mountpaths, "b", upload).Where(file => file.EndsWith($"/{number:d5}", StringComparison.Ordinal))];

    private string[] ManifestFiles() => [.. _mountpaths.Select(path => Path.Combine(path, "@ais/b/%ob/x")).Where(File.Exists)];

    private static void Harm(string file, string harm)
    {
        if (harm == "deleted")
        {
            File.Delete(file);
            return;
        }

        using FileStream stream = File.Open(file, FileMode.Open, FileAccess.ReadWrite);
        if (harm == "cut")
        {
            stream.SetLength(stream.Length / 2);
            return;
        }

        stream.Position = stream.Length / 2;
        int was = stream.ReadByte();
        stream.Position = stream.Length / 2;
        stream.WriteByte((byte)(was ^ 1));
    }

    private static async Task<RawClient> RangeAsync(SluiceProcess server, long offset, long count)
    {
        RawClient client = await RawClient.ConnectAsync(server.Endpoint, $"{count} bytes from {offset}");
        await client.SendAsync(BackendServer.Get("x", $"Range: bytes={offset}-{offset + count - 1}\r\n"));
        return client;
    }

    private async Task IsExactAsync(SluiceProcess server, string name, int status, long offset, long count)
    {
        using RawClient client = await RawClient.ConnectAsync(server.Endpoint, $"{name}, {count} bytes from {offset}");
        await client.SendAsync(BackendServer.Get(name, status == 206 ? $"Range: bytes={offset}-{offset + count - 1}\r\n" : ""));
        await client.ContentAsync(status, _content, offset, count);
    }
}

// The published binary over TLS: both HTTP versions byte for byte, the redirect of uploads, renewal under open connections, clients that are
// not let in, and the client verbs.
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Sluice.EndToEnd.Tests.Support;
using Sluice.Transport.Tests.Tls;

namespace Sluice.EndToEnd.Tests;

public sealed class TlsTests(TlsServer fixture) : IClassFixture<TlsServer>
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4096)]
    [InlineData((1 << 20) + 1)]
    [InlineData(64 << 20)]
    public async Task ObjectsOfBothVersionsAreByteExact(int count)
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(count);
        foreach (Version version in (Version[])[HttpVersion.Version11, HttpVersion.Version20])
        {
            using HttpClient client = fixture.Client(version);
            string target = $"/v1/objects/b/{version}/of/{count}";
            using HttpResponseMessage put = await client.PutAsync(At(target + "?pid=p1"), new ByteArrayContent(bytes));
            Assert.Equal((HttpStatusCode.OK, version), (put.StatusCode, put.Version));
            using HttpResponseMessage got = await client.GetAsync(At(target));
            Assert.Equal((HttpStatusCode.OK, version), (got.StatusCode, got.Version));
            Assert.Equal(count, got.Content.Headers.ContentLength);
            byte[] received = await got.Content.ReadAsByteArrayAsync();
            Assert.True(bytes.AsSpan().SequenceEqual(received));
        }
    }

    [Fact]
    public async Task StreamsOfOneConnectionAreServedAtOnceAndApart()
    {
        using HttpClient client = fixture.Client(HttpVersion.Version20);
        await Task.WhenAll(Enumerable.Range(0, 40).Select(async i =>
        {
            byte[] bytes = RandomNumberGenerator.GetBytes(10_000 * i);
            string target = $"/v1/objects/b/streams/{i}%25%2Fx";
            using HttpResponseMessage put = await client.PutAsync(new Uri(client.BaseAddress + target[1..], Raw), new ByteArrayContent(bytes));
            Assert.Equal(HttpStatusCode.OK, put.StatusCode);
            Assert.Equal(bytes, await client.GetByteArrayAsync(new Uri(client.BaseAddress + target[1..], Raw)));
            using HttpResponseMessage none = await client.GetAsync(At($"/v1/objects/b/nothing/{i}"));
            Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
            Assert.Contains($"ais://b/nothing/{i} does not exist", await none.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }));
    }

    /// <summary>As AIStore's client does it: the head with the body's length and no body, then the body to where the answer says.</summary>
    [Fact]
    public async Task AHeadWithoutItsBodyIsRedirectedAndTheBodyIsTakenThere()
    {
        const string Target = "/v1/objects/b/pro%20be%252F?provider=ais";
        string probe = await ExchangeAsync($"PUT {Target} HTTP/1.1\r\nHost: {fixture.Endpoint.Authority}\r\nContent-Length: 5\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 307 ", probe, StringComparison.Ordinal);
        string location = probe.Split("Location: ")[1].Split("\r\n")[0];
        Assert.StartsWith($"https://{fixture.Endpoint.Authority}{Target}&pid=p", location, StringComparison.Ordinal);
        long nanoseconds = long.Parse(location.Split("&utm=")[1], CultureInfo.InvariantCulture);
        Assert.InRange(DateTimeOffset.FromUnixTimeMilliseconds(nanoseconds / 1_000_000), DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow.AddMinutes(5));

        string marked = location[$"https://{fixture.Endpoint.Authority}".Length..];
        string stored = await ExchangeAsync($"PUT {marked} HTTP/1.1\r\nHost: {fixture.Endpoint.Authority}\r\nContent-Length: 5\r\nConnection: close\r\n\r\nbytes");
        Assert.StartsWith("HTTP/1.1 200 ", stored, StringComparison.Ordinal);
        string read = await ExchangeAsync($"GET {Target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        Assert.EndsWith("\r\n\r\nbytes", read, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("?pid=p1", 200)]
    [InlineData("?utm=1", 200)]
    [InlineData("?sluice-direct=true", 200)]
    [InlineData("?pid=", 307)]
    [InlineData("", 307)]
    [InlineData("?uploadId=u&partNumber=1", 307)]
    public async Task OnlyAnUploadThatNobodyRedirectedIsRedirected(string query, int status)
    {
        using HttpClient client = fixture.Client(HttpVersion.Version11);
        using HttpResponseMessage put = await client.PutAsync(At($"/v1/objects/b/once{query}"), new ByteArrayContent([1, 2, 3]));
        Assert.Equal(status, (int)put.StatusCode);
        using HttpResponseMessage health = await client.GetAsync(At("/v1/health")); // the connection goes on
        Assert.Equal(HttpStatusCode.OK, health.StatusCode);
    }

    [Fact]
    public async Task TheClusterMapSaysHttps()
    {
        using HttpClient client = fixture.Client(HttpVersion.Version11);
        Assert.Contains($"\"direct_url\":\"{fixture.Endpoint.GetLeftPart(UriPartial.Authority)}\"", await client.GetStringAsync(At("/v1/daemon?what=smap")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ANewCertificateIsForNewConnections()
    {
        await using var server = new TlsServer();
        await server.InitializeAsync();
        List<string> met = [];
        using HttpClient standing = server.Client(HttpVersion.Version11, meets: certificate => met.Add(certificate.Subject));
        using HttpClient standingToo = server.Client(HttpVersion.Version20, meets: certificate => met.Add(certificate.Subject));
        await standing.GetStringAsync(At("/v1/health"));
        await standingToo.GetStringAsync(At("/v1/health"));
        server.Files.Write("key.pem", "not a key");
        server.Server.Signal("HUP");
        Assert.True(SpinWait.SpinUntil(() => server.Server.Log.Contains("stays in force", StringComparison.Ordinal), s_deadline), server.Server.Log);
        server.Renew(new LeafKind { Name = "second", IsRsa = true });
        server.Server.Signal("HUP");
        Assert.True(SpinWait.SpinUntil(() => server.Server.Log.Contains("CN=second", StringComparison.Ordinal), s_deadline), server.Server.Log);

        await standing.GetStringAsync(At("/v1/health"));
        await standingToo.GetStringAsync(At("/v1/health"));
        using HttpClient fresh = server.Client(HttpVersion.Version20, meets: certificate => met.Add(certificate.Subject));
        await fresh.GetStringAsync(At("/v1/health"));

        Assert.Equal(["CN=first", "CN=first", "CN=second"], met); // the standing ones shook hands once
    }

    [Fact]
    public async Task OnlyClientsOfTheAuthorityAreLetIn()
    {
        await using var server = new TlsServer { AsksClients = true };
        await server.InitializeAsync();
        using var other = new TestAuthority("Other");
        PemLeaf stranger = other.Issue(new LeafKind { IsClient = true });
        foreach (Version version in (Version[])[HttpVersion.Version11, HttpVersion.Version20])
        {
            using HttpClient anonymous = server.Client(version);
            await Assert.ThrowsAsync<HttpRequestException>(() => anonymous.GetStringAsync(At("/v1/health")));
            using HttpClient strange = server.Client(version, stranger);
            await Assert.ThrowsAsync<HttpRequestException>(() => strange.GetStringAsync(At("/v1/health")));
            using HttpClient known = server.Client(version, server.Authority.Issue(new LeafKind { IsClient = true }));
            await known.GetStringAsync(At("/v1/health"));
        }

        PemLeaf reader = server.Authority.Issue(new LeafKind { Name = "reader", IsClient = true });
        string[] known3 = ["--ca", server.RootPath, "--client-cert", server.Files.Write("c.pem", reader.Chain), "--client-key", server.Files.Write("c.key", reader.Key)];
        Assert.Equal(0, (await SluiceProcess.RunAsync(null, server.Endpoint, ["ls", "ais://b", .. known3])).Code);
        string[] strange3 = ["--ca", server.RootPath, "--client-cert", server.Files.Write("s.pem", stranger.Chain), "--client-key", server.Files.Write("s.key", stranger.Key)];
        (int code, _, string error) = await SluiceProcess.RunAsync(null, server.Endpoint, ["ls", "ais://b", .. strange3]);
        Assert.Equal(1, code);
        Assert.Single(error.Trim().Split('\n'));
    }

    [Fact]
    public async Task ClientVerbsSpeakHttps()
    {
        string[] trust = ["--ca", fixture.RootPath];
        (int code, _, string error) = await SluiceProcess.RunAsync("over https", fixture.Endpoint, ["put", "-", "ais://b/verbs", .. trust]);
        Assert.True(code == 0, error);
        Assert.Equal("over https", (await SluiceProcess.RunAsync(null, fixture.Endpoint, ["cat", "ais://b/verbs", .. trust])).Output);
        Assert.Equal("over https", (await SluiceProcess.RunAsync(null, fixture.Endpoint, "cat", "ais://b/verbs", "--insecure")).Output);

        (code, _, error) = await SluiceProcess.RunAsync(null, fixture.Endpoint, "cat", "ais://b/verbs");
        Assert.Equal(1, code);
        Assert.Contains("--ca", Assert.Single(error.Trim().Split('\n')), StringComparison.Ordinal);
        (code, _, error) = await SluiceProcess.RunAsync(null, fixture.Server.Endpoint, "cat", "ais://b/verbs");
        Assert.Equal(4, code);
        Assert.Contains("use https://", error, StringComparison.Ordinal);
        (code, _, error) = await SluiceProcess.RunAsync(null, fixture.Endpoint, "cat", "ais://b/verbs", "--ca", "/nonexistent/ca.pem");
        Assert.Equal(2, code);
        Assert.Contains("/nonexistent/ca.pem does not exist", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CurlAndOpensslAreContent()
    {
        string file = fixture.Files.Write("curl.bin", new string('c', 3_000_000));
        string url = $"{fixture.Endpoint}v1/objects/b/curl";
        foreach ((string flag, string version) in ((string, string)[])[("--http1.1", "1.1"), ("--http2", "2")])
        {
            Assert.Equal($"200 {version}", await RunAsync("curl", "-sS", flag, "-L", "--cacert", fixture.RootPath, "-T", file, "-o", "/dev/null", "-w", "%{http_code} %{http_version}", url));
            Assert.Equal(await File.ReadAllTextAsync(file), await RunAsync("curl", "-sS", flag, "--cacert", fixture.RootPath, url));
        }

        string told = await RunAsync(
            "openssl", "s_client", "-connect", fixture.Endpoint.Authority, "-CAfile", fixture.RootPath, "-alpn", "h2,http/1.1", "-showcerts", "-verify_return_error");
        Assert.Equal(3, told.Split("-----BEGIN CERTIFICATE-----").Length); // leaf and intermediate
        Assert.Contains("ALPN protocol: h2", told, StringComparison.Ordinal);
        Assert.Contains("Verify return code: 0 (ok)", told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AClientThatGoesAwayInTheMiddleLeavesNothingBehind()
    {
        using HttpClient client = fixture.Client(HttpVersion.Version11);
        using (HttpResponseMessage put = await client.PutAsync(At("/v1/objects/b/large?pid=p1"), new ByteArrayContent(new byte[32 << 20])))
        {
            Assert.Equal(HttpStatusCode.OK, put.StatusCode);
        }

        for (int i = 0; i < 5; i++)
        {
            await using SslStream reader = await ConnectAsync();
            await reader.WriteAsync("GET /v1/objects/b/large HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray());
            Assert.True(await reader.ReadAsync(new byte[1000]) > 0);
            await using SslStream writer = await ConnectAsync();
            await writer.WriteAsync(Encoding.ASCII.GetBytes($"PUT /v1/objects/b/cut?pid=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{new string('x', 20_000)}"));
        }

        int standing = Environment.ProcessorCount + 1; // a listener for each loop, and this client's connection
        Assert.True(SpinWait.SpinUntil(() => Sockets() <= standing, s_deadline), $"{Sockets()} sockets are open");
        using HttpResponseMessage none = await client.GetAsync(At("/v1/objects/b/cut"));
        Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
        Assert.DoesNotContain(" error ", fixture.Server.Log, StringComparison.Ordinal);

        int Sockets() => Directory.GetFiles($"/proc/{fixture.Server.Id}/fd").Count(fd => new FileInfo(fd).LinkTarget?.StartsWith("socket:", StringComparison.Ordinal) == true);
    }

    [Fact]
    public async Task WhatCannotBeServedStopsTheStartWithASentence()
    {
        PemLeaf leaf = fixture.Authority.Issue();
        string certificate = fixture.Files.Write("good.pem", leaf.Chain);
        string key = fixture.Files.Write("other.key", fixture.Authority.Issue().Key);
        string mountpath = Directory.CreateDirectory(Path.Combine(fixture.Files.Folder, "mp")).FullName;
        (int code, _, string error) = await SluiceProcess.RunAsync(
            null, null, "serve", "--listen", "127.0.0.1:0", "--mountpath", mountpath, "--tls-cert", certificate, "--tls-key", key);
        Assert.Equal(1, code);
        Assert.Contains("does not belong to the first certificate", Assert.Single(error.Trim().Split('\n')), StringComparison.Ordinal);
    }

    private static Uri At(string target) => new(target, UriKind.Relative);

    private static UriCreationOptions Raw => new() { DangerousDisablePathAndQueryCanonicalization = true };

    private static async Task<string> RunAsync(string command, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(command, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        })!;
        process.StandardInput.Close();
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(s_deadline);
        Assert.True(process.ExitCode == 0, $"{command}: {await error}");
        return output;
    }

    private async Task<SslStream> ConnectAsync()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(fixture.Endpoint.Host, fixture.Endpoint.Port);
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost", CertificateChainPolicy = fixture.Authority.Trust });
        return stream;
    }

    /// <summary>One request, byte for byte, and its whole answer; the server may go on waiting for a body that never comes.</summary>
    private async Task<string> ExchangeAsync(string request)
    {
        await using SslStream stream = await ConnectAsync();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request));
        byte[] buffer = new byte[4096];
        string answer = "";
        do
        {
            int count = await stream.ReadAsync(buffer).AsTask().WaitAsync(s_deadline);
            Assert.True(count > 0, $"the connection ended behind: {answer}");
            answer += Encoding.Latin1.GetString(buffer, 0, count);
        }
        while (!IsWhole(answer));
        return answer;
    }

    private static bool IsWhole(string answer)
    {
        string[] parts = answer.Split("\r\n\r\n", 2);
        return parts.Length == 2 && parts[1].Length >= int.Parse(parts[0].Split("Content-Length: ")[1].Split("\r\n")[0], CultureInfo.InvariantCulture);
    }
}

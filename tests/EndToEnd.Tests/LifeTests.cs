// The life of the process: signals, refusals at start, sentences of the command line.
using System.Net.Sockets;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class LifeTests : IDisposable
{
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("sluice-life-");

    [Fact]
    public async Task TermFinishesARequestInFlightAndExitsWithZero()
    {
        using SluiceProcess server = await SluiceProcess.StartAsync([Mountpath("a")]);
        using var store = new Store(server.Endpoint);
        await store.CreateAsync("b");
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server.Endpoint.Host, server.Endpoint.Port);
        await socket.SendAsync("PUT /v1/objects/b/slow HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"u8.ToArray());
        byte[] buffer = new byte[1000];
        Assert.StartsWith("HTTP/1.1 100", Text(await socket.ReceiveAsync(buffer)), StringComparison.Ordinal); // the request is being answered
        Task<int> stopped = server.StopAsync();
        await socket.SendAsync("body"u8.ToArray());
        Assert.StartsWith("HTTP/1.1 200", Text(await socket.ReceiveAsync(buffer)), StringComparison.Ordinal);
        Assert.Equal(0, await stopped);
        using SluiceProcess again = await SluiceProcess.StartAsync([Mountpath("a")]);
        using var after = new Store(again.Endpoint);
        Assert.Equal("body"u8.ToArray(), await after.GetAsync("b", "slow"));

        string Text(int count) => System.Text.Encoding.ASCII.GetString(buffer, 0, count);
    }

    [Fact]
    public async Task ASecondServerOnTheSameMountpathIsRefused()
    {
        using SluiceProcess server = await SluiceProcess.StartAsync([Mountpath("a")]);
        (int code, _, string error) = await SluiceProcess.RunAsync(null, null, "serve", "--listen", "127.0.0.1:0", "--mountpath", Mountpath("a"));
        Assert.Equal(1, code);
        Assert.Contains(Mountpath("a"), error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnAddressInUseIsRefusedWithASentence()
    {
        using SluiceProcess server = await SluiceProcess.StartAsync([Mountpath("a")]);
        (int code, _, string error) = await SluiceProcess.RunAsync(null, null, "serve", "--listen", server.Endpoint.Authority, "--mountpath", Mountpath("b"));
        Assert.Equal(1, code);
        Assert.Contains("cannot listen on", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("serve")]
    [InlineData("serve", "--mountpath", "/nonexistent/drive")]
    [InlineData("serve", "--listen", "nowhere", "--mountpath", "/tmp")]
    [InlineData("serve", "--colour", "red")]
    [InlineData("dance")]
    public async Task AWrongCommandLineIsOneSentenceAndExitCodeTwo(params string[] arguments)
    {
        (int code, _, string error) = await SluiceProcess.RunAsync(null, null, arguments);
        Assert.Equal(2, code);
        Assert.Single(error.Trim().Split('\n'));
    }

    [Fact]
    public async Task ASecondSignalEndsAtOnce()
    {
        using SluiceProcess server = await SluiceProcess.StartAsync([Mountpath("a")]);
        using var store = new Store(server.Endpoint);
        await store.CreateAsync("b");
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server.Endpoint.Host, server.Endpoint.Port);
        await socket.SendAsync("PUT /v1/objects/b/never HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"u8.ToArray());
        Assert.True(await socket.ReceiveAsync(new byte[1000]) > 0);
        server.Signal("TERM");
        server.Signal("TERM"); // the request above would keep it for 30 s
        Assert.Equal(143, await server.EndAsync());
        using SluiceProcess again = await SluiceProcess.StartAsync([Mountpath("a")]);
        using var after = new Store(again.Endpoint);
        Assert.Null(await after.GetAsync("b", "never"));
        Assert.Equal(0, await again.StopAsync());
    }

    [Fact]
    public async Task TheSupervisorIsToldWhenItServesAndWhenItStops()
    {
        string path = Path.Combine(_home.FullName, "notify");
        using var supervisor = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        supervisor.Bind(new UnixDomainSocketEndPoint(path));
        using SluiceProcess server = await SluiceProcess.StartAsync([Mountpath("a")], new Dictionary<string, string> { ["NOTIFY_SOCKET"] = path });
        byte[] message = new byte[1000];
        Assert.StartsWith("READY=1", System.Text.Encoding.UTF8.GetString(message, 0, await supervisor.ReceiveAsync(message)), StringComparison.Ordinal);
        Assert.Equal(0, await server.StopAsync());
        Assert.StartsWith("STOPPING=1", System.Text.Encoding.UTF8.GetString(message, 0, await supervisor.ReceiveAsync(message)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SettingsComeFromFlagsThenVariablesThenTheFile()
    {
        string file = Path.Combine(_home.FullName, "sluice.yaml");
        await File.WriteAllTextAsync(file, $"log-format: json\nmemory: 96MiB\nmountpath:\n  - {Mountpath("from-file")}\n");
        using SluiceProcess server = await SluiceProcess.StartAsync(
            [Mountpath("from-flag")], new Dictionary<string, string> { ["SLUICE_MEMORY"] = "128MiB" }, "--config", file);
        string started = server.Log.Split('\n').Single(line => line.Contains(" listens on ", StringComparison.Ordinal));
        Assert.StartsWith("{", started, StringComparison.Ordinal);
        Assert.Contains("128MiB", started, StringComparison.Ordinal);
        using var store = new Store(server.Endpoint);
        string details = await store.ControlAsync(HttpMethod.Get, "/v1/health?details=1", "");
        Assert.Contains("from-flag", details, StringComparison.Ordinal);
        Assert.DoesNotContain("from-file", details, StringComparison.Ordinal);
        await File.AppendAllTextAsync(file, "colour: red\n");
        (int code, _, string error) = await SluiceProcess.RunAsync(null, null, "config", "--config", file);
        Assert.Equal(2, code);
        Assert.Contains("colour", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ThePublishedBinaryPassesItsSelfTest()
    {
        (int code, string output, string error) = await SluiceProcess.RunAsync(null, null, "self-test");
        Assert.True(code == 0, output + error);
    }

    public void Dispose() => _home.Delete(recursive: true);

    private string Mountpath(string name) => Directory.CreateDirectory(Path.Combine(_home.FullName, name)).FullName;
}

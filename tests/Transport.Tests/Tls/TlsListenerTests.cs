// One connection at a time through the listener: what it agrees on, what it carries, and how a handshake that goes wrong ends.
using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Logging;
using Sluice.Cli.Tests.Support;
using Sluice.Transport.Tls;

namespace Sluice.Transport.Tests.Tls;

public sealed class TlsListenerTests : IDisposable
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(60);

    private readonly TestAuthority _authority = new();
    private readonly PemFolder _files = new();
    private readonly ManualClock _clock = new();
    private readonly ListLog _log = new();
    private IFeatureCollection? _seen;
    private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously); // an application is running

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    [InlineData(4096, false)]
    [InlineData((16 << 10) + 1, false)]
    [InlineData(64 << 10, false)]
    [InlineData(128 << 10, true)]
    [InlineData((1 << 20) + 1, false)]
    [InlineData(5_000_000, true)]
    public async Task BytesComeBackAsTheyWent(int count, bool isRsa)
    {
        TlsListener listener = Listener(_authority.Issue(new LeafKind { IsRsa = isRsa }));
        await using Wire wire = await Wire.ConnectAsync();
        Task served = ServeAsync(listener, wire);
        await using SslStream client = await HandshakeAsync(wire);
        byte[] sent = RandomNumberGenerator.GetBytes(count);
        await SendAsync(client, sent);
        byte[] received = new byte[count];
        await client.ReadExactlyAsync(received).AsTask().WaitAsync(s_deadline);

        Assert.Equal(sent, received);
        Assert.Equal(0, await client.ReadAsync(new byte[1]).AsTask().WaitAsync(s_deadline)); // close_notify, not a cut
        await served.WaitAsync(s_deadline);
        Assert.Equal((1, 0), (listener.Handshakes, listener.HandshakesFailed));
    }

    [Theory]
    [InlineData("h2", "h2", "http/1.1")]
    [InlineData("http/1.1", "http/1.1")]
    [InlineData("")]
    public async Task ConnectionSaysWhatWasAgreedOn(string agreed, params string[] offered)
    {
        TlsListener listener = Listener(_authority.Issue());
        await using Wire wire = await Wire.ConnectAsync();
        IDuplexPipe plain = wire.Server.Transport;
        Task served = ServeAsync(listener, wire);
        await using SslStream client = await HandshakeAsync(wire, offered: offered);
        await SendAsync(client, []);
        await served.WaitAsync(s_deadline);

        Assert.Equal(agreed, Encoding.ASCII.GetString(_seen!.Get<ITlsApplicationProtocolFeature>()!.ApplicationProtocol.Span));
        ITlsHandshakeFeature handshake = _seen.Get<ITlsHandshakeFeature>()!;
        Assert.Equal(("Tls13", "localhost"), (handshake.Protocol.ToString(), handshake.HostName));
        Assert.Null(_seen.Get<ITlsConnectionFeature>()!.ClientCertificate);
        Assert.Same(plain, wire.Server.Transport);
    }

    [Fact]
    public async Task TheWholeChainIsSent()
    {
        PemLeaf leaf = _authority.Issue();
        Assert.Null(await OutcomeAsync(Listener(leaf), null)); // the client trusts the root and has not got the intermediate

        PemLeaf alone = leaf with { Chain = leaf.Leaf };
        Assert.IsType<AuthenticationException>(await OutcomeAsync(Listener(alone), null));
    }

    [Fact]
    public async Task AClientOfTheAuthorityIsLetInAndKnown()
    {
        TlsListener listener = Listener(_authority.Issue(), _authority.RootPem);

        Assert.Null(await OutcomeAsync(listener, _authority.Issue(new LeafKind { Name = "reader", IsClient = true })));

        Assert.Equal("CN=reader", _seen!.Get<ITlsConnectionFeature>()!.ClientCertificate!.Subject);
        Assert.Equal("CN=reader", (await _seen.Get<ITlsConnectionFeature>()!.GetClientCertificateAsync(default))!.Subject);
    }

    public static TheoryData<string> WrongClients => ["none", "of another authority", "expired", "a server's"];

    [Theory]
    [MemberData(nameof(WrongClients))]
    public async Task AnyOtherClientIsNotLetIn(string client)
    {
        using var other = new TestAuthority("Other");
        TlsListener listener = Listener(_authority.Issue(), _authority.RootPem);
        PemLeaf? shown = client switch
        {
            "of another authority" => other.Issue(new LeafKind { IsClient = true }),
            "expired" => _authority.Issue(new LeafKind { IsClient = true, ValidDays = -1 }),
            "a server's" => _authority.Issue(),
            _ => null,
        };

        Assert.NotNull(await OutcomeAsync(listener, shown));

        Assert.Null(_seen);
        Assert.Equal((0, 1), (listener.Handshakes, listener.HandshakesFailed));
        Assert.Contains("failed", Assert.Single(_log.Of(LogLevel.Debug)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AStandingConnectionKeepsItsCertificateAndANewOneGetsTheNewest()
    {
        TlsListener listener = Listener(_authority.Issue(new LeafKind { Name = "first" }));
        await using Wire standing = await Wire.ConnectAsync();
        Task served = ServeAsync(listener, standing);
        await using SslStream client = await HandshakeAsync(standing);
        PemLeaf second = _authority.Issue(new LeafKind { Name = "second" });
        _files.Write("cert.pem", second.Chain);
        _files.Write("key.pem", second.Key);
        Assert.Equal("CN=first", client.RemoteCertificate!.Subject);
        await _begun.Task.WaitAsync(s_deadline); // the client is done with the handshake before the server is, whose deadline would fire with the clock

        _clock.Advance(TlsCertificates.Interval);

        await using Wire fresh = await Wire.ConnectAsync();
        Task servedToo = ServeAsync(listener, fresh);
        await using SslStream other = await HandshakeAsync(fresh);
        Assert.Equal("CN=second", other.RemoteCertificate!.Subject);
        foreach (SslStream stream in (SslStream[])[client, other])
        {
            await SendAsync(stream, "still here"u8.ToArray());
            byte[] echo = new byte[10];
            await stream.ReadExactlyAsync(echo).AsTask().WaitAsync(s_deadline);
            Assert.Equal("still here"u8.ToArray(), echo);
        }

        await Task.WhenAll(served, servedToo).WaitAsync(s_deadline);
    }

    [Theory]
    [InlineData("")]
    [InlineData("160301")]
    [InlineData("16030100c8010000c40303")]
    public async Task AHandshakeThatStallsIsEndedByTheDeadline(string hex)
    {
        TlsListener listener = Listener(_authority.Issue());
        await using Wire wire = await Wire.ConnectAsync();
        await wire.Client.WriteAsync(Convert.FromHexString(hex));
        Task served = ServeAsync(listener, wire);
        Assert.False(served.IsCompleted);

        _clock.Advance(TlsListener.HandshakeTimeout);

        await served.WaitAsync(s_deadline);
        Assert.Equal((0, 1), (listener.Handshakes, listener.HandshakesFailed));
        Assert.Contains("time was up", Assert.Single(_log.Lines), StringComparison.Ordinal);
        Assert.Null(_seen);
    }

    [Fact]
    public async Task TheDeadlineEndsWithTheHandshake()
    {
        TlsListener listener = Listener(_authority.Issue());
        await using Wire wire = await Wire.ConnectAsync();
        Task served = ServeAsync(listener, wire);
        await using SslStream client = await HandshakeAsync(wire);
        SpinWait.SpinUntil(() => listener.Handshakes == 1, s_deadline);

        _clock.Advance(TlsListener.HandshakeTimeout);

        await SendAsync(client, [7]);
        Assert.Equal(1, await client.ReadAsync(new byte[2]).AsTask().WaitAsync(s_deadline));
        await served.WaitAsync(s_deadline);
    }

    [Fact]
    public async Task AServerThatStopsDoesNotWaitForAHandshake()
    {
        TlsListener listener = Listener(_authority.Issue());
        await using Wire wire = await Wire.ConnectAsync();
        using var stop = new Stop();
        wire.Server.Features.Set<IConnectionLifetimeNotificationFeature>(stop);
        Task served = ServeAsync(listener, wire);
        Assert.False(served.IsCompleted);

        stop.RequestClose();

        await served.WaitAsync(s_deadline);
        Assert.Contains("had to end", Assert.Single(_log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task PlainHttpIsAnsweredWithASentence()
    {
        TlsListener listener = Listener(_authority.Issue());
        string answer = await PlainAsync(listener, "GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray());

        Assert.StartsWith("HTTP/1.1 400 Bad Request\r\n", answer, StringComparison.Ordinal);
        string[] parts = answer.Split("\r\n\r\n");
        Assert.Contains($"Content-Length: {parts[1].Length}\r\n", answer, StringComparison.Ordinal);
        Assert.Contains("use https://", parts[1], StringComparison.Ordinal);
        Assert.Equal(1, listener.HandshakesFailed);
    }

    [Theory]
    [InlineData("00ff")]
    [InlineData("160301000400000000")]
    [InlineData("")]
    public async Task WhatIsNeitherTlsNorHttpIsClosedWithADebugLine(string hex)
    {
        TlsListener listener = Listener(_authority.Issue());

        string answer = await PlainAsync(listener, Convert.FromHexString(hex));

        Assert.DoesNotContain("HTTP", answer, StringComparison.Ordinal);
        Assert.Single(_log.Of(LogLevel.Debug));
        Assert.Single(_log.Lines);
        Assert.Equal((0, 1), (listener.Handshakes, listener.HandshakesFailed));
    }

    public void Dispose()
    {
        _authority.Dispose();
        _files.Dispose();
    }

    private TlsListener Listener(PemLeaf leaf, string? clientAuthority = null)
    {
        var files = new TlsFiles(
            _files.Write("cert.pem", leaf.Chain), _files.Write("key.pem", leaf.Key), clientAuthority is null ? null : _files.Write("ca.pem", clientAuthority));
        Assert.True(TlsCertificates.TryOpen(files, _clock, new ListLog(), out TlsCertificates? certificates, out string problem), problem);
        return new TlsListener(certificates!, _clock, _log);
    }

    /// <summary>As the server does it: whatever becomes of the connection, it is closed in the end.</summary>
    private async Task ServeAsync(TlsListener listener, Wire wire)
    {
        await listener.ServeAsync(wire.Server, EchoAsync);
        await wire.CloseServerAsync();
    }

    /// <summary>The connection's application: sends back what comes in, in pieces of 256 KiB at most, and ends when the client does.</summary>
    private async Task EchoAsync(ConnectionContext connection)
    {
        _seen = connection.Features;
        _begun.TrySetResult();
        PipeReader input = connection.Transport.Input;
        byte[] received = [];
        ReadResult read;
        do
        {
            read = await input.ReadAsync();
            received = [.. received, .. System.Buffers.BuffersExtensions.ToArray(read.Buffer)];
            input.AdvanceTo(read.Buffer.End);
        }
        while (!read.IsCompleted);
        foreach (byte[] piece in received.Chunk(256 << 10))
        {
            await connection.Transport.Output.WriteAsync(piece);
        }
    }

    private async Task<SslStream> HandshakeAsync(Wire wire, PemLeaf? shown = null, params string[] offered)
    {
        var client = new SslStream(wire.Client, leaveInnerStreamOpen: false);
        await client.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            CertificateChainPolicy = _authority.Trust,
            ApplicationProtocols = offered.Length == 0 ? null : [.. offered.Select(name => new SslApplicationProtocol(name))],
            ClientCertificateContext = shown is null
                ? null
                : SslStreamCertificateContext.Create(shown.Certificate, Intermediates(shown), offline: true),
        }).WaitAsync(s_deadline);
        return client;
    }

    /// <summary>What a client meets from handshake to the echo of a byte: null when all went well.</summary>
    private async Task<Exception?> OutcomeAsync(TlsListener listener, PemLeaf? shown)
    {
        await using Wire wire = await Wire.ConnectAsync();
        Task served = ServeAsync(listener, wire);
        Exception? outcome = null;
        try
        {
            await using SslStream client = await HandshakeAsync(wire, shown);
            await SendAsync(client, [42]);
            outcome = await client.ReadAsync(new byte[2]).AsTask().WaitAsync(s_deadline) == 1 ? null : new EndOfStreamException();
        }
        catch (Exception failure) when (failure is AuthenticationException or IOException)
        {
            outcome = failure;
        }

        await wire.Client.DisposeAsync();
        await served.WaitAsync(s_deadline);
        return outcome;
    }

    private static X509Certificate2Collection Intermediates(PemLeaf leaf)
    {
        var all = new X509Certificate2Collection();
        all.ImportFromPem(leaf.Chain);
        return all;
    }

    private static async Task SendAsync(SslStream client, byte[] bytes)
    {
        await client.WriteAsync(bytes);
        await client.ShutdownAsync();
    }

    private static async Task<string> PlainAsync(TlsListener listener, byte[] request)
    {
        await using Wire wire = await Wire.ConnectAsync();
        await wire.Client.WriteAsync(request);
        if (request.Length == 0)
        {
            wire.Client.Socket.Shutdown(SocketShutdown.Send);
        }

        Task served = listener.ServeAsync(wire.Server, _ => throw new InvalidOperationException("not TLS, and yet served"));
        await served.WaitAsync(s_deadline);
        await wire.CloseServerAsync();
        using var reader = new StreamReader(wire.Client, Encoding.Latin1);
        return await reader.ReadToEndAsync().WaitAsync(s_deadline);
    }

    private sealed class Stop : IConnectionLifetimeNotificationFeature, IDisposable
    {
        private readonly CancellationTokenSource _source = new();

        public CancellationToken ConnectionClosedRequested { get; set; }

        public Stop()
        {
            ConnectionClosedRequested = _source.Token;
        }

        public void RequestClose() => _source.Cancel();

        public void Dispose() => _source.Dispose();
    }

    /// <summary>A TCP connection of which both ends are here.</summary>
    private sealed class Wire : IAsyncDisposable
    {
        private readonly NetworkStream _serverStream;

        private Wire(Socket client, Socket server)
        {
            Client = new NetworkStream(client, ownsSocket: true);
            _serverStream = new NetworkStream(server, ownsSocket: true);
            var options = new StreamPipeWriterOptions(leaveOpen: true);
            Server = new DefaultConnectionContext("1")
            {
                Transport = new Ends(PipeReader.Create(_serverStream, new StreamPipeReaderOptions(leaveOpen: true)), PipeWriter.Create(_serverStream, options)),
                RemoteEndPoint = server.RemoteEndPoint,
            };
        }

        public NetworkStream Client { get; }

        public DefaultConnectionContext Server { get; }

        public static async Task<Wire> ConnectAsync()
        {
            using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            listener.Listen();
            var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await client.ConnectAsync(listener.LocalEndPoint!);
            return new Wire(client, await listener.AcceptAsync());
        }

        public ValueTask CloseServerAsync() => _serverStream.DisposeAsync();

        public async ValueTask DisposeAsync()
        {
            await CloseServerAsync();
            await Client.DisposeAsync();
            await Server.DisposeAsync();
        }

        private sealed record Ends(PipeReader Input, PipeWriter Output) : IDuplexPipe;
    }
}

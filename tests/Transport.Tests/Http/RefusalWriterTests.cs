// Kestrel's own refusals get a body; everything else passes as it is, through the memory that the connection lends.
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Sluice.Transport.Http;

namespace Sluice.Transport.Tests.Http;

public sealed class RefusalWriterTests
{
    private const string Bare = "HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\nConnection: close\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n";

    private readonly Pipe _pipe = new(new PipeOptions(minimumSegmentSize: 8192));

    [Fact]
    public async Task ABareRefusalGetsASentenceAndKeepsItsOtherHeaders()
    {
        RefusalWriter writer = Writer(_pipe.Writer);
        await WriteInPiecesAsync(writer, Bare);

        string answer = await WrittenAsync();
        int body = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4;
        string[] head = answer[..(body - 4)].Split("\r\n");
        Assert.Equal("HTTP/1.1 431 Request Header Fields Too Large", head[0]);
        Assert.Contains("Connection: close", head);
        Assert.Contains("Content-Type: application/json", head);
        Assert.Contains("X-Content-Type-Options: nosniff", head);
        Assert.Equal($"Content-Length: {Encoding.UTF8.GetByteCount(answer[body..])}", Assert.Single(head, line => line.StartsWith("Content-Length", StringComparison.Ordinal)));
        Assert.Contains($"Hdr-Error: {answer[body..].TrimEnd('\n')}", head);
        using JsonDocument error = JsonDocument.Parse(answer[body..]);
        Assert.Equal(["message", "method", "url_path", "remote_addr", "caller", "node", "status"], error.RootElement.EnumerateObject().Select(field => field.Name));
        Assert.Contains("32768 bytes", error.RootElement.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal("192.0.2.1:4711", error.RootElement.GetProperty("remote_addr").GetString());
        Assert.Equal("t[ü]", error.RootElement.GetProperty("node").GetString());
        Assert.Equal(431, error.RootElement.GetProperty("status").GetInt32());
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\nContent-Length: 5\r\n\r\nhello")]
    [InlineData("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n")]
    [InlineData("HTTP/1.1 4")]
    [InlineData("\0\0\b\a\0\0\0\0\0\0\0\0\0\0\0\0\r")]
    public async Task WhatIsNoBareRefusalPassesUnchanged(string bytes)
    {
        RefusalWriter writer = Writer(_pipe.Writer);
        await WriteInPiecesAsync(writer, bytes);

        Assert.Equal(bytes, await WrittenAsync());
    }

    [Fact]
    public async Task WhileTheApplicationAnswersEvenABareRefusalIsItsOwn()
    {
        RefusalWriter writer = Writer(_pipe.Writer);
        writer.BeginAnswer();
        await WriteInPiecesAsync(writer, Bare);
        Assert.Equal(Bare, await WrittenAsync());

        writer.EndAnswer();
        await WriteInPiecesAsync(writer, Bare);
        Assert.Contains("\"status\":431", await WrittenAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheApplicationGetsTheConnectionsOwnMemoryAndEveryCallOnce()
    {
        var connection = new RecordingWriter();
        RefusalWriter writer = Writer(connection);
        writer.BeginAnswer();

        Assert.True(writer.GetMemory(100).Equals(connection.Lent));
        writer.Advance(7);
        Assert.True(writer.GetSpan(5) == connection.Lent.Span);
        writer.Advance(5);
        Assert.Equal(12, writer.UnflushedBytes);
        await writer.FlushAsync(TestContext.Current.CancellationToken);
        await writer.WriteAsync(new byte[3], TestContext.Current.CancellationToken);
        writer.CancelPendingFlush();
        await writer.CompleteAsync();

        Assert.Equal(["memory 100", "advance 7", "span 5", "advance 5", "flush", "write 3", "cancel", "complete"], connection.Calls);
    }

    [Fact]
    public async Task ARefusalThatIsNotFlushedGoesOutWhenTheConnectionCompletes()
    {
        RefusalWriter writer = Writer(_pipe.Writer);
        Encoding.Latin1.GetBytes(Bare, writer.GetSpan(Bare.Length));
        writer.Advance(Bare.Length);
        Assert.Equal(Bare.Length, writer.UnflushedBytes);
        await writer.CompleteAsync();

        Assert.Contains("\"status\":431", await WrittenAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(400, "malformed")]
    [InlineData(408, "in time")]
    [InlineData(411, "Content-Length")]
    [InlineData(413, "larger")]
    [InlineData(414, "16384 bytes")]
    [InlineData(431, "100 headers")]
    [InlineData(505, "HTTP/1.1")]
    [InlineData(499, "refused")]
    public void EveryStatusHasASentence(int status, string part)
    {
        byte[] answer = Writer(_pipe.Writer).Explain(Encoding.Latin1.GetBytes($"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n"))!;

        Assert.Contains(part, Encoding.UTF8.GetString(answer), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData("http/1.1", true)]
    [InlineData("h2", false)]
    public async Task OnlyAConnectionOfHttp1GetsAWriterAndKeepsItsOwnEndsAfterwards(string? protocol, bool isWrapped)
    {
        await using var connection = new DefaultConnectionContext { Transport = new Ends(_pipe.Reader, _pipe.Writer) };
        if (protocol is not null)
        {
            connection.Features.Set<ITlsApplicationProtocolFeature>(new Chosen(Encoding.ASCII.GetBytes(protocol)));
        }

        IDuplexPipe own = connection.Transport;
        await RefusalWriter.ServeAsync(
            connection,
            served =>
            {
                Assert.Same(_pipe.Reader, served.Transport.Input);
                Assert.Equal(isWrapped, served.Transport.Output is RefusalWriter);
                Assert.Equal(isWrapped, ReferenceEquals(served.Transport.Output, served.Features.Get<RefusalWriter>()));
                return Task.CompletedTask;
            },
            "t[x]");
        Assert.Same(own, connection.Transport);
    }

    private static RefusalWriter Writer(PipeWriter output) => new(output, "192.0.2.1:4711", "t[ü]");

    private static async Task WriteInPiecesAsync(RefusalWriter writer, string bytes)
    {
        foreach (char[] piece in bytes.Chunk(50))
        {
            Encoding.Latin1.GetBytes(piece, writer.GetSpan(piece.Length));
            writer.Advance(piece.Length);
        }

        await writer.FlushAsync();
    }

    private async Task<string> WrittenAsync()
    {
        ReadResult read = await _pipe.Reader.ReadAsync(TestContext.Current.CancellationToken);
        string text = Encoding.UTF8.GetString(read.Buffer);
        _pipe.Reader.AdvanceTo(read.Buffer.End);
        return text;
    }

    private sealed record Ends(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    private sealed record Chosen(ReadOnlyMemory<byte> ApplicationProtocol) : ITlsApplicationProtocolFeature;

    /// <summary>A connection's way out that writes down how it is called.</summary>
    private sealed class RecordingWriter : PipeWriter
    {
        private long _unflushed;

        public List<string> Calls { get; } = [];

        public Memory<byte> Lent { get; } = new byte[200];

        public override bool CanGetUnflushedBytes => true;

        public override long UnflushedBytes => _unflushed;

        public override Memory<byte> GetMemory(int sizeHint = 0)
        {
            Calls.Add($"memory {sizeHint}");
            return Lent;
        }

        public override Span<byte> GetSpan(int sizeHint = 0)
        {
            Calls.Add($"span {sizeHint}");
            return Lent.Span;
        }

        public override void Advance(int bytes)
        {
            Calls.Add($"advance {bytes}");
            _unflushed += bytes;
        }

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => Answer("flush");

        public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default) => Answer($"write {source.Length}");

        public override void CancelPendingFlush() => Calls.Add("cancel");

        public override void Complete(Exception? exception = null) => Calls.Add("complete");

        private ValueTask<FlushResult> Answer(string call)
        {
            Calls.Add(call);
            return ValueTask.FromResult(new FlushResult(isCanceled: false, isCompleted: false));
        }
    }
}

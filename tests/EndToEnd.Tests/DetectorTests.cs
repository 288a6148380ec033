// The suite's own eyes, each held against something that is wrong: a detector that finds nothing here proves nothing elsewhere.
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Sluice.EndToEnd.Tests.Support;
using Sluice.Native.Codecs;

namespace Sluice.EndToEnd.Tests;

public sealed class DetectorTests
{
    private static readonly Content s_content = new(seed: 20, 3 << 20);

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 1_048_582)]
    [InlineData(1_048_575, 1)]
    [InlineData(4096, (2 << 20) - 1)]
    public void AFlippedBitIsFoundWhereItIs(int offset, int at)
    {
        byte[] bytes = s_content.Bytes(offset, 2 << 20);
        Assert.Null(s_content.FirstDifference(offset, bytes));
        bytes[at] ^= 1;
        Assert.Equal(offset + at, s_content.FirstDifference(offset, bytes));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4096)]
    [InlineData(65_536)]
    [InlineData(1 << 20)]
    public void AMisplacedPieceIsFound(int by) => Assert.NotNull(s_content.FirstDifference(by, s_content.Bytes(0, 4096)));

    [Fact]
    public void ABytePastTheEndIsFound() =>
        Assert.Equal(s_content.SizeBytes, s_content.FirstDifference(s_content.SizeBytes - 1, s_content.Bytes(s_content.SizeBytes - 1, 2)));

    [Fact]
    public void TheDigestIsThatOfTheBytes() =>
        Assert.Equal(XxHash64.Hash(s_content.Bytes(0, 3 << 20)).ToString("x16", CultureInfo.InvariantCulture), s_content.Digest);

    [Theory]
    [InlineData("HTTP/1.0 200 OK")]
    [InlineData("HTTP/1.1 20 OK")]
    [InlineData("HTTP/1.1 200")]
    [InlineData("http/1.1 200 OK")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length:5")]
    [InlineData("HTTP/1.1 200 OK\r\nContent Length: 5")]
    [InlineData("HTTP/1.1 200 OK\r\nA: 1\nB: 2")]
    [InlineData("HTTP/1.1 200 OK\r\n: 5")]
    [InlineData("\r\nHTTP/1.1 200 OK")]
    public void AWrongHeadIsNoHead(string head) => Assert.Throws<FormatException>(() => RawHead.Parse(Encoding.Latin1.GetBytes(head)));

    [Fact]
    public void TwoLengthsAreNoLength() =>
        Assert.Throws<InvalidOperationException>(() => RawHead.Parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-length: 5"u8).ContentLength);

    [Theory]
    [InlineData(200, 100, 0, 0)]
    [InlineData(206, 0, 0, 0)]
    [InlineData(200, 0, 1, 0)]
    [InlineData(200, 0, -1, 0)]
    [InlineData(200, 0, 0, 1)]
    public async Task AWrongAnswerIsFound(int status, int flipped, int promised, int missing)
    {
        byte[] body = s_content.Bytes(0, 1000);
        body[flipped] ^= (byte)(flipped > 0 ? 1 : 0);
        string head = string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} OK\r\nContent-Length: {1000 + promised}\r\n\r\n");
        await Assert.ThrowsAnyAsync<Exception>(() => ReadAsync([.. Encoding.ASCII.GetBytes(head), .. body.AsSpan(0, 1000 - missing)]));
    }

    [Fact]
    public async Task ARightAnswerPassesAndOneByteBehindItIsFound()
    {
        byte[] right = [.. "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"u8, .. s_content.Bytes(0, 1000)];
        await ReadAsync(right);
        await Assert.ThrowsAnyAsync<Exception>(() => ReadAsync([.. right, 0]));
    }

    [Fact]
    public void WhatAProcessHoldsIsSeen()
    {
        DirectoryInfo home = Directory.CreateTempSubdirectory("sluice-e2e-");
        string work = Directory.CreateDirectory(Path.Combine(home.FullName, "@ais", "b", "%wk")).FullName;
        Assert.Empty(ServerResources.WorkFiles([home.FullName]));
        string path = Path.Combine(work, "left");
        using (File.Create(path))
        {
            Assert.Equal([path], ServerResources.WorkFiles([home.FullName]));
            Assert.Equal(1, ServerResources.Descriptors(Environment.ProcessId)[path]);
            File.Delete(path);
            Assert.Equal(1, ServerResources.Descriptors(Environment.ProcessId)[path + " (deleted)"]);
        }

        Assert.DoesNotContain(path + " (deleted)", ServerResources.Descriptors(Environment.ProcessId).Keys);
        home.Delete(recursive: true);
    }

    [Fact]
    public async Task WhatAPeerHasNotReadIsSeen()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        using RawClient client = await RawClient.ConnectAsync(new Uri($"http://127.0.0.1:{port}"), "a peer that waits");
        using Socket peer = await listener.AcceptSocketAsync();
        await client.SendAsync("12345");
        await Eventually.TrueAsync("five bytes wait", () => TcpTable.QueuesOf(port, client.Port) is { ReceiveBytes: 5 });
        Task taken = client.TakenAsync();
        Assert.False(taken.IsCompleted);
        await peer.ReceiveAsync(new byte[5]);
        await taken;
        Assert.Null(TcpTable.QueuesOf(port, port));
    }

    /// <summary>Meets a server that answers what it is told and closes; expects 1000 bytes of content and nothing more.</summary>
    private static async Task ReadAsync(byte[] answer)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using RawClient client = await RawClient.ConnectAsync(new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}"), "a server of lies");
        using (Socket peer = await listener.AcceptSocketAsync())
        {
            await peer.SendAsync(answer);
        }

        await client.ContentAsync(200, s_content, 0, 1000);
        await client.EndsAsync();
    }
}

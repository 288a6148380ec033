// Lines that are put into a head that Kestrel writes: in the right one, in the right place, once, or not at all.
using System.Globalization;
using System.Net;
using System.Text;
using System.Buffers;
using Microsoft.AspNetCore.Connections;
using Sluice.Transport.Http;

namespace Sluice.Transport.Tests.Uring;

public sealed class UringHeadTests
{
    [Fact]
    public async Task LinesStandBetweenKestrelsHeadersAndTheBody()
    {
        await using KestrelBench bench = await KestrelBench.StartAsync(async exchange =>
        {
            int number = exchange.Number;
            bool adds = number % 3 != 0;
            if (adds)
            {
                Assert.True(exchange.Bodies!.TryAddToHead(Encoding.ASCII.GetBytes($"\r\nX-Number: {number}\r\nX-Long: {new string('l', number * 50)}")));
            }

            string body = new('b', number);
            await exchange.StartAsync(body.Length);
            Assert.True(exchange.Bodies!.EndHead());
            await exchange.Answer.Writer.WriteAsync(Encoding.ASCII.GetBytes(body));
        });
        using Peer peer = await Peer.ConnectAsync(bench.EndPoint);
        await peer.SendAsync(string.Concat(Enumerable.Range(0, 60).Select(static i => $"GET /{i} HTTP/1.1\r\nHost: x\r\n\r\n")) // pipelined
            + "GET /60 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        string all = Encoding.ASCII.GetString(await peer.ReceiveAllAsync());
        for (int number = 0; number <= 60; number++)
        {
            int end = all.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            string[] head = all[..end].Split("\r\n");
            Assert.Equal("HTTP/1.1 200 OK", head[0]);
            Assert.Contains($"Content-Length: {number}", head);
            string[] added = [.. head.Where(static line => line.StartsWith("X-", StringComparison.Ordinal))];
            Assert.Equal(number % 3 == 0 ? [] : [string.Create(CultureInfo.InvariantCulture, $"X-Number: {number}"), $"X-Long: {new string('l', number * 50)}"], added);
            Assert.Equal(new string('b', number), all.Substring(end + 4, number));
            all = all[(end + 4 + number)..];
        }

        Assert.Empty(all);
        Assert.Empty(bench.Thrown);
    }

    [Fact]
    public async Task WithoutAHeadNothingIsAddedAndTheOwnerIsTold() => await OnConnectionAsync(
        async (connection, bodies) =>
        {
            Assert.True(bodies.TryAddToHead("\r\nX: 1"u8.ToArray()));
            connection.Transport.Output.Write("no end\r\n"u8);
            Assert.False(bodies.EndHead());
            connection.Transport.Output.Write("\r\n"u8); // an end now, and no lines any more
            await connection.Transport.Output.FlushAsync();
        },
        "no end\r\n\r\n");

    [Fact]
    public async Task AHeadInSeveralPiecesGetsThemAtItsEnd() => await OnConnectionAsync(
        async (connection, bodies) =>
        {
            Assert.True(bodies.TryAddToHead("\r\nX: 1"u8.ToArray()));
            foreach (string piece in (string[])["HTTP/1.1 200 OK\r\nA: 1\r", "\nB: 2", "\r\n\r", "\n"])
            {
                connection.Transport.Output.Write(Encoding.ASCII.GetBytes(piece));
            }

            Assert.True(bodies.EndHead());
            connection.Transport.Output.Write("body\r\n\r\n"u8);
            await connection.Transport.Output.FlushAsync();
        },
        "HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\nX: 1\r\n\r\nbody\r\n\r\n");

    private static async Task OnConnectionAsync(Func<ConnectionContext, IConnectionBodies, Task> application, string expected)
    {
        await using var bench = new RingBench();
        IPEndPoint server = await bench.ServeAsync(connection => application(connection, connection.Features.Get<IConnectionBodies>()!));
        using Peer peer = await Peer.ConnectAsync(server);
        Assert.Equal(expected, Encoding.Latin1.GetString(await peer.ReceiveAllAsync()));
        peer.HalfClose();
        await bench.IsIdleAsync();
    }
}

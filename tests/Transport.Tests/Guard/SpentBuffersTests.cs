using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Abstractions;
using Sluice.Native.Uring;
using Sluice.Transport.Http;
using Sluice.Transport.Uring;

namespace Sluice.Transport.Tests.Guard;

/// <summary>A loop whose receive buffers are all taken: connections wait, none is lost, and no byte is.</summary>
public sealed class SpentBuffersTests
{
    private const int Bytes = 1 << 20;

    /// <summary>
    /// The reader's advance gives back the buffers that its own connection waits for. The receive that this sets going, into a block, must not begin while
    /// the reader's list of segments is half changed.
    /// </summary>
    [Fact]
    public async Task AReaderThatGivesBackWhatItsOwnConnectionWaitsForReadsOnToTheEnd()
    {
        byte[] content = new byte[Bytes];
        new Random(5).NextBytes(content);
        using var loop = new RingLoop(new RingLoopOptions { Name = "spent", ReceiveBufferCount = 16, ReceiveBufferBytes = 4096 });
        var options = new UringTransportOptions { BlockCount = 4, HeadCount = 4, UnreadBytesMax = int.MaxValue, UnreadSmallBytesMax = int.MaxValue };
        var transport = new UringTransport([loop], options, NullLoggerFactory.Instance);
        IConnectionListener listener = await transport.BindAsync(new IPEndPoint(IPAddress.Loopback, 0));
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(listener.EndPoint);
        ConnectionContext connection = (await listener.AcceptAsync())!;
        Task sending = SendAsync(client, content);
        await StarvedAsync(transport);
        byte[] read = await loop.RunAsync(async () => await ReadAsync(connection, Bytes)).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.True(content.AsSpan().SequenceEqual(read));
        await sending;
        await connection.DisposeAsync();
        await listener.DisposeAsync();
        Assert.Equal(0, transport.LeaseCount);
        loop.Dispose();
        transport.Dispose();
    }

    private static async Task SendAsync(Socket client, ReadOnlyMemory<byte> content)
    {
        while (!content.IsEmpty)
        {
            content = content[await client.SendAsync(content)..];
        }
    }

    private static async Task StarvedAsync(UringTransport transport)
    {
        long start = Stopwatch.GetTimestamp();
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (transport.StarvedCount == 0)
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(60), "no receive was starved");
            await pace.WaitForNextTickAsync();
        }
    }

    /// <summary>On the loop.</summary>
    private static async ValueTask<byte[]> ReadAsync(ConnectionContext connection, int count)
    {
        PipeReader input = connection.Transport.Input;
        connection.Features.Get<IConnectionBodies>()!.BeginBody(count);
        var read = new ArrayBufferWriter<byte>(count);
        while (read.WrittenCount < count)
        {
            ReadResult result = await input.ReadAsync();
            Assert.False(result.IsCompleted && result.Buffer.IsEmpty, $"the connection ended after {read.WrittenCount} bytes");
            foreach (ReadOnlyMemory<byte> part in result.Buffer)
            {
                read.Write(part.Span);
            }

            input.AdvanceTo(result.Buffer.End);
        }

        return read.WrittenSpan.ToArray();
    }
}

using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Sluice.Cli.Tests.Support;

/// <summary>Reads the head of one request and refuses it with 409 before any body; Kestrel's stub would read the body first.</summary>
public sealed class RefusingServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    private RefusingServer()
    {
        _listener.Start();
        Head = AnswerAsync();
    }

    public string Endpoint => $"http://{_listener.LocalEndpoint}";

    /// <summary>The request's head, once it has been answered.</summary>
    public Task<string> Head { get; }

    public static RefusingServer Start() => new();

    public async ValueTask DisposeAsync()
    {
        await Head;
        _listener.Stop();
    }

    private async Task<string> AnswerAsync()
    {
        using TcpClient connection = await _listener.AcceptTcpClientAsync();
        await using NetworkStream stream = connection.GetStream();
        byte[] buffer = new byte[4096];
        string head = "";
        while (!head.Contains("\r\n\r\n", StringComparison.Ordinal))
        {
            int count = await stream.ReadAsync(buffer);
            head += Encoding.ASCII.GetString(buffer, 0, count);
        }

        await stream.WriteAsync("HTTP/1.1 409 Conflict\r\nConnection: close\r\nContent-Length: 18\r\n\r\n{\"message\":\"busy\"}"u8.ToArray());
        return head;
    }
}

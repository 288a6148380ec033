using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Sluice.Bench.Machine;

namespace Sluice.Bench.Servers;

/// <summary>What the bench itself asks of servers, outside of what is measured.</summary>
internal static class Connecting
{
    /// <summary>A client that takes the bench's own certificate.</summary>
    public static HttpClient Client(Uri endpoint)
    {
        var handler = new HttpClientHandler { UseProxy = false, CheckCertificateRevocationList = true };
        if (endpoint.Scheme == Uri.UriSchemeHttps)
        {
#pragma warning disable CA5359 // it was made a moment ago, by this process, for this server: there is no authority to ask
            handler.ServerCertificateCustomValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        }

        return new HttpClient(handler) { BaseAddress = endpoint, Timeout = TimeSpan.FromMinutes(5) };
    }

    /// <summary>Whether something answers at a port.</summary>
    public static bool Answers(Uri endpoint)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Connect(IPAddress.Loopback, endpoint.Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>A GET by a bare socket, which has nothing to warm up.</summary>
    /// <exception cref="BenchException">The answer is not 200.</exception>
    public static void RequireAnswer(Uri endpoint, string target)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(IPAddress.Loopback, endpoint.Port);
        socket.Send(Encoding.ASCII.GetBytes($"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"));
        var answer = new byte[4096];
        int count = socket.Receive(answer);
        if (!answer.AsSpan(0, count).StartsWith("HTTP/1.1 200 "u8))
        {
            throw new BenchException($"{endpoint}: {Encoding.ASCII.GetString(answer, 0, Math.Min(count, 100))}");
        }
    }

    /// <summary>A port that was free a moment ago.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Stores objects of one size under the names o0, o1 and so on; their bytes do not compress.</summary>
    public static async Task FillAsync(Uri endpoint, string bucket, int count, long sizeBytes, CancellationToken token)
    {
        using HttpClient client = Client(endpoint);
        for (int i = 0; i < count; i++)
        {
            using var body = new StreamContent(new NoiseStream(sizeBytes));
            body.Headers.ContentLength = sizeBytes;
            using HttpResponseMessage response = await client.PutAsync(new Uri($"/v1/objects/{bucket}/o{i}", UriKind.Relative), body, token);
            response.EnsureSuccessStatusCode();
        }
    }

    /// <summary>Random bytes, a mebibyte of them over and over.</summary>
    private sealed class NoiseStream(long length) : Stream
    {
        private readonly byte[] _noise = RandomNumberGenerator.GetBytes((int)Math.Min(length, 1 << 20));

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => length;

        public override long Position { get; set; }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            int at = _noise.Length == 0 ? 0 : (int)(Position % _noise.Length);
            int count = (int)Math.Min(Math.Min(buffer.Length, length - Position), _noise.Length - at);
            _noise.AsSpan(at, count).CopyTo(buffer);
            Position += count;
            return count;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}

using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Sluice.EndToEnd.Tests.Support;

/// <summary>One server over two directories for a class of tests, with bucket "b" and object "kept" in it.</summary>
public sealed class ServerFixture : IAsyncLifetime
{
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("sluice-e2e-");

    /// <summary>The server.</summary>
    public SluiceProcess Server { get; private set; } = null!;

    /// <summary>A client of it.</summary>
    public Store Store { get; private set; } = null!;

    /// <summary>Its mountpaths.</summary>
    public string[] Paths => [.. Enumerable.Range(0, 2).Select(i => Directory.CreateDirectory(Path.Combine(_home.FullName, $"mp{i}")).FullName)];

    /// <summary>The directory whose files may be promoted, with file "promoted" in it.</summary>
    public string PromoteRoot => Directory.CreateDirectory(Path.Combine(_home.FullName, "promote")).FullName;

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        Server = await SluiceProcess.StartAsync(Paths, "--allow-shared-disk", "--promote-root", PromoteRoot);
        Store = new Store(Server.Endpoint);
        await File.WriteAllTextAsync(Path.Combine(PromoteRoot, "promoted"), "of the server");
        await Store.CreateAsync("b");
        await Store.PutAsync("b", "kept", "0123456789"u8.ToArray());
    }

    /// <summary>
    /// Sends bytes as they are and answers all that comes back until the server closes; unless <paramref name="untilClosed"/>, a whole answer
    /// with Content-Length is enough.
    /// </summary>
    public async Task<(int Status, string Answer)> RawAsync(byte[] request, bool halfClose = false, bool untilClosed = false)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(Server.Endpoint.Host, Server.Endpoint.Port);
        var answer = new StringBuilder();
        byte[] buffer = new byte[64 << 10];
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        try
        {
            try
            {
                await socket.SendAsync(request, deadline.Token);
                if (halfClose)
                {
                    socket.Shutdown(SocketShutdown.Send);
                }
            }
            catch (SocketException)
            {
                // Refused before all of it was sent: the answer may be in already.
            }

            while ((untilClosed || !IsWhole(answer.ToString())) && await socket.ReceiveAsync(buffer, deadline.Token) is > 0 and int count)
            {
                answer.Append(Encoding.Latin1.GetString(buffer, 0, count));
            }
        }
        catch (SocketException)
        {
            // Reset by the server after its answer, because it did not read the rest of the request: what came in before counts.
        }

        string text = answer.ToString();
        return (text.Length < 12 ? 0 : int.Parse(text.AsSpan(9, 3), CultureInfo.InvariantCulture), text);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Store.Dispose();
        Assert.Equal(0, await Server.StopAsync());
        Server.Dispose();
        _home.Delete(recursive: true);
    }

    private static bool IsWhole(string answer)
    {
        int head = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        int length = answer.IndexOf("Content-Length: ", StringComparison.OrdinalIgnoreCase);
        return head > 0 && !answer.StartsWith("HTTP/1.1 100", StringComparison.Ordinal) && length > 0 && length < head
            && answer.Length >= head + 4 + int.Parse(answer.AsSpan(length + 16, answer.IndexOf('\r', length) - length - 16), CultureInfo.InvariantCulture);
    }
}

// Tells systemd where the service stands (sd_notify(3)): one datagram a state to the socket that NOTIFY_SOCKET names. Without that variable
// nobody asked, and nothing is sent.
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Sluice.Server;

/// <summary>Notifies the service supervisor. A lost message never harms the service: it is logged, not thrown.</summary>
public sealed class ServiceNotifier : IDisposable
{
    /// <summary>The variable that names the socket.</summary>
    public const string Variable = "NOTIFY_SOCKET";

    private readonly Socket? _socket;
    private readonly ILogger _log;

    /// <summary>
    /// Connects to <paramref name="address"/>, the variable's value: a path, or <c>@name</c> for an abstract one. Null and "" are none.
    /// </summary>
    public ServiceNotifier(string? address, ILogger log)
    {
        _log = log;
        if (string.IsNullOrEmpty(address))
        {
            return;
        }

        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(address[0] == '@' ? '\0' + address[1..] : address));
            _socket = socket;
        }
        catch (Exception error) when (error is SocketException or ArgumentException)
        {
            socket.Dispose();
            _log.LogWarning("the service supervisor's socket {Address} cannot be reached: {Reason}", address, error.Message);
        }
    }

    /// <summary>From the environment of this process.</summary>
    public static ServiceNotifier FromEnvironment(ILogger log) => new(Environment.GetEnvironmentVariable(Variable), log);

    /// <summary>The service serves.</summary>
    public void Ready(string status) => Send($"READY=1\nSTATUS={OneLine(status)}\n");

    /// <summary>The service has begun to end.</summary>
    public void Stopping(string status) => Send($"STOPPING=1\nSTATUS={OneLine(status)}\n");

    /// <summary>One line for <c>systemctl status</c>.</summary>
    public void Status(string status) => Send($"STATUS={OneLine(status)}\n");

    /// <inheritdoc/>
    public void Dispose() => _socket?.Dispose();

    private void Send(string message)
    {
        try
        {
            _socket?.Send(Encoding.UTF8.GetBytes(message));
        }
        catch (SocketException error)
        {
            _log.LogWarning("the service supervisor did not take a message: {Reason}", error.Message);
        }
    }

    // A line break would begin another assignment of the protocol.
    private static string OneLine(string status) => status.ReplaceLineEndings(" ");
}

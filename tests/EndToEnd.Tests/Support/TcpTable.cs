using System.Globalization;

namespace Sluice.EndToEnd.Tests.Support;

/// <summary>Bytes that wait in the kernel at one end of a connection: to be sent or acknowledged, and to be read.</summary>
public readonly record struct SocketQueues(long SendBytes, long ReceiveBytes);

/// <summary>The kernel's table of IPv4 connections, /proc/net/tcp (proc_pid_net(5)): what a peer in another process has not taken yet.</summary>
public static class TcpTable
{
    /// <summary>The queues of the end whose local port is given; null when there is no such socket any more.</summary>
    public static SocketQueues? QueuesOf(int localPort, int remotePort)
    {
        string local = $":{localPort:X4}";
        string remote = $":{remotePort:X4}";
        foreach (string line in File.ReadLines("/proc/net/tcp"))
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields[1].EndsWith(local, StringComparison.Ordinal) && fields[2].EndsWith(remote, StringComparison.Ordinal))
            {
                string[] queues = fields[4].Split(':');
                return new(Number(queues[0]), Number(queues[1]));
            }
        }

        return null;
    }

    private static long Number(string text) => long.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}

using System.Net;
using System.Net.Sockets;

namespace Sluice.Native.Tests.Uring;

/// <summary>A TCP connection over loopback whose near end is a bare, non-blocking descriptor and whose far end is the runtime's socket.</summary>
internal sealed class TcpPair : IDisposable
{
    public TcpPair()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        Errno error = Sockets.Connect((IPEndPoint)listener.LocalEndPoint!, out int near);
        Assert.True(error is Errno.None or Errno.EINPROGRESS, error.ToString());
        Far = listener.Accept();
        Near = near;
    }

    public int Near { get; private set; }

    public Socket Far { get; }

    /// <summary>Closes the near end; requests that were on it must be over.</summary>
    public void CloseNear()
    {
        if (Near >= 0)
        {
            Libc.Close(Near);
            Near = -1;
        }
    }

    public void Dispose()
    {
        CloseNear();
        Far.Dispose();
    }
}

using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Sluice.Transport.Http;

namespace Sluice.Transport.Tests.Http;

/// <summary>Which failures of a request are a client that is gone, and no line in the log.</summary>
public sealed class DisconnectTests
{
    public static TheoryData<Exception> Gone { get; } =
    [
        new ConnectionResetException("reset"),
        new ConnectionAbortedException("the client neither gives nor takes"),
        new SocketException((int)SocketError.ConnectionReset),
        new IOException("read", new SocketException((int)SocketError.ConnectionReset)),
        new TaskCanceledException("cancelled", new ConnectionAbortedException("the client neither gives nor takes")), // before the request is told
        new TaskCanceledException("cancelled", new IOException("read", new SocketException((int)SocketError.ConnectionReset))),
    ];

    [Theory]
    [MemberData(nameof(Gone), DisableDiscoveryEnumeration = true)]
    public void AConnectionThatIsGoneIsNoDefect(Exception exception)
    {
        Assert.True(SluiceApplication.IsDisconnect(exception, isTls: false));
    }

    [Fact]
    public void ADefectIsNoDisconnect()
    {
        Assert.False(SluiceApplication.IsDisconnect(new TaskCanceledException("a job"), isTls: true));
        Assert.False(SluiceApplication.IsDisconnect(new InvalidOperationException("a defect", new IOException("of a disk")), isTls: true));
        Assert.False(SluiceApplication.IsDisconnect(new IOException("of a disk"), isTls: false));
        Assert.True(SluiceApplication.IsDisconnect(new IOException("a record that is cut off"), isTls: true));
    }
}

// The notifier against real datagram sockets, by path and by abstract name.
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sluice.Server.Settings;
using Sluice.Server.Tests.Support;

namespace Sluice.Server.Tests;

public sealed class ServiceNotifierTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly MemoryStream _lines = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void StatesArriveAsDatagrams(bool isAbstract)
    {
        string name = isAbstract ? "@sluice-test-" + Guid.NewGuid().ToString("N") : _folder.Path + "/notify";
        using Socket supervisor = Listen(isAbstract ? "\0" + name[1..] : name);
        using var notifier = new ServiceNotifier(name, NullLogger.Instance);

        notifier.Ready("serving 4 mountpaths");
        Assert.Equal("READY=1\nSTATUS=serving 4 mountpaths\n", Receive(supervisor));
        notifier.Status("two\nREADY=1\rlines");
        Assert.Equal("STATUS=two READY=1 lines\n", Receive(supervisor));
        notifier.Stopping("finishing 3 requests");
        Assert.Equal("STOPPING=1\nSTATUS=finishing 3 requests\n", Receive(supervisor));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void WithoutASocketNothingIsSentAndNothingIsSaid(string? address)
    {
        using ServerLog log = Log();
        using var notifier = new ServiceNotifier(address, log.CreateLogger("x"));

        notifier.Ready("serving");
        notifier.Stopping("ending");

        Assert.Equal(0, _lines.Length);
    }

    [Theory]
    [InlineData("/nobody/listens/here")]
    [InlineData("@nobody-listens-here")]
    public void SocketThatIsNotThereIsLoggedAndHarmsNothing(string address)
    {
        using ServerLog log = Log();
        using var notifier = new ServiceNotifier(address, log.CreateLogger("x"));

        notifier.Ready("serving");

        Assert.Contains(address, Encoding.UTF8.GetString(_lines.ToArray()), StringComparison.Ordinal);
    }

    [Fact]
    public void AddressLongerThanASocketCanHaveIsLogged()
    {
        using ServerLog log = Log();
        using var notifier = new ServiceNotifier("/" + new string('x', 300), log.CreateLogger("x"));

        Assert.NotEqual(0, _lines.Length);
    }

    [Fact]
    public void SupervisorThatWentAwayIsLogged()
    {
        using ServerLog log = Log();
        using Socket supervisor = Listen(_folder.Path + "/notify");
        using var notifier = new ServiceNotifier(_folder.Path + "/notify", log.CreateLogger("x"));
        supervisor.Dispose();

        notifier.Ready("serving");

        Assert.Contains("did not take a message", Encoding.UTF8.GetString(_lines.ToArray()), StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _folder.Dispose();
        _lines.Dispose();
    }

    private static Socket Listen(string name)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 10_000 };
        socket.Bind(new UnixDomainSocketEndPoint(name));
        return socket;
    }

    private static string Receive(Socket supervisor)
    {
        var buffer = new byte[4096];
        return Encoding.UTF8.GetString(buffer, 0, supervisor.Receive(buffer));
    }

    private ServerLog Log() => new(_lines, LogFormat.Text, LogLevel.Trace, TimeProvider.System);
}

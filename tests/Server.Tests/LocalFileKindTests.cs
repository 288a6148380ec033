// What "put DIRECTORY" must know about a path, on real files of every kind.
using System.Diagnostics;
using System.Net.Sockets;
using Sluice.Cli;
using Sluice.Server.Tests.Support;

namespace Sluice.Server.Tests;

public sealed class LocalFileKindTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Fact]
    public void EveryKindIsToldAndLinksAreFollowed()
    {
        string file = _folder.Write("file", "x");
        string directory = _folder.Make("directory");
        string fifo = Path.Combine(_folder.Path, "fifo");
        using (Process make = Process.Start("mkfifo", [fifo]))
        {
            make.WaitForExit();
            Assert.Equal(0, make.ExitCode);
        }

        string path = Path.Combine(_folder.Path, "socket");
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));

        Assert.Equal(LocalFileKind.File, LocalFileKinds.Of(file));
        Assert.Equal(LocalFileKind.Directory, LocalFileKinds.Of(directory));
        Assert.Equal(LocalFileKind.Fifo, LocalFileKinds.Of(fifo));
        Assert.Equal(LocalFileKind.Socket, LocalFileKinds.Of(path));
        Assert.Equal(LocalFileKind.Device, LocalFileKinds.Of("/dev/null"));
        Assert.Equal(LocalFileKind.File, LocalFileKinds.Of(Link("to-file", file)));
        Assert.Equal(LocalFileKind.File, LocalFileKinds.Of(Link("relative", "file")));
        Assert.Equal(LocalFileKind.Fifo, LocalFileKinds.Of(Link("to-fifo", fifo)));
        Assert.Equal(LocalFileKind.Fifo, LocalFileKinds.Of(Link("to-link", Path.Combine(_folder.Path, "to-fifo"))));
        Assert.Equal(LocalFileKind.Device, LocalFileKinds.Of(Link("to-device", "/dev/zero")));
        Assert.Equal(LocalFileKind.Missing, LocalFileKinds.Of(Link("dangling", Path.Combine(_folder.Path, "nothing"))));
        Assert.Equal(LocalFileKind.Missing, LocalFileKinds.Of(Link("circle", Path.Combine(_folder.Path, "circle"))));
        Assert.Equal(LocalFileKind.Missing, LocalFileKinds.Of(Path.Combine(_folder.Path, "nothing")));
    }

    private string Link(string name, string target)
    {
        string path = Path.Combine(_folder.Path, name);
        File.CreateSymbolicLink(path, target);
        return path;
    }

    public void Dispose() => _folder.Dispose();
}

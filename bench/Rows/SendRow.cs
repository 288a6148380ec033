using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Sluice.Bench.Machine;
using Sluice.Bench.Measure;
using Sluice.Bench.Run;
using Sluice.Native;

namespace Sluice.Bench.Rows;

/// <summary>How a head and a file that is in the page cache get into a socket.</summary>
internal enum SendWay
{
    /// <summary>The head with MSG_MORE, then sendfile(2).</summary>
    SendFile,

    /// <summary>The head by itself, then sendfile(2).</summary>
    HeadApart,

    /// <summary>TCP_CORK around both.</summary>
    Corked,

    /// <summary>The file by pieces of 128 KiB through a buffer.</summary>
    Copies128KiB,

    /// <summary>The file by pieces of 256 KiB through a buffer.</summary>
    Copies256KiB,

    /// <summary>Read into a buffer as before, which the kernel sends from (MSG_ZEROCOPY). Over loopback it copies in spite of that.</summary>
    ZeroCopy,
}

/// <summary>One connection over loopback, a thread that sends on the server's core and one that has the kernel drop the bytes on the client's; processor time is the sender's.</summary>
internal sealed class SendRow(long sizeBytes) : IRow
{
    private static readonly (string Name, SendWay Way)[] s_ways =
    [
        ("sendfile, head apart", SendWay.HeadApart), ("sendfile, TCP_CORK", SendWay.Corked), ("copies of 128 KiB", SendWay.Copies128KiB), ("copies of 256 KiB", SendWay.Copies256KiB),
        ("MSG_ZEROCOPY", SendWay.ZeroCopy), ("sendfile, MSG_MORE", SendWay.SendFile),
    ];

    private string _home = "";

    public string Name => "ways/send/" + Sizes.Text(sizeBytes);

    public bool IsDefault => false;

    public string Subject => s_ways[^1].Name;

    public string Note => "";

    public TimeSpan Estimate(BenchSettings settings) => TimeSpan.FromSeconds(1 + (settings.Rounds * s_ways.Length * 2 * settings.Seconds));

    public async Task PrepareAsync(BenchWorld world)
    {
        _home = world.MakeDirectory(Name);
        await File.WriteAllBytesAsync(Path.Combine(_home, "file"), RandomNumberGenerator.GetBytes((int)sizeBytes), world.Token);
    }

    public Task<IReadOnlyList<IContender>> OpenAsync(BenchWorld world) =>
        Task.FromResult<IReadOnlyList<IContender>>([.. s_ways.Select(way => new SendContender(way.Name, way.Way, Path.Combine(_home, "file"), sizeBytes, world.Settings))]);

    public ValueTask DisposeAsync()
    {
        BenchWorld.Remove(_home);
        return default;
    }

    private sealed class SendContender(string name, SendWay way, string path, long sizeBytes, BenchSettings settings) : IContender
    {
        private const double WarmSeconds = 0.2;

        public string Name => name;

        public Task WarmAsync(CancellationToken token) => Task.FromResult(Turn(WarmSeconds));

        public Task<Sample> MeasureAsync(CancellationToken token) => Task.FromResult(Turn(settings.Seconds));

        public ValueTask DisposeAsync() => default;

        private Sample Turn(double seconds)
        {
            using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            listener.Listen(1);
            using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            client.Connect(listener.LocalEndPoint!);
            using Socket server = listener.Accept();
            server.NoDelay = true;
            using FileStream file = File.OpenRead(path);
            var sender = new Sender(way, (int)server.Handle, (int)file.SafeFileHandle.DangerousGetHandle(), sizeBytes);
            Sample? sample = null;
            var dropping = new Thread(() => SendCalls.DropAll((int)client.Handle));
            var sending = new Thread(() =>
            {
                SendCalls.Pin(BenchSettings.Each(settings.ServerCores).First());
                sample = Send(sender, seconds);
            });
            dropping.Start();
            sending.Start();
            sending.Join();
            server.Shutdown(SocketShutdown.Both);
            dropping.Join();
            return sample ?? throw new BenchException($"{name} could not be sent");
        }

        private Sample? Send(Sender sender, double seconds)
        {
            long sent = 0, started = Stopwatch.GetTimestamp();
            TimeSpan cpu = Libc.ThreadProcessorTime();
            while (Stopwatch.GetElapsedTime(started).TotalSeconds < seconds)
            {
                if (!sender.TrySend())
                {
                    return null;
                }

                sent++;
            }

            return Sample.OfRequests(sent, sent * sizeBytes, Stopwatch.GetElapsedTime(started).TotalSeconds, (Libc.ThreadProcessorTime() - cpu).TotalSeconds);
        }
    }

    /// <summary>Sends one answer after another.</summary>
    private sealed class Sender(SendWay way, int socket, int file, long sizeBytes)
    {
        private const int HeadBytes = 250;

        private readonly byte[] _head = GC.AllocateArray<byte>(HeadBytes, pinned: true);
        private readonly byte[] _piece = GC.AllocateArray<byte>(way == SendWay.Copies128KiB ? 128 << 10 : 256 << 10, pinned: true);
        private readonly bool _isZeroCopy = way == SendWay.ZeroCopy && SendCalls.TryAllowZeroCopy(socket);

        /// <summary>False when a call failed.</summary>
        public bool TrySend() => way switch
        {
            SendWay.SendFile => SendCalls.Send(socket, _head, HeadBytes, SendCalls.More) && SendCalls.SendFile(socket, file, sizeBytes),
            SendWay.HeadApart => SendCalls.Send(socket, _head, HeadBytes, 0) && SendCalls.SendFile(socket, file, sizeBytes),
            SendWay.Corked => SendCalls.Cork(socket, true) && SendCalls.Send(socket, _head, HeadBytes, 0) && SendCalls.SendFile(socket, file, sizeBytes) && SendCalls.Cork(socket, false),
            SendWay.ZeroCopy => _isZeroCopy && TryCopy(SendCalls.ZeroCopy) && SendCalls.TakeNotices(socket),
            _ => TryCopy(0),
        };

        private bool TryCopy(int flags)
        {
            bool ok = SendCalls.Send(socket, _head, HeadBytes, SendCalls.More);
            for (long offset = 0; offset < sizeBytes && ok; offset += _piece.Length)
            {
                int bytes = (int)Math.Min(_piece.Length, sizeBytes - offset);
                ok = Libc.Read(file, _piece.AsSpan(0, bytes), offset, out int read) == Errno.None && read == bytes
                    && SendCalls.Send(socket, _piece, bytes, offset + bytes < sizeBytes ? flags | SendCalls.More : flags);
            }

            return ok;
        }
    }
}

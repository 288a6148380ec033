using Microsoft.Win32.SafeHandles;
using Sluice.Native.Tests.Support;
using Sluice.Native.Uring;

namespace Sluice.Native.Tests.Uring;

/// <summary>A read and the send of what it read, handed over together: one completion, and nothing is sent that was not read.</summary>
public sealed class RingPairTests : IDisposable
{
    private readonly RingLoop _loop = new(new RingLoopOptions { SubmissionEntries = 8, CompletionEntries = 64 });
    private readonly TcpPair _pair = new();
    private readonly TempDirectory _directory = new();
    private readonly byte[] _content = new byte[5000];
    private readonly SafeFileHandle _file;

    public RingPairTests()
    {
        new Random(7).NextBytes(_content);
        string path = Path.Combine(_directory.Path, "f");
        File.WriteAllBytes(path, _content);
        _file = File.OpenHandle(path);
    }

    private int Descriptor => (int)_file.DangerousGetHandle();

    [Fact]
    public async Task TheHeadAndTheFilesBytesAreSentWithOneCompletion()
    {
        byte[] data = new byte[3 + 1000];
        "abc"u8.CopyTo(data);
        var pair = new Recorded();
        Assert.True(await SubmitAsync(pair, Descriptor, 4000, data, 1000));
        Assert.Equal(1003, (await pair.Last).Result);
        byte[] received = await ReceiveAsync(1003);
        Assert.Equal("abc"u8.ToArray(), received[..3]);
        Assert.Equal(_content[4000..], received[3..]);
        await NothingElseAsync(pair);
    }

    [Fact]
    public async Task AFileThatIsTooShortSendsNothing()
    {
        var pair = new Recorded();
        Assert.True(await SubmitAsync(pair, Descriptor, 4500, new byte[1003], 1000));
        RingCompletion completion = await pair.Last;
        Assert.True(completion.IsOfRead);
        Assert.Equal(500, completion.Result);
        await NothingElseAsync(pair);
    }

    [Fact]
    public async Task AReadThatFailsSendsNothing()
    {
        var pair = new Recorded();
        Assert.True(await SubmitAsync(pair, int.MaxValue, 0, new byte[1003], 1000));
        RingCompletion completion = await pair.Last;
        Assert.True(completion.IsOfRead);
        Assert.Equal(Errno.EBADF, completion.Error);
        await NothingElseAsync(pair);
    }

    [Fact]
    public async Task ASendThatFailsIsNotTakenForTheRead()
    {
        _pair.Far.Close(0); // with a reset
        Assert.True(Kernel.Eventually(() => Sockets.Send(_pair.Near, "x"u8, more: false, out _) is Errno.ECONNRESET or Errno.EPIPE));
        var pair = new Recorded();
        Assert.True(await SubmitAsync(pair, Descriptor, 0, new byte[1003], 1000));
        RingCompletion completion = await pair.Last;
        Assert.False(completion.IsOfRead);
        Assert.Equal(Errno.EPIPE, completion.Error);
    }

    /// <summary>The queue has eight entries: pairs that would lie across its end are handed over before.</summary>
    [Fact]
    public async Task PairsAreNeverTornHoweverFullTheQueueIs()
    {
        Recorded[] pairs = [.. Enumerable.Range(0, 50).Select(static _ => new Recorded())];
        await _loop.OnLoop(() =>
        {
            foreach (Recorded pair in pairs)
            {
                _loop.Timeout(new RecordedTimeout(), TimeSpan.Zero); // an odd one between
                Assert.True(_loop.TryReadThenSend(pair, Descriptor, 0, _pair.Near, new byte[100], 100));
            }
        });
        byte[] received = await ReceiveAsync(5000);
        Assert.All(Enumerable.Range(0, 50), i => Assert.Equal(_content[..100], received[(i * 100)..((i + 1) * 100)]));
        foreach (Recorded pair in pairs)
        {
            Assert.Equal(100, (await pair.Last).Result);
        }
    }

    [Fact]
    public Task MoreThanTheBufferIsRefused() => Assert.ThrowsAsync<ArgumentOutOfRangeException>(
        () => SubmitAsync(new Recorded(), Descriptor, 0, new byte[10], 11));

    public void Dispose()
    {
        _loop.Dispose();
        _file.Dispose();
        _pair.Dispose();
        _directory.Dispose();
    }

    private Task<bool> SubmitAsync(Recorded pair, int file, long offset, byte[] data, int readBytes) =>
        _loop.RunAsync(() => ValueTask.FromResult(_loop.TryReadThenSend(pair, file, offset, _pair.Near, data, readBytes)));

    private async Task<byte[]> ReceiveAsync(int count)
    {
        byte[] received = new byte[count];
        for (int filled = 0; filled < count;)
        {
            filled += await _pair.Far.ReceiveAsync(received.AsMemory(filled));
        }

        return received;
    }

    /// <summary>The kernel answers in order: what would come behind would be here with the next answer.</summary>
    private async Task NothingElseAsync(Recorded pair)
    {
        await _loop.RunAsync(async () => await _loop.NopAsync());
        Assert.Single(pair.All);
        Assert.Equal(0, _pair.Far.Available);
        Assert.Equal(0, await _loop.RunAsync(() => ValueTask.FromResult(_loop.InFlightCount)));
    }
}

using System.Buffers;
using System.IO.Pipelines;
using Sluice.Contract;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;
using Sluice.Native;

namespace Sluice.Engine.Tests;

public sealed class BodyReceiverTests
{
    /// <summary>Else the connection is broken in the place of the answer, which says that there is no room.</summary>
    [Fact]
    public async Task ABodyThatCannotBeStoredIsLeftWhereItsRestCanBeDrained()
    {
        var pipe = new Pipe();
        await pipe.Writer.WriteAsync(new byte[1000]);
        var request = new PutRequest { Bucket = EngineFixture.Name("b"), Name = ObjectName.From("o"), Body = pipe.Reader, LengthBytes = 2000 };
        await Assert.ThrowsAsync<StorageException>(
            async () => await BodyReceiver.ReceiveAsync(new FullDisk(), request, ChecksumType.XxHash2, 500, CancellationToken.None));
        await pipe.Writer.WriteAsync(new byte[1000]);
        Assert.True(pipe.Reader.TryRead(out ReadResult rest));
        Assert.Equal(1000, rest.Buffer.Length);
    }

    private sealed class FullDisk : IBodySink
    {
        public ValueTask WriteAsync(ReadOnlySequence<byte> data, long offset) => throw new StorageException("/mp", "write", Errno.ENOSPC);
    }
}

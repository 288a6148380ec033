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

    /// <summary>A pipe uses the segments that it was given back at once, and a sequence of them has another length then.</summary>
    [Fact]
    public async Task PiecesOfSeveralSegmentsAreCountedBeforeTheyAreGivenBack()
    {
        var pipe = new Pipe(new PipeOptions(minimumSegmentSize: 16, useSynchronizationContext: false));
        var request = new PutRequest { Bucket = EngineFixture.Name("b"), Name = ObjectName.From("o"), Body = pipe.Reader, LengthBytes = 5000 };
        Task<Result<ReceivedBody>> receiving = BodyReceiver.ReceiveAsync(new NoDisk(), request, ChecksumType.XxHash2, 300, CancellationToken.None).AsTask();
        for (int i = 0; i < 50; i++)
        {
            await pipe.Writer.WriteAsync(new byte[100]);
        }

        await pipe.Writer.CompleteAsync();
        Result<ReceivedBody> received = await receiving;
        Assert.True(received.Ok, received.Error?.Message);
        Assert.Equal(5000, received.Value.SizeBytes);
    }

    private sealed class NoDisk : IBodySink
    {
        public ValueTask WriteAsync(ReadOnlySequence<byte> data, long offset) => default;
    }

    private sealed class FullDisk : IBodySink
    {
        public ValueTask WriteAsync(ReadOnlySequence<byte> data, long offset) => throw new StorageException("/mp", "write", Errno.ENOSPC);
    }
}

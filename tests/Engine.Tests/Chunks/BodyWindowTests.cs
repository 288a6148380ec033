using System.Buffers;
using System.IO.Pipelines;
using Sluice.Contract;
using Sluice.Engine.Chunks;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Tests.Chunks;

/// <summary>A body that is shown piece by piece, over the pipe that a server's body is: it does not let be taken back what was examined.</summary>
public sealed class BodyWindowTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(1000, 333)]
    [InlineData(1000, 1000)]
    [InlineData(1000, 5000)]
    [InlineData(100_000, 7)]
    [InlineData(300_000, 65_536)]
    public async Task PiecesOfAnySizeAreTheBody(int window, int written)
    {
        byte[] content = new byte[400_003];
        new Random(written).NextBytes(content);
        var pipe = new Pipe();
        Task writing = WriteAsync(pipe.Writer, content, written);
        using Digest whole = Digest.Rent(ChecksumType.Md5);
        var body = new BodyWindow(pipe.Reader, whole, null);
        PutRequest measured = await BodyReceiver.MeasuredAsync(
            new PutRequest { Bucket = Support.EngineFixture.Name("b"), Name = ObjectName.From("x"), Body = pipe.Reader }, 1000, CancellationToken.None);
        Assert.Null(measured.LengthBytes);
        var came = new MemoryStream();
        while (await body.HasMoreAsync(CancellationToken.None))
        {
            long before = body.TakenBytes;
            body.Begin(window);
            for (bool isLast = false; !isLast;)
            {
                ReadResult read = await body.ReadAtLeastAsync(Math.Min(window, 50_000));
                foreach (ReadOnlyMemory<byte> part in read.Buffer)
                {
                    came.Write(part.Span);
                }

                isLast = read.IsCompleted;
                body.AdvanceTo(read.Buffer.End);
            }

            Assert.Equal(Math.Min(window, content.Length - before), body.TakenBytes - before);
        }

        await writing;
        Assert.Equal(content, came.ToArray());
        Assert.Equal(Digest.Of(ChecksumType.Md5, content), whole.Finish());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(999)]
    public async Task ABodyThatHasEndedIsMeasured(int size)
    {
        var pipe = new Pipe();
        Task writing = WriteAsync(pipe.Writer, new byte[size], 10);
        PutRequest measured = await BodyReceiver.MeasuredAsync(
            new PutRequest { Bucket = Support.EngineFixture.Name("b"), Name = ObjectName.From("x"), Body = pipe.Reader }, 1000, CancellationToken.None);
        Assert.Equal(size, measured.LengthBytes);
        ReadResult read = await pipe.Reader.ReadAsync();
        Assert.Equal((size, true), (read.Buffer.Length, read.IsCompleted));
        await writing;
    }

    private static async Task WriteAsync(PipeWriter writer, byte[] content, int at)
    {
        for (int done = 0; done < content.Length; done += at)
        {
            await writer.WriteAsync(content.AsMemory(done, Math.Min(at, content.Length - done)));
        }

        await writer.CompleteAsync();
    }
}

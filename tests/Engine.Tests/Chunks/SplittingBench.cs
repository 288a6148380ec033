using System.IO.Pipelines;
using Sluice.Contract;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;

namespace Sluice.Engine.Tests.Chunks;

/// <summary>Bodies for objects that are split.</summary>
internal static class SplittingBench
{
    /// <summary>Puts a body that comes in pieces of any size, and may break off; its length is declared or not.</summary>
    public static Task<Result<ObjectAttributes>> PutAsync(
        EngineFixture fixture, string name, byte[] content, Random random, bool isDeclared, Checksum sent = default, long? declared = null, int? breaksAt = null)
    {
        var body = new Pieces(content, random.Next(), breaksAt);
        return fixture.Io.OnItsThreadAsync(() => fixture.Engine.PutObjectAsync(
            Caller.Anonymous,
            new PutRequest
            {
                Bucket = fixture.Bucket,
                Name = ObjectName.From(name),
                Body = PipeReader.Create(body, new StreamPipeReaderOptions(bufferSize: 65_536)),
                LengthBytes = declared ?? (isDeclared ? content.Length : null),
                Expected = sent,
                Custom = [new("who", name)],
            },
            CancellationToken.None));
    }

    private sealed class Pieces(byte[] content, int seed, int? breaksAt) : MemoryStream(content)
    {
        private readonly Random _random = new(seed);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            Position >= breaksAt ? throw new IOException("the client is gone") : new(Read(buffer.Span[..Math.Min(buffer.Length, _random.Next(1, 50_000))]));
    }
}

using System.IO.Pipelines;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Chunks;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Tests.Support;

/// <summary>An object of any bucket of a fixture, in one file, in slices or in chunks: stored, read and asked about as clients do.</summary>
internal sealed record AnyObject(EngineFixture Fixture, BucketName Bucket, string Name)
{
    public async Task<ObjectAttributes> PutAsync(byte[] content, params KeyValuePair<string, string>[] custom)
    {
        Result<ObjectAttributes> put = await Fixture.Io.OnItsThreadAsync(() => Fixture.Engine.PutObjectAsync(
            Caller.Anonymous,
            new PutRequest { Bucket = Bucket, Name = ObjectName.From(Name), Body = PipeReader.Create(new MemoryStream(content)), LengthBytes = content.Length, Custom = custom },
            CancellationToken.None));
        Assert.True(put.Ok, put.Error?.Message);
        return put.Value;
    }

    public Task<Result<ObjectAttributes>> HeadAsync() =>
        Fixture.Io.OnItsThreadAsync(() => Fixture.Engine.HeadObjectAsync(Caller.Anonymous, Bucket, ObjectName.From(Name)));

    public Task<Result<ObjectAttributes>> TryCopyToAsync(AnyObject target) => Fixture.Io.OnItsThreadAsync(() => Fixture.Engine.CopyObjectAsync(
        Caller.Anonymous, Bucket, ObjectName.From(Name), target.Bucket, ObjectName.From(target.Name), CancellationToken.None));

    public async Task<ObjectAttributes> CopyToAsync(AnyObject target)
    {
        Result<ObjectAttributes> copied = await TryCopyToAsync(target);
        Assert.True(copied.Ok, copied.Error?.Message);
        return copied.Value;
    }

    public async Task DeleteAsync() => Assert.True((await Fixture.Io.OnItsThreadAsync(() => Fixture.Engine.DeleteObjectAsync(Caller.Anonymous, Bucket, ObjectName.From(Name)))).Ok);

    /// <summary>All of it, every byte compared with its digest; null when there is none.</summary>
    public Task<byte[]?> ReadAsync() => Fixture.Io.OnItsThreadAsync(ReadNowAsync);

    private async ValueTask<byte[]?> ReadNowAsync()
    {
        while (true)
        {
            Result<ObjectReader> open = await Fixture.Engine.OpenObjectAsync(Caller.Anonymous, Bucket, ObjectName.From(Name));
            if (!open.Ok)
            {
                Assert.Equal(ErrorCode.ObjectNotFound, open.Error!.Code);
                return null;
            }

            using ObjectReader reader = open.Value;
            if (reader.Stored.Metadata.Chunked is null)
            {
                return await ReadAsync(reader);
            }

            Result<ChunkedReader> chunked = await Fixture.Engine.OpenChunkedAsync(Caller.Anonymous, Bucket, ObjectName.From(Name));
            if (chunked.Error is { Code: ErrorCode.Busy or ErrorCode.ObjectNotFound })
            {
                continue; // it was replaced in between
            }

            Assert.True(chunked.Ok, chunked.Error?.Message);
            using ChunkedReader chunks = chunked.Value;
            var whole = new List<byte>();
            for (int i = 0; i < chunks.Manifest.Chunks.Count; i++)
            {
                Result<ObjectReader> chunk = await chunks.OpenChunkAsync(i);
                Assert.True(chunk.Ok, chunk.Error?.Message);
                using ObjectReader part = chunk.Value;
                whole.AddRange(await ReadAsync(part));
            }

            return [.. whole];
        }
    }

    private static async ValueTask<byte[]> ReadAsync(ObjectReader reader)
    {
        Result verified = await reader.VerifyAsync(0, reader.SizeBytes);
        Assert.True(verified.Ok, verified.Error?.Message);
        var content = new byte[reader.SizeBytes];
        Result<int> read = await reader.ReadAsync(content, 0);
        Assert.True(read.Ok, read.Error?.Message);
        return content;
    }
}

using System.IO.Pipelines;
using System.Text;
using Sluice.Engine.Chunks;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;

namespace Sluice.Engine.Tests.Chunks;

/// <summary>Uploads, and reads of what they became, as tests ask for them.</summary>
internal static class UploadBench
{
    public static async Task<string> UploadAsync(EngineFixture fixture, string name, params string[] parts)
    {
        string upload = await BeginAsync(fixture, name);
        for (int i = 0; i < parts.Length; i++)
        {
            await PartAsync(fixture, name, upload, i + 1, Encoding.ASCII.GetBytes(parts[i]));
        }

        await CompleteAsync(fixture, name, upload, parts.Length);
        return upload;
    }

    public static byte[] Bytes(Random random, int count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }

    public static async Task<string> BeginAsync(EngineFixture fixture, string name)
    {
        Result<string> begun = await fixture.Io.OnItsThreadAsync(() => fixture.Engine.BeginUploadAsync(
            Caller.Anonymous, fixture.Bucket, ObjectName.From(name), [], CancellationToken.None));
        Assert.True(begun.Ok, begun.Error?.Message);
        return begun.Value;
    }

    public static Task<Result<ObjectAttributes>> TryPartAsync(
        EngineFixture fixture, string name, string upload, int number, byte[] content, bool unknownLength = false, Checksum expected = default) =>
        fixture.Io.OnItsThreadAsync(() => fixture.Engine.PutPartAsync(
            Caller.Anonymous,
            new PutRequest
            {
                Bucket = fixture.Bucket,
                Name = ObjectName.From(name),
                Body = PipeReader.Create(new MemoryStream(content)),
                LengthBytes = unknownLength ? null : content.Length,
                Expected = expected,
            },
            upload,
            number,
            CancellationToken.None));

    public static async Task PartAsync(EngineFixture fixture, string name, string upload, int number, byte[] content)
    {
        Result<ObjectAttributes> put = await TryPartAsync(fixture, name, upload, number, content);
        Assert.True(put.Ok, put.Error?.Message);
    }

    public static Task<Result<ObjectAttributes>> TryCompleteAsync(EngineFixture fixture, string name, string upload, int[] numbers) =>
        fixture.Io.OnItsThreadAsync(() => fixture.Engine.CompleteUploadAsync(
            Caller.Anonymous, fixture.Bucket, ObjectName.From(name), upload, numbers, CancellationToken.None));

    public static async Task<ObjectAttributes> CompleteAsync(EngineFixture fixture, string name, string upload, int parts)
    {
        Result<ObjectAttributes> made = await TryCompleteAsync(fixture, name, upload, [.. Enumerable.Range(1, parts)]);
        Assert.True(made.Ok, made.Error?.Message);
        return made.Value;
    }

    public static async Task<ChunkedReader> OpenAsync(EngineFixture fixture, string name)
    {
        Result<ChunkedReader> open = await fixture.Io.OnItsThreadAsync(() => fixture.Engine.OpenChunkedAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From(name)));
        Assert.True(open.Ok, open.Error?.Message);
        return open.Value;
    }

    public static async Task<byte[]> ReadAsync(EngineFixture fixture, string name, long offset, int count)
    {
        using ChunkedReader reader = await OpenAsync(fixture, name);
        return await ReadAsync(fixture, reader, offset, count);
    }

    public static async Task<string> TextAsync(EngineFixture fixture, ChunkedReader reader, long offset, int count) =>
        Encoding.ASCII.GetString(await ReadAsync(fixture, reader, offset, count));

    public static Task<byte[]> ReadAsync(EngineFixture fixture, ChunkedReader reader, long offset, int count) => fixture.Io.OnItsThreadAsync(async () =>
    {
        var bytes = new byte[count];
        for (int done = 0; done < count;)
        {
            (int index, long from) = reader.PlaceOf(offset + done);
            Result<ObjectReader> opened = await reader.OpenChunkAsync(index);
            Assert.True(opened.Ok, opened.Error?.Message);
            using ObjectReader chunk = opened.Value;
            int take = (int)Math.Min(chunk.SizeBytes - from, count - done);
            Assert.Equal(take, (await chunk.ReadAsync(bytes.AsMemory(done, take), from)).Value);
            done += take;
        }

        return bytes;
    });

    public static async Task CompareAsync(EngineFixture fixture, string name, byte[] whole, Random random)
    {
        Assert.Equal(whole, await ReadAsync(fixture, name, 0, whole.Length));
        for (int i = 0; i < 5; i++)
        {
            int offset = random.Next(whole.Length);
            int count = random.Next(1, whole.Length - offset + 1);
            Assert.Equal(whole[offset..(offset + count)], await ReadAsync(fixture, name, offset, count));
            using ChunkedReader reader = await OpenAsync(fixture, name);
            Result<Checksum> digest = await fixture.Io.OnItsThreadAsync(() => reader.DigestOfRangeAsync(ChecksumType.Md5, offset, count));
            Assert.Equal(Digest.Of(ChecksumType.Md5, whole.AsSpan(offset, count)), digest.Value);
            Assert.True((await fixture.Io.OnItsThreadAsync(() => reader.VerifyAsync(offset, count))).Ok);
        }
    }

    /// <summary>No file of any upload is left on any mountpath.</summary>
    public static async Task NothingIsLeftAsync(EngineFixture fixture)
    {
        await fixture.Engine.FlushAsync();
        await SettledAsync(fixture);
        Assert.DoesNotContain(
            fixture.Paths.SelectMany(path => Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories)), file => file.Contains("/%c/", StringComparison.Ordinal));
    }

    /// <summary>Whatever is to be removed by now has been, or is left for later.</summary>
    public static async Task SettledAsync(EngineFixture fixture)
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        while (fixture.Engine.ReapedUploadsWaiting > 0)
        {
            Assert.True(watch.Elapsed < TimeSpan.FromMinutes(1), "chunks are not removed");
            await Task.Yield();
        }
    }
}

using System.Buffers;
using Sluice.Cli.Terminal;
using Sluice.Contract;

namespace Sluice.Cli.Transfers;

/// <summary>
/// Sends files. A small file's digest goes ahead of it, so that the server refuses damage before anything is visible; it costs a second read
/// out of the page cache. Anything else is digested while it is sent and held against the digest that the server answers with.
/// </summary>
public sealed class Upload(SluiceClient client, ProgressMeter meter)
{
    /// <summary>Up to here a file read twice comes from memory the second time, on any machine that transfers a few hundred of them at once.</summary>
    private const long DigestAheadBytesMax = 16L << 20;

    private const int BufferBytes = 256 * 1024;

    /// <summary>Sends a file.</summary>
    public async Task<ObjectAttributesView> FileAsync(string path, ObjectAddress address, CancellationToken token)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0, FileOptions.SequentialScan);
        long? length = file.CanSeek ? file.Length : null;
        if (length == 0 && RandomAccess.Read(file.SafeFileHandle, new byte[1], 0) > 0)
        {
            // Files of /proc and the like claim to be empty.
            length = null;
        }

        string? ahead = length <= DigestAheadBytesMax ? await DigestAsync(file, token) : null;
        return await SendAsync(file, length, ahead, address, token);
    }

    /// <summary>Sends a stream of unknown length.</summary>
    public Task<ObjectAttributesView> StreamAsync(Stream content, ObjectAddress address, CancellationToken token) =>
        SendAsync(content, null, null, address, token);

    private static async Task<string> DigestAsync(FileStream file, CancellationToken token)
    {
        using ContentDigest digest = ContentDigest.TryCreate(ContentDigest.UploadType)!;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            int count;
            while ((count = await file.ReadAsync(buffer, token)) > 0)
            {
                digest.Append(buffer.AsSpan(0, count));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        file.Position = 0;
        return digest.Value();
    }

    private async Task<ObjectAttributesView> SendAsync(
        Stream content, long? lengthBytes, string? digestAhead, ObjectAddress address, CancellationToken token)
    {
        KeyValuePair<string, string>[] headers = digestAhead is null ? [] :
        [
            new(HeaderNames.ChecksumType, ContentDigest.UploadType),
            new(HeaderNames.ChecksumValue, digestAhead),
        ];
        using ContentDigest sent = ContentDigest.TryCreate(ContentDigest.UploadType)!;
        await using var watched = new WatchedStream(content, bytes =>
        {
            sent.Append(bytes);
            meter.Add(bytes.Length);
        });
        ObjectAttributesView stored = await client.PutObjectAsync(address, watched, lengthBytes, headers, token);
        if (stored.ChecksumType is "xxhash" or "xxhash2" && stored.ChecksumValue.Length > 0 && stored.ChecksumValue != sent.Value())
        {
            throw new DamagedTransferException(
                $"{address} is damaged: the server stored {stored.ChecksumType} {stored.ChecksumValue}, sent was {sent.Value()}");
        }

        return stored with { SizeBytes = watched.TotalBytes };
    }
}

using System.Buffers;
using System.Text.Json.Nodes;
using Sluice.Cli.Terminal;
using Sluice.Contract;

namespace Sluice.Cli.Transfers;

/// <summary>What came of an upload.</summary>
/// <param name="SizeBytes">Bytes sent.</param>
/// <param name="IsVerified">True when the server compared a digest of ours with what arrived, or we compared its own.</param>
public readonly record struct UploadOutcome(long SizeBytes, bool IsVerified);

/// <summary>
/// Sends files to one bucket. A file's digest goes ahead of it, so that the server refuses damage before anything is visible; it costs reading
/// the file twice. What can be read only once is digested while it is sent, and held against the digest that the server answers with.
/// </summary>
public sealed class Upload
{
    private const int BufferBytes = 256 * 1024;

    private readonly SluiceClient _client;
    private readonly ProgressMeter _meter;
    private readonly string _digestType;
    private PartedUpload? _parted;

    private Upload(SluiceClient client, ProgressMeter meter, string digestType)
    {
        _client = client;
        _meter = meter;
        _digestType = digestType;
    }

    /// <summary>
    /// Uploads to <paramref name="bucket"/>. Asks for its checksum type, so that both sides compute the same one and only that; a bucket that
    /// does not exist fails here, before a file is read. One whose properties may not be read gets the default type.
    /// </summary>
    public static async Task<Upload> ToAsync(SluiceClient client, ProgressMeter meter, BucketAddress bucket, CancellationToken token)
    {
        string? type = null;
        try
        {
            JsonObject properties = await client.HeadBucketAsync(bucket, token);
            type = (properties["checksum"] as JsonObject)?["type"] is JsonValue value && value.TryGetValue(out string? name) ? name : null;
        }
        catch (SluiceException failure) when (failure is { IsNotFound: false, IsUnreachable: false })
        {
            // Whether the bucket takes objects is for the PUT to find out.
        }

        using ContentDigest? known = type is null ? null : ContentDigest.TryCreate(type);
        return new Upload(client, meter, known is null ? ContentDigest.UploadType : type!);
    }

    /// <summary>As <see cref="ToAsync(SluiceClient, ProgressMeter, BucketAddress, CancellationToken)"/>; what is large goes in parts.</summary>
    internal static async Task<Upload> ToAsync(VerbRun run, PartSettings settings, BucketAddress bucket, CancellationToken token)
    {
        Upload upload = await ToAsync(run.Client, run.Meter, bucket, token);
        upload._parted = new PartedUpload(run, settings, upload._digestType);
        return upload;
    }

    /// <summary>Sends a file.</summary>
    public async Task<UploadOutcome> FileAsync(string path, ObjectAddress address, CancellationToken token)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0, FileOptions.SequentialScan);
        long? length = file.CanSeek ? file.Length : null;
        if (length == 0 && RandomAccess.Read(file.SafeFileHandle, new byte[1], 0) > 0)
        {
            // Files of /proc and the like claim to be empty.
            length = null;
        }

        if (length is not null && _parted is { Settings: var settings } && (length > settings.ThresholdBytes || settings.ResumeId is not null))
        {
            return await _parted.FileAsync(file, path, address, token);
        }

        return length is null
            ? await StreamAsync(file, path, address, token)
            : await SendAsync(file, length, await DigestAsync(file, token), null, address, token);
    }

    /// <summary>Sends a stream of unknown length, which the command line calls <paramref name="source"/>.</summary>
    public async Task<UploadOutcome> StreamAsync(Stream content, string source, ObjectAddress address, CancellationToken token)
    {
        if (_parted is null)
        {
            return await StreamWholeAsync(content, address, token);
        }

        PartSettings settings = _parted.Settings;
        ContentPart? first = await ContentPart.ReadAsync(content, 1, settings, token);
        if (first is not null && (first.SizeBytes == settings.InputPartBytes(1) || settings.ResumeId is not null))
        {
            return await _parted.StreamAsync(first, content, source, address, token);
        }

        using (first)
        {
            await using Stream all = first?.Open() ?? Stream.Null;
            return await StreamWholeAsync(all, address, token);
        }
    }

    private async Task<UploadOutcome> StreamWholeAsync(Stream content, ObjectAddress address, CancellationToken token)
    {
        using ContentDigest sent = ContentDigest.TryCreate(_digestType)!;
        return await SendAsync(content, null, null, sent, address, token);
    }

    private async Task<string> DigestAsync(FileStream file, CancellationToken token)
    {
        using ContentDigest digest = ContentDigest.TryCreate(_digestType)!;
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

    /// <summary>Sends, with the digest ahead, or with one that grows on the way.</summary>
    private async Task<UploadOutcome> SendAsync(
        Stream content, long? lengthBytes, string? ahead, ContentDigest? sent, ObjectAddress address, CancellationToken token)
    {
        KeyValuePair<string, string>[] headers = ahead is null ? [] :
        [
            new(HeaderNames.ChecksumType, _digestType),
            new(HeaderNames.ChecksumValue, ahead),
        ];
        await using var watched = new WatchedStream(content, bytes =>
        {
            sent?.Append(bytes);
            _meter.Add(bytes.Length);
        });
        ObjectAttributesView stored = await _client.PutObjectAsync(address, watched, lengthBytes, headers, token);
        bool isComparable = stored.ChecksumValue.Length > 0 && ContentDigest.IsSameType(stored.ChecksumType, _digestType);
        string ours = ahead ?? sent!.Value();
        if (isComparable && stored.ChecksumValue != ours)
        {
            throw new DamagedTransferException($"{address} is damaged: the server stored {stored.ChecksumType} {stored.ChecksumValue}, sent was {ours}");
        }

        return new UploadOutcome(watched.TotalBytes, isComparable || ahead is not null);
    }
}

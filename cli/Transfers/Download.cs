using System.Buffers;
using Sluice.Cli.Terminal;
using Sluice.Contract;

namespace Sluice.Cli.Transfers;

/// <summary>What came of a download.</summary>
/// <param name="SizeBytes">Bytes written.</param>
/// <param name="IsVerified">True when the digest was one that this client can compute, and it agreed.</param>
public readonly record struct DownloadOutcome(long SizeBytes, bool IsVerified);

/// <summary>
/// Brings objects here. A file appears under its name only when it is complete and its digest agrees; until then it is a temporary file in
/// the same directory, and a failure removes it.
/// </summary>
public sealed class Download(SluiceClient client, ProgressMeter meter)
{
    private const int BufferBytes = 256 * 1024;

    /// <summary>Told how many bytes an object has before they arrive; not called when the server does not say.</summary>
    public Action<long>? Announce { get; init; }

    /// <summary>How large objects are fetched in ranges; null to fetch all of them by one request.</summary>
    internal RangedDownload? Ranged { get; init; }

    /// <summary>
    /// Downloads to a file, replacing what is there. Directories on the way are made. <paramref name="sizeBytes"/> is what is known of the size; null for nothing.
    /// </summary>
    public async Task<DownloadOutcome> ToFileAsync(ObjectAddress address, string path, CancellationToken token, long? sizeBytes = null)
    {
        string full = Path.GetFullPath(path);
        if (Directory.Exists(full))
        {
            throw new IOException($"{path} is a directory");
        }

        if (full.StartsWith("/dev/", StringComparison.Ordinal) && File.Exists(full))
        {
            // A device is written to; renaming a file over it would replace the device.
            await using var device = new FileStream(full, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
            return await ToStreamAsync(address, null, device, token);
        }

        if (Ranged?.IsFor(sizeBytes ?? long.MaxValue) == true && await Ranged.LookAsync(address, token) is { } known)
        {
            Announce?.Invoke(known.SizeBytes);
            return await IntoPlaceAsync(full, async file =>
            {
                RandomAccess.SetLength(file.SafeFileHandle, known.SizeBytes);
                return new DownloadOutcome(known.SizeBytes, await Ranged.ToFileAsync(address, known, file.SafeFileHandle, token));
            });
        }

        using ObjectDownload download = await client.GetObjectAsync(address, null, token);
        return await IntoPlaceAsync(full, file => CopyAsync(address, download, file, token));
    }

    /// <summary>Fills a temporary file, which gets its name when that has ended well.</summary>
    private static async Task<DownloadOutcome> IntoPlaceAsync(string full, Func<FileStream, Task<DownloadOutcome>> fill)
    {
        string directory = Path.GetDirectoryName(full)!;
        Directory.CreateDirectory(directory);
        string temporary = Path.Join(directory, $".sluice-{Guid.NewGuid():N}.part");
        try
        {
            DownloadOutcome outcome;
            await using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, bufferSize: 0))
            {
                outcome = await fill(file);
            }

            File.Move(temporary, full, overwrite: true);
            return outcome;
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Downloads to a stream; bytes that turn out damaged have been written by then, the exception says so.</summary>
    public async Task<DownloadOutcome> ToStreamAsync(ObjectAddress address, AskedRange? range, Stream output, CancellationToken token)
    {
        using ObjectDownload download = await client.GetObjectAsync(address, range, token);
        return await CopyAsync(address, download, output, token);
    }

    private async Task<DownloadOutcome> CopyAsync(ObjectAddress address, ObjectDownload download, Stream output, CancellationToken token)
    {
        // The digest of a part is the whole object's: nothing to hold it against.
        using ContentDigest? digest = download.IsPartial || download.Attributes.ChecksumValue.Length == 0
            ? null
            : ContentDigest.TryCreate(download.Attributes.ChecksumType);
        if (download.ContentBytes >= 0)
        {
            Announce?.Invoke(download.ContentBytes);
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        long size = 0;
        try
        {
            int count;
            while ((count = await ReadAsync(client, address, download.Content, buffer, token)) > 0)
            {
                digest?.Append(buffer.AsSpan(0, count));
                await output.WriteAsync(buffer.AsMemory(0, count), token);
                size += count;
                meter.Add(count);
            }

            await output.FlushAsync(token);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        if (download.ContentBytes >= 0 && size != download.ContentBytes)
        {
            throw new DamagedTransferException($"{address} is damaged: {size} bytes arrived of {download.ContentBytes}");
        }

        if (digest is not null && digest.Value() != download.Attributes.ChecksumValue)
        {
            throw new DamagedTransferException(
                $"{address} is damaged: its {download.Attributes.ChecksumType} is {digest.Value()}, expected {download.Attributes.ChecksumValue}");
        }

        return new DownloadOutcome(size, digest is not null);
    }

    // Only what is read comes from the network; a failure to write is the disk's and keeps its own sentence.
    internal static async Task<int> ReadAsync(SluiceClient client, ObjectAddress address, Stream content, byte[] buffer, CancellationToken token)
    {
        try
        {
            return await content.ReadAsync(buffer, token);
        }
        catch (Exception failure) when (failure is IOException or HttpRequestException)
        {
            throw new SluiceException($"{client.Endpoint} broke off in the middle of {address}", failure);
        }
    }
}

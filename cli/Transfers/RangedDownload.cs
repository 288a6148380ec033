using System.Buffers;
using Microsoft.Win32.SafeHandles;
using Sluice.Contract;

namespace Sluice.Cli.Transfers;

/// <summary>
/// Brings one object here by several requests at a time, each for a range, and writes each to its place in the file. The digest of the whole comes from those of the
/// ranges where its type allows that; else from the file when it is complete.
/// </summary>
internal sealed class RangedDownload(VerbRun run, PartSettings settings)
{
    private const int BufferBytes = 256 * 1024;

    /// <summary>What is known of an object that is worth it; null for one that is not, or of which the server tells nothing.</summary>
    public async Task<ObjectAttributesView?> LookAsync(ObjectAddress address, CancellationToken token)
    {
        if (settings.Parallel == 1)
        {
            return null;
        }

        try
        {
            ObjectAttributesView known = await run.Client.HeadObjectAsync(address, token);
            return known.SizeBytes > settings.ThresholdBytes ? known : null;
        }
        catch (SluiceException failure) when (failure is { IsNotFound: false, IsUnreachable: false })
        {
            return null; // whether it may be read is for the GET to find out
        }
    }

    /// <summary>True when something of that size is worth it.</summary>
    public bool IsFor(long sizeBytes) => sizeBytes > settings.ThresholdBytes;

    /// <summary>Fills the file with the object; true when its digest could be compared.</summary>
    public async Task<bool> ToFileAsync(ObjectAddress address, ObjectAttributesView known, SafeFileHandle file, CancellationToken token)
    {
        long partBytes = settings.PartBytesOf(known.SizeBytes);
        var digests = new string[(known.SizeBytes + partBytes - 1) / partBytes];
        CombinedDigest? whole = CombinedDigest.TryCreate(known.ChecksumType);
        var options = new ParallelOptions { MaxDegreeOfParallelism = settings.Parallel, CancellationToken = token };
        await Parallel.ForAsync(0, digests.Length, options, async (index, each) =>
        {
            var range = new AskedRange(index * partBytes, Math.Min((index + 1) * partBytes, known.SizeBytes) - 1);
            digests[index] = await Attempts.RunAsync(run, () => FetchAsync(address, known, range, file, isDigested: whole is not null, each), each);
        });
        for (int index = 0; whole is not null && index < digests.Length; index++)
        {
            whole.Append(digests[index], Math.Min(partBytes, known.SizeBytes - (index * partBytes)));
        }

        string? value = known.ChecksumValue.Length == 0 ? null : whole?.Value() ?? await DigestAsync(known.ChecksumType, file, token);
        return value is null || value == known.ChecksumValue
            ? value is not null
            : throw new DamagedTransferException($"{address} is damaged: its {known.ChecksumType} is {value}, expected {known.ChecksumValue}");
    }

    /// <summary>Fetches a range and answers its digest; empty when none is asked for.</summary>
    private async Task<string> FetchAsync(
        ObjectAddress address, ObjectAttributesView known, AskedRange range, SafeFileHandle file, bool isDigested, CancellationToken token)
    {
        using ContentDigest? digest = isDigested ? ContentDigest.TryCreate(known.ChecksumType) : null;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        (long first, long end) = (range.First!.Value, range.Last!.Value + 1);
        long at = first;
        try
        {
            using ObjectDownload download = await run.Client.GetObjectAsync(address, range, token);
            if (!download.IsPartial || download.Attributes.SizeBytes != known.SizeBytes || download.Attributes.Version != known.Version)
            {
                throw new RefusedException($"{address} was replaced while it was fetched");
            }

            int count;
            while ((count = await Download.ReadAsync(run.Client, address, download.Content, buffer, token)) > 0)
            {
                if (at + count > end)
                {
                    throw new DamagedTransferException($"{address} is damaged: more bytes arrived than were asked for");
                }

                digest?.Append(buffer.AsSpan(0, count));
                await RandomAccess.WriteAsync(file, buffer.AsMemory(0, count), at, token);
                at += count;
                run.Meter.Add(count);
            }

            return at == end ? digest?.Value() ?? "" : throw new DamagedTransferException($"{address} is damaged: {at - first} bytes arrived of {end - first}");
        }
        catch
        {
            run.Meter.Add(first - at);
            throw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async Task<string?> DigestAsync(string type, SafeFileHandle file, CancellationToken token)
    {
        using ContentDigest? digest = ContentDigest.TryCreate(type);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            int count;
            for (long at = 0; digest is not null && (count = await RandomAccess.ReadAsync(file, buffer, at, token)) > 0; at += count)
            {
                digest.Append(buffer.AsSpan(0, count));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return digest?.Value();
    }
}

using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using Sluice.Contract;

namespace Sluice.Cli.Transfers;

/// <summary>
/// Sends one object in parts, several at a time. Each part's digest goes ahead of it. Before the parts become the object, what the server has of them is
/// compared with what was sent; after that, the digest of the whole. An upload that fails is kept, and may be gone on with.
/// </summary>
internal sealed class PartedUpload(VerbRun run, PartSettings settings, string bucketDigestType)
{
    private const int BufferBytes = 256 * 1024;

    private static readonly TimeSpan s_abortTimeout = TimeSpan.FromSeconds(10);

    private readonly string _digestType = CombinedDigest.PartTypeOf(bucketDigestType);

    public PartSettings Settings => settings;

    /// <summary>Sends a file; <paramref name="source"/> is what the command line calls it.</summary>
    public Task<UploadOutcome> FileAsync(FileStream file, string source, ObjectAddress address, CancellationToken token)
    {
        long size = file.Length;
        return SendAsync(source, address, stored => ContentPart.OfFileAsync(file.SafeFileHandle, size, PartBytesOf(size, stored)), token);
    }

    /// <summary>Sends a stream whose first part has been read already.</summary>
    public Task<UploadOutcome> StreamAsync(ContentPart first, Stream rest, string source, ObjectAddress address, CancellationToken token) =>
        SendAsync(source, address, _ => ContentPart.OfStreamAsync(first, rest, settings, token), token);

    /// <summary>The size that was asked for; or that of the parts which are there already, when those are of another.</summary>
    private long PartBytesOf(long sizeBytes, IReadOnlyDictionary<int, PartView> stored)
    {
        long asked = settings.PartBytesOf(sizeBytes);
        if (stored.Count == 0 || Fits(asked))
        {
            return asked;
        }

        long largest = stored.Values.Max(part => part.SizeBytes);
        return largest > 0 && (sizeBytes - 1) / largest < PartSettings.CountMax && Fits(largest) ? largest : asked;

        bool Fits(long partBytes) => stored.Values.All(part => part.SizeBytes == Math.Min(partBytes, sizeBytes - ((part.Number - 1) * partBytes)));
    }

    private async Task<UploadOutcome> SendAsync(
        string source, ObjectAddress address, Func<IReadOnlyDictionary<int, PartView>, IAsyncEnumerable<ContentPart>> cut, CancellationToken token)
    {
        var upload = new UploadAddress(address, settings.ResumeId ?? await run.Client.BeginUploadAsync(address, token));
        SentPart[] sent;
        ObjectAttributesView made;
        try
        {
            IReadOnlyList<PartView> stored = settings.ResumeId is null ? [] : await run.Client.PartsAsync(upload, token);
            sent = await SendAllAsync(upload, cut, stored.ToDictionary(part => part.Number), token);
            Compare(upload, source, sent, await run.Client.PartsAsync(upload, token));
            made = await run.Client.CompleteUploadAsync(upload, sent.Length, token);
        }
        catch (Exception failure)
        {
            if (failure is not SluiceException { IsNotFound: true })
            {
                await GiveUpAsync(upload, source);
            }

            throw;
        }

        CombinedDigest whole = CombinedDigest.TryCreate(_digestType)!;
        Array.ForEach(sent, part => whole.Append(part.Digest, part.SizeBytes));
        return made.ChecksumType != _digestType || made.ChecksumValue == whole.Value()
            ? new UploadOutcome(sent.Sum(part => part.SizeBytes), IsVerified: true)
            : throw new DamagedTransferException($"{address} is damaged: the server stored {made.ChecksumType} {made.ChecksumValue}, sent was {whole.Value()}");
    }

    private async Task<SentPart[]> SendAllAsync(
        UploadAddress upload,
        Func<IReadOnlyDictionary<int, PartView>, IAsyncEnumerable<ContentPart>> cut,
        Dictionary<int, PartView> stored,
        CancellationToken token)
    {
        var sent = new ConcurrentDictionary<int, SentPart>();
        var options = new ParallelOptions { MaxDegreeOfParallelism = settings.Parallel, CancellationToken = token };
        await Parallel.ForEachAsync(cut(stored), options, async (part, each) =>
        {
            using (part)
            {
                sent[part.Number] = await SendAsync(upload, part, stored.GetValueOrDefault(part.Number), each);
            }
        });
        return [.. sent.OrderBy(part => part.Key).Select(part => part.Value)];
    }

    /// <summary>Sends a part, unless it is there.</summary>
    private async Task<SentPart> SendAsync(UploadAddress upload, ContentPart part, PartView? stored, CancellationToken token)
    {
        string digest = await DigestAsync(part, token);
        var sent = new SentPart(part.SizeBytes, digest);
        if (stored is not null && stored.SizeBytes == part.SizeBytes && stored.ChecksumType == _digestType && stored.ChecksumValue == digest)
        {
            run.Meter.Add(part.SizeBytes);
            return sent;
        }

        return await Attempts.RunAsync(
            run,
            async () =>
            {
                await SendOnceAsync(upload, part, digest, token);
                return sent;
            },
            token);
    }

    private async Task SendOnceAsync(UploadAddress upload, ContentPart part, string digest, CancellationToken token)
    {
        KeyValuePair<string, string>[] headers = [new(HeaderNames.ChecksumType, _digestType), new(HeaderNames.ChecksumValue, digest)];
        await using Stream content = part.Open();
        await using var watched = new WatchedStream(content, bytes => run.Meter.Add(bytes.Length));
        bool isSent = false;
        try
        {
            ObjectAttributesView answer = await run.Client.PutPartAsync(upload, part.Number, watched, part.SizeBytes, headers, token);
            if (answer.ChecksumType == _digestType && answer.ChecksumValue != digest)
            {
                throw new DamagedTransferException(
                    $"part {part.Number} of {upload.Object} is damaged: the server stored {answer.ChecksumType} {answer.ChecksumValue}, sent was {digest}");
            }

            isSent = true;
        }
        finally
        {
            run.Meter.Add(isSent ? 0 : -watched.TotalBytes);
        }
    }

    private async Task<string> DigestAsync(ContentPart part, CancellationToken token)
    {
        using ContentDigest digest = ContentDigest.TryCreate(_digestType)!;
        await using Stream content = part.Open();
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        long size = 0;
        try
        {
            int count;
            while ((count = await content.ReadAsync(buffer, token)) > 0)
            {
                digest.Append(buffer.AsSpan(0, count));
                size += count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return size == part.SizeBytes ? digest.Value() : throw new IOException($"it has become shorter: part {part.Number} has {size} bytes of {part.SizeBytes}");
    }

    private void Compare(UploadAddress upload, string source, SentPart[] sent, IReadOnlyList<PartView> stored)
    {
        if (stored.FirstOrDefault(part => part.Number > sent.Length) is { } foreign)
        {
            throw new RefusedException(string.Create(
                CultureInfo.InvariantCulture,
                $"upload {upload.Id} has a part {foreign.Number}, {source} has {sent.Length}: go on with the --part-size that it was begun with, or abort it"));
        }

        Dictionary<int, PartView> byNumber = stored.ToDictionary(part => part.Number);
        for (int number = 1; number <= sent.Length; number++)
        {
            SentPart ours = sent[number - 1];
            PartView? theirs = byNumber.GetValueOrDefault(number);
            if (theirs?.SizeBytes != ours.SizeBytes || (theirs.ChecksumType == _digestType && theirs.ChecksumValue != ours.Digest))
            {
                throw new DamagedTransferException(
                    $"part {number} of {upload.Object} is not what was sent: the server has {theirs?.SizeBytes ?? 0} bytes, "
                    + $"{theirs?.ChecksumType} {theirs?.ChecksumValue}, sent were {ours.SizeBytes}, {ours.Digest}");
            }
        }
    }

    /// <summary>Says how to go on, or aborts.</summary>
    private async Task GiveUpAsync(UploadAddress upload, string source)
    {
        if (settings.KeepsFailed)
        {
            string partSize = settings.PartBytes == PartSettings.PartDefaultBytes ? "" : string.Create(CultureInfo.InvariantCulture, $" --part-size {settings.PartBytes}");
            run.Tell($"the parts that are stored are kept; go on with: sluice put {Quoted(source)} {Quoted(upload.Object.ToString())} --resume {upload.Id}{partSize}");
            return;
        }

        try
        {
            using var timeout = new CancellationTokenSource(s_abortTimeout);
            await run.Client.AbortUploadAsync(upload, timeout.Token);
            run.Tell($"upload {upload.Id} was aborted");
        }
        catch (Exception failure) when (failure is SluiceException or OperationCanceledException)
        {
            run.Tell($"its parts are still there; remove them with: sluice uploads abort {Quoted(upload.Object.ToString())} {upload.Id}");
        }
    }

    /// <summary>As a shell reads it as one word.</summary>
    private static string Quoted(string text) =>
        text.All(each => char.IsAsciiLetterOrDigit(each) || "/.:-_@#,=+".Contains(each, StringComparison.Ordinal)) && text.Length > 0
            ? text
            : $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private readonly record struct SentPart(long SizeBytes, string Digest);
}

using System.Buffers.Binary;
using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Chunks;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;

namespace Sluice.Engine;

/// <summary>Objects that grow by pieces, unseen until a flush (docs/decisions/0017-appends.md).</summary>
public sealed partial class ObjectEngine
{
    private readonly ConcurrentDictionary<(ulong Bid, ulong Id), Append> _appends = new();

    /// <summary>
    /// Takes the body of <paramref name="request"/> behind what was appended so far, and answers the handle that the next piece or the flush is to have. An empty <paramref name="handle"/> begins
    /// an append with what the object is now, if there is one. Nobody sees anything of it before it is flushed, and a stop or a crash ends it: the handle is refused with ObjectNotFound then.
    /// Refused with Busy, and nothing is taken, when another request works with that append, or when the handle was used for another piece before; the same piece once more is not taken twice.
    /// The digest of the request is that of the piece.
    /// </summary>
    public async ValueTask<Result<string>> AppendObjectAsync(Caller caller, PutRequest request, string handle, CancellationToken cancellation)
    {
        Result<Bucket> allowed = Enter(caller, request.Bucket, AccessBits.Append, "APPEND");
        if (!allowed.Ok)
        {
            return allowed.Error!;
        }

        _counters.Appends.Add();
        try
        {
            using DiskUse use = _disks.Enter(DiskUseKind.Upload);
            bool isFirst = handle.Length == 0;
            int pieces = 0;
            Result<Append> entered = isFirst
                ? await BeginAppendAsync(allowed.Value, request.Name, cancellation)
                : EnterAppend(allowed.Value, request.Name, handle, use.Set, out pieces);
            if (!entered.Ok)
            {
                return entered.Error!;
            }

            Append append = entered.Value;
            bool isTaken = false;
            try
            {
                Result taken = pieces == append.Pieces ? await TakePieceAsync(append, request, cancellation)
                    : pieces == append.Pieces - 1 ? await ComparePieceAsync(append, request, cancellation)
                    : UsedHandle(handle);
                isTaken = taken.Ok;
                return taken.Ok ? append.Handle : taken.Error!;
            }
            finally
            {
                if (isFirst && !isTaken)
                {
                    await RemoveAppendAsync(append); // nobody has its handle
                }

                append.Leave(_clock.NowNs);
            }
        }
        catch (UnreadableException unreadable)
        {
            return unreadable.Failure;
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
    }

    /// <summary>
    /// Makes what was appended the object, as a PUT of all of it would: the digest that was <paramref name="sent"/> is that of all bytes. Custom metadata is <paramref name="custom"/>, or that which the
    /// object had when the append began. The handle is the last one, and ends here; after a refusal it is as good as before.
    /// </summary>
    public async ValueTask<Result<ObjectAttributes>> FlushAppendAsync(
        Caller caller, BucketName bucketName, ObjectName name, string handle, Checksum sent, IReadOnlyList<KeyValuePair<string, string>> custom, CancellationToken cancellation)
    {
        Result<Bucket> allowed = Enter(caller, bucketName, AccessBits.Append, "APPEND");
        if (!allowed.Ok)
        {
            return allowed.Error!;
        }

        if (CustomMetadata.Problem(custom) is { } problem)
        {
            return new Failure(ErrorCode.MetadataTooLarge, problem);
        }

        try
        {
            using DiskUse use = _disks.Enter();
            Result<Append> entered = EnterAppend(allowed.Value, name, handle, use.Set, out int pieces);
            if (!entered.Ok)
            {
                return entered.Error!;
            }

            Append append = entered.Value;
            try
            {
                Result<StoredObject> stored = pieces == append.Pieces ? await FlushAsync(append, sent, custom, cancellation) : UsedHandle(handle);
                return stored.Ok ? stored.Value.Attributes() : stored.Error!;
            }
            finally
            {
                append.Leave(_clock.NowNs);
            }
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
    }

    private static Failure NoAppend(string handle) =>
        new(ErrorCode.ObjectNotFound, $"append handle \"{Printable(handle)}\" does not exist: it was flushed, nobody went on with it for too long, or the server or a mountpath was stopped meanwhile");

    private static Failure UsedHandle(string handle) =>
        new(ErrorCode.Busy, $"append handle \"{Printable(handle)}\" was used before: each append answers the handle of the next one");

    /// <summary>A new append, entered: its work file has what the object is now.</summary>
    private async ValueTask<Result<Append>> BeginAppendAsync(Bucket bucket, ObjectName name, CancellationToken cancellation)
    {
        Result<ObjectContent> opened = await OpenContentAsync(bucket, name);
        if (opened.Error is { Code: not ErrorCode.ObjectNotFound })
        {
            return opened.Error;
        }

        using ObjectContent? content = opened.Ok ? opened.Value : null;
        ulong digest = bucket.DigestOf(name);
        ObjectDisk home = _lookup.HomeOf(digest);
        if (await _space.IsFullAsync(home))
        {
            return ObjectDisk.OutOfSpace;
        }

        await using WorkFile work = await WorkFile.CreateAsync(home, bucket, digest);
        var append = new Append(_clock.Next(), bucket, name.Copy()) { Disk = home, WorkName = work.Name.ToArray() };
        if (content is not null)
        {
            ObjectMetadata metadata = content.Stored.Metadata;
            var request = new PutRequest { Bucket = bucket.Name, Name = name, Body = content.Body, LengthBytes = metadata.ContentBytes, Expected = content.Checksum };
            Result<ReceivedBody> start = await BodyReceiver.ReceiveAsync(work, request, ChecksumType.Crc64Nvme, _bodyReadBytes, cancellation);
            if (!start.Ok)
            {
                return content.Stored.Damage("its bytes are not those of its digest");
            }

            append.Custom = metadata.Custom;
            append.Begin(start.Value.SizeBytes, Crc64Of(start.Value));
        }

        append.TryEnter();
        work.GiveAway();
        return _appends[(bucket.Bid, append.Id)] = append;
    }

    /// <summary>The append of a handle, entered; and how many pieces it had when that was given out.</summary>
    private Result<Append> EnterAppend(Bucket bucket, ObjectName name, string handle, DiskSet disks, out int pieces)
    {
        if (!Append.TryReadHandle(handle, out ulong id, out pieces) || !_appends.TryGetValue((bucket.Bid, id), out Append? append) || append.Name != name)
        {
            return NoAppend(handle);
        }

        if (!append.TryEnter())
        {
            return new Failure(ErrorCode.Busy, $"append handle \"{Printable(handle)}\" is in use by another request");
        }

        if (!disks.Open.Contains(append.Disk))
        {
            _appends.TryRemove((bucket.Bid, id), out _); // its file goes when the mountpath comes back
        }

        if (_appends.ContainsKey((bucket.Bid, id)))
        {
            return append;
        }

        append.Leave(_clock.NowNs);
        return NoAppend(handle);
    }

    private async ValueTask<Result> TakePieceAsync(Append append, PutRequest request, CancellationToken cancellation)
    {
        if (request.LengthBytes > Limits.ObjectBytesMax - append.SizeBytes)
        {
            return TooLarge;
        }

        if (await _space.IsFullAsync(append.Disk))
        {
            return ObjectDisk.OutOfSpace;
        }

        await using WorkFile work = await WorkFile.AdoptAsync(append.Disk, append.Bucket, append.WorkName, OpenIntent.ReadWrite);
        Result<ReceivedBody> body = await BodyReceiver.ReceiveAsync(new AppendSink(work, append.SizeBytes), request, ChecksumType.Crc64Nvme, _bodyReadBytes, cancellation);
        if (!body.Ok)
        {
            return body.Error!;
        }

        if (body.Value.SizeBytes > Limits.ObjectBytesMax - append.SizeBytes)
        {
            return TooLarge;
        }

        append.Take(body.Value.SizeBytes, Crc64Of(body.Value));
        return Result.Done;
    }

    /// <summary>A client whose answer was lost sends the piece again: when it is the one that was taken last, that is all right.</summary>
    private async ValueTask<Result> ComparePieceAsync(Append append, PutRequest request, CancellationToken cancellation)
    {
        Result<ReceivedBody> body = await BodyReceiver.ReceiveAsync(NoSink.Instance, request, ChecksumType.Crc64Nvme, _bodyReadBytes, cancellation);
        return !body.Ok ? body.Error!
            : (body.Value.SizeBytes, Crc64Of(body.Value)) == append.Last ? Result.Done
            : UsedHandle(append.Handle);
    }

    private async ValueTask<Result<StoredObject>> FlushAsync(Append append, Checksum sent, IReadOnlyList<KeyValuePair<string, string>> custom, CancellationToken cancellation)
    {
        Span<byte> crc = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(crc, append.Crc64);
        var own = new Checksum(ChecksumType.Crc64Nvme, crc);
        await using WorkFile work = await WorkFile.AdoptAsync(append.Disk, append.Bucket, append.WorkName, OpenIntent.ReadWrite);
        using ObjectBody body = ObjectBody.Of(work, append.SizeBytes, rest: null);
        var request = new PutRequest
        {
            Bucket = append.Bucket.Name,
            Name = append.Name,
            Body = body,
            LengthBytes = append.SizeBytes,
            Expected = sent.Type == ChecksumType.None ? own : sent,
            Custom = custom.Count > 0 ? custom : append.Custom,
        };
        Result<StoredObject> stored = await StoreSizedAsync(append.Bucket, request, cancellation);
        if (stored.Ok)
        {
            _appends.TryRemove((append.Bucket.Bid, append.Id), out _);
            work.TakeBack();
        }

        return stored.Error is { Code: ErrorCode.BadDigest } && sent.Type == ChecksumType.None
            ? new Failure(ErrorCode.Damaged, "what was appended is not what its work file has now; begin again")
            : stored;
    }

    /// <summary>It is gone, and its file. By who has entered; what is left of it is removed at the next start.</summary>
    private async ValueTask RemoveAppendAsync(Append append)
    {
        _appends.TryRemove((append.Bucket.Bid, append.Id), out _);
        try
        {
            using DiskUse use = _disks.Enter();
            if (use.Set.Open.Contains(append.Disk))
            {
                await using WorkFile work = await WorkFile.AdoptAsync(append.Disk, append.Bucket, append.WorkName);
                work.TakeBack();
            }
        }
        catch (StorageException fault)
        {
            _log.LogWarning("{Bucket}/{Name}: the file of an append is left for the next start: {Fault}", append.Bucket.Name, append.Name, fault.Message);
        }
    }

    /// <summary>Removes those that nobody has gone on with for that long.</summary>
    private async ValueTask ExpireAppendsAsync(TimeSpan age)
    {
        const long NanosecondsOfATick = 100;
        foreach (Append append in _appends.Values)
        {
            if (append.TryEnterUnused(_clock.NowNs - (age.Ticks * NanosecondsOfATick)))
            {
                await RemoveAppendAsync(append);
                _log.LogInformation("{Bucket}/{Name}: an append that nobody went on with for {Age} is removed", append.Bucket.Name, append.Name, age);
            }
        }
    }

    /// <summary>The engine stops: no handle is good any more.</summary>
    private async ValueTask RemoveAppendsAsync()
    {
        foreach (Append append in _appends.Values)
        {
            await RemoveAppendAsync(append);
        }
    }

    /// <summary>The bucket is gone, and with it what was appended in it.</summary>
    private void ForgetAppends(ulong bid)
    {
        foreach ((ulong Bid, ulong Id) key in _appends.Keys)
        {
            if (key.Bid == bid)
            {
                _appends.TryRemove(key, out _);
            }
        }
    }

    private static ulong Crc64Of(ReceivedBody body) => BinaryPrimitives.ReadUInt64BigEndian(body.Checksum.Value);
}

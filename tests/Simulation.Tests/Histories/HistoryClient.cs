using System.Globalization;
using System.IO.Pipelines;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Chunks;
using Sluice.Engine.Listing;
using Sluice.Engine.Objects;
using Sluice.Simulation.Tests.Matrix;

namespace Sluice.Simulation.Tests.Histories;

/// <summary>Puts, deletes, reads and lists objects, tells the model, and compares what is answered with it.</summary>
public sealed class HistoryClient(HistoryWorld world)
{
    private const string IdKey = "id";
    private const int RangeBytes = 1_000;

    private readonly Dictionary<int, ObjectState> _stored = []; // by id
    private readonly List<UploadModel> _uploads = []; // in progress, or given up by whoever met a fault
    private readonly Dictionary<(string Bucket, string Name), Seen> _kept = []; // of the twin that keeps what was overwritten

    private ObjectEngine Engine => world.Machine.Engine;

    public static BucketName NameOf(BucketModel bucket) =>
        BucketName.TryCreate("ais", "", "", bucket.Plan.Name, out BucketName? name, out string? problem) ? name : throw new ArgumentException(problem);

    /// <summary>The process has ended, and with it its caches; and perhaps the power.</summary>
    public void End(bool hasPower)
    {
        _kept.Clear();
        _uploads.ForEach(upload =>
        {
            if (!hasPower)
            {
                upload.Cut();
            }
        });
    }

    public async Task PutAsync(Operation operation)
    {
        BucketModel bucket = world.Buckets[operation.Bucket];
        var content = new byte[operation.Number];
        new Random(operation.Id).NextBytes(content);
        ObjectState state = NewState(operation, content);
        ModelWrite? write = bucket.Names is null ? null : bucket.Of(operation.Name).Begin(state);
        Result<ObjectAttributes> put = await Engine.PutObjectAsync(
            Caller.Anonymous,
            new PutRequest
            {
                Bucket = NameOf(bucket),
                Name = ObjectName.From(operation.Name),
                Body = PipeReader.Create(new MemoryStream(state.Content)),
                LengthBytes = state.Content.Length,
                Custom = state.Custom,
            },
            CancellationToken.None);
        if (state.Content.Length > HistoryMaker.SplitAbove && CannotVouch(bucket, put.Error) && write is not null)
        {
            write.Fate = WriteFate.Withdrawn; // it was to be split, and its chunks were never an object's
            return;
        }

        Answered(operation, bucket, write, put.Error);
        HistoryWorld.Refuse(!put.Ok || put.Value.Checksum == state.Checksum, "torn", $"{operation} is answered with another digest");
    }

    /// <summary>The same in one to three parts, the last one first; one part in four is sent with other bytes before.</summary>
    public async Task UploadAsync(Operation operation)
    {
        BucketModel bucket = world.Buckets[operation.Bucket];
        var content = new byte[operation.Number];
        new Random(operation.Id).NextBytes(content);
        ObjectState state = NewState(operation, content);
        ModelWrite? write = bucket.Names is null ? null : bucket.Of(operation.Name).Begin(state);
        ObjectName name = ObjectName.From(operation.Name);
        Result<string> begun = await Engine.BeginUploadAsync(Caller.Anonymous, NameOf(bucket), name, state.Custom, CancellationToken.None);
        Failure? refused = begun.Error;
        var upload = new UploadModel(bucket, operation.Name, begun.Ok ? begun.Value : "");
        _uploads.AddRange(begun.Ok ? [upload] : []);
        byte[][] parts = [.. content.Chunk(Math.Max(1, (content.Length / (1 + (operation.Id % 3))) + 1))];
        for (int part = parts.Length; part > 0 && refused is null; part--)
        {
            bool comesAgain = (operation.Id + part) % 4 == 0;
            refused = comesAgain ? await PutPartAsync(upload, part, [.. parts[part - 1].Select(static one => (byte)~one)]) : null;
            refused ??= await PutPartAsync(upload, part, parts[part - 1]);
        }

        if (refused is null)
        {
            _uploads.Remove(upload); // from here on it may be an object
            Result<ObjectAttributes> made = await Engine.CompleteUploadAsync(
                Caller.Anonymous, NameOf(bucket), name, begun.Value, [.. Enumerable.Range(1, parts.Length)], CancellationToken.None);
            if (!CannotVouch(bucket, made.Error))
            {
                Answered(operation, bucket, write, made.Error);
                bool isWhole = !made.Ok || Digest.Of(made.Value.Checksum.Type, content) == made.Value.Checksum;
                HistoryWorld.Refuse(isWhole, "torn", $"{operation} is answered with another digest");
                return;
            }
        }
        else
        {
            Answered(operation, bucket, write, refused);
        }

        if (write is not null)
        {
            write.Fate = WriteFate.Withdrawn; // nothing is seen of an upload before it is completed
        }
    }

    /// <summary>Where a flush has failed, nobody can say that chunks in a relaxed bucket are on the disk.</summary>
    private bool CannotVouch(BucketModel bucket, Failure? refused) =>
        refused is { Code: ErrorCode.StorageFailed } && !bucket.IsStrict && !world.IsStruck && (world.HasFlushFailed || world.HasSyncFailed);

    private async Task<Failure?> PutPartAsync(UploadModel upload, int number, byte[] content)
    {
        upload.Send(number);
        var request = new PutRequest
        {
            Bucket = NameOf(upload.Bucket), Name = ObjectName.From(upload.Name), Body = PipeReader.Create(new MemoryStream(content)), LengthBytes = content.Length,
        };
        Result<ObjectAttributes> stored = await Engine.PutPartAsync(Caller.Anonymous, request, upload.Id, number, CancellationToken.None);
        if (stored.Ok)
        {
            upload.Acknowledge(number, content, upload.Bucket.IsStrict || (upload.Bucket.Plan.Protection != Protection.Plain && !world.IsStruck));
        }

        return stored.Error;
    }

    /// <summary>After a start: the uploads that were in progress still are, with the parts that they had.</summary>
    public async Task CheckUploadsAsync()
    {
        _uploads.RemoveAll(static upload => !upload.IsThere);
        foreach (UploadModel upload in world.Machine.IsReduced || world.Machine.IsAway ? [] : _uploads)
        {
            Result<UploadProgress> found = await Engine.ReadUploadAsync(Caller.Anonymous, NameOf(upload.Bucket), ObjectName.From(upload.Name), upload.Id);
            string? problem = upload.Problem(found);
            HistoryWorld.Refuse(problem is null, "upload", $"{upload.Bucket.Plan.Name}/{upload.Name}: its upload {upload.Id}: {problem}");
        }
    }

    /// <summary>What is in progress is given up.</summary>
    public async Task AbortUploadsAsync()
    {
        _uploads.Clear();
        foreach (BucketModel bucket in world.Buckets.Where(bucket => bucket.Names is not null))
        {
            Result<IReadOnlyList<Manifest>> uploads = await Engine.ListUploadsAsync(Caller.Anonymous, NameOf(bucket));
            HistoryWorld.Refuse(uploads.Ok, "refused", $"{bucket.Plan.Name}: its uploads are not listed: {uploads.Error?.Message}");
            foreach (Manifest upload in uploads.Value)
            {
                Result aborted = await Engine.AbortUploadAsync(Caller.Anonymous, NameOf(bucket), upload.Name, ChunkName.TextOf(upload.UploadId));
                HistoryWorld.Refuse(aborted.Ok, "refused", $"{bucket.Plan.Name}/{upload.Name}: its upload is not aborted: {aborted.Error?.Message}");
            }
        }
    }

    public async Task DeleteAsync(Operation operation)
    {
        BucketModel bucket = world.Buckets[operation.Bucket];
        NameModel? name = bucket.Names is null ? null : bucket.Of(operation.Name);
        ModelWrite? write = name?.Begin(null);
        bool wasAway = world.Machine.IsAway;
        Result deleted = await Engine.DeleteObjectAsync(Caller.Anonymous, NameOf(bucket), ObjectName.From(operation.Name));
        if (write is null || deleted.Error is not { Code: ErrorCode.ObjectNotFound })
        {
            Answered(operation, bucket, write, deleted.Error);
            _kept.Remove((bucket.Plan.Name, operation.Name));
            return;
        }

        // Who finds nothing to delete is a reader; while a mountpath is away he has left a tombstone for what may be on it.
        write.Fate = wasAway || world.Machine.IsAway ? WriteFate.Unsure : WriteFate.Withdrawn;
        world.Judge(bucket, operation.Name, name!, Seen.Absent, wasAway);
    }

    /// <summary>Gives an object of which it is known for sure other metadata; alone in its step.</summary>
    public async Task PatchAsync(Operation operation)
    {
        BucketModel bucket = world.Buckets[operation.Bucket];
        if (bucket.Names is null || bucket.Of(operation.Name) is not { Visible.Count: 1, IsDoubtful: false } name
            || name.Visible.Single() is not { } old || world.IsHidden(bucket, name))
        {
            return;
        }

        ObjectState state = NewState(operation, old.Content);
        ModelWrite write = name.Begin(state);
        Result<ObjectAttributes> patched =
            await Engine.SetCustomAsync(Caller.Anonymous, NameOf(bucket), ObjectName.From(operation.Name), state.Custom, replaceAll: true);
        Answered(operation, bucket, write, patched.Error);
    }

    /// <summary>Reads the whole object, a range of it, or what is known of it.</summary>
    public async Task ReadAsync(Operation operation)
    {
        BucketModel bucket = world.Buckets[operation.Bucket];
        bool wasAway = world.Machine.IsAway;
        Seen seen = operation.Kind switch
        {
            OperationKind.Head => await HeadAsync(bucket, operation.Name),
            OperationKind.GetRange => await GetAsync(bucket, operation.Name, operation.Number),
            _ => await GetAsync(bucket, operation.Name),
        };
        if (bucket.Names is null)
        {
            HistoryWorld.Refuse(seen.IsRefused, "old", $"{operation} finds {seen}, and there is no bucket");
            return;
        }

        world.Judge(bucket, operation.Name, bucket.Of(operation.Name), seen, wasAway);
    }

    /// <summary>Lists the bucket page by page.</summary>
    public async Task ListAsync(BucketModel bucket, int pageSize)
    {
        var listed = new List<string>();
        bool wasAway = world.Machine.IsAway;
        byte[] after = [];
        do
        {
            Result<ListPage> page = await Engine.ListObjectsAsync(
                Caller.Anonymous, new ListRequest { Bucket = NameOf(bucket), PageSize = pageSize, After = after }, CancellationToken.None);
            if (!page.Ok)
            {
                HistoryWorld.Refuse(bucket.Names is null || world.IsStruck, "refused", $"{bucket.Plan.Name} is not listed: {page.Error!.Message}");
                return;
            }

            listed.AddRange(page.Value.Entries.Select(entry => System.Text.Encoding.UTF8.GetString(entry.Name.Span)));
            after = page.Value.ContinuationToken.ToArray();
        }
        while (after.Length > 0);
        HistoryWorld.Refuse(listed.SequenceEqual(listed.Distinct().Order(StringComparer.Ordinal)), "list", $"{bucket.Plan.Name} is listed as {string.Join(' ', listed)}");
        foreach ((string text, NameModel name) in bucket.Names!)
        {
            bool isListed = listed.Contains(text);
            bool mayBe = isListed ? name.Possible.Any(state => state is not null) : name.MayBe(null) || world.IsHidden(bucket, name, wasAway) || name.IsDoubtful;
            HistoryWorld.Refuse(mayBe || world.IsStruck, "list", $"{bucket.Plan.Name}/{text} is {(isListed ? "" : "not ")}listed");
        }

        HistoryWorld.Refuse(listed.TrueForAll(bucket.Names.ContainsKey), "list", $"{bucket.Plan.Name} lists a name that nobody has put: {string.Join(' ', listed)}");
    }

    /// <summary>Reads a name and compares it with the model.</summary>
    public async Task CheckAsync(BucketModel bucket, string name)
    {
        bool wasAway = world.Machine.IsAway;
        world.Judge(bucket, name, bucket.Of(name), await GetAsync(bucket, name), wasAway);
    }

    private void Answered(Operation operation, BucketModel bucket, ModelWrite? write, Failure? refused)
    {
        if (write is null)
        {
            HistoryWorld.Refuse(refused is { Code: ErrorCode.BucketNotFound }, "refused", $"{operation}, without a bucket: {refused?.Message ?? "done"}");
            return;
        }

        HistoryWorld.Refuse(refused is null || world.IsStruck || world.Machine.IsAway, "refused", $"{operation} in {bucket.Plan.Name}: {refused?.Message}");
        write.Fate = refused is null ? WriteFate.Acknowledged : WriteFate.Unsure;
    }

    private ObjectState NewState(Operation operation, byte[] content)
    {
        var id = new KeyValuePair<string, string>(IdKey, operation.Id.ToString(CultureInfo.InvariantCulture));
        var state = new ObjectState(content, operation.Id, operation.HasManyPairs ? [id, .. Session.ManyPairs('v')] : [id]);
        _stored[operation.Id] = state;
        return state;
    }

    private async Task<Seen> HeadAsync(BucketModel bucket, string name)
    {
        Result<ObjectAttributes> head = await Engine.HeadObjectAsync(Caller.Anonymous, NameOf(bucket), ObjectName.From(name));
        return head.Ok ? Recognised(head.Value) : NotRead(head.Error!);
    }

    private async Task<Seen> GetAsync(BucketModel bucket, string name, int? from = null)
    {
        Seen seen = await GetPastAsync(bucket, name, from);
        if (!world.Twin.KeepsOverwritten || seen.State is null)
        {
            return seen;
        }

        return _kept.TryGetValue((bucket.Plan.Name, name), out Seen kept) ? kept : _kept[(bucket.Plan.Name, name)] = seen;
    }

    private async Task<Seen> GetPastAsync(BucketModel bucket, string name, int? from)
    {
        Result<ObjectReader> open = await Engine.OpenObjectAsync(Caller.Anonymous, NameOf(bucket), ObjectName.From(name));
        if (!open.Ok)
        {
            return NotRead(open.Error!);
        }

        using ObjectReader reader = open.Value;
        Seen seen = Recognised(reader.Attributes);
        if (seen.State is null)
        {
            return seen;
        }

        if (reader.Stored.Metadata.Chunked is not null)
        {
            return await GetChunkedAsync(bucket, name, from);
        }

        long offset = Math.Min(from ?? 0, reader.SizeBytes);
        var content = new byte[Math.Min(from is null ? long.MaxValue : RangeBytes, reader.SizeBytes - offset)];
        Result verified = await reader.VerifyAsync(offset, content.Length);
        Result<int> read = verified.Ok ? await reader.ReadAsync(content, offset) : verified.Error!;
        return !read.Ok ? NotRead(read.Error!)
            : content.AsSpan().SequenceEqual(seen.State.Content.AsSpan((int)offset, content.Length)) ? seen
            : Seen.Refused("torn", $"#{seen.State.Version} with other bytes");
    }

    private async Task<Seen> GetChunkedAsync(BucketModel bucket, string name, int? from)
    {
        Result<ChunkedReader> open = await Engine.OpenChunkedAsync(Caller.Anonymous, NameOf(bucket), ObjectName.From(name));
        if (open.Error is { Code: ErrorCode.Busy })
        {
            return await GetPastAsync(bucket, name, from); // it has been replaced since
        }

        if (!open.Ok)
        {
            return NotRead(open.Error!);
        }

        using ChunkedReader reader = open.Value;
        Seen seen = Recognised(reader.Stored.Attributes());
        long offset = Math.Min(from ?? 0, reader.SizeBytes);
        var content = new byte[Math.Min(from is null ? long.MaxValue : RangeBytes, reader.SizeBytes - offset)];
        for (int done = 0; done < content.Length;)
        {
            (int index, long at) = reader.PlaceOf(offset + done);
            Result<ObjectReader> opened = await reader.OpenChunkAsync(index);
            if (!opened.Ok)
            {
                return NotRead(opened.Error!);
            }

            using ObjectReader chunk = opened.Value;
            int take = (int)Math.Min(chunk.SizeBytes - at, content.Length - done);
            Result verified = await chunk.VerifyAsync(at, take);
            Result<int> read = verified.Ok ? await chunk.ReadAsync(content.AsMemory(done, take), at) : verified.Error!;
            if (!read.Ok)
            {
                return NotRead(read.Error!);
            }

            done += take;
        }

        return seen.State is null || content.AsSpan().SequenceEqual(seen.State.Content.AsSpan((int)offset, content.Length)) ? seen
            : Seen.Refused("torn", $"#{seen.State.Version} with other bytes, in parts");
    }

    private Seen Recognised(ObjectAttributes attributes)
    {
        string? id = attributes.Custom.FirstOrDefault(pair => pair.Key == IdKey).Value;
        ObjectState? state = id is null ? null : _stored.GetValueOrDefault(int.Parse(id, CultureInfo.InvariantCulture));
        return state is not null && state.Content.Length == attributes.SizeBytes && Digest.Of(attributes.Checksum.Type, state.Content) == attributes.Checksum && state.Custom.SequenceEqual(attributes.Custom)
            ? Seen.Of(state)
            : Seen.Refused("torn", $"{attributes.SizeBytes} bytes and {attributes.Custom.Count} pairs that nobody has put together");
    }

    private static Seen NotRead(Failure refused) => refused.Code == ErrorCode.ObjectNotFound
        ? Seen.Absent
        : Seen.Refused(refused.Code == ErrorCode.Damaged ? "torn" : "refused", refused.Message);
}

using System.Collections.Concurrent;
using System.Net;

namespace Sluice.EndToEnd.Tests.Support;

/// <summary>
/// Readers and writers of a set of objects that know at every moment what may be there. Readers compare each byte of each answer and note whatever is not
/// as it must be; one writer overwrites and deletes some of the objects without end.
/// </summary>
public sealed class KnownObjects : IAsyncDisposable
{
    private const int Readers = 3;
    private const int Rewritten = 10; // of each bucket, by the writer without end; small, so that it writes often
    private const int RewrittenBytesMax = 256 << 10;

    private readonly Store _store;
    private readonly KnownObject[] _rewritten;
    private readonly KnownObject[] _all;
    private readonly ConcurrentQueue<string> _problems = new();
    private readonly CancellationTokenSource _ending = new();
    private readonly SemaphoreSlim _rewriting = new(1, 1);
    private Task[] _running = [];
    private long _reads;
    private long _unclear;
    private long _refused;

    /// <summary>Names so many objects of each bucket; none is stored yet.</summary>
    public KnownObjects(Store store, string[] buckets, int each, int sizeBytesMax)
    {
        _store = store;
        Kept = [.. buckets.SelectMany((bucket, b) => Enumerable.Range(0, each).Select(i => new KnownObject(bucket, $"kept{i:d3}", (b * 10_000) + i, sizeBytesMax)))];
        _rewritten = [.. buckets.SelectMany((bucket, b) =>
            Enumerable.Range(0, Rewritten).Select(i => new KnownObject(bucket, $"often{i:d3}", (b * 10_000) + 5000 + i, RewrittenBytesMax)))];
        _all = [.. Kept, .. _rewritten];
    }

    /// <summary>Those that only <see cref="PutAsync"/> and <see cref="DeleteAsync"/> change.</summary>
    public KnownObject[] Kept { get; }

    /// <summary>GETs that ended.</summary>
    public long Reads => Interlocked.Read(ref _reads);

    /// <summary>What happened, for a message.</summary>
    public string Told => $"{Reads} reads, {Interlocked.Read(ref _unclear)} writes without a clear answer, {Interlocked.Read(ref _refused)} refused for want of room";

    /// <summary>Fails when a reader met what must not be.</summary>
    public void AreAsTheyMustBe() => Assert.True(_problems.IsEmpty, string.Join('\n', _problems.Take(20).Prepend($"{_problems.Count} problems, {Told}:")));

    /// <summary>Starts the readers and the writer.</summary>
    public void Start() => _running = [.. Enumerable.Range(0, Readers).Select(ReadOnAsync), RewriteOnAsync()];

    /// <summary>Ends them and looks at each object once more.</summary>
    public async Task EndAsync()
    {
        await _ending.CancelAsync();
        await Task.WhenAll(_running);
        await CheckAllAsync(_store);
    }

    /// <summary>Reads every object once.</summary>
    public async Task CheckAllAsync(Store store)
    {
        await Parallel.ForEachAsync(_all, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (one, _) => await CheckAsync(store, one));
        AreAsTheyMustBe();
    }

    /// <summary>What is there of a bucket by the writers' word: names and sizes. Only between writes.</summary>
    public IEnumerable<(string Name, long SizeBytes)> Present(string bucket) =>
        _all.Where(one => one.Bucket == bucket).Select(one => (one.Name, one.Present)).Where(one => one.Present is not null).Select(one => (one.Name, one.Present!.SizeBytes));

    /// <summary>Does something while nothing is written. What ended without a clear answer is settled before, by a delete, which needs no room.</summary>
    public async Task QuietAsync(Func<Task> something)
    {
        await _rewriting.WaitAsync();
        try
        {
            foreach (KnownObject one in _all.Where(one => !one.IsSettled))
            {
                await Eventually.HoldsAsync(async () => await DeleteAsync(one) is HttpStatusCode.OK or HttpStatusCode.NotFound ? null : $"{one.Name} cannot be deleted");
            }

            await something();
        }
        finally
        {
            _rewriting.Release();
        }
    }

    /// <summary>Stores the next generation; answers how that went, 0 when no answer came.</summary>
    public Task<HttpStatusCode> PutAsync(KnownObject one) => WriteAsync(one, HttpMethod.Put);

    /// <summary>Deletes an object; a name that is not there already is deleted, too.</summary>
    public Task<HttpStatusCode> DeleteAsync(KnownObject one) => WriteAsync(one, HttpMethod.Delete);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await Task.WhenAll(_running);
        _ending.Dispose();
        _rewriting.Dispose();
        Array.ForEach(_all, one => one.Dispose());
    }

    private async Task<HttpStatusCode> WriteAsync(KnownObject one, HttpMethod method)
    {
        await one.Writer.WaitAsync();
        try
        {
            bool isPut = method == HttpMethod.Put;
            Content? content = isPut ? one.BeginPut() : null;
            if (!isPut)
            {
                one.BeginDelete();
            }

            HttpStatusCode status = await StatusAsync(one, method, content);
            switch (status)
            {
                case HttpStatusCode.OK:
                case HttpStatusCode.NotFound when !isPut:
                    one.Acknowledge();
                    break;
                case HttpStatusCode.InsufficientStorage:
                    Interlocked.Increment(ref _refused); // a drive that runs full between the first head and the last leaves the old or the new one (docs/DURABILITY.md)
                    break;
                default:
                    Interlocked.Increment(ref _unclear);
                    break;
            }

            return status;
        }
        finally
        {
            one.Writer.Release();
        }
    }

    private async Task<HttpStatusCode> StatusAsync(KnownObject one, HttpMethod method, Content? content)
    {
        try
        {
            ByteArrayContent? body = content is null ? null : new ByteArrayContent(content.Bytes(0, (int)content.SizeBytes));
            using HttpResponseMessage answer = await _store.SendAsync(method, Store.Target(one.Bucket, one.Name), body);
            return answer.StatusCode;
        }
        catch (HttpRequestException)
        {
            return 0; // the connection broke: it may have been done or not
        }
    }

    private async Task ReadOnAsync(int seed)
    {
        var random = new Random(seed);
        while (!_ending.IsCancellationRequested)
        {
            await CheckAsync(_store, _all[random.Next(_all.Length)]);
        }
    }

    private async Task RewriteOnAsync()
    {
        var random = new Random(99);
        while (!_ending.IsCancellationRequested)
        {
            await _rewriting.WaitAsync();
            try
            {
                KnownObject one = _rewritten[random.Next(_rewritten.Length)];
                await WriteAsync(one, random.Next(4) == 0 ? HttpMethod.Delete : HttpMethod.Put);
            }
            finally
            {
                _rewriting.Release();
            }
        }
    }

    private async Task CheckAsync(Store store, KnownObject one)
    {
        int acknowledged = one.Acknowledged;
        string? problem;
        try
        {
            using HttpResponseMessage answer = await store.SendAsync(HttpMethod.Get, Store.Target(one.Bucket, one.Name));
            byte[] body = await answer.Content.ReadAsByteArrayAsync();
            problem = Problem(answer.StatusCode, body, one.Since(acknowledged));
        }
        catch (Exception failure) when (failure is HttpRequestException or TaskCanceledException)
        {
            problem = $"no whole answer: {failure.Message}";
        }

        if (problem is not null)
        {
            _problems.Enqueue($"{DateTime.UtcNow:HH:mm:ss.fff} GET {one.Bucket}/{one.Name}: {problem}");
        }

        Interlocked.Increment(ref _reads);
    }

    private static string? Problem(HttpStatusCode status, byte[] body, Content?[] allowed) => status switch
    {
        HttpStatusCode.OK => allowed.Any(content => content is not null && content.SizeBytes == body.Length && content.FirstDifference(0, body) is null) ? null
            : $"{body.Length} bytes that are none of {string.Join(" or ", allowed.Select(content => content is null ? "none" : $"{content.SizeBytes} bytes"))}",
        HttpStatusCode.NotFound => allowed.Contains(null) ? null : "not found",
        HttpStatusCode.InternalServerError when allowed.Contains(null) && body.AsSpan().IndexOf("a disk failed"u8) >= 0 => null, // that there is none cannot be told until the drive is out
        _ => $"{(int)status} {System.Text.Encoding.UTF8.GetString(body)}",
    };
}

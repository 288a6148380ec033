using System.Collections.Concurrent;
using System.Net;

namespace Sluice.EndToEnd.Tests.ApiModel;

/// <summary>
/// Servers that are known to be wrong: the real one behind a layer that spoils some of its answers, or some of what it is told. Every verb that goes past
/// a layer is counted, so that it spoils the same ones in every run.
/// </summary>
public abstract class KnownBadServer() : DelegatingHandler(new SocketsHttpHandler())
{
    private readonly ConcurrentDictionary<HttpMethod, int> _counts = [];

    /// <summary>All of them by name.</summary>
    public static IReadOnlyDictionary<string, Func<KnownBadServer>> All { get; } = new Dictionary<string, Func<KnownBadServer>>
    {
        ["a GET may answer what the one before it did"] = () => new StaleReads(),
        ["a PUT may be acknowledged and forgotten"] = () => new LostUpdates(),
        ["a PUT may be acknowledged before it is stored"] = () => new EarlyAnswers(),
        ["what was deleted may come back"] = () => new Resurrections(),
        ["a byte may be another's"] = () => new ThinAir(),
        ["a listing may miss a name"] = () => new ShortListings(),
    };

    /// <summary>True for every <paramref name="nth"/> request of a method.</summary>
    protected bool IsTurn(HttpMethod method, int nth) => _counts.AddOrUpdate(method, 1, (_, count) => count + 1) % nth == 0;

    /// <summary>The server's own answer, its content with it.</summary>
    protected async Task<HttpResponseMessage> AskAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        HttpResponseMessage answer = await base.SendAsync(request, cancellation);
        await answer.Content.LoadIntoBufferAsync(cancellation);
        return answer;
    }

    /// <summary>True for a request for an object; the others are listings.</summary>
    protected static bool IsObject(HttpRequestMessage request) => request.RequestUri!.AbsolutePath.StartsWith("/v1/objects/", StringComparison.Ordinal);

    /// <summary>Puts other bytes into an answer, under the same headers.</summary>
    protected static async Task ChangeBodyAsync(HttpResponseMessage answer, Func<byte[], byte[]> change)
    {
        HttpContent old = answer.Content;
        answer.Content = new ByteArrayContent(change(await old.ReadAsByteArrayAsync()));
        foreach ((string name, IEnumerable<string> values) in old.Headers.Where(header => header.Key != "Content-Length"))
        {
            answer.Content.Headers.TryAddWithoutValidation(name, values);
        }
    }

    private sealed class StaleReads : KnownBadServer
    {
        private readonly ConcurrentDictionary<Uri, HttpResponseMessage> _before = [];

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.Method != HttpMethod.Get || !IsObject(request) || request.Headers.Range is not null)
            {
                return await AskAsync(request, cancellationToken);
            }

            HttpResponseMessage now = await AskAsync(request, cancellationToken);
            bool hasBefore = _before.TryRemove(request.RequestUri!, out HttpResponseMessage? before); // it is this call's alone
            _before[request.RequestUri!] = await CopyAsync(now);
            return hasBefore && IsTurn(HttpMethod.Get, 2) ? before! : now;
        }

        private static async Task<HttpResponseMessage> CopyAsync(HttpResponseMessage answer)
        {
            var copy = new HttpResponseMessage(answer.StatusCode) { Content = new ByteArrayContent(await answer.Content.ReadAsByteArrayAsync()) };
            foreach ((string name, IEnumerable<string> values) in answer.Headers)
            {
                copy.Headers.TryAddWithoutValidation(name, values);
            }

            return copy;
        }
    }

    private sealed class LostUpdates : KnownBadServer
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            request.Method == HttpMethod.Put && IsTurn(HttpMethod.Put, 4)
                ? new HttpResponseMessage(HttpStatusCode.OK)
                : await AskAsync(request, cancellationToken);
    }

    /// <summary>A PUT waits for the next request to be answered; its own answer does not.</summary>
    private sealed class EarlyAnswers : KnownBadServer
    {
        private readonly ConcurrentQueue<HttpRequestMessage> _waiting = [];

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.Method == HttpMethod.Put && IsTurn(HttpMethod.Put, 3))
            {
                _waiting.Enqueue(request);
                return new HttpResponseMessage(HttpStatusCode.OK);
            }

            HttpResponseMessage answer = await AskAsync(request, cancellationToken);
            if (_waiting.TryDequeue(out HttpRequestMessage? late))
            {
                try
                {
                    using HttpResponseMessage nobodys = await AskAsync(late, cancellationToken);
                }
                catch (HttpRequestException)
                {
                    // A body that is cut short, as the plan has it; its client was told that it was stored.
                }
            }

            return answer;
        }
    }

    private sealed class Resurrections : KnownBadServer
    {
        private readonly ConcurrentDictionary<Uri, byte[]> _removed = [];

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.Method == HttpMethod.Delete && IsTurn(HttpMethod.Delete, 2))
            {
                using HttpResponseMessage old = await AskAsync(new HttpRequestMessage(HttpMethod.Get, request.RequestUri), cancellationToken);
                if (old.IsSuccessStatusCode)
                {
                    _removed[request.RequestUri!] = await old.Content.ReadAsByteArrayAsync(cancellationToken);
                }
            }
            else if (request.Method != HttpMethod.Put && _removed.TryRemove(request.RequestUri!, out byte[]? bytes))
            {
                using HttpResponseMessage back = await AskAsync(
                    new HttpRequestMessage(HttpMethod.Put, request.RequestUri) { Content = new ByteArrayContent(bytes) }, cancellationToken);
            }

            return await AskAsync(request, cancellationToken);
        }
    }

    private sealed class ThinAir : KnownBadServer
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            HttpResponseMessage answer = await AskAsync(request, cancellationToken);
            if (request.Method == HttpMethod.Get && IsObject(request) && answer.IsSuccessStatusCode && IsTurn(HttpMethod.Get, 3))
            {
                await ChangeBodyAsync(answer, bytes => bytes is [.. var head, var last] ? [.. head, (byte)(last ^ 1)] : bytes);
            }

            return answer;
        }
    }

    private sealed class ShortListings : KnownBadServer
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            HttpResponseMessage answer = await AskAsync(request, cancellationToken);
            if (!IsObject(request) && IsTurn(HttpMethod.Get, 2))
            {
                await ChangeBodyAsync(answer, _ => """{"uuid":"","continuation_token":"","entries":[],"flags":0}"""u8.ToArray());
            }

            return answer;
        }
    }
}

using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Sluice.Contract;

/// <summary>
/// Typed client of the native HTTP API (contract: native API §1–5). Thin: a method is a request. Every failure is a
/// <see cref="SluiceException"/>, except a cancelled token. Safe for concurrent use. Request targets go out as they were built: names
/// are encoded once and never normalised.
/// </summary>
public sealed partial class SluiceClient : IDisposable
{
    /// <summary>Longest error text read: far above any sentence, far below a page that some gateway might send.</summary>
    private const int ErrorBytesMax = 64 * 1024;

    private static readonly UriCreationOptions s_rawTarget = new() { DangerousDisablePathAndQueryCanonicalization = true };
    private static readonly TimeSpan s_connectTimeout = TimeSpan.FromSeconds(10);

    private readonly HttpClient _http;
    private readonly string _origin;
    private readonly bool _isTls;

    /// <summary>A client of one endpoint, such as <c>http://127.0.0.1:8080</c>; <paramref name="tls"/> is for https alone.</summary>
    /// <exception cref="ArgumentException">
    /// The endpoint is not an http or https URL of just a host and a port, or a file of <paramref name="tls"/> cannot be used.
    /// </exception>
    public SluiceClient(string endpoint, ClientTls? tls = null)
    {
        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("http" or "https")
            || uri.PathAndQuery != "/" || uri.Fragment.Length > 0 || uri.UserInfo.Length > 0 || uri.Host.Length == 0)
        {
            throw new ArgumentException($"the endpoint \"{endpoint}\" is not of the form http://HOST:PORT", nameof(endpoint));
        }

        Endpoint = endpoint;
        _origin = uri.GetLeftPart(UriPartial.Authority);
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = s_connectTimeout,
            // Custom metadata and error sentences hold names: UTF-8, where HTTP's own default would be Latin-1.
            RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8,
            ResponseHeaderEncodingSelector = (_, _) => Encoding.UTF8,
            UseCookies = false,
        };
        _isTls = uri.Scheme == "https";
        if (_isTls && tls is not null)
        {
            handler.SslOptions = tls.ToOptions();
        }

        // Transfers take as long as they take; the caller's token ends them.
        _http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>The endpoint as it was given.</summary>
    public string Endpoint { get; }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static string BucketTarget(BucketAddress bucket) =>
        $"/{Routes.Version}/{Routes.Buckets}/{PercentEncoding.Escape(bucket.Name, keepSlash: false)}?{bucket.Query}";

    private static string ObjectTarget(ObjectAddress address, string moreQuery = "")
    {
        if (address.Name.Length == 0)
        {
            throw new ArgumentException("an object call needs an object name", nameof(address));
        }

        string bucket = PercentEncoding.Escape(address.Bucket.Name, keepSlash: false);
        string name = PercentEncoding.Escape(address.Name, keepSlash: true);
        return $"/{Routes.Version}/{Routes.Objects}/{bucket}/{name}?{address.Bucket.Query}{moreQuery}";
    }

    private HttpRequestMessage Request(HttpMethod method, string target) =>
        new(method, new Uri(_origin + target, s_rawTarget)) { Version = HttpVersion.Version11 };

    private HttpRequestMessage Request(HttpMethod method, string target, byte[] json)
    {
        HttpRequestMessage request = Request(method, target);
        request.Content = new ByteArrayContent(json);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return request;
    }

    /// <summary>Sends a request whose answer's body does not matter.</summary>
    private async Task RunAsync(HttpRequestMessage owned, CancellationToken token)
    {
        using HttpResponseMessage response = await SendAsync(owned, token);
    }

    /// <summary>Sends a request and disposes it; an answer that is not a success is thrown.</summary>
    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage owned, CancellationToken token)
    {
        using HttpRequestMessage request = owned;
        HttpResponseMessage response;
        try
        {
            response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, token);
        }
        catch (HttpRequestException failure)
        {
            throw NoAnswer(failure);
        }
        catch (OperationCanceledException failure) when (!token.IsCancellationRequested)
        {
            // The connect timeout surfaces as a cancellation that nobody asked for.
            throw new SluiceException($"cannot reach {Endpoint}: no connection within {s_connectTimeout.TotalSeconds} seconds", failure, isUnreachable: true);
        }

        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            throw await RefusalAsync(response, token);
        }
    }

    private SluiceException NoAnswer(HttpRequestException failure)
    {
        string reason = Innermost(failure).Message.TrimEnd('.');
        return failure.HttpRequestError switch
        {
            HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError
                or HttpRequestError.ProxyTunnelError => new SluiceException($"cannot reach {Endpoint}: {reason}", failure, isUnreachable: true),
            _ => new SluiceException($"the exchange with {Endpoint} broke off: {reason}", failure),
        };
    }

    private SluiceException BrokenAnswer(Exception failure) =>
        new($"the answer of {Endpoint} cannot be read: {Innermost(failure).Message.TrimEnd('.')}", failure);

    private static Exception Innermost(Exception failure) => failure.InnerException is { } inner ? Innermost(inner) : failure;

    private async Task<SluiceException> RefusalAsync(HttpResponseMessage response, CancellationToken token)
    {
        int status = (int)response.StatusCode;
        WireError? error = response.Headers.TryGetValues(HeaderNames.Error, out IEnumerable<string>? header)
            ? ParseError(Encoding.UTF8.GetBytes(header.First()))
            : ParseError(await ErrorBodyAsync(response, token));
        if (error is { Message.Length: > 0 })
        {
            return new SluiceException(status, error.Code ?? "", error.Message);
        }

        string code = error?.Code ?? "";
        return new SluiceException(status, code, $"{Endpoint} answered {status} {response.ReasonPhrase}".TrimEnd());
    }

    private static async Task<byte[]> ErrorBodyAsync(HttpResponseMessage response, CancellationToken token)
    {
        try
        {
            using Stream body = await response.Content.ReadAsStreamAsync(token);
            byte[] bytes = new byte[ErrorBytesMax];
            int count = await body.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, token);
            return bytes[..count];
        }
        catch (Exception failure) when (failure is IOException or HttpRequestException)
        {
            // The status line has arrived and says enough; the sentence that went missing only would have said why.
            return [];
        }
    }

    private static WireError? ParseError(byte[] json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, SluiceClientJson.Default.WireError);
        }
        catch (JsonException)
        {
            // Not our error: a gateway's page, or nothing. The status stands in for it.
            return null;
        }
    }
}

using System.Net;
using System.Text;

namespace Sluice.EndToEnd.Tests.Support;

/// <summary>Plain HTTP to a server, with targets exactly as written: no path is normalised on the way.</summary>
public sealed class Store(Uri endpoint) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { MaxConnectionsPerServer = 16, AllowAutoRedirect = false }) { Timeout = TimeSpan.FromMinutes(2) };

    /// <summary>One request.</summary>
    public Task<HttpResponseMessage> SendAsync(HttpMethod method, string target, HttpContent? body = null, params (string Name, string Value)[] headers)
    {
        var uri = new Uri(endpoint.GetLeftPart(UriPartial.Authority) + target, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        var request = new HttpRequestMessage(method, uri) { Content = body };
        foreach ((string name, string value) in headers)
        {
            Assert.True(request.Headers.TryAddWithoutValidation(name, value) || request.Content!.Headers.TryAddWithoutValidation(name, value));
        }

        return _http.SendAsync(request);
    }

    /// <summary>A control message; asserts the status.</summary>
    public async Task<string> ControlAsync(HttpMethod method, string target, string json, int status = 200, params (string Name, string Value)[] headers)
    {
        using HttpResponseMessage answer = await SendAsync(method, target, new StringContent(json, Encoding.UTF8, "application/json"), headers);
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True((int)answer.StatusCode == status, $"{method} {target} {json}: {(int)answer.StatusCode} {text}");
        return text;
    }

    /// <summary>Makes a bucket.</summary>
    public Task CreateAsync(string bucket, string properties = "null") =>
        ControlAsync(HttpMethod.Post, $"/v1/buckets/{bucket}", $$"""{"action":"create-bck","value":{{properties}}}""");

    /// <summary>Stores bytes; asserts 200.</summary>
    public async Task PutAsync(string bucket, string name, byte[] bytes, params (string Name, string Value)[] headers)
    {
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Put, Target(bucket, name), new ByteArrayContent(bytes), headers);
        Assert.True(answer.IsSuccessStatusCode, $"PUT {name}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
    }

    /// <summary>The bytes of an object; null when there is none.</summary>
    public async Task<byte[]?> GetAsync(string bucket, string name)
    {
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Get, Target(bucket, name));
        if (answer.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }

        Assert.True(answer.IsSuccessStatusCode, $"GET {name}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
        return await answer.Content.ReadAsByteArrayAsync();
    }

    /// <summary>Target of an object, its name escaped byte for byte, slashes kept.</summary>
    public static string Target(string bucket, string name) => $"/v1/objects/{bucket}/{Uri.EscapeDataString(name).Replace("%2F", "/", StringComparison.Ordinal)}";

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();
}

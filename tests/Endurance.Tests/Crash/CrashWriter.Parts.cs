using System.Globalization;
using System.Net;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.Endurance.Tests.Crash;

/// <summary>What comes in parts.</summary>
public sealed partial class CrashWriter
{
    private readonly List<(string Name, string Upload)> _begun = []; // that were not completed, as far as it knows

    /// <summary>Stores an object in one to three parts, the last one first; answers why the server refused.</summary>
    private async Task<string?> UploadAsync(string name, byte[] content)
    {
        (string? problem, string upload) = await PostAsync(name, "", """{"action":"mpt-upload"}""");
        if (problem is not null)
        {
            return problem;
        }

        _begun.Add((name, upload));
        byte[][] parts = [.. content.Chunk((content.Length / _random.Next(1, 4)) + 1)];
        for (int part = parts.Length; part > 0; part--)
        {
            using var body = new ByteArrayContent(parts[part - 1]);
            string query = string.Create(CultureInfo.InvariantCulture, $"?uploadId={upload}&partNumber={part}");
            using HttpResponseMessage answer = await _store.SendAsync(HttpMethod.Put, Store.Target(load.Bucket, name) + query, body);
            if (!answer.IsSuccessStatusCode)
            {
                return $"part {part} of {Address(name)}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}";
            }
        }

        string listed = string.Join(',', Enumerable.Range(1, parts.Length).Select(part => string.Create(CultureInfo.InvariantCulture, $$"""{"part-number":{{part}},"etag":""}""")));
        (problem, _) = await PostAsync(name, $"?uploadId={upload}", $$"""{"action":"mpt-complete","value":[{{listed}}]}""");
        if (problem is null)
        {
            _begun.Remove((name, upload));
        }

        return problem;
    }

    /// <summary>Has the bucket's objects split in pieces of some size, or put together. The job ends by itself, with the next one, or behind the next start.</summary>
    private async Task<string?> RechunkAsync()
    {
        int limit = _random.Next(2) * 16_000;
        ledger.Write(_round, "rechunk", load.Bucket, limit);
        using var body = new StringContent(string.Create(
            CultureInfo.InvariantCulture, $$$"""{"action":"rechunk","value":{"objsize-limit":{{{limit}}},"chunk-size":{{{_random.Next(8, 64) << 10}}}}}"""));
        using HttpResponseMessage answer = await _store.SendAsync(HttpMethod.Post, $"/v1/buckets/{load.Bucket}", body);
        return answer.IsSuccessStatusCode ? null : $"rechunk {load.Bucket}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}";
    }

    private async Task<(string? Problem, string Answer)> PostAsync(string name, string query, string message)
    {
        using var body = new StringContent(message);
        using HttpResponseMessage answer = await _store.SendAsync(HttpMethod.Post, Store.Target(load.Bucket, name) + query, body);
        string text = await answer.Content.ReadAsStringAsync();
        return (answer.IsSuccessStatusCode ? null : $"{message}, {Address(name)}: {(int)answer.StatusCode} {text}", text);
    }

    /// <summary>Gives up the uploads that earlier rounds began; one that was completed without a word does not exist.</summary>
    private async Task AbortAsync()
    {
        foreach ((string name, string upload) in _begun.ToArray())
        {
            using HttpResponseMessage answer = await _store.SendAsync(HttpMethod.Delete, $"{Store.Target(load.Bucket, name)}?uploadId={upload}", new StringContent("""{"action":"mpt-abort"}"""));
            if (answer.IsSuccessStatusCode || answer.StatusCode == HttpStatusCode.NotFound)
            {
                _begun.Remove((name, upload));
            }
        }
    }
}

using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Sluice.EndToEnd.Tests.Support;

/// <summary>Uploads in parts, by the requests that AIStore's Python client sends, over any connection.</summary>
public sealed class UploadClient(HttpClient http, string bucket = "b")
{
    /// <summary>Begins an upload and answers its id.</summary>
    public async Task<string> BeginAsync(string name)
    {
        string id = await SentAsync(HttpMethod.Post, name, "", Action("mpt-upload"), 200);
        Assert.Matches("^[0-9a-z]{9,}$", id);
        return id;
    }

    /// <summary>Sends a part; answers the text of a refusal.</summary>
    public Task<string> PartAsync(string name, string upload, int number, byte[] bytes, int status = 200) => SentAsync(
        HttpMethod.Put, name, $"&uploadId={upload}&partNumber={number.ToString(CultureInfo.InvariantCulture)}", new ByteArrayContent(bytes), status);

    /// <summary>Sends a part with its MD5, which the server compares.</summary>
    public async Task PartWithMd5Async(string name, string upload, int number, byte[] bytes)
    {
        using var body = new ByteArrayContent(bytes);
        body.Headers.Add("Ais-Checksum-Type", "md5");
        body.Headers.Add("Ais-Checksum-Value", Md5(bytes));
        await SentAsync(HttpMethod.Put, name, $"&uploadId={upload}&partNumber={number.ToString(CultureInfo.InvariantCulture)}", body, 200);
    }

    /// <summary>MD5 in lower-case hexadecimal digits.</summary>
    public static string Md5(byte[] bytes)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
        digest.AppendData(bytes);
        return Convert.ToHexStringLower(digest.GetHashAndReset());
    }

    /// <summary>Sends a part whose length is not told before.</summary>
    public Task<string> PartOfUnknownLengthAsync(string name, string upload, int number, byte[] bytes, int status = 200) => SentAsync(
        HttpMethod.Put, name, $"&uploadId={upload}&partNumber={number.ToString(CultureInfo.InvariantCulture)}", new UnknownLength(bytes), status);

    /// <summary>Completes an upload of the parts that are listed; answers the text of a refusal.</summary>
    public Task<string> CompleteAsync(string name, string upload, int[] numbers, int status = 200) => SentAsync(
        HttpMethod.Post, name, $"&uploadId={upload}",
        Action("mpt-complete", JsonSerializer.Serialize(numbers.Select(number => new Dictionary<string, object> { ["part-number"] = number, ["etag"] = "" }))), status);

    /// <summary>Aborts an upload; answers the text of a refusal.</summary>
    public Task<string> AbortAsync(string name, string upload, int status = 200) => SentAsync(HttpMethod.Delete, name, $"&uploadId={upload}", Action("mpt-abort"), status);

    /// <summary>Makes an object of parts, sent from the last to the first; answers the upload's id.</summary>
    public async Task<string> UploadAsync(string name, params byte[][] parts)
    {
        string upload = await BeginAsync(name);
        for (int number = parts.Length; number > 0; number--)
        {
            await PartAsync(name, upload, number, parts[number - 1]);
        }

        await CompleteAsync(name, upload, [.. Enumerable.Range(1, parts.Length)]);
        return upload;
    }

    /// <summary>Makes an object of a content that is cut into parts.</summary>
    public Task<string> UploadAsync(string name, Content content, params int[] sizes) => UploadAsync(name, Cut(content, sizes));

    /// <summary>A content in parts of some sizes, which are its own when they are put together.</summary>
    public static byte[][] Cut(Content content, params int[] sizes)
    {
        Assert.Equal(content.SizeBytes, sizes.Sum(size => (long)size));
        return [.. sizes.Select((size, i) => content.Bytes(sizes.Take(i).Sum(), size))];
    }

    /// <summary>Files of uploads on mountpaths; of all, or of one.</summary>
    public static string[] FilesOf(IEnumerable<string> mountpaths, string bucket, string upload = "")
    {
        while (true)
        {
            try
            {
                return [.. mountpaths.Select(path => Path.Combine(path, $"@ais/{bucket}/%ob/%c", upload)).Where(Directory.Exists)
                    .SelectMany(path => Directory.GetFiles(path, "*", SearchOption.AllDirectories))];
            }
            catch (DirectoryNotFoundException)
            {
                // The server removed one between the look for it and the look into it: another listing meets it gone.
            }
        }
    }

    private async Task<string> SentAsync(HttpMethod method, string name, string query, HttpContent body, int status)
    {
        string marked = method == HttpMethod.Put && http.BaseAddress!.Scheme == Uri.UriSchemeHttps ? "&pid=p1" : ""; // as it comes when a redirect was followed
        var target = new Uri($"/v1/objects/{bucket}/{name}?provider=ais{query}{marked}", UriKind.Relative);
        body.Headers.ContentType = new MediaTypeHeaderValue("application/json"); // also of a part: the client says so of whatever it sends
        using var request = new HttpRequestMessage(method, target) { Content = body, Version = http.DefaultRequestVersion, VersionPolicy = http.DefaultVersionPolicy };
        using HttpResponseMessage answer = await http.SendAsync(request);
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True((int)answer.StatusCode == status, $"{method} {target}: {(int)answer.StatusCode} instead of {status}: {text}");
        return text;
    }

    private static StringContent Action(string action, string value = "null") => new($$"""{"action": "{{action}}", "name": "", "value": {{value}}}""", Encoding.UTF8);
}

// Object calls (contract: objects §1–5, §7).
using System.Net.Http.Headers;

namespace Sluice.Contract;

public sealed partial class SluiceClient
{
    /// <summary>Above this size, or when it is unknown, the server is asked first whether it will take the body at all.</summary>
    private const long ExpectContinueBytesMin = 1 << 20;

    /// <summary>
    /// Stores an object. <paramref name="content"/> stays the caller's; <paramref name="lengthBytes"/> is what it will give, null when
    /// unknown. <paramref name="headers"/> are added as they are: digest, custom metadata.
    /// </summary>
    public Task<ObjectAttributesView> PutObjectAsync(
        ObjectAddress address,
        Stream content,
        long? lengthBytes,
        IEnumerable<KeyValuePair<string, string>> headers,
        CancellationToken token) =>
        PutAsync(address, "", content, lengthBytes, headers, token);

    private async Task<ObjectAttributesView> PutAsync(
        ObjectAddress address,
        string query,
        Stream content,
        long? lengthBytes,
        IEnumerable<KeyValuePair<string, string>> headers,
        CancellationToken token)
    {
        // Over https a server redirects a body that has not been redirected yet; this client needs no second request to be understood.
        HttpRequestMessage request = Request(HttpMethod.Put, ObjectTarget(address, _isTls ? $"{query}&{RedirectMarkers.Direct}=true" : query));
        request.Content = new StreamContent(new BorrowedStream(content), bufferSize: 128 * 1024);
        request.Content.Headers.ContentLength = lengthBytes;
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        request.Headers.TransferEncodingChunked = lengthBytes is null;
        request.Headers.ExpectContinue = lengthBytes is null or >= ExpectContinueBytesMin;
        foreach ((string name, string value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using HttpResponseMessage response = await SendAsync(request, token);
        return Attributes(response, lengthBytes ?? -1);
    }

    /// <summary>Starts to read an object, or one range of it. The answer is the caller's to dispose.</summary>
    public async Task<ObjectDownload> GetObjectAsync(ObjectAddress address, AskedRange? range, CancellationToken token)
    {
        HttpRequestMessage request = Request(HttpMethod.Get, ObjectTarget(address));
        if (range is { } bytes)
        {
            request.Headers.Range = new RangeHeaderValue(bytes.First, bytes.Last);
        }

        HttpResponseMessage response = await SendAsync(request, token);
        try
        {
            HttpContentHeaders head = response.Content.Headers;
            long size = head.ContentRange is { HasLength: true } part ? part.Length!.Value : head.ContentLength ?? -1;
            Stream content = await response.Content.ReadAsStreamAsync(token);
            return new ObjectDownload(response, Attributes(response, size), content);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    /// <summary>Attributes of an object; 404 if there is none.</summary>
    public async Task<ObjectAttributesView> HeadObjectAsync(ObjectAddress address, CancellationToken token)
    {
        using HttpResponseMessage response = await SendAsync(Request(HttpMethod.Head, ObjectTarget(address)), token);
        // Content-Length is sent when it is above zero (contract: objects §1).
        return Attributes(response, response.Content.Headers.ContentLength ?? 0);
    }

    /// <summary>Removes an object; 404 if there is none.</summary>
    public Task DeleteObjectAsync(ObjectAddress address, CancellationToken token) =>
        RunAsync(Request(HttpMethod.Delete, ObjectTarget(address)), token);

    /// <summary>Has the server copy an object to another name, and answers what that is now, its size aside; 404 if there is no such object or bucket.</summary>
    public async Task<ObjectAttributesView> CopyObjectAsync(ObjectAddress address, ObjectAddress target, CancellationToken token)
    {
        string query = $"&{QueryNames.CopyTo}={PercentEncoding.Escape(target.Bucket.UnifiedName + target.Name, keepSlash: true)}";
        HttpRequestMessage request = Request(HttpMethod.Put, ObjectTarget(address, _isTls ? $"{query}&{RedirectMarkers.Direct}=true" : query));
        using HttpResponseMessage response = await SendAsync(request, token);
        return Attributes(response, sizeBytes: -1);
    }

    /// <summary>Gives an object another name in its bucket, replacing what stands there; 404 if there is none.</summary>
    public Task RenameObjectAsync(ObjectAddress address, string name, CancellationToken token) =>
        RunAsync(Request(HttpMethod.Post, ObjectTarget(address), ControlBody.Write(Actions.RenameObject, name, static writer => writer.WriteNullValue())), token);

    /// <summary>Starts a job that removes many objects of a bucket, and answers its id; 404 if there is no such bucket.</summary>
    public Task<string> DeleteObjectsAsync(BucketAddress bucket, ObjectSelection objects, CancellationToken token) =>
        TextAsync(Request(HttpMethod.Delete, BucketTarget(bucket), ControlBody.Write(Actions.DeleteObjects, objects.Write)), token);

    /// <summary>Merges pairs into the object's custom metadata; 404 if there is none.</summary>
    public Task MergeCustomAsync(ObjectAddress address, IEnumerable<KeyValuePair<string, string>> pairs, CancellationToken token) =>
        PatchAsync(ObjectTarget(address), pairs, token);

    /// <summary>Makes pairs the object's only custom metadata; 404 if there is none.</summary>
    public Task ReplaceCustomAsync(ObjectAddress address, IEnumerable<KeyValuePair<string, string>> pairs, CancellationToken token) =>
        PatchAsync(ObjectTarget(address, "&set-new-custom=true"), pairs, token);

    private Task PatchAsync(string target, IEnumerable<KeyValuePair<string, string>> pairs, CancellationToken token)
    {
        byte[] body = ControlBody.Write("", writer =>
        {
            writer.WriteStartObject();
            foreach ((string key, string value) in pairs)
            {
                writer.WriteString(key, value);
            }

            writer.WriteEndObject();
        });
        return RunAsync(Request(HttpMethod.Patch, target, body), token);
    }

    private static ObjectAttributesView Attributes(HttpResponseMessage response, long sizeBytes)
    {
        var custom = new List<KeyValuePair<string, string>>();
        foreach (string pair in response.Headers.TryGetValues(HeaderNames.CustomMetadata, out IEnumerable<string>? pairs) ? pairs : [])
        {
            int equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
            {
                custom.Add(new KeyValuePair<string, string>(pair[..equals], pair[(equals + 1)..]));
            }
        }

        return new ObjectAttributesView
        {
            SizeBytes = sizeBytes,
            ChecksumType = Header(response, HeaderNames.ChecksumType).ToLowerInvariant(),
            ChecksumValue = Header(response, HeaderNames.ChecksumValue).ToLowerInvariant(),
            Version = Header(response, HeaderNames.ObjectVersion),
            AccessTime = Header(response, HeaderNames.AccessTime),
            Location = Header(response, HeaderNames.Location),
            Copies = Header(response, HeaderNames.MirrorCopies),
            Chunks = Header(response, HeaderNames.ChunkCount),
            Custom = custom,
        };
    }

    private static string Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out IEnumerable<string>? values) ? values.First() : "";

    /// <summary>A stream that stays open when the request that reads it is disposed.</summary>
    private sealed class BorrowedStream(Stream inner) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            inner.ReadAsync(buffer, cancellationToken);

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            inner.ReadAsync(buffer, offset, count, cancellationToken);

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

        public override void Flush() => inner.Flush();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}

// Uploads in parts (contract: objects §8). What tells of them, and of manifests, is ours: the contract has no such calls.
using System.Globalization;
using System.Text.Json;

namespace Sluice.Contract;

public sealed partial class SluiceClient
{
    /// <summary>Begins an upload in parts and answers its id.</summary>
    public Task<string> BeginUploadAsync(ObjectAddress address, CancellationToken token) =>
        TextAsync(Request(HttpMethod.Post, ObjectTarget(address), ControlBody.Write(Actions.BeginUpload, Null)), token);

    /// <summary>
    /// Stores a part; one of the same number is replaced. <paramref name="content"/> stays the caller's, and gives <paramref name="lengthBytes"/>. 404 when the
    /// upload is not in progress.
    /// </summary>
    public Task<ObjectAttributesView> PutPartAsync(
        UploadAddress upload,
        int number,
        Stream content,
        long lengthBytes,
        IEnumerable<KeyValuePair<string, string>> headers,
        CancellationToken token) =>
        PutAsync(upload.Object, string.Create(CultureInfo.InvariantCulture, $"{upload.Query}&partNumber={number}"), content, lengthBytes, headers, token);

    /// <summary>Makes the object of the parts 1 to <paramref name="count"/>, which must be all; 404 when the upload is not in progress.</summary>
    public async Task<ObjectAttributesView> CompleteUploadAsync(UploadAddress upload, int count, CancellationToken token)
    {
        byte[] body = ControlBody.Write(Actions.CompleteUpload, writer =>
        {
            writer.WriteStartArray();
            for (int number = 1; number <= count; number++)
            {
                writer.WriteStartObject();
                writer.WriteNumber("part-number", number);
                writer.WriteString("etag", "");
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        });
        using HttpResponseMessage response = await SendAsync(Request(HttpMethod.Post, ObjectTarget(upload.Object, upload.Query), body), token);
        return Attributes(response, -1);
    }

    /// <summary>Ends an upload and removes its parts; 404 when it is not in progress.</summary>
    public Task AbortUploadAsync(UploadAddress upload, CancellationToken token) =>
        RunAsync(Request(HttpMethod.Delete, ObjectTarget(upload.Object, upload.Query), ControlBody.Write(Actions.AbortUpload, Null)), token);

    /// <summary>The parts that an upload in progress has, by number; 404 when it is not in progress.</summary>
    public async Task<IReadOnlyList<PartView>> PartsAsync(UploadAddress upload, CancellationToken token)
    {
        WireUpload wire = await UploadAsync(ObjectTarget(upload.Object, upload.Query), token);
        return [.. (wire.Parts ?? throw BrokenAnswer(new JsonException("it tells of no parts"))).Select(part => part.ToView())];
    }

    /// <summary>The uploads of a bucket that are in progress, oldest first.</summary>
    public async Task<IReadOnlyList<UploadView>> UploadsAsync(BucketAddress bucket, CancellationToken token)
    {
        using HttpResponseMessage response = await SendAsync(Request(HttpMethod.Get, BucketTarget(bucket) + "&what=uploads"), token);
        WireUpload[]? uploads = await ReadJsonAsync(response, SluiceClientJson.Default.WireUploadArray, token);
        return [.. (uploads ?? []).Select(upload => upload.ToView())];
    }

    /// <summary>What a chunked object is made of; 404 when there is no such object, or it is not chunked.</summary>
    public async Task<ManifestView> ManifestAsync(ObjectAddress address, CancellationToken token) =>
        (await UploadAsync(ObjectTarget(address, "&what=manifest"), token)).ToManifest();

    private async Task<WireUpload> UploadAsync(string target, CancellationToken token)
    {
        using HttpResponseMessage response = await SendAsync(Request(HttpMethod.Get, target), token);
        return await ReadJsonAsync(response, SluiceClientJson.Default.WireUpload, token) ?? throw BrokenAnswer(new JsonException("it is empty"));
    }
}

/// <summary>An upload in parts.</summary>
/// <param name="Object">The object that it is to become.</param>
/// <param name="Id">Its id.</param>
public sealed record UploadAddress(ObjectAddress Object, string Id)
{
    /// <summary>The parameter that names it.</summary>
    internal string Query => $"&uploadId={PercentEncoding.Escape(Id, keepSlash: false)}";
}

// A file that is cut while it is being sent: the client must see that the body is short. Padding it, or sending what another file left in the cache,
// would be a wrong byte that no status can take back.
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

[Collection(BackendCollection.Name)]
public sealed class TruncationTests(BackendServers servers)
{
    private const long Size = 64 << 20; // more than the buffers of both ends hold, so that the send is under way when the file is cut
    private const int ReadBefore = 1 << 20;

    public static MatrixTheoryData<string, long> Cuts => IoBackends.With<long>([0, 4096, (48 << 20) + 123, Size - 1]);

    [Theory]
    [MemberData(nameof(Cuts))]
    public async Task ACutFileBreaksTheConnectionBeforeThePromisedEnd(string backend, long cut)
    {
        BackendServer server = await servers.GetAsync(backend);
        var content = new Content(seed: 14, Size);
        await server.PutAsync("cut", content);
        using RawClient client = await server.ConnectAsync($"cut at {cut} of {Size} bytes");
        await client.SendAsync(BackendServer.Get("cut"));
        Assert.Equal(Size, (await client.HeadAsync()).ContentLength);
        await client.BodyAsync(content, 0, ReadBefore);
        await client.StalledAsync();
        using (FileStream file = File.OpenWrite(server.FileOf("cut")))
        {
            file.SetLength(cut);
        }

        long came = ReadBefore + await client.PrefixAsync(content, ReadBefore, Size - ReadBefore);
        Assert.True(came < Size, $"{backend}: all of {Size} bytes came from a file of {cut}");
        Content other = await server.StoredAsync(4096);
        await server.HasAsync(BackendServer.Stored(4096), other);
        await server.DeleteAsync("cut");
    }

    /// <summary>Whoever reads the file, also where the kernel does it behind the head: the client gets no whole answer, and the operator is told which object it is.</summary>
    [Theory]
    [InlineData("auto", 4096)]
    [InlineData("sockets", 4096)]
    [InlineData("threads", 4096)]
    [InlineData("auto", 1 << 20)]
    [InlineData("threads", 1 << 20)]
    public async Task AFileThatIsShorterThanItsRecordIsToldInTheLog(string backend, int size)
    {
        await using BackendServer server = await BackendServer.StartAsync(backend);
        var content = new Content(seed: 15, size);
        await server.PutAsync("short", content);
        await server.HasAsync("short", content);
        using (FileStream file = File.OpenWrite(server.FileOf("short")))
        {
            file.SetLength(1000);
        }

        using var http = new HttpClient();
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => http.GetByteArrayAsync(new Uri(server.Process.Endpoint, "/v1/objects/b/short")));
        await Eventually.TrueAsync(
            "the log tells of it", () => server.Process.Log.Contains($"damaged object: it ends at byte 1000 of {size}", StringComparison.Ordinal));
    }
}

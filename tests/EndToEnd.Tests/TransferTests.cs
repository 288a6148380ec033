// What goes in comes out, byte for byte, at every size where a path through the server changes: empty, a page, one buffer, one block, many.
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

[Collection(BackendCollection.Name)]
public sealed class TransferTests(BackendServers servers)
{
    private const int Kib = 1 << 10;
    private const int Mib = 1 << 20;

    private static readonly long[] s_sizes =
        [0, 1, 4 * Kib - 1, 4 * Kib, 4 * Kib + 1, 32 * Kib - 1, 32 * Kib, 32 * Kib + 1, Mib - 1, Mib, Mib + 1, 64 * Mib];

    public static MatrixTheoryData<string, long> Sizes => IoBackends.With(s_sizes);

    [Theory]
    [MemberData(nameof(Sizes))]
    public async Task AnObjectComesBackExactly(string backend, long size)
    {
        BackendServer server = await servers.GetAsync(backend);
        var content = new Content(seed: 1, size);
        using RawClient client = await server.ConnectAsync($"{size} bytes");
        foreach (string bucket in (string[])["b", "strict"])
        {
            await BackendServer.PutAsync(client, "sized", content, bucket);
            await client.SendAsync(BackendServer.Head("HEAD", "sized", "", bucket));
            RawHead head = await client.HeadAsync();
            Assert.Equal((200, size, content.Digest), (head.Status, head.ContentLength, head["Ais-Checksum-Value"]));
            for (int time = 0; time < 2; time++) // the second comes from caches
            {
                await client.SendAsync(BackendServer.Get("sized", "", bucket));
                head = await client.ContentAsync(200, content, 0, size);
                Assert.Equal(content.Digest, head["Ais-Checksum-Value"]);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public async Task AnOverwriteOfAnotherSizeLeavesNothingOfTheOld(string backend, long size)
    {
        BackendServer server = await servers.GetAsync(backend);
        using RawClient client = await server.ConnectAsync($"overwrite with {size} bytes");
        var old = new Content(seed: 2, (size / 2) + 5000);
        await BackendServer.PutAsync(client, "overwritten", old);
        await client.SendAsync(BackendServer.Get("overwritten"));
        await client.ContentAsync(200, old, 0, old.SizeBytes);
        var content = new Content(seed: 3, size);
        await BackendServer.PutAsync(client, "overwritten", content);
        await client.SendAsync(BackendServer.Get("overwritten"));
        await client.ContentAsync(200, content, 0, size);
    }

    [Theory]
    [MemberData(nameof(IoBackends.Each), MemberType = typeof(IoBackends))]
    public async Task ThreeGibibytesComeBackExactly(string backend)
    {
        BackendServer server = await servers.GetAsync(backend);
        var content = new Content(seed: 4, (3L << 30) + 1);
        await server.PutAsync("huge", content);
        await server.HasAsync("huge", content);
        await server.DeleteAsync("huge");
    }
}

// Connections that do nothing: they cost little, hold nobody up, and are all given back.
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

[Collection(BackendCollection.Name)]
public sealed class IdleConnectionTests(BackendServers servers)
{
    private const int Count = 2000;
    private const long ResidentBytesMax = 32 << 10;

    [Theory]
    [MemberData(nameof(IoBackends.Each), MemberType = typeof(IoBackends))]
    public async Task TwoThousandIdleConnectionsCostLittle(string backend)
    {
        BackendServer server = await servers.GetAsync(backend);
        Content small = await server.StoredAsync(4096);
        Content large = await server.StoredAsync(64 << 20);
        var written = new Content(seed: 13, 3 << 20);
        await server.PutAsync("beside", written);
        await server.HasAsync("beside", written);
        (await OpenAsync(server, 100, small)).ForEach(client => client.Dispose()); // the first ones pay for code and pools
        ServerResources before = await ServerResources.BaselineAsync(server);
        long residentBefore = ServerResources.ResidentBytes(server.Process.Id);
        List<RawClient> idle = await OpenAsync(server, Count, small);
        Assert.True(ServerResources.Descriptors(server.Process.Id)["socket"] >= Count);
        long each = (ServerResources.ResidentBytes(server.Process.Id) - residentBefore) / Count;
        TestContext.Current.TestOutputHelper!.WriteLine($"{backend}: {each} bytes of resident memory for each of {Count} idle connections");
        Assert.True(each <= ResidentBytesMax, $"{backend}: {each} bytes of resident memory for each idle connection");

        await server.HasAsync(BackendServer.Stored(large.SizeBytes), large);
        await server.PutAsync("beside", written);
        await server.HasAsync("beside", written);
        foreach (RawClient client in idle.Where((_, i) => i % 40 == 0))
        {
            await client.SendAsync(BackendServer.Get(BackendServer.Stored(small.SizeBytes)));
            await client.ContentAsync(200, small, 0, small.SizeBytes);
        }

        for (int i = 0; i < Count; i++)
        {
            if (i % 4 < 2)
            {
                idle[i].Reset();
            }

            idle[i].Dispose();
        }

        await before.ReturnAsync(server, $"after {Count} idle connections");
    }

    /// <summary>Opens connections; every other one has made a request, the others have not said a word.</summary>
    private static async Task<List<RawClient>> OpenAsync(BackendServer server, int count, Content content)
    {
        var clients = new List<RawClient>(count);
        for (int i = 0; i < count; i++)
        {
            RawClient client = await server.ConnectAsync($"idle connection {i}");
            clients.Add(client);
            if (i % 2 == 0)
            {
                await client.SendAsync(BackendServer.Get(BackendServer.Stored(content.SizeBytes)));
                await client.ContentAsync(200, content, 0, content.SizeBytes);
            }
        }

        return clients;
    }
}

// The query presence of HEAD and of listings of buckets: 0 exists, 1 the same without properties, 2 present, 3 the same without properties, 4 present in the cluster, 5 exists outside
// (contract: native API §1, objects §3, buckets §2 and §6).
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class PresenceTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private Store Store => fixture.Store;

    [Theory]
    [InlineData("", true)]
    [InlineData("presence=0", true)]
    [InlineData("presence=1", false)]
    [InlineData("presence=2", true)]
    [InlineData("presence=3", false)]
    [InlineData("presence=4", true)]
    [InlineData("presence=1&props=size,checksum", true)] // asked for by name
    public async Task AnObjectIsPresentWithItsPropertiesOrWithout(string query, bool hasProperties)
    {
        using HttpResponseMessage there = await Store.SendAsync(HttpMethod.Head, $"/v1/objects/b/kept?provider=ais&{query}");
        Assert.Equal((200, "true"), ((int)there.StatusCode, there.Headers.GetValues("Ais-Present").Single()));
        Assert.Equal(hasProperties, there.Headers.Contains("Ais-Checksum-Value"));
        Assert.Equal(hasProperties ? 10 : 0, there.Content.Headers.ContentLength ?? 0);
        using HttpResponseMessage missing = await Store.SendAsync(HttpMethod.Head, $"/v1/objects/b/nosuch?provider=ais&{query}");
        Assert.Equal((404, false), ((int)missing.StatusCode, missing.Headers.Contains("Ais-Present")));
        Assert.Contains("ais://b/nosuch does not exist", missing.Headers.GetValues("Hdr-Error").Single(), StringComparison.Ordinal);
        using HttpResponseMessage nowhere = await Store.SendAsync(HttpMethod.Head, $"/v1/objects/nosuch/kept?provider=ais&{query}");
        Assert.Equal(404, (int)nowhere.StatusCode);
    }

    [Theory]
    [InlineData("ais", "b", "", 200, true)]
    [InlineData("ais", "b", "0", 200, true)]
    [InlineData("ais", "b", "2", 200, true)]
    [InlineData("ais", "b", "4", 200, true)]
    [InlineData("ais", "nosuch", "", 404, false)]
    [InlineData("ais", "nosuch", "2", 404, false)]
    [InlineData("ais", "nosuch", "3", 404, false)]
    [InlineData("aws", "b", "", 404, false)]
    [InlineData("aws", "b", "0", 404, false)]
    [InlineData("aws", "b", "1", 404, false)]
    [InlineData("aws", "b", "2", 200, false)]
    [InlineData("s3", "b", "3", 200, false)]
    [InlineData("gcp", "b", "4", 200, false)]
    [InlineData("gcp", "b", "5", 404, false)]
    public async Task ARemoteBucketThatIsNotKnownIsNotPresent(string provider, string bucket, string presence, int status, bool hasProperties)
    {
        using HttpResponseMessage answer = await Store.SendAsync(HttpMethod.Head, $"/v1/buckets/{bucket}?provider={provider}{(presence.Length > 0 ? $"&presence={presence}" : "")}");
        Assert.Equal((status, hasProperties, status != 200), ((int)answer.StatusCode, answer.Headers.Contains("Ais-Bucket-Props"), answer.Headers.Contains("Hdr-Error")));
    }

    [Theory]
    [InlineData("1")]
    [InlineData("2")]
    public async Task ABucketOfAnotherClusterIsNotPresentEither(string presence)
    {
        using HttpResponseMessage answer = await Store.SendAsync(HttpMethod.Head, $"/v1/buckets/b?provider=ais&namespace=@elsewhere1%23&presence={presence}");
        Assert.Equal((presence == "2" ? 200 : 404, false), ((int)answer.StatusCode, answer.Headers.Contains("Ais-Bucket-Props")));
    }

    [Theory]
    [InlineData("", "b")]
    [InlineData("?presence=2", "b")]
    [InlineData("?provider=ais&presence=0", "b")]
    [InlineData("?provider=aws&presence=2", "")]
    public async Task ListingsOfBucketsHaveWhatIsPresent(string query, string expected)
    {
        string answer = await Store.ControlAsync(HttpMethod.Get, $"/v1/buckets{query}", """{"action":"list","name":"","value":null}""");
        Assert.Equal(expected, string.Join(' ', JsonDocument.Parse(answer).RootElement.EnumerateArray().Select(one => one.GetProperty("name").GetString())));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("2")]
    [InlineData("4")]
    public async Task ABucketsInfoIsToldWhateverPresenceIsAsked(string presence)
    {
        using HttpResponseMessage begun = await Store.SendAsync(HttpMethod.Head, $"/v1/buckets/b?provider=ais&presence={presence}&bsumm_remote=True");
        Assert.Equal((202, true), ((int)begun.StatusCode, begun.Headers.Contains("Ais-Bucket-Props")));
        using HttpResponseMessage remote = await Store.SendAsync(HttpMethod.Head, $"/v1/buckets/b?provider=aws&presence={presence}&bsumm_remote=True");
        Assert.Equal(404, (int)remote.StatusCode);
    }
}

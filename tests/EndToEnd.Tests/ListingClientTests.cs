// Listings by the client of the published binary: which entries, what of each, and in what form.
using System.Globalization;
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class ListingClientTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    [Theory]
    [InlineData("a", "$x y\na\nd/\nü\n")]
    [InlineData("b", "d/1\nd/sub/2\n", "--recursive", "--prefix", "d/")]
    [InlineData("c", "d/1\nd/sub/\n", "--nr", "--prefix", "d/")]
    [InlineData("d", "d/sub/2\nü\n", "-r", "--regex", "2|ü")]
    [InlineData("e", "$x y\na\nd/1\n", "-r", "--limit", "3", "--page-size", "2", "--paged")]
    [InlineData("f", "5 objects, 13 B (13 bytes)\n", "-r", "--count-only")]
    [InlineData("g", "ü\n1 objects, 4 B (4 bytes)\n", "--prefix", "ü", "--summary")]
    [InlineData("h", "COPIES  STATUS               CACHED  NAME\n     1  ok                   yes     a\n", "--prefix", "a", "--props", "copies,status,cached")]
    public async Task TheEntriesAreThoseThatAreMeant(string bucket, string output, params string[] arguments)
    {
        string address = await FilledAsync($"listed-{bucket}");
        Assert.Equal(output, await RunAsync(0, ["ls", address, .. arguments]));
    }

    [Fact]
    public async Task EveryPropertyOfAnObjectIsToldAsHeadTellsIt()
    {
        string address = await FilledAsync("listed-props");
        await RunAsync(0, ["object", "set-custom", $"{address}/a", "by=me"]);
        string[] names = ["size", "version", "checksum", "atime", "cached", "status", "copies", "ec", "custom", "location", "chunked"];
        using JsonDocument line = JsonDocument.Parse(await RunAsync(0, ["ls", $"{address}/a", "--props", "all", "--json"]));
        JsonElement listed = line.RootElement;
        Assert.Equal(["name", "directory", .. names], listed.EnumerateObject().Select(member => member.Name));
        using JsonDocument document = JsonDocument.Parse(await RunAsync(0, ["head", $"{address}/a", "--json"]));
        JsonElement known = document.RootElement;
        Assert.All(["size", "version", "checksum", "location"], name => Assert.Equal(known.GetProperty(name).ToString(), listed.GetProperty(name).ToString()));
        Assert.Equal(known.GetProperty("copies").GetString(), listed.GetProperty("copies").GetInt32().ToString(CultureInfo.InvariantCulture));
        Assert.Equal(("[by:me]", "ok", true, false), (listed.GetProperty("custom").GetString(), listed.GetProperty("status").GetString(), listed.GetProperty("cached").GetBoolean(), listed.GetProperty("chunked").GetBoolean()));
        string heads = (await RunAsync(0, ["ls", address, "--props", "all"])).Split('\n')[0];
        Assert.Equal([.. names.Select(name => name.ToUpperInvariant()), "NAME"], heads.Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task WithoutABucketTheBucketsAreListedOrSummedUp()
    {
        string address = await FilledAsync("listed-sum");
        Assert.Contains($"{address}\n", await RunAsync(0, ["ls"]), StringComparison.Ordinal);
        Assert.Equal($"{address}\n", await RunAsync(0, ["ls", "ais://", "--regex", "^listed-sum$"]));
        using JsonDocument summary = JsonDocument.Parse(await RunAsync(0, ["ls", "--summary", "--regex", "^listed-sum$", "--json"]));
        Assert.Equal((address, 5, 13), (summary.RootElement.GetProperty("bucket").GetString(), summary.RootElement.GetProperty("objects").GetInt32(), summary.RootElement.GetProperty("size_bytes").GetInt32()));
    }

    [Theory]
    [InlineData("ls", "ais://b", "--regex", "(")]
    [InlineData("ls", "ais://b", "--props", "colour")]
    [InlineData("ls", "ais://b", "--limit", "0")]
    public async Task WhatMakesNoSenseIsAUsageError(params string[] arguments) => await RunAsync(2, arguments);

    private async Task<string> FilledAsync(string bucket)
    {
        await fixture.Store.CreateAsync(bucket);
        foreach ((string name, int size) in new[] { ("a", 1), ("d/1", 2), ("d/sub/2", 3), ("$x y", 3), ("ü", 4) })
        {
            await fixture.Store.PutAsync(bucket, name, new byte[size]);
        }

        return $"ais://{bucket}";
    }

    private async Task<string> RunAsync(int code, string[] arguments)
    {
        (int got, string output, string error) = await SluiceProcess.RunAsync(null, fixture.Server.Endpoint, arguments);
        Assert.True(got == code, $"{string.Join(' ', arguments)}: {got} {error}");
        return output;
    }
}

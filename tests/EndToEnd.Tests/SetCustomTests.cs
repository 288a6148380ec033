// Custom metadata of an object that is there, set by the client of the binary.
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class SetCustomTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    [Fact]
    public async Task PairsAreMergedReplacedAndRemovedAndTheObjectStays()
    {
        const string Address = "ais://b/with-custom";
        await fixture.Store.PutAsync("b", "with-custom", "content"u8.ToArray(), ("Ais-Custom-Md", "old=1"));
        Assert.Equal("old=1", await CustomAsync(0));
        Assert.Equal("lang=en old=2", await CustomAsync(0, Address, "lang=en", "old=2"));
        Assert.Equal("by=me=you", await CustomAsync(0, Address, "--replace", "by=me=you"));
        Assert.Equal("by=me=you", await CustomAsync(4, Address, "k=a,b")); // which a header could not carry
        Assert.Equal("", await CustomAsync(0, Address, "--replace"));
        Assert.Equal("", await CustomAsync(3, "ais://b/nosuch", "k=v"));
        Assert.Equal("", await CustomAsync(2, Address, "k"));
        Assert.Equal("content"u8.ToArray(), await fixture.Store.GetAsync("b", "with-custom"));
        (_, string output, _) = await SluiceProcess.RunAsync(null, fixture.Server.Endpoint, "object", "show", Address, "--json");
        Assert.Equal("1", JsonDocument.Parse(output).RootElement.GetProperty("version").GetString());
    }

    /// <summary>What the object has when the verb has run, sorted.</summary>
    private async Task<string> CustomAsync(int code, params string[] arguments)
    {
        if (arguments.Length > 0)
        {
            (int got, _, string error) = await SluiceProcess.RunAsync(null, fixture.Server.Endpoint, ["object", "set-custom", .. arguments]);
            Assert.True(got == code, $"{string.Join(' ', arguments)}: {got} {error}");
        }

        (_, string output, _) = await SluiceProcess.RunAsync(null, fixture.Server.Endpoint, "head", "ais://b/with-custom", "--json");
        return string.Join(' ', JsonDocument.Parse(output).RootElement.GetProperty("custom").EnumerateObject().Select(pair => $"{pair.Name}={pair.Value.GetString()}").Order(StringComparer.Ordinal));
    }
}

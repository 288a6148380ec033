// Properties of a bucket by the client of the published binary.
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class BucketPropertyClientTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    [Fact]
    public async Task TheyAreShownSetAndResetByEitherWord()
    {
        await RunAsync(0, "bucket", "create", "ais://props");
        Assert.Equal("mirror.enabled = false\n", await RunAsync(0, "bucket", "props", "show", "ais://props", "mirror.enabled"));
        await RunAsync(0, "bucket", "props", "set", "props", "mirror.enabled=true", "mirror.copies=2", "--wait");
        string section = await RunAsync(0, "bucket", "show", "ais://props", "mirror");
        Assert.Contains("mirror.enabled = true\n", section, StringComparison.Ordinal);
        Assert.All(section.Trim().Split('\n'), line => Assert.StartsWith("mirror.", line, StringComparison.Ordinal));
        Assert.Contains(section, await RunAsync(0, "bucket", "props", "show", "props"), StringComparison.Ordinal);
        using (JsonDocument json = JsonDocument.Parse(await RunAsync(0, "bucket", "props", "show", "ais://props", "mirror", "--json")))
        {
            Assert.Equal((true, 2), (json.RootElement.GetProperty("enabled").GetBoolean(), json.RootElement.GetProperty("copies").GetInt32()));
        }

        await RunAsync(0, "bucket", "props", "set", "ais://props", """{"versioning":{"enabled":false}}""");
        Assert.Equal("false\n", await RunAsync(0, "bucket", "props", "show", "props", "versioning.enabled", "--json"));
        await RunAsync(0, "bucket", "props", "reset", "props", "--wait");
        Assert.Equal("versioning.enabled = true\n", await RunAsync(0, "bucket", "show", "props", "versioning.enabled"));
        await RunAsync(2, "bucket", "props", "show", "props", "colour");
        await RunAsync(4, "bucket", "props", "set", "props", "colour=red");
        await RunAsync(3, "bucket", "props", "reset", "ais://nosuch");
    }

    private async Task<string> RunAsync(int code, params string[] arguments)
    {
        (int got, string output, string error) = await SluiceProcess.RunAsync(null, fixture.Server.Endpoint, arguments);
        Assert.True(got == code, $"{string.Join(' ', arguments)}: {got} {error}");
        return output;
    }
}

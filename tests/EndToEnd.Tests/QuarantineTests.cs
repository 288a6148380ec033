// What the server set aside, as an operator meets it: listed, dropped one by one or all, never by itself.
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class QuarantineTests
{
    [Fact]
    public async Task FilesInQuarantineAreListedAndDropped()
    {
        await using BackendServer server = await BackendServer.StartAsync("auto");
        string mountpath = server.Mountpaths[0];
        Assert.Equal("", await SucceedAsync(server, "quarantine", "ls"));
        string directory = Directory.CreateDirectory(Path.Combine(mountpath, ".sluice/quarantine")).FullName;
        foreach (string name in (string[])["one", "two", "three"])
        {
            await File.WriteAllTextAsync(Path.Combine(directory, name), name);
        }

        LoopDisks.Run("setfattr", "-n", "user.slq", "-v", "block 0 does not match its digest\nais://b\nphotos/cat", Path.Combine(directory, "one"));
        string[] lines = (await SucceedAsync(server, "quarantine", "ls")).Trim().Split('\n');
        Assert.Equal(3, lines.Length);
        Assert.Contains(lines, line => line.EndsWith($"{mountpath}  one  3 B  ais://b/photos/cat  block 0 does not match its digest", StringComparison.Ordinal));
        using (JsonDocument first = JsonDocument.Parse((await SucceedAsync(server, "quarantine", "ls", "--json")).Split('\n')[0]))
        {
            Assert.Equal("photos/cat", first.RootElement.GetProperty("object").GetString());
            Assert.Equal(3, first.RootElement.GetProperty("size").GetInt64());
        }

        await FailAsync(server, 3, "quarantine", "drop", mountpath, "four");
        await FailAsync(server, 3, "quarantine", "drop", mountpath, "../identity");
        await FailAsync(server, 2, "quarantine", "drop", mountpath);
        Assert.Equal("dropped 1\n", await SucceedAsync(server, "quarantine", "drop", mountpath, "two"));
        Assert.False(File.Exists(Path.Combine(directory, "two")));
        Assert.Equal("dropped 2\n", await SucceedAsync(server, "quarantine", "drop", mountpath, "--all"));
        Assert.Empty(Directory.EnumerateFiles(directory));
    }

    private static async Task<string> SucceedAsync(BackendServer server, params string[] arguments)
    {
        (int code, string output, string error) = await SluiceProcess.RunAsync(null, server.Process.Endpoint, arguments);
        Assert.True(code == 0, $"{string.Join(' ', arguments)}: {error}");
        return output;
    }

    private static async Task FailAsync(BackendServer server, int expected, params string[] arguments)
    {
        (int code, _, string error) = await SluiceProcess.RunAsync(null, server.Process.Endpoint, arguments);
        Assert.True(code == expected, $"{string.Join(' ', arguments)}: {code}, {error}");
    }
}

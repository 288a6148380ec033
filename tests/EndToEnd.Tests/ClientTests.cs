// The client verbs of the published binary against a server of the same binary: what the README promises.
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class ClientTests(ServerFixture fixture) : IClassFixture<ServerFixture>, IDisposable
{
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("sluice-cli-");

    [Fact]
    public async Task AFileADirectoryAndAStreamRoundTrip()
    {
        await SucceedAsync("bucket", "create", "ais://files");
        string source = Directory.CreateDirectory(Path.Combine(_home.FullName, "source", "deep", "er")).FullName;
        await File.WriteAllBytesAsync(Path.Combine(source, "%odd name&.bin"), new byte[1_500_000]);
        await File.WriteAllTextAsync(Path.Combine(_home.FullName, "source", "plain"), "text");
        await SucceedAsync("put", Path.Combine(_home.FullName, "source"), "ais://files/tree/");
        await SucceedAsync("get", "--recursive", "ais://files/tree/", Path.Combine(_home.FullName, "target"));
        foreach (string file in Directory.EnumerateFiles(Path.Combine(_home.FullName, "source"), "*", SearchOption.AllDirectories))
        {
            string copy = file.Replace("/source/", "/target/", StringComparison.Ordinal);
            Assert.Equal(await File.ReadAllBytesAsync(file), await File.ReadAllBytesAsync(copy));
        }

        (int code, _, string error) = await SluiceProcess.RunAsync("from a pipe", fixture.Server.Endpoint, "put", "-", "ais://files/piped");
        Assert.True(code == 0, error);
        Assert.Equal("from a pipe", await SucceedAsync("cat", "ais://files/piped"));
        Assert.Equal("from a pipe", await SucceedAsync("get", "ais://files/piped", "-"));
        string[] lines = (await SucceedAsync("ls", "--json", "--recursive", "ais://files")).Trim().Split('\n');
        Assert.Equal(["piped", "tree/deep/er/%odd name&.bin", "tree/plain"], lines.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("name").GetString()));
        await SucceedAsync("cp", "ais://files/piped", "ais://files/tree/");
        await SucceedAsync("mv", "ais://files/tree/piped", "ais://files/moved %25");
        Assert.Equal("from a pipe", await SucceedAsync("cat", "ais://files/moved %25"));
        await SucceedAsync("rm", "ais://files/moved %25");
        await SucceedAsync("rm", "ais://files/piped");
        await SucceedAsync("bucket", "rm", "--force", "ais://files");
    }

    [Fact]
    public async Task ADirectoryWithAPipeADeviceAndADanglingLinkIsStoredWithoutThem()
    {
        await SucceedAsync("bucket", "create", "ais://strange");
        string source = Directory.CreateDirectory(Path.Combine(_home.FullName, "strange")).FullName;
        await File.WriteAllTextAsync(Path.Combine(source, "plain"), "text");
        LoopDisks.Run("mkfifo", Path.Combine(source, "pipe"));
        File.CreateSymbolicLink(Path.Combine(source, "device"), "/dev/zero");
        File.CreateSymbolicLink(Path.Combine(source, "dangling"), "nowhere");
        (int code, string output, string error) = await SluiceProcess.RunAsync(null, fixture.Server.Endpoint, "put", source, "ais://strange/");
        Assert.Equal((4, "1 objects, 4 B\n"), (code, output));
        Assert.Equal(
            [$"sluice: {source}/dangling: passed over: it is a link that leads nowhere", $"sluice: {source}/device: passed over: it is a device", $"sluice: {source}/pipe: passed over: it is a named pipe"],
            error.Trim().Split('\n').Order(StringComparer.Ordinal));
        Assert.Equal("plain\n", await SucceedAsync("ls", "ais://strange"));
        await SucceedAsync("bucket", "rm", "--force", "ais://strange");
    }

    [Theory]
    [InlineData("xxhash2", true)]
    [InlineData("xxh3", true)]
    [InlineData("crc32c", true)]
    [InlineData("crc64nvme", true)]
    [InlineData("md5", true)]
    [InlineData("sha256", true)]
    [InlineData("sha512", true)]
    [InlineData("none", false)]
    public async Task WhatIsSentAndFetchedIsVerifiedInABucketOfEveryKind(string checksumType, bool keepsDigests)
    {
        string file = Path.Combine(_home.FullName, "content");
        await File.WriteAllBytesAsync(file, new byte[17 << 20]);
        await SucceedAsync("bucket", "create", $"ais://{checksumType}", "--property", $"checksum.type={checksumType}");
        Assert.True(IsVerified(await SucceedAsync("put", file, $"ais://{checksumType}/file", "--json")));
        (int code, string piped, string error) =
            await SluiceProcess.RunAsync("from a pipe", fixture.Server.Endpoint, "put", "-", $"ais://{checksumType}/piped", "--json");
        Assert.True(code == 0, error);
        Assert.Equal(keepsDigests, IsVerified(piped));
        Assert.Equal(keepsDigests, IsVerified(await SucceedAsync("get", $"ais://{checksumType}/file", file + ".copy", "--json")));
        Assert.Equal(new byte[17 << 20], await File.ReadAllBytesAsync(file + ".copy"));
        await SucceedAsync("bucket", "rm", "--force", $"ais://{checksumType}");
    }

    [Theory]
    [InlineData(3, "does not exist", "cat", "ais://b/nosuch")]
    [InlineData(3, "bucket \"ais://nosuch\" does not exist", "cp", "ais://b/kept", "ais://nosuch/x")]
    [InlineData(3, "does not exist", "ls", "ais://nosuch")]
    [InlineData(4, "already exists", "bucket", "create", "ais://b")]
    [InlineData(4, "not empty", "bucket", "rm", "ais://b")]
    [InlineData(4, "colour", "bucket", "create", "ais://c", "--property", "colour=red")]
    [InlineData(2, "provider", "ls", "ftp://b")]
    public async Task ARefusalIsOneSentenceWithItsExitCode(int code, string sentence, params string[] arguments)
    {
        (int got, _, string error) = await SluiceProcess.RunAsync(null, fixture.Server.Endpoint, arguments);
        Assert.True(got == code, $"{got}: {error}");
        Assert.Contains(sentence, error, StringComparison.Ordinal);
        Assert.Single(error.Trim().Split('\n'));
    }

    [Fact]
    public async Task AnEndpointThatDoesNotAnswerIsNamed()
    {
        (int code, _, string error) = await SluiceProcess.RunAsync(null, new Uri("http://127.0.0.1:1"), "bucket", "ls");
        Assert.Equal(1, code);
        Assert.Contains("127.0.0.1:1", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    public async Task CompletionKnowsEveryVerb(string shell)
    {
        string script = await SucceedAsync("completion", shell);
        Assert.All(["serve", "config", "self-test", "bucket", "put", "get", "ls", "rm", "head", "cat"], verb => Assert.Contains(verb, script, StringComparison.Ordinal));
    }

    public void Dispose() => _home.Delete(recursive: true);

    private static bool IsVerified(string line) => JsonDocument.Parse(line).RootElement.GetProperty("verified").GetBoolean();

    private async Task<string> SucceedAsync(params string[] arguments)
    {
        (int code, string output, string error) = await SluiceProcess.RunAsync(null, fixture.Server.Endpoint, arguments);
        Assert.True(code == 0, $"{string.Join(' ', arguments)}: {code} {error}");
        return output;
    }
}

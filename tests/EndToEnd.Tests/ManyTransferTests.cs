// Files and objects that a template, a list or a prefix names, by the client of the published binary.
using System.Globalization;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class ManyTransferTests(ServerFixture fixture) : IClassFixture<ServerFixture>, IDisposable
{
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("sluice-many-");

    [Fact]
    public async Task ATreeThatATemplateNamesComesBack()
    {
        await fixture.Store.CreateAsync("many");
        for (int i = 1; i <= 100; i++)
        {
            Write(string.Create(CultureInfo.InvariantCulture, $"dir/a{i:000}.txt"), $"content {i}");
        }

        Write("dir/other", "not named");
        Assert.Equal("100 objects, 992 B\n", await RunAsync(0, "put", "--template", $"{_home.FullName}/dir/a{{001..100}}.txt", "ais://many/prefix/"));
        Assert.Equal("100 objects, 992 B (992 bytes)\n", await RunAsync(0, "ls", "ais://many/prefix/", "--count-only"));
        Assert.Equal("50 objects, 495 B\n", await RunAsync(0, "get", "ais://many/prefix/", Path.Combine(_home.FullName, "odd"), "--template", "a{001..100..2}.txt"));
        Assert.Equal("content 99", await File.ReadAllTextAsync(Path.Combine(_home.FullName, "odd", "a099.txt")));
        Assert.Equal(50, Directory.GetFiles(Path.Combine(_home.FullName, "odd")).Length);
        Assert.Equal("9 objects, 81 B\n", await RunAsync(0, "get", "ais://many", Path.Combine(_home.FullName, "few"), "--prefix", "prefix/a00"));
        Assert.True(File.Exists(Path.Combine(_home.FullName, "few", "prefix", "a009.txt")));
    }

    [Fact]
    public async Task EachNameOfAListThatFailsHasItsSentence()
    {
        await fixture.Store.CreateAsync("listed");
        Write("a b", "first");
        Write("sub/c", "second");
        await RunAsync(0, "put", _home.FullName, "ais://listed/in/", "--list", "a b,sub/c");
        Assert.Equal("first", await RunAsync(0, "cat", "ais://listed/in/a b"));
        Assert.Equal($"sluice: {_home.FullName}/missing does not exist\n", await ErrorAsync(3, "put", _home.FullName, "ais://listed/", "--list", "missing,a b"));
        Assert.Equal("first", await RunAsync(0, "cat", "ais://listed/a b"));
        string target = Path.Combine(_home.FullName, "target");
        Assert.Contains("ais://listed/in/missing", await ErrorAsync(3, "get", "ais://listed/in", target, "--list", "sub/c,missing"), StringComparison.Ordinal);
        Assert.Equal("second", await File.ReadAllTextAsync(Path.Combine(target, "sub", "c")));
        Assert.Single(Directory.GetFiles(target, "*", SearchOption.AllDirectories));
        await ErrorAsync(3, "put", _home.FullName, "ais://nosuch/", "--list", "a b");
        await ErrorAsync(2, "put", "--template", "a{1..2", "ais://listed/");
    }

    public void Dispose() => _home.Delete(recursive: true);

    private void Write(string name, string content)
    {
        string path = Path.Combine(_home.FullName, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
    }

    private async Task<string> RunAsync(int code, params string[] arguments)
    {
        (int got, string output, string error) = await SluiceProcess.RunAsync(null, fixture.Server.Endpoint, arguments);
        Assert.True(got == code, $"{string.Join(' ', arguments)}: {got} {error}");
        return output;
    }

    private async Task<string> ErrorAsync(int code, params string[] arguments)
    {
        (int got, _, string error) = await SluiceProcess.RunAsync(null, fixture.Server.Endpoint, arguments);
        Assert.True(got == code, $"{string.Join(' ', arguments)}: {got} {error}");
        return error;
    }
}

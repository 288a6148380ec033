// Tab in real shells on a terminal, with the script and the server of the published binary: what is completed is run, and reads the object that was meant.
using System.Net;
using System.Net.Sockets;
using System.Text;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class ShellCompletionTests(ServerFixture fixture) : IClassFixture<ServerFixture>, IDisposable
{
    private const string Bucket = "tab-bucket";

    /// <summary>What is typed behind "sluice cat ", with \t for a Tab, and the object that is read then.</summary>
    private static readonly (string Typed, string Name)[] s_lines =
    [
        ("ais://tab\tpl\t", "plain.txt"),
        ("ais://tab-bucket/pl\t", "plain.txt"),
        ("ais://tab-bucket/sp\t", "sp ace  two"),
        ("'ais://tab-bucket/sp\t", "sp ace  two"),
        ("\"ais://tab-bucket/sp\t", "sp ace  two"),
        ("ais://tab-bucket/it\t", "it's"),
        ("\"ais://tab-bucket/it\t", "it's"),
        ("ais://tab-bucket/qu\t", "qu\"ote"),
        ("ais://tab-bucket/co\t", "co:lon:s"),
        ("ais://tab-bucket/co:\t", "co:lon:s"),
        ("ais://tab-bucket/do\t", "dollar$HOME"),
        ("ais://tab-bucket/dollar\\$\t", "dollar$HOME"),
        ("ais://tab-bucket/ü\t\t", "über/größe"),
        ("ais://tab-bucket/d/\t\t\t", "d/e/f g/h"),
        ("ais://tab-bucket/odd\t", "odd=&|;<>(){}[]*?~#`^%@,"),
        ("ais://tab-bucket/back\t", "back\\slash"),
        ("ais://tab-bucket/bang\t", "bang!x"),
        ("ais://tab-bucket/pair\t1\t", "pair 1"),
        ("ais://tab-bucket/pair\t\\$\t", "pair $"),
        ("'ais://tab-bucket/it\t", "it's"),
        ("\"ais://tab-bucket/bang\t", "bang!x"),
        ("\"ais://tab-bucket/d/\t\t\t", "d/e/f g/h"),
    ];

    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("sluice-tab-");

    [Theory]
    [InlineData("bash --norc --noprofile -i", "PS1=; set +o history; bind 'set enable-bracketed-paste off'; bind 'set bell-style none'; source <(sluice completion bash)")]
    [InlineData("zsh -f -i", "PS1=; autoload -U compinit; compinit -u -D; source <(sluice completion zsh)")]
    [InlineData("fish --no-config -i", "function fish_prompt; end; sluice completion fish | source")]
    public async Task TheCompletedLineReadsTheObjectThatWasMeant(string shell, string setup)
    {
        await fixture.Store.CreateAsync(Bucket);
        foreach (string name in s_lines.Select(line => line.Name).Append("pair 2").Distinct())
        {
            await fixture.Store.PutAsync(Bucket, name, Encoding.UTF8.GetBytes(name));
        }

        // What the shell completes by itself: the file that is fetched to, and the one of a redirection.
        string[] files = ["fetched into", "redirected into"];
        await Task.WhenAll(files.Select(file => File.WriteAllTextAsync(Path.Combine(_home.FullName, file), "")));
        var script = new StringBuilder($"zmodload zsh/zpty\nzpty shell {shell}\n");
        Enter(script, "", $"{setup}; cd {_home.FullName}", "ready");
        for (int i = 0; i < s_lines.Length; i++)
        {
            Enter(script, $"sluice cat {s_lines[i].Typed}", $" >{i} 2>&1", $"line-{i}");
        }

        Enter(script, "sluice get ais://tab-bucket/pl\tfet\t", "", "fetched");
        Enter(script, "sluice cat ais://tab-bucket/pl\t>red\t", "", "redirected");
        script.Append("zpty -d shell\n");
        (int code, string output, string error) = await RunAsync(script.ToString());
        Assert.True(code == 0 && error.Length == 0, output + error);
        Assert.Equal(
            s_lines.Select(line => $"{line.Typed} -> {line.Name}"),
            s_lines.Select((line, i) => $"{line.Typed} -> {File.ReadAllText(Path.Combine(_home.FullName, $"{i}"))}"));
        Assert.All(files, file => Assert.Equal("plain.txt", File.ReadAllText(Path.Combine(_home.FullName, file))));
        await fixture.Store.ControlAsync(HttpMethod.Delete, $"/v1/buckets/{Bucket}", """{"action":"destroy-bck"}""");
    }

    [Fact]
    public async Task AServerThatTakesTheConnectionAndSaysNothingIsGivenUp()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        (int code, string output, string error) = await SluiceProcess.RunAsync(null, new Uri($"http://{silent.LocalEndpoint}"), "complete", "--", "ls", "ais://b/");
        Assert.Equal((0, "", ""), (code, output, error));
    }

    public void Dispose() => _home.Delete(recursive: true);

    /// <summary>Types something, then the rest of the line, and waits until it has run. What is waited for is typed in two pieces, so that the echo of the line is not it.</summary>
    private static void Enter(StringBuilder script, string typed, string rest, string word) =>
        script.Append($"zpty -n -w shell {Quoted(typed)}\nzpty -w shell {Quoted($"{rest}; echo do''ne-{word}.")}\nzpty -r -m shell seen '*done-{word}.*'\n");

    private static string Quoted(string text) =>
        $"$'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal).Replace("\t", "\\t", StringComparison.Ordinal)}'";

    private async Task<(int Code, string Output, string Error)> RunAsync(string script)
    {
        string directory = Directory.CreateDirectory(Path.Combine(_home.FullName, "bin")).FullName;
        File.CreateSymbolicLink(Path.Combine(directory, "sluice"), Path.GetFullPath(SluiceProcess.Binary));
        return await SluiceProcess.RunCommandAsync(
            ["env", $"PATH={directory}:{Environment.GetEnvironmentVariable("PATH")}", $"HOME={_home.FullName}", "LC_ALL=C.UTF-8", "TERM=dumb", "zsh", "-f"], script, fixture.Server.Endpoint);
    }
}

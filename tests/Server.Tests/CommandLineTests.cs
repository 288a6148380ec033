// Whole command lines: what they print, where, and how they end.
using System.Text.Json;
using Sluice.Server.Settings;
using Sluice.Server.Tests.Support;

namespace Sluice.Server.Tests;

public sealed class CommandLineTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly CommandLine _line;

    public CommandLineTests()
    {
        _line = new CommandLine(_folder);
    }

    [Theory]
    [InlineData("serve")]
    [InlineData("config")]
    public async Task HelpMentionsEverySetting(string verb)
    {
        Assert.Equal(0, await _line.RunAsync(verb, "--help"));

        string help = _line.Output.ReplaceLineEndings(" ");
        Assert.Contains("--config <FILE>", help, StringComparison.Ordinal);
        foreach (Setting setting in SettingsTable.All)
        {
            Assert.Contains($"{setting.Flag} <{setting.Unit}>", help, StringComparison.Ordinal);
            Assert.Contains(setting.Variable, help, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task ConfigPrintsValuesWithTheirOrigin()
    {
        string drive = _folder.Make("drive");
        string file = _folder.Write("s.yaml", "\nlog-level: debug\n");
        _line.Environment["SLUICE_DRAIN_DEADLINE"] = "5s";

        Assert.Equal(0, await _line.RunAsync("config", "--config", file, "--mountpath", drive, "--allow-moved"));

        string[] expected =
        [
            "# Settings of sluice serve and where each comes from. This text is a file for --config.",
            "mountpath:                  # --mountpath",
            $"  - {drive}",
            "listen: \"127.0.0.1:8080\"    # default",
            "tls-cert: []                # default",
            "tls-key: []                 # default",
            "tls-client-ca: []           # default",
            "allow-shared-disk: false    # default",
            "allow-moved: true           # --allow-moved",
            "allow-degraded: false       # default",
            "forget-mountpath: []        # default",
            "memory: 250MiB              # default",
            "requests-max: []            # default",
            "io: auto                    # default",
            "log-format: text            # default",
            $"log-level: debug            # {file}:2",
            "drain-deadline: 5s          # SLUICE_DRAIN_DEADLINE",
            "client-timeout: 2m          # default",
            "flush-interval: 1s          # default",
            "upload-age: 168h            # default",
            "space-marks: \"65,75,90,95\"  # default",
            "health-interval: 10s        # default",
            "promote-root: []            # default",
            "name-index: false           # default",
        ];
        Assert.Equal(string.Join('\n', expected) + "\n", _line.Output);
        Assert.Empty(_line.Error);
    }

    [Fact]
    public async Task ConfigInJsonHasValuesAndOrigins()
    {
        Assert.Equal(0, await _line.RunAsync("config", "--json", "--mountpath", _folder.Path, "--allow-moved=true"));

        using JsonDocument json = JsonDocument.Parse(_line.Output);
        Assert.Equal(SettingsTable.All.Select(setting => setting.Name), json.RootElement.EnumerateObject().Select(member => member.Name));
        Assert.Equal(_folder.Path, json.RootElement.GetProperty("mountpath").GetProperty("value")[0].GetString());
        Assert.Equal("--mountpath", json.RootElement.GetProperty("mountpath").GetProperty("origin").GetString());
        Assert.True(json.RootElement.GetProperty("allow-moved").GetProperty("value").GetBoolean());
        Assert.Equal("250MiB", json.RootElement.GetProperty("memory").GetProperty("value").GetString());
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("with space")]
    [InlineData("a: b #c")]
    [InlineData("-dash")]
    [InlineData("\"quo'te\\")]
    [InlineData("tab\tline\nend")]
    [InlineData("ärger 日本 😀")]
    public async Task ConfigsTextIsAFileThatReadsBack(string name)
    {
        string drive = _folder.Make(name);
        Assert.Equal(0, await _line.RunAsync("config", "--mountpath", drive, "--listen", "[::1]:0", "--memory", "100000001"));

        ServerSettings read = SettingsReader.Read(_folder.Sources(_line.Output)).Settings!;

        Assert.Equal([drive], read.Mountpaths);
        Assert.Equal("[::1]:0", read.Listen.ToString());
        Assert.Equal(100_000_001, read.MemoryBytes);
        Assert.Equal(TimeSpan.FromSeconds(30), read.DrainDeadline);
    }

    [Fact]
    public async Task FlagRepeatsForAList()
    {
        string[] drives = [_folder.Make("a:b"), _folder.Make("c,d")];

        Assert.Equal(0, await _line.RunAsync("config", "--mountpath", drives[0], "--mountpath", drives[1]));

        Assert.Contains("a:b", _line.Output, StringComparison.Ordinal);
        Assert.Contains("c,d", _line.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sluice: --memory: 'x' is not a size; write a number with a unit, as 512MiB or 4GiB", "config", "--memory", "x")]
    [InlineData("sluice: --allow-moved: 'perhaps' is neither true nor false", "config", "--allow-moved", "perhaps")]
    [InlineData("sluice: no mountpath is given; use --mountpath DIR, SLUICE_MOUNTPATH, or mountpath in a file for --config", "serve")]
    [InlineData("sluice: --listn: is not known to sluice serve; did you mean --listen? (see sluice serve --help)", "serve", "--listn", "x")]
    [InlineData("sluice: --listn=x: is not known to sluice serve; did you mean --listen? (see sluice serve --help)", "serve", "--listn=x")]
    [InlineData("sluice: srve: is not known to sluice; did you mean serve? (see sluice --help)", "srve")]
    [InlineData("sluice: @file: is not known to sluice config (see sluice config --help)", "config", "@file")]
    [InlineData("sluice: Required argument missing for option: '--listen' (see sluice serve --help)", "serve", "--listen")]
    [InlineData(
        "sluice: Option '--io' expects a single argument but 2 were provided (see sluice serve --help)",
        "serve", "--io", "auto", "--io", "auto")]
    public async Task MistakeIsOneSentenceOnStandardErrorAndExitCodeTwo(string sentence, params string[] args)
    {
        Assert.Equal(2, await _line.RunAsync(args));

        Assert.Equal(sentence + Environment.NewLine, _line.Error);
        Assert.Empty(_line.Output);
    }

    [Fact]
    public async Task VersionIsPrinted()
    {
        Assert.Equal(0, await _line.RunAsync("version"));

        Assert.StartsWith("sluice 0.", _line.Output, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();
}

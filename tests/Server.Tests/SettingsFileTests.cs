// The YAML file: every mistake names the file and the line.
using Sluice.Server.Settings;
using Sluice.Server.Tests.Support;

namespace Sluice.Server.Tests;

public sealed class SettingsFileTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Theory]
    [InlineData("memry: 1GiB", 1, "memry is not a setting; did you mean memory?")]
    [InlineData("io: auto\n\ncolour: red\n", 3, "colour is not a setting")]
    [InlineData("io: auto\nmemory: lots", 2, "memory: 'lots' is not a size; write a number with a unit, as 512MiB or 4GiB")]
    [InlineData("io: auto\nlisten:\n", 2, "listen: is empty; give HOST:PORT, or leave it out")]
    [InlineData("io: [auto]", 1, "io takes one value, not a list")]
    [InlineData("mountpath:\n- /tmp\n- /dev/null", 3, "mountpath: /dev/null is not a directory")]
    [InlineData("io: auto\nio: threads", 2, "io is given twice, first in line 1")]
    [InlineData("io:\n  kind: auto", 2, "io has a value that is neither text nor a list of texts")]
    [InlineData("mountpath:\n  - [/tmp]", 2, "mountpath has a value that is neither text nor a list of texts")]
    [InlineData("io: *x", 1, "io has a value that is neither text nor a list of texts")]
    [InlineData("- io", 1, "settings are written as name: value")]
    [InlineData("io", 1, "settings are written as name: value")]
    [InlineData("? [a, b]\n: c", 1, "the name of a setting is plain text")]
    [InlineData("io: auto\n---\nio: auto", 2, "a second document begins here; settings are one document")]
    public void MistakeNamesFileAndLine(string yaml, int line, string problem)
    {
        SettingsReading reading = SettingsReader.Read(_folder.Sources(yaml));

        Assert.Null(reading.Settings);
        Assert.Equal($"{_folder.Path}/sluice.yaml:{line}: {problem}", reading.Problems[0]);
    }

    [Theory]
    [InlineData("io: auto\nmemory: [1", 3)]
    [InlineData("io: auto\n\tmemory: 1GiB", 2)]
    [InlineData("io: \"auto", 1)]
    [InlineData("io: auto\nmemory: \"\\UFFFFFFFF\"", 2)]
    [InlineData("io: auto\n  memory: 1GiB", 2)]
    public void BrokenYamlNamesFileAndLine(string yaml, int line)
    {
        string problem = Assert.Single(SettingsReader.Read(_folder.Sources(yaml)).Problems);

        Assert.StartsWith($"{_folder.Path}/sluice.yaml:{line}: is not YAML: ", problem, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', problem);
    }

    [Theory]
    [InlineData("")]
    [InlineData("# only a comment\n")]
    [InlineData("---\n")]
    [InlineData("{}")]
    [InlineData("mountpath: []")]
    public void FileWithoutSettingsIsNoMistake(string yaml) =>
        Assert.NotNull(SettingsReader.Read(_folder.Sources(yaml)).Settings);

    [Fact]
    public void FileThatIsNotThereIsRefused() =>
        Assert.Equal([$"--config: {_folder.Path}/none.yaml does not exist"], Problems("none.yaml"));

    [Fact]
    public void FolderInsteadOfAFileIsRefused() => Assert.Equal([$"--config: {_folder.Path} is a directory"], Problems(_folder.Path));

    [Fact]
    public void HugeFileIsRefusedUnread()
    {
        _folder.Write("huge.yaml", new string('#', (1 << 20) + 1));

        Assert.Equal([$"--config: {_folder.Path}/huge.yaml is larger than 1 MiB, so it is not a file of settings"], Problems("huge.yaml"));
    }

    public void Dispose() => _folder.Dispose();

    private IReadOnlyList<string> Problems(string config) => SettingsReader.Read(_folder.Sources() with { ConfigFlag = config }).Problems;
}

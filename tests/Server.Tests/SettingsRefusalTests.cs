// Every mistake is one sentence that begins with where it stands and says what to write instead.
using Sluice.Server.Settings;
using Sluice.Server.Tests.Support;

namespace Sluice.Server.Tests;

public sealed class SettingsRefusalTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Theory]
    [InlineData("listen", "8080", "'8080' is not HOST:PORT; write 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080")]
    [InlineData("listen", ":8080", "':8080' is not HOST:PORT; write 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080")]
    [InlineData("listen", "::1:8080", "'::1:8080' is not HOST:PORT; write 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080")]
    [InlineData("listen", "1:80", "'1' is not an IP address; write the address of an interface, 0.0.0.0 for all, or localhost")]
    [InlineData("listen", "my.host:80", "'my.host' is not an IP address; write the address of an interface, 0.0.0.0 for all, or localhost")]
    [InlineData("listen", "127.0.0.1:65536", "'65536' is not a port; a port is a number from 0 to 65535")]
    [InlineData("listen", "127.0.0.1:", "'' is not a port; a port is a number from 0 to 65535")]
    [InlineData("listen", "127.0.0.1:+1", "'+1' is not a port; a port is a number from 0 to 65535")]
    [InlineData("allow-moved", "yes", "'yes' is neither true nor false")]
    [InlineData("allow-shared-disk", "1", "'1' is neither true nor false")]
    [InlineData("forget-mountpath", "m1", "'m1' is not the uuid of a mountpath; write its hexadecimal digits as 8-4-4-4-12")]
    [InlineData("memory", "lots", "'lots' is not a size; write a number with a unit, as 512MiB or 4GiB")]
    [InlineData("memory", "-1GiB", "'-1GiB' is not a size; write a number with a unit, as 512MiB or 4GiB")]
    [InlineData("memory", "99999999PiB", "'99999999PiB' is not a size; write a number with a unit, as 512MiB or 4GiB")]
    [InlineData("requests-max", "0", "'0' is not a number of requests; write a whole number from 1")]
    [InlineData("requests-max", "-1", "'-1' is not a number of requests; write a whole number from 1")]
    [InlineData("requests-max", "4096000000", "'4096000000' is not a number of requests; write a whole number from 1")]
    [InlineData("memory", "16MiB", "16MiB is too little; the least is 64MiB")]
    [InlineData("io", "Uring", "'Uring' is not a kind of I/O; take auto, uring, sockets or threads")]
    [InlineData("io", "magic", "'magic' is not a kind of I/O; take auto, uring, sockets or threads")]
    [InlineData("log-format", "xml", "'xml' is not a log format; take text or json")]
    [InlineData("log-level", "loud", "'loud' is not a log level; take trace, debug, info, warn, error, critical or none")]
    [InlineData("drain-deadline", "30", "'30' is not a duration; write a number with a unit, as 30s, 500ms or 1m30s")]
    [InlineData("drain-deadline", "2h", "2h is not from 0s to 1h")]
    [InlineData("flush-interval", "0", "0 is not from 0.001s to 1h")]
    [InlineData(
        "mountpath", "/no/such/place", "/no does not exist, or this user may not reach it; make the directory, or mount the drive there")]
    [InlineData("mountpath", "/dev/null", "/dev/null is not a directory")]
    [InlineData("mountpath", "/dev/null/x", "/dev/null is not a directory")]
    [InlineData("mountpath", "/a\0b", "the path contains a NUL character")]
    [InlineData("tls-client-ca", "/dev", "/dev is a directory, not a file")]
    [InlineData("memory", "", "is empty; give SIZE, or leave it out")]
    [InlineData("mountpath", "", "is empty; give DIR, or leave it out")]
    public void ValueThatCannotBeIsRefusedWithOriginAndRemedy(string name, string text, string problem)
    {
        var flags = new Dictionary<string, IReadOnlyList<string>> { [name] = [text] };

        SettingsReading reading = SettingsReader.Read(_folder.Sources() with { Flags = flags });

        Assert.Null(reading.Settings);
        Assert.Equal([$"--{name}: {problem}"], reading.Problems);
    }

    [Theory]
    [InlineData("--tls-cert: tls-cert needs its private key; give tls-key too", "tls-cert")]
    [InlineData("--tls-cert: tls-cert needs its private key; give tls-key too", "tls-cert", "tls-client-ca")]
    [InlineData("--tls-key: tls-key needs its certificate; give tls-cert too", "tls-key")]
    [InlineData("--tls-client-ca: tls-client-ca is for a listener with TLS; give tls-cert and tls-key too", "tls-client-ca")]
    public void HalfOfTlsIsRefused(string problem, params string[] given)
    {
        string file = _folder.Write("any.pem", "");
        var flags = given.ToDictionary(name => name, _ => (IReadOnlyList<string>)[file]);

        SettingsReading reading = SettingsReader.Read(_folder.Sources() with { Flags = flags });

        Assert.Null(reading.Settings);
        Assert.Equal([problem], reading.Problems);
    }

    [Fact]
    public void CertificateThatIsNotThereIsTheOnlyProblem()
    {
        string file = _folder.Write("any.pem", "");
        var flags = new Dictionary<string, IReadOnlyList<string>> { ["tls-cert"] = ["/no/cert.pem"], ["tls-key"] = [file] };

        Assert.Equal(
            ["--tls-cert: /no/cert.pem does not exist, or this user may not reach it"],
            SettingsReader.Read(_folder.Sources() with { Flags = flags }).Problems);
    }

    [Fact]
    public void FilesListOfCertificatesIsRefused()
    {
        SettingsReading reading = SettingsReader.Read(_folder.Sources("tls-cert: [a, b]"));

        Assert.Contains("tls-cert takes one value, not a list", Assert.Single(reading.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public void RefusalNamesTheVariable() => Assert.Equal(
        ["SLUICE_MEMORY: 'lots' is not a size; write a number with a unit, as 512MiB or 4GiB"],
        Problems(new() { ["SLUICE_MEMORY"] = "lots" }));

    [Fact]
    public void EmptyVariableIsNoValue() => Assert.Equal(
        ["SLUICE_LISTEN: is empty; give HOST:PORT, or leave it out"], Problems(new() { ["SLUICE_LISTEN"] = "" }));

    [Fact]
    public void EmptyEntryOfAVariablesListIsRefused() =>
        Assert.Equal(
            ["SLUICE_MOUNTPATH: is empty; give DIR, or leave it out"], Problems(new() { ["SLUICE_MOUNTPATH"] = _folder.Path + ":" }));

    [Theory]
    [InlineData("SLUICE_MEMROY", "; did you mean SLUICE_MEMORY?")]
    [InlineData("SLUICE_LOGFORMAT", "; did you mean SLUICE_LOG_FORMAT?")]
    [InlineData("SLUICE_QUARKS", "")]
    public void UnknownVariableIsRefusedByName(string name, string suffix) =>
        Assert.Equal([$"{name}: is not a variable of sluice{suffix}"], Problems(new() { [name] = "1" }));

    [Fact]
    public void MountpathGivenTwiceInTwoSpellingsIsRefused()
    {
        string drive = _folder.Make("drive");
        Directory.CreateSymbolicLink(_folder.Path + "/link", drive);

        Assert.Equal([$"SLUICE_MOUNTPATH: {drive} is given twice"], Problems(new() { ["SLUICE_MOUNTPATH"] = "drive,link" }));
    }

    [Fact]
    public void LinkToItselfIsRefused()
    {
        Directory.CreateSymbolicLink(_folder.Path + "/loop", "loop");

        Assert.Equal(
            ["SLUICE_MOUNTPATH: loop goes through more than 40 symbolic links"], Problems(new() { ["SLUICE_MOUNTPATH"] = "loop" }));
    }

    [Fact]
    public void AllMistakesAreReportedAtOnce()
    {
        SettingsSources sources = _folder.Sources("colour: red\nlog-level: loud\n") with
        {
            Environment = new Dictionary<string, string> { ["SLUICE_X"] = "", ["SLUICE_IO"] = "magic" },
            Flags = new Dictionary<string, IReadOnlyList<string>> { ["memory"] = ["x"] },
        };

        Assert.Equal(
            ["SLUICE_X", $"{_folder.Path}/sluice.yaml", "--memory", "SLUICE_IO", $"{_folder.Path}/sluice.yaml"],
            SettingsReader.Read(sources).Problems.Select(problem => problem.Split(':')[0]));
    }

    [Theory]
    [InlineData("memory", "mem")]
    [InlineData("listen", "port")]
    [InlineData("io", "zz")]
    public void NothingIsSuggestedForANameThatIsFar(string known, string name) =>
        Assert.Null(DidYouMean.Nearest(name, [known]));

    [Theory]
    [InlineData("listen", "lisetn")]
    [InlineData("allow-moved", "allow_moved")]
    [InlineData("allow-moved", "Allow-Moved")]
    [InlineData("mountpath", "mountpaths")]
    public void NearNameIsSuggested(string known, string name) => Assert.Equal(known, DidYouMean.Nearest(name, ["memory", known, "io"]));

    public void Dispose() => _folder.Dispose();

    private IReadOnlyList<string> Problems(Dictionary<string, string> environment) =>
        SettingsReader.Read(_folder.Sources() with { Environment = environment }).Problems;
}

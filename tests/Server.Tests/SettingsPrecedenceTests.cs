// Flags before environment before file before default, for every row of the table by itself.
using System.Net;
using Microsoft.Extensions.Logging;
using Sluice.Server.Settings;
using Sluice.Server.Tests.Support;
using Sluice.Transport.Tls;

namespace Sluice.Server.Tests;

public sealed class SettingsPrecedenceTests : IDisposable
{
    private const string UuidA = "00000000-0000-0000-0000-00000000000a", UuidB = "00000000-0000-0000-0000-00000000000b",
        UuidC = "00000000-0000-0000-0000-00000000000c";

    private readonly TestFolder _folder = new();

    public static TheoryData<string, string, string, string> Rows => new()
    {
        { "mountpath", "flag", "variable", "file" },
        { "listen", "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3" },
        { "tls-cert", "flag", "variable", "file" },
        { "tls-key", "flag", "variable", "file" },
        { "tls-client-ca", "flag", "variable", "file" },
        { "allow-shared-disk", "true", "false", "true" },
        { "allow-moved", "false", "true", "false" },
        { "allow-degraded", "true", "false", "true" },
        { "forget-mountpath", UuidA, UuidB, UuidC },
        { "memory", "100MiB", "200MiB", "300MiB" },
        { "requests-max", "1", "2", "3" },
        { "io", "uring", "sockets", "threads" },
        { "log-format", "json", "text", "json" },
        { "log-level", "debug", "warn", "error" },
        { "drain-deadline", "1s", "2s", "3s" },
        { "client-timeout", "1s", "2s", "3s" },
        { "flush-interval", "0.1s", "0.2s", "0.3s" },
        { "upload-age", "1h", "2h", "3h" },
        { "space-marks", "1,2,3,4", "5,6,7,8", "50,60,70,80" },
        { "health-interval", "1s", "2s", "3s" },
        { "promote-root", "flag", "variable", "file" },
        { "name-index", "true", "false", "true" },
    };

    [Fact]
    public void EveryRowOfTheTableIsTested() =>
        Assert.Equal(SettingsTable.All.Select(setting => setting.Name), Rows.Select(row => row.Data.Item1));

    [Theory]
    [MemberData(nameof(Rows))]
    public void FlagWinsOverVariableOverFileOverDefault(string name, string flag, string variable, string file)
    {
        if (name is "mountpath" or "promote-root")
        {
            (flag, variable, file) = (_folder.Make(flag), _folder.Make(variable), _folder.Make(file));
        }

        // What a setting needs beside it is given by flags throughout.
        var flags = new Dictionary<string, IReadOnlyList<string>>();
        if (name.StartsWith("tls-", StringComparison.Ordinal))
        {
            (flag, variable, file) = (_folder.Write(flag, ""), _folder.Write(variable, ""), _folder.Write(file, ""));
            flags.Add("tls-cert", [file]);
            flags.Add("tls-key", [file]);
            flags.Remove(name);
        }

        Setting setting = SettingsTable.All.Single(one => one.Name == name);
        SettingsSources sources = _folder.Sources($"# a comment\n{name}: {file}\n") with { Flags = flags };
        var environment = new Dictionary<string, string> { [setting.Variable] = variable };
        var withFlag = new Dictionary<string, IReadOnlyList<string>>(flags) { [name] = [flag] };

        Assert.Equal((setting.Flag, flag), Effective(sources with { Flags = withFlag, Environment = environment }, name));
        Assert.Equal((setting.Variable, variable), Effective(sources with { Environment = environment }, name));
        Assert.Equal(($"{_folder.Path}/sluice.yaml:2", file), Effective(sources, name));
        Assert.Equal("default", Effective(_folder.Sources(), name).Origin);
    }

    [Fact]
    public void DefaultsAreThoseOfTheDesign()
    {
        ServerSettings settings = SettingsReader.Read(_folder.Sources()).Settings!;

        Assert.Empty(settings.Mountpaths);
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, 8080), settings.Listen);
        Assert.Null(settings.Tls);
        Assert.False(settings.AllowSharedDisk);
        Assert.False(settings.KeepsNames);
        Assert.False(settings.AllowMoved);
        Assert.Empty(settings.ForgetMountpaths);
        Assert.Empty(settings.PromoteRoots);
        Assert.Equal(250L << 20, settings.MemoryBytes);
        Assert.Equal(IoBackend.Auto, settings.Io);
        Assert.Equal(LogFormat.Text, settings.LogFormat);
        Assert.Equal(LogLevel.Information, settings.LogLevel);
        Assert.Equal(TimeSpan.FromSeconds(30), settings.DrainDeadline);
        Assert.Equal(TimeSpan.FromSeconds(1), settings.FlushInterval);
        Assert.Equal(TimeSpan.FromDays(7), settings.UploadAge);
    }

    [Fact]
    public void EveryTypedSettingComesFromItsOwnRow()
    {
        string mountpath = _folder.Make("m");
        string[] pem = [_folder.Write("cert.pem", ""), _folder.Write("key.pem", ""), _folder.Write("ca.pem", "")];
        ServerSettings settings = SettingsReader.Read(_folder.Sources(
            $"""
            mountpath: [{mountpath}]
            listen: "[::1]:9"
            tls-cert: cert.pem
            tls-key: key.pem
            tls-client-ca: ca.pem
            allow-shared-disk: true
            allow-moved: true
            name-index: true
            forget-mountpath: {UuidA}
            memory: 1.5GiB
            io: threads
            log-format: json
            log-level: Warning
            drain-deadline: 1m30s
            flush-interval: 250ms
            upload-age: 36h
            promote-root: [{mountpath}, .]
            """)).Settings!;

        Assert.Equal([mountpath], settings.Mountpaths);
        Assert.Equal(new IPEndPoint(IPAddress.IPv6Loopback, 9), settings.Listen);
        Assert.Equal(new TlsFiles(pem[0], pem[1], pem[2]), settings.Tls);
        Assert.True(settings.AllowSharedDisk);
        Assert.True(settings.KeepsNames);
        Assert.True(settings.AllowMoved);
        Assert.Equal([UuidA], settings.ForgetMountpaths);
        Assert.Equal([mountpath, _folder.Path], settings.PromoteRoots);
        Assert.Equal(1536L << 20, settings.MemoryBytes);
        Assert.Equal(IoBackend.Threads, settings.Io);
        Assert.Equal(LogFormat.Json, settings.LogFormat);
        Assert.Equal(LogLevel.Warning, settings.LogLevel);
        Assert.Equal(TimeSpan.FromSeconds(90), settings.DrainDeadline);
        Assert.Equal(TimeSpan.FromMilliseconds(250), settings.FlushInterval);
        Assert.Equal(TimeSpan.FromHours(36), settings.UploadAge);
    }

    [Fact]
    public void MountpathsOfTheVariableAreSeparatedByColonOrComma()
    {
        string[] paths = [_folder.Make("a"), _folder.Make("b"), _folder.Make("c")];
        var environment = new Dictionary<string, string> { ["SLUICE_MOUNTPATH"] = $"{paths[0]}:{paths[1]},{paths[2]}" };

        Assert.Equal(paths, SettingsReader.Read(_folder.Sources() with { Environment = environment }).Settings!.Mountpaths);
    }

    [Fact]
    public void FileCanBeNamedByVariableAndTheFlagWins()
    {
        string variable = _folder.Write("variable.yaml", "memory: 100MiB");
        SettingsSources sources = _folder.Sources() with { Environment = new Dictionary<string, string> { ["SLUICE_CONFIG"] = variable } };

        Assert.Equal(($"{variable}:1", "100MiB"), Effective(sources, "memory"));
        string flag = _folder.Write("flag.yaml", "memory: 200MiB");
        Assert.Equal(($"{flag}:1", "200MiB"), Effective(sources with { ConfigFlag = "flag.yaml" }, "memory"));
    }

    [Fact]
    public void ClientVariableIsLeftAlone()
    {
        var environment = new Dictionary<string, string>
        {
            ["SLUICE_ENDPOINT"] = "https://127.0.0.1:8080",
            ["SLUICE_CA"] = "ca.pem",
            ["SLUICE_CLIENT_CERT"] = "c.pem",
            ["SLUICE_CLIENT_KEY"] = "c.key",
            ["SLUICE_INSECURE"] = "true",
            ["PATH"] = "/bin",
        };

        Assert.Empty(SettingsReader.Read(_folder.Sources() with { Environment = environment }).Problems);
    }

    [Fact]
    public void MountpathsReachTheEngineAbsoluteAndWithoutLinks()
    {
        string real = _folder.Make("real/deep");
        Directory.CreateSymbolicLink(_folder.Path + "/link", "real/../real");
        Directory.CreateSymbolicLink(_folder.Path + "/absolute", _folder.Path + "/link/deep");

        foreach (string path in (string[])["link/deep", "./absolute/", _folder.Path + "/real//deep/../deep", "absolute/../deep"])
        {
            var flags = new Dictionary<string, IReadOnlyList<string>> { ["mountpath"] = [path] };
            Assert.Equal([real], SettingsReader.Read(_folder.Sources() with { Flags = flags }).Settings!.Mountpaths);
        }
    }

    [Fact]
    public void LinkToACertificateStaysALink()
    {
        string target = _folder.Write("1/cert.pem", "");
        File.CreateSymbolicLink(_folder.Path + "/cert.pem", target);
        var flags = new Dictionary<string, IReadOnlyList<string>> { ["tls-cert"] = ["cert.pem"], ["tls-key"] = [target] };

        Assert.Equal(new TlsFiles(_folder.Path + "/cert.pem", target, null), SettingsReader.Read(_folder.Sources() with { Flags = flags }).Settings!.Tls);
    }

    [Fact]
    public void EmptyListInTheFileIsNoCertificate()
    {
        SettingsReading reading = SettingsReader.Read(_folder.Sources("tls-cert: []\ntls-key: []\n"));

        Assert.Empty(reading.Problems);
        Assert.Null(reading.Settings!.Tls);
    }

    [Fact]
    public void RelativeMountpathOfTheFileStartsFromTheFilesFolder()
    {
        string drive = _folder.Make("etc/drive");
        _folder.Write("etc/s.yaml", "mountpath: drive");

        Assert.Equal([drive], SettingsReader.Read(_folder.Sources() with { ConfigFlag = "etc/s.yaml" }).Settings!.Mountpaths);
    }

    public void Dispose() => _folder.Dispose();

    private static (string Origin, string Text) Effective(SettingsSources sources, string name)
    {
        SettingsReading reading = SettingsReader.Read(sources);
        Assert.Empty(reading.Problems);
        EffectiveSetting one = reading.Effective.Single(effective => effective.Setting.Name == name);
        return (one.Origin, string.Join(' ', one.Values.Select(value => value.Text)));
    }
}

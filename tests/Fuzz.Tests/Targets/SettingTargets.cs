using System.Text;
using Sluice.Contract;
using Sluice.Fuzz.Tests.Harness;
using Sluice.Server;
using Sluice.Server.Settings;
using YamlDotNet.Core;

namespace Sluice.Fuzz.Tests.Targets;

/// <summary>The file of settings and what stands in it, and the durations of contract and command line.</summary>
public static class SettingTargets
{
    private static readonly string s_file = Path.Combine(AppContext.BaseDirectory, "fuzzed.yaml");

    /// <summary>The file, written anew from what it says. The twin lets the exceptions of the YAML reader out.</summary>
    public static Fuzzed Files
    {
        get
        {
            var target = new FuzzTarget<SettingsReading>
            {
                Name = "settings file",
                Seeds = Mutator.Texts(
                    "io: auto\nmemory: 1GiB\nlisten: 127.0.0.1:8080\nmountpath:\n  - /tmp\n  - /usr\n",
                    "# comment\n\"log-level\": 'warn'\ndrain-deadline: 1m30s\nspace-marks: 65,75,90,95\nallow-moved: true\n",
                    "{io: threads, mountpath: [/tmp], requests-max: []}",
                    ""),
                Words = Mutator.Texts(
                    "\n", ": ", "- ", "  ", "\t", "|\n", ">-\n", "&a ", "*a", "!!str ", "!", "? ", "---\n", "...\n", "%YAML 1.2\n", "%TAG ! tag:x,2000:\n", "{", "[", "\"", "'", "\"\\uD800\"",
                    "\"\\UFFFFFFFF\"", "\\x0", "<<: ", "#", "io: ", "listen: ", "[::1]:0", "mountpath: ", "~", "!<%FF> ", "\0", "\ufeff", "\u0085"),
                Parse = yaml => Read(yaml) is { Settings: not null } reading ? reading : null,
                Format = reading => Encoding.UTF8.GetBytes(SettingsReport.Yaml(reading.Effective)),
                Describe = reading => string.Join('\n', reading.Effective.Select(one => $"{one.Setting.Name} {string.Join(' ', one.Values.Select(value => value.Text))}")),
                AllocationMax = (512 << 10, 1024),
                InputsOfSuite = 800,
            };
            return new Fuzzed(target, target with
            {
                Parse = yaml =>
                {
                    var parser = new Parser(new StringReader(Encoding.UTF8.GetString(yaml)));
                    while (parser.MoveNext())
                    {
                    }

                    return target.Parse(yaml);
                },
            },
            "throws");
        }
    }

    /// <summary>One value of one setting, a letter in front saying which. The twin adds durations without looking.</summary>
    public static Fuzzed Values
    {
        get
        {
            string[] texts =
                ["127.0.0.1:8080", "[::1]:0", "localhost:65535", "512MiB", "1.5GiB", "65,75,90,95", "auto", "json", "warning", "true", "1m30s", "500ms", "1.5s", "00112233-4455-6677-8899-AABBCCDDEEFF", "/tmp", "17"];
            IReadOnlyList<Setting> settings = SettingsTable.All;
            var target = new FuzzTarget<ReadValue>
            {
                Name = "value of a setting",
                Seeds = [.. texts.Select(text => Encoding.UTF8.GetBytes((char)('A' + settings.Select((setting, i) => (setting, i)).First(one => ReadText(one.setting, text) is not null).i) + text))],
                Words = Mutator.Texts("h", "m", "s", "ms", "µs", "ns", "99999999999999999999", "0.1", "KiB", "PiB", ",", "[", "]", ":", "/", "..", "\0", "é", new string('x', 300)),
                Parse = input => input.Length > 0 && input[0] - 'A' is >= 0 and var index && index < settings.Count
                    && ReadText(settings[index], Encoding.UTF8.GetString(input.AsSpan(1))) is { } value ? new ReadValue(index, value.Text) : null,
                Format = value => Encoding.UTF8.GetBytes((char)('A' + value.Index) + value.Text),
                AllocationMax = (64 << 10, 256),
                InputsOfSuite = 8000,
            };
            return new Fuzzed(target, target with
            {
                Parse = input =>
                {
                    string text = Encoding.UTF8.GetString(input);
                    _ = text.Length > 2 && text.EndsWith('h') && decimal.TryParse(text.AsSpan(1, text.Length - 2), out decimal hours) ? (long)(hours * TimeSpan.TicksPerHour) : 0;
                    return target.Parse(input);
                },
            },
            "throws Overflow");
        }
    }

    /// <summary>Durations in the contract's syntax. The twin rounds to whole hours.</summary>
    public static Fuzzed Durations
    {
        get
        {
            var target = new FuzzTarget<object>
            {
                Name = "duration",
                Seeds = Mutator.Texts("0", "90s", "1h30m", "250ms", "1.5h", "256204778h", "1us", "7µs", "100ns", "922337203685.4775807s"),
                Words = Mutator.Texts("h", "m", "s", "ms", "us", "ns", "59m59.9999999s", "922337203685", ".", "0.", " "),
                Parse = input => DurationText.TryParse(Encoding.UTF8.GetString(input), out TimeSpan duration) ? duration : null,
                Format = duration => Encoding.UTF8.GetBytes(DurationText.Format((TimeSpan)duration)),
                Describe = duration => ((TimeSpan)duration).ToString("c"),
                InputsOfSuite = 6000,
            };
            return new Fuzzed(target, target with { Format = duration => Encoding.UTF8.GetBytes(Math.Round(((TimeSpan)duration).TotalHours) + "h") }, "another");
        }
    }

    private static SettingsReading Read(byte[] yaml)
    {
        File.WriteAllBytes(s_file, yaml);
        return SettingsReader.Read(new SettingsSources { ConfigFlag = s_file, WorkingDirectory = "/", Machine = s_machine });
    }

    private static EffectiveValue? ReadText(Setting setting, string text) => setting.Read(new SettingText(text, "here", "/"), []);

    private static readonly MachineReport s_machine = new()
    {
        Cores = 2,
        MemoryBytes = 1L << 30,
        CgroupMemoryBytes = null,
        Kernel = "6.1.0",
        OpenFilesMax = 1024,
        LockedBytesMax = 8 << 20,
        MissingCpuFeatures = [],
    };

    /// <summary>A value, and which setting it is of.</summary>
    public sealed record ReadValue(int Index, string Text);
}

// Flags before environment before file before defaults, for each setting by itself. Reports every problem, not only the first: an operator
// who has three mistakes should learn of them at once.
using Sluice.Transport.Tls;

namespace Sluice.Server.Settings;

/// <summary>Everything that settings can come from.</summary>
public sealed record SettingsSources
{
    /// <summary>Values of the flags that were given, by name of setting; a switch without a value has <c>true</c>.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Flags { get; init; } = new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>Path given with <c>--config</c>, or null.</summary>
    public string? ConfigFlag { get; init; }

    /// <summary>The environment.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Absolute directory that relative paths of flags and variables start from; those in the file start from its own.</summary>
    public required string WorkingDirectory { get; init; }

    /// <summary>The machine that defaults are taken from.</summary>
    public required MachineReport Machine { get; init; }
}

/// <summary>What the sources say together.</summary>
/// <param name="Settings">The settings; null when there is a problem.</param>
/// <param name="Effective">All settings with their origin, in the table's order; those with a problem are missing.</param>
/// <param name="Problems">One sentence each, beginning with where the mistake stands.</param>
public sealed record SettingsReading(ServerSettings? Settings, IReadOnlyList<EffectiveSetting> Effective, IReadOnlyList<string> Problems);

/// <summary>Reads all sources.</summary>
public sealed class SettingsReader
{
    private readonly SettingsSources _sources;
    private readonly List<string> _problems = [];
    private readonly Dictionary<string, FileEntry> _file = [];
    private string _path = "";

    private SettingsReader(SettingsSources sources)
    {
        _sources = sources;
    }

    /// <summary>Never throws for anything that somebody wrote.</summary>
    public static SettingsReading Read(SettingsSources sources)
    {
        var reader = new SettingsReader(sources);
        reader.RefuseUnknownVariables();
        reader.ReadFile();
        var effective = new Dictionary<Setting, EffectiveSetting>();
        foreach (Setting setting in SettingsTable.All)
        {
            if (reader.Choose(setting) is { } chosen)
            {
                effective.Add(setting, chosen);
            }
        }

        reader.RefuseHalfOfTls(effective);
        ServerSettings? settings = reader._problems.Count == 0 ? Typed(effective) : null;
        return new SettingsReading(settings, [.. effective.Values], reader._problems);
    }

    private static ServerSettings Typed(Dictionary<Setting, EffectiveSetting> effective)
    {
        return new ServerSettings
        {
            Mountpaths = All(SettingsTable.Mountpath),
            Listen = One(SettingsTable.Listen),
            Tls = All(SettingsTable.TlsCert) is [string certificate]
                ? new TlsFiles(certificate, One(SettingsTable.TlsKey), All(SettingsTable.TlsClientCa).SingleOrDefault())
                : null,
            AllowSharedDisk = One(SettingsTable.AllowSharedDisk),
            KeepsNames = One(SettingsTable.NameIndex),
            AllowMoved = One(SettingsTable.AllowMoved),
            AllowDegraded = One(SettingsTable.AllowDegraded),
            SpaceMarks = One(SettingsTable.SpaceMarksSetting),
            HealthInterval = One(SettingsTable.HealthInterval),
            ForgetMountpaths = All(SettingsTable.ForgetMountpath),
            PromoteRoots = All(SettingsTable.PromoteRoot),
            MemoryBytes = One(SettingsTable.Memory),
            RequestsMax = All(SettingsTable.RequestsMax) is [int count] ? count : null,
            Io = One(SettingsTable.Io),
            LogFormat = One(SettingsTable.LogFormatSetting),
            LogLevel = One(SettingsTable.LogLevelSetting),
            DrainDeadline = One(SettingsTable.DrainDeadline),
            ClientTimeout = One(SettingsTable.ClientTimeout),
            FlushInterval = One(SettingsTable.FlushInterval),
            UploadAge = One(SettingsTable.UploadAge),
        };

        IReadOnlyList<T> All<T>(Setting<T> setting)
            where T : notnull => [.. effective[setting].Values.Select(value => (T)value.Value)];

        T One<T>(Setting<T> setting)
            where T : notnull => All(setting).Single();
    }

    /// <summary>A certificate is nothing without its key; half of TLS is never taken for none. Nothing is said of a half that is wrong itself.</summary>
    private void RefuseHalfOfTls(Dictionary<Setting, EffectiveSetting> effective)
    {
        if (!effective.TryGetValue(SettingsTable.TlsCert, out EffectiveSetting? certificate)
            || !effective.TryGetValue(SettingsTable.TlsKey, out EffectiveSetting? key)
            || !effective.TryGetValue(SettingsTable.TlsClientCa, out EffectiveSetting? authority))
        {
            return;
        }

        switch (certificate.Values.Count, key.Values.Count)
        {
            case (1, 0):
                _problems.Add($"{certificate.Origin}: tls-cert needs its private key; give tls-key too");
                break;
            case (0, 1):
                _problems.Add($"{key.Origin}: tls-key needs its certificate; give tls-cert too");
                break;
            case (0, 0) when authority.Values.Count == 1:
                _problems.Add($"{authority.Origin}: tls-client-ca is for a listener with TLS; give tls-cert and tls-key too");
                break;
            default:
                break;
        }
    }

    private void RefuseUnknownVariables()
    {
        string[] known =
            [.. SettingsTable.All.Select(setting => setting.Variable), SettingsTable.ConfigVariable, .. SettingsTable.ClientVariables];
        foreach (string name in _sources.Environment.Keys.Order(StringComparer.Ordinal))
        {
            if (name.StartsWith(Setting.VariablePrefix, StringComparison.Ordinal) && !known.Contains(name))
            {
                _problems.Add($"{name}: is not a variable of sluice{DidYouMean.Suffix(name, known)}");
            }
        }
    }

    private void ReadFile()
    {
        string? path = _sources.ConfigFlag ?? _sources.Environment.GetValueOrDefault(SettingsTable.ConfigVariable);
        string origin = _sources.ConfigFlag is null ? SettingsTable.ConfigVariable : SettingsTable.ConfigFlag;
        if (path is null)
        {
            return;
        }

        if (path.Length == 0 || path.Contains('\0', StringComparison.Ordinal))
        {
            _problems.Add($"{origin}: is empty or has a NUL character; give the path of a YAML file, or leave it out");
            return;
        }

        _path = Path.GetFullPath(path, _sources.WorkingDirectory);
        string[] known = [.. SettingsTable.All.Select(setting => setting.Name)];
        foreach (FileEntry entry in SettingsFile.Read(_path, origin, _problems))
        {
            if (known.Contains(entry.Key))
            {
                _file.Add(entry.Key, entry);
            }
            else
            {
                _problems.Add($"{_path}:{entry.Line}: {entry.Key} is not a setting{DidYouMean.Suffix(entry.Key, known)}");
            }
        }
    }

    private EffectiveSetting? Choose(Setting setting)
    {
        if (_sources.Flags.TryGetValue(setting.Name, out IReadOnlyList<string>? flags))
        {
            return Check(setting, setting.Flag, [.. flags.Select(text => Here(text, setting.Flag))]);
        }

        if (_sources.Environment.TryGetValue(setting.Variable, out string? variable))
        {
            string[] texts = setting.Shape == SettingShape.List ? variable.Split(':', ',') : [variable];
            return Check(setting, setting.Variable, [.. texts.Select(text => Here(text, setting.Variable))]);
        }

        if (_file.TryGetValue(setting.Name, out FileEntry? entry))
        {
            string directory = Path.GetDirectoryName(_path) ?? "/";
            return Check(
                setting,
                $"{_path}:{entry.Line}",
                [.. entry.Values.Select(value => new SettingText(value.Text, $"{_path}:{value.Line}: {setting.Name}", directory))],
                entry.IsList);
        }

        return new EffectiveSetting(setting, setting.Default(_sources.Machine), "default");
    }

    private SettingText Here(string text, string origin) => new(text, origin, _sources.WorkingDirectory);

    private EffectiveSetting? Check(Setting setting, string origin, IReadOnlyList<SettingText> texts, bool isList = false)
    {
        bool isNone = setting.Shape == SettingShape.Optional && isList && texts.Count == 0;
        if (setting.Shape != SettingShape.List && !isNone && (isList || texts.Count != 1))
        {
            _problems.Add($"{origin}: {setting.Name} takes one value, not {(isList ? "a list" : $"{texts.Count}")}");
            return null;
        }

        int problems = _problems.Count;
        var values = new List<EffectiveValue>();
        foreach (SettingText text in texts)
        {
            EffectiveValue? value = setting.Read(text, _problems);
            if (value is not null && values.Exists(other => other.Text == value.Text))
            {
                _problems.Add($"{text.Origin}: {value.Text} is given twice");
            }
            else if (value is not null)
            {
                values.Add(value);
            }
        }

        return _problems.Count == problems ? new EffectiveSetting(setting, values, origin) : null;
    }
}

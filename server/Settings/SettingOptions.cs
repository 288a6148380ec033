// The settings as options of a command: made from the table, read back as texts. What a text means is decided in one place for all sources.
using System.CommandLine;
using System.CommandLine.Parsing;

namespace Sluice.Server.Settings;

/// <summary>One command's options for all settings, and for the file.</summary>
public sealed class SettingOptions
{
    private readonly Option<string> _config = new(SettingsTable.ConfigFlag)
    {
        HelpName = "FILE",
        Description = $"YAML file of settings; its keys are the flags without dashes. [{SettingsTable.ConfigVariable}; default: none]",
    };

    private readonly Dictionary<Setting, Option> _options = [];

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    public SettingOptions(Command command)
    {
        command.Add(_config);
        foreach (Setting setting in SettingsTable.All)
        {
            Option option = setting.Shape == SettingShape.List ? new Option<string[]>(setting.Flag) : new Option<string>(setting.Flag);
            option.HelpName = setting.Unit;
            option.Description = $"{setting.Help} [{setting.Variable}; default: {setting.DefaultHelp}]";
            option.Arity = setting.Shape switch
            {
                SettingShape.Switch => ArgumentArity.ZeroOrOne,
                SettingShape.List => ArgumentArity.OneOrMore,
                _ => ArgumentArity.ExactlyOne,
            };
            _options.Add(setting, option);
            command.Add(option);
        }
    }

    /// <summary>The sources of one invocation.</summary>
    public SettingsSources Sources(ParseResult parsed, CommandWorld world)
    {
        var flags = new Dictionary<string, IReadOnlyList<string>>();
        foreach ((Setting setting, Option option) in _options)
        {
            if (parsed.GetResult(option) is OptionResult { Implicit: false } result)
            {
                flags.Add(setting.Name, result.Tokens.Count == 0 ? ["true"] : [.. result.Tokens.Select(token => token.Value)]);
            }
        }

        return new SettingsSources
        {
            Flags = flags,
            ConfigFlag = parsed.GetValue(_config),
            Environment = world.Environment,
            WorkingDirectory = world.WorkingDirectory,
            Machine = world.Machine,
        };
    }
}

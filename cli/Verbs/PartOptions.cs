using System.CommandLine;
using Sluice.Cli.Transfers;
using Sluice.Contract;

namespace Sluice.Cli.Verbs;

/// <summary>The flags of transfers in parts.</summary>
internal sealed class PartOptions
{
    private const int ParallelMax = 64;
    private const long PartMaxBytes = 5L << 30;

    private readonly Option<string?> _threshold = SizeOption.Make(
        "--multipart-threshold", "transfer what is larger in parts", byDefault: PartSettings.ThresholdDefaultBytes);

    private readonly Option<string?> _partSize = SizeOption.Make(
        "--part-size",
        $"bytes of a part; more of them when that made more than {PartSettings.CountMax} parts",
        min: 1,
        max: PartMaxBytes,
        byDefault: PartSettings.PartDefaultBytes);

    private readonly Option<int> _parallel = new("--parallel")
    {
        Description = $"parts of one object at a time, 1 to {ParallelMax}",
        HelpName = "N",
        DefaultValueFactory = _ => PartSettings.ParallelDefault,
    };

    private readonly Option<string?> _resume = new("--resume")
    {
        Description = "go on with an upload that was cut short: parts that are there are not sent again",
        HelpName = "UPLOAD",
    };

    private readonly Option<bool> _noKeep = new("--no-keep") { Description = "abort an upload in parts that fails, rather than keep what is there for --resume" };

    public PartOptions()
    {
        _parallel.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && (!int.TryParse(result.Tokens[0].Value, out int value) || value is < 1 or > ParallelMax))
            {
                result.AddError($"--parallel takes a number from 1 to {ParallelMax}");
            }
        });
    }

    /// <summary>Those of <c>put</c>.</summary>
    public void AddForPut(Command command)
    {
        AddForGet(command);
        command.Options.Add(_resume);
        command.Options.Add(_noKeep);
    }

    /// <summary>Those of <c>get</c>.</summary>
    public void AddForGet(Command command)
    {
        command.Options.Add(_threshold);
        command.Options.Add(_partSize);
        command.Options.Add(_parallel);
    }

    /// <summary>What was given to <c>put</c>.</summary>
    public PartSettings OfPut(ParseResult parse) => OfGet(parse) with
    {
        ResumeId = parse.GetValue(_resume),
        KeepsFailed = !parse.GetValue(_noKeep),
    };

    /// <summary>What was given to <c>get</c>.</summary>
    public PartSettings OfGet(ParseResult parse) => new()
    {
        ThresholdBytes = SizeOption.Of(parse, _threshold) ?? PartSettings.ThresholdDefaultBytes,
        PartBytes = SizeOption.Of(parse, _partSize) ?? PartSettings.PartDefaultBytes,
        Parallel = parse.GetValue(_parallel),
    };
}

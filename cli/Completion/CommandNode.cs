using System.CommandLine;

namespace Sluice.Cli.Completion;

/// <summary>A command of the tree with all that may follow it.</summary>
/// <param name="Path">Names from the root down, without the root's own: empty, <c>bucket</c>, <c>bucket create</c>.</param>
/// <param name="Words">Subcommands, then long options, with their descriptions.</param>
/// <param name="TakesAddresses">True when one of its arguments names something on the server.</param>
public sealed record CommandNode(string Path, IReadOnlyList<(string Word, string Description)> Words, bool TakesAddresses)
{
    /// <summary>The tree as a list, parents before children; hidden symbols are left out.</summary>
    public static IReadOnlyList<CommandNode> Flatten(Command root)
    {
        var nodes = new List<CommandNode>();
        Visit(root, "", [], nodes);
        return nodes;
    }

    private static void Visit(Command command, string path, IReadOnlyList<Option> inherited, List<CommandNode> nodes)
    {
        Option[] own = [.. command.Options.Where(option => !option.Hidden)];
        Command[] below = [.. command.Subcommands.Where(each => !each.Hidden)];
        IEnumerable<(string, string)> words = below.Select(each => (each.Name, each.Description ?? ""))
            .Concat(own.Concat(inherited).DistinctBy(option => option.Name).Select(option => (option.Name, option.Description ?? "")));
        nodes.Add(new CommandNode(path, [.. words], command.Arguments.Any(argument => argument is IAddressArgument)));
        Option[] passedOn = [.. inherited, .. own.Where(option => option.Recursive)];
        foreach (Command each in below)
        {
            Visit(each, path.Length == 0 ? each.Name : $"{path} {each.Name}", passedOn, nodes);
        }
    }
}

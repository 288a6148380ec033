using System.Text;

namespace Sluice.Cli.Completion;

/// <summary>
/// Static scripts: the words of the command tree are written into them, so pressing Tab starts no process. Where no word fits, file names
/// are offered.
/// </summary>
public static class CompletionScripts
{
    /// <summary>For bash.</summary>
    public static string Bash(IReadOnlyList<CommandNode> nodes) => $$"""
        # bash completion of sluice
        _sluice() {
            local current="${COMP_WORDS[COMP_CWORD]}" path="" word words=""
            for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
                case "${path:+$path }$word" in
                    {{Paths(nodes)}}) path="${path:+$path }$word" ;;
                esac
            done
            case "$path" in
        {{Words(nodes)}}
            esac
            COMPREPLY=( $(compgen -W "$words" -- "$current") )
        }
        complete -o default -F _sluice sluice

        """;

    /// <summary>For zsh.</summary>
    public static string Zsh(IReadOnlyList<CommandNode> nodes) => $$"""
        #compdef sluice
        # zsh completion of sluice
        _sluice() {
            local path_so_far="" word choices=""
            for word in "${(@)words[2,CURRENT-1]}"; do
                case "${path_so_far:+$path_so_far }$word" in
                    {{Paths(nodes)}}) path_so_far="${path_so_far:+$path_so_far }$word" ;;
                esac
            done
            case "$path_so_far" in
        {{Words(nodes).Replace(" words=", " choices=", StringComparison.Ordinal)}}
            esac
            compadd -- ${=choices} || _files
        }
        # Found in fpath, this file is the function's body at the first Tab; sourced, it registers itself.
        if [[ "${funcstack[1]}" == _sluice ]]; then
            _sluice "$@"
        else
            compdef _sluice sluice
        fi

        """;

    /// <summary>For fish.</summary>
    public static string Fish(IReadOnlyList<CommandNode> nodes)
    {
        var script = new StringBuilder();
        script.Append("# fish completion of sluice\n");
        script.Append("function __sluice_at\n    set -l path\n    for word in (commandline -opc)[2..-1]\n        switch \"$path $word\"\n");
        script.Append("            case");
        foreach (CommandNode node in nodes.Where(node => node.Path.Length > 0))
        {
            script.Append($" \" {node.Path}\"");
        }

        script.Append("\n                set path \"$path $word\"\n        end\n    end\n    test \"$path\" = \"$argv[1]\"\nend\n");
        foreach (CommandNode node in nodes)
        {
            string at = node.Path.Length == 0 ? "" : " " + node.Path;
            foreach ((string word, string description) in node.Words)
            {
                string what = word.StartsWith("--", StringComparison.Ordinal) ? $"-l {word[2..]}" : $"-f -a {word}";
                script.Append($"complete -c sluice -n '__sluice_at \"{at}\"' {what} -d '{Quoted(description)}'\n");
            }
        }

        return script.ToString();
    }

    private static string Quoted(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal).ReplaceLineEndings(" ");

    private static string Paths(IReadOnlyList<CommandNode> nodes) =>
        string.Join('|', nodes.Where(node => node.Path.Length > 0).Select(node => $"\"{node.Path}\""));

    private static string Words(IReadOnlyList<CommandNode> nodes) =>
        string.Join('\n', nodes.Select(node => $"        \"{node.Path}\") words=\"{string.Join(' ', node.Words.Select(word => word.Word))}\" ;;"));
}

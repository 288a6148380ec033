using System.Text;

namespace Sluice.Cli.Completion;

/// <summary>
/// Scripts with the words of the command tree written into them, so that a Tab among those starts no process. Where an argument names something on the server, the
/// command is asked what there is (<see cref="CompleteVerb"/>); where it says that it is nothing of that, and where no word fits, file names are offered.
/// </summary>
public static class CompletionScripts
{
    /// <summary>For bash. What is asked is given the line as it is: bash's own words are cut at colons and still quoted.</summary>
    public static string Bash(IReadOnlyList<CommandNode> nodes) => $$"""
        # bash completion of sluice
        _sluice() {
            local current="${COMP_WORDS[COMP_CWORD]}" path="" word words="" asks="" found
            for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
                case "${path:+$path }$word" in
                    {{Paths(nodes)}}) path="${path:+$path }$word" ;;
                esac
            done
            case "$path" in
        {{Words(nodes)}}
            esac
            COMPREPLY=()
            if [[ -n $asks && $current != -* ]]; then
                if found=$("${1/#\~\//$HOME/}" complete --line="${COMP_LINE:0:COMP_POINT}" --typed="$2" 2>/dev/null </dev/null); then
                    compopt +o default 2>/dev/null
                    if [[ -n $found ]]; then
                        mapfile -t COMPREPLY <<<"$found"
                    fi
                    if [[ ${COMPREPLY[0]} == */ ]]; then
                        compopt -o nospace 2>/dev/null
                    fi
                fi
                return
            fi
            mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
        }
        complete -o default -F _sluice sluice

        """;

    /// <summary>For zsh.</summary>
    public static string Zsh(IReadOnlyList<CommandNode> nodes) => $$"""
        #compdef sluice
        # zsh completion of sluice
        _sluice() {
            local path_so_far="" word choices="" asks="" typed found
            for word in "${(@)words[2,CURRENT-1]}"; do
                case "${path_so_far:+$path_so_far }$word" in
                    {{Paths(nodes)}}) path_so_far="${path_so_far:+$path_so_far }$word" ;;
                esac
            done
            case "$path_so_far" in
        {{Words(nodes).Replace(" words=", " choices=", StringComparison.Ordinal)}}
            esac
            if [[ -n $asks && $PREFIX != -* ]]; then
                typed=$PREFIX
                [[ $compstate[quote] == "'" ]] || typed=${(Q)PREFIX}
                if found=$(command ${~words[1]} complete -- "${(@Q)words[2,CURRENT-1]}" "$typed" 2>/dev/null </dev/null); then
                    local -a whole=("${(@f)found}")
                    compadd -S '' -- ${(M)whole:#*/}
                    compadd -- ${whole:#*/}
                    return
                fi
                _files
                return
            fi
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

        script.Append("\n                set path \"$path $word\"\n        end\n    end\n    contains -- \"$path\" $argv\nend\n");
        script.Append("""
            function __sluice_asks
                string match -q -- '-*' (commandline -ct); and return 1
                set -l line (commandline -opc)
                set -l typed (string unescape -- (commandline -ct))
                test -n "$typed"; or set typed ''
                set -l program (string replace -r '^~/' "$HOME/" -- $line[1])
                set -g __sluice_found (command $program complete -- $line[2..-1] $typed 2>/dev/null </dev/null)
            end

            """);
        IEnumerable<string> asking = nodes.Where(node => node.TakesAddresses).Select(node => $"\" {node.Path}\"");
        script.Append($"complete -c sluice -n '__sluice_at {string.Join(' ', asking)}; and __sluice_asks' -f -a '$__sluice_found'\n");
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
        string.Join('\n', nodes.Select(node => $"        \"{node.Path}\") words=\"{string.Join(' ', node.Words.Select(word => word.Word))}\"{(node.TakesAddresses ? " asks=yes" : "")} ;;"));
}

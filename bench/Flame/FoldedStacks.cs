using System.Text;

namespace Sluice.Bench.Flame;

/// <summary>A frame with its samples: those that were in it and all below it.</summary>
internal sealed class FlameNode(string name)
{
    private readonly SortedDictionary<string, FlameNode> _children = new(StringComparer.Ordinal);

    public string Name => name;

    public long Samples { get; private set; }

    public IEnumerable<FlameNode> Children => _children.Values;

    /// <summary>The longest way down, this frame included.</summary>
    public int Depth => 1 + _children.Values.Select(child => child.Depth).DefaultIfEmpty(0).Max();

    /// <summary>Adds samples of a stack, outermost frame first.</summary>
    public void Add(IEnumerable<string> frames, long samples)
    {
        Samples += samples;
        FlameNode at = this;
        foreach (string frame in frames)
        {
            if (!at._children.TryGetValue(frame, out FlameNode? child))
            {
                at._children[frame] = child = new FlameNode(frame);
            }

            child.Samples += samples;
            at = child;
        }
    }
}

/// <summary>
/// Reads what perf-script(1) prints: an event is a line that begins with the command's name, then a line a frame, innermost first, then an empty line. A frame is
/// an address, a symbol and, in parentheses, the file it is of.
/// </summary>
internal static class FoldedStacks
{
    private const string KernelFile = "kernel";

    /// <summary>All stacks as a tree below one root.</summary>
    public static FlameNode Read(TextReader script)
    {
        var root = new FlameNode("all");
        var frames = new List<string>();
        bool isInEvent = false;
        for (string? line = script.ReadLine(); line is not null; line = script.ReadLine())
        {
            if (line.Length == 0)
            {
                Finish(root, frames, isInEvent);
                isInEvent = false;
            }
            else if (!char.IsWhiteSpace(line[0]))
            {
                isInEvent = !line.StartsWith('#');
            }
            else if (isInEvent)
            {
                frames.Add(Frame(line));
            }
        }

        Finish(root, frames, isInEvent);
        return root;
    }

    /// <summary>Name of a frame as a reader wants it: types without their address, the kernel marked.</summary>
    internal static string Frame(string line)
    {
        string text = line.Trim();
        int space = text.IndexOf(' ', StringComparison.Ordinal);
        string rest = space < 0 ? text : text[(space + 1)..];
        int file = rest.LastIndexOf(" (", StringComparison.Ordinal);
        string path = file < 0 ? "" : rest[(file + 2)..].TrimEnd(')');
        string symbol = file < 0 ? rest : rest[..file];
        int offset = symbol.LastIndexOf("+0x", StringComparison.Ordinal);
        symbol = offset > 0 ? symbol[..offset] : symbol;
        bool isKernel = path.StartsWith('[') && path.Contains(KernelFile, StringComparison.Ordinal);
        if (symbol is "[unknown]")
        {
            symbol = path.Length == 0 ? symbol : $"[{Path.GetFileName(path.Trim('[', ']'))}]";
        }

        return isKernel ? symbol + "_[k]" : Readable(symbol);
    }

    /// <summary>NativeAOT writes Namespace_Type__Method with type arguments between; a box that is an inch wide has room for Type.Method.</summary>
    private static string Readable(string symbol)
    {
        string bare = WithoutArguments(symbol);
        int method = bare.IndexOf("__", StringComparison.Ordinal);
        if (method <= 0)
        {
            return symbol;
        }

        string type = bare[..method];
        int last = type.TrimEnd('0', '1', '2', '3', '4').TrimEnd('_').LastIndexOf('_'); // List_1 is a type
        return new StringBuilder(type[(last + 1)..]).Append('.').Append(bare.AsSpan(method + 2)).ToString();
    }

    private static string WithoutArguments(string symbol)
    {
        var kept = new StringBuilder();
        int depth = 0;
        foreach (char letter in symbol)
        {
            depth += letter == '<' ? 1 : 0;
            if (depth == 0)
            {
                kept.Append(letter);
            }

            depth -= letter == '>' && depth > 0 ? 1 : 0;
        }

        return kept.ToString();
    }

    private static void Finish(FlameNode root, List<string> frames, bool isInEvent)
    {
        if (isInEvent && frames.Count > 0)
        {
            frames.Reverse();
            root.Add(frames, 1);
        }

        frames.Clear();
    }
}

using System.Text;
using Sluice.Contract;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Jobs;

/// <summary>
/// Which objects of a bucket a job works on: a list of names, the names of a template, or all that begin with a prefix (contract: objects §7). A value of this
/// type has names that the native API takes, every one of them.
/// </summary>
public sealed record NameSelection
{
    private NameSelection()
    {
    }

    /// <summary>The names, each once; null when it is no list. The bytes are its own.</summary>
    public IReadOnlyList<ObjectName>? List { get; private init; }

    /// <summary>The template; null when it is none with ranges.</summary>
    public NameTemplate? Template { get; private init; }

    /// <summary>What the names begin with, where there is neither list nor template; empty for all of the bucket.</summary>
    public ReadOnlyMemory<byte> Prefix { get; private init; }

    /// <summary>Of a prefix: only what lies in its directory, and nothing deeper.</summary>
    public bool IsFlat { get; private init; }

    /// <summary>True when the names depend on what is in the bucket.</summary>
    public bool IsPrefix => List is null && Template is null;

    /// <summary>How many names there are; 0 when that depends on the bucket.</summary>
    public long Count => List?.Count ?? Template?.Count ?? 0;

    /// <summary>A list, one at least; what is in it twice is taken once.</summary>
    public static Result<NameSelection> OfList(IReadOnlyCollection<string> names)
    {
        if (names.Count == 0)
        {
            return Refused("the list of names is empty");
        }

        var seen = new HashSet<ObjectName>(names.Count);
        var list = new List<ObjectName>(names.Count);
        int index = 0;
        foreach (string text in names)
        {
            if (!ObjectName.TryCreateNative(Encoding.UTF8.GetBytes(text), out ObjectName name, out string? problem))
            {
                return new Failure(ErrorCode.InvalidObjectName, $"name {index + 1} of the list: {problem}");
            }

            index++;
            if (seen.Add(name))
            {
                list.Add(name);
            }
        }

        return new NameSelection { List = list };
    }

    /// <summary>What a template stands for: the names of its ranges, or those with its prefix.</summary>
    public static Result<NameSelection> OfTemplate(string text, bool isFlat)
    {
        if (!NameTemplate.TryParse(text, out NameTemplate? template, out string? problem))
        {
            return Refused(problem);
        }

        if (template.IsPrefix)
        {
            return OfPrefix(template.Prefix, isFlat);
        }

        // They differ in digits alone, and the last is the longest: what holds for these two holds for all.
        foreach (string name in (string[])[template.First, template.Last])
        {
            if (!ObjectName.TryCreateNative(Encoding.UTF8.GetBytes(name), out _, out problem))
            {
                return new Failure(ErrorCode.InvalidObjectName, $"no object can have the names of the template: {problem}");
            }
        }

        return new NameSelection { Template = template };
    }

    /// <summary>All names that begin with a text, whatever is in it; empty for all.</summary>
    public static Result<NameSelection> OfPrefix(string prefix, bool isFlat)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(prefix);
        return bytes.Length > ObjectName.BytesMax ? Refused($"the prefix has {bytes.Length} bytes; a name has at most {ObjectName.BytesMax}")
            : new NameSelection { Prefix = bytes, IsFlat = isFlat };
    }

    /// <summary>Of a list or a template: the names, in order, each made when it is asked for.</summary>
    public IEnumerable<ObjectName> Names()
    {
        Invariant.That(!IsPrefix, "the names of a prefix are in the bucket");
        return List ?? Template!.Names().Select(ObjectName.From);
    }

    /// <summary>As an operator reads it.</summary>
    public override string ToString() => List is not null ? $"{List.Count} names"
        : Template is not null ? $"{Template}"
        : $"{Encoding.UTF8.GetString(Prefix.Span)}*";

    private static Failure Refused(string sentence) => new(ErrorCode.BadRequest, sentence);
}

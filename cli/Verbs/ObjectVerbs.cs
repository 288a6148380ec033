using System.CommandLine;

namespace Sluice.Cli.Verbs;

/// <summary><c>object</c>: the verbs of objects below one noun, where users of other clients look for them. Each does what the verb by itself does.</summary>
internal static class ObjectVerbs
{
    public static Command Create(VerbOptions options) => new("object", "The verbs of objects below one noun: \"object put\" is \"put\", \"object show\" is \"head\"")
    {
        PutVerb.Create(options),
        GetVerb.Create(options),
        ListVerb.Create(options),
        CopyVerb.Create(options),
        MoveVerb.Create(options),
        RemoveVerb.Create(options),
        HeadVerb.Create(options, "show"),
        CatVerb.Create(options),
        SetCustomVerb.Create(options),
        PromoteVerb.Create(options),
    };
}

using System.Globalization;

namespace Sluice.EndToEnd.Tests.ApiModel;

/// <summary>What a step does.</summary>
public enum Verb
{
    /// <summary>PUT.</summary>
    Put,

    /// <summary>A PUT whose connection breaks in the middle of its body.</summary>
    PutCutShort,

    /// <summary>GET of the whole.</summary>
    Get,

    /// <summary>GET of a range.</summary>
    GetRange,

    /// <summary>HEAD.</summary>
    Head,

    /// <summary>DELETE.</summary>
    Delete,

    /// <summary>PATCH of custom metadata.</summary>
    Tag,

    /// <summary>Listing of all names, in pages.</summary>
    List,
}

/// <summary>A range as a client asks for it: from a first byte, to a last one if there is one; or the last bytes.</summary>
public readonly record struct AskedRange(long? First, long? Last)
{
    /// <summary>First and last byte that an object of that size answers with; null when it cannot.</summary>
    public (long First, long Last)? Of(long sizeBytes)
    {
        (long first, long last) = First is { } from ? (from, Math.Min(Last ?? long.MaxValue, sizeBytes - 1)) : (Math.Max(0, sizeBytes - Last!.Value), sizeBytes - 1);
        return first <= last ? (first, last) : null;
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"bytes={First}-{Last}");
}

/// <summary>One call of a client. Number tells what it stores: <see cref="Plan.NumberOf"/>.</summary>
public sealed record Step(Verb Verb, int Name)
{
    /// <summary>Bytes that a PUT stores.</summary>
    public int SizeBytes { get; init; }

    /// <summary>A PUT has custom metadata.</summary>
    public bool IsTagged { get; init; }

    /// <summary>The range of a GET.</summary>
    public AskedRange Range { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Verb switch
    {
        Verb.Put => string.Create(CultureInfo.InvariantCulture, $"{Verb} {Name} {SizeBytes}{(IsTagged ? " tagged" : "")}"),
        Verb.PutCutShort => string.Create(CultureInfo.InvariantCulture, $"{Verb} {Name} {SizeBytes}"),
        Verb.GetRange => $"{Verb} {Name} {Range}",
        Verb.List => $"{Verb}",
        _ => $"{Verb} {Name}",
    };
}

/// <summary>What several clients do at once, each its own steps one after the other.</summary>
public sealed record Plan(IReadOnlyList<IReadOnlyList<Step>> Clients)
{
    /// <summary>Names that a plan speaks of. One lies below another, which is the directory of the third as well.</summary>
    public static readonly IReadOnlyList<string> Names = ["a", "a/b", "a/c"];

    private const int StepsMax = 100;

    /// <summary>The number of what a step stores, by its place: from 1, and no other step's.</summary>
    public static int NumberOf(int client, int step) => 1 + (client * StepsMax) + step;

    /// <summary>Sizes of all that the plan sends, by number; also of bodies that are cut short.</summary>
    public IEnumerable<(int Number, int SizeBytes)> Sent() =>
        from client in Enumerable.Range(0, Clients.Count)
        from step in Enumerable.Range(0, Clients[client].Count)
        where Clients[client][step].Verb is Verb.Put or Verb.PutCutShort
        select (NumberOf(client, step), Clients[client][step].SizeBytes);

    /// <inheritdoc/>
    public override string ToString() => string.Concat(Clients.Select((steps, client) => $"\n  client {client}: {string.Join("; ", steps)}"));
}

namespace Sluice.EndToEnd.Tests.ApiModel;

/// <summary>What a name holds: a content and custom metadata, by the numbers that their steps have in the plan. 0 is none.</summary>
public readonly record struct Held(int Content, int Custom)
{
    /// <summary>No object.</summary>
    public static Held Nothing => default;

    /// <inheritdoc/>
    public override string ToString() => Content == 0 ? "nothing" : Custom == 0 ? $"content {Content}" : $"content {Content} with tag {Custom}";
}

/// <summary>What the answer to one call says of one name.</summary>
public abstract record Effect
{
    /// <summary>It leaves what the name holds as it is.</summary>
    public virtual bool IsRead => false;

    /// <summary>True when a name that held <paramref name="before"/> could give that answer; <paramref name="after"/> is what it holds then.</summary>
    public abstract bool Fits(Held before, out Held after);
}

/// <summary>A PUT that was acknowledged.</summary>
public sealed record Stored(Held What) : Effect
{
    /// <inheritdoc/>
    public override bool Fits(Held before, out Held after)
    {
        after = What;
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => $"stored {What}";
}

/// <summary>A DELETE that was acknowledged: there was something.</summary>
public sealed record Removed : Effect
{
    /// <inheritdoc/>
    public override bool Fits(Held before, out Held after)
    {
        after = Held.Nothing;
        return before != Held.Nothing;
    }

    /// <inheritdoc/>
    public override string ToString() => "removed it";
}

/// <summary>A PATCH that was acknowledged: the content stays.</summary>
public sealed record Tagged(int Custom) : Effect
{
    /// <inheritdoc/>
    public override bool Fits(Held before, out Held after)
    {
        after = before with { Custom = Custom };
        return before != Held.Nothing;
    }

    /// <inheritdoc/>
    public override string ToString() => $"tagged it {Custom}";
}

/// <summary>A call that changed nothing and tells nothing.</summary>
public sealed record Refused : Effect
{
    /// <inheritdoc/>
    public override bool IsRead => true;

    /// <inheritdoc/>
    public override bool Fits(Held before, out Held after)
    {
        after = before;
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => "was refused";
}

/// <summary>A call that met no object.</summary>
public sealed record SawNothing : Effect
{
    /// <inheritdoc/>
    public override bool IsRead => true;

    /// <inheritdoc/>
    public override bool Fits(Held before, out Held after)
    {
        after = before;
        return before == Held.Nothing;
    }

    /// <inheritdoc/>
    public override string ToString() => "saw nothing";
}

/// <summary>
/// A read: its answer is right for each of the contents, which are several when they have the bytes that were asked for in common, and none when nobody
/// ever sent such bytes.
/// </summary>
public sealed record Saw(IReadOnlyList<int> Contents, int? Custom) : Effect
{
    /// <inheritdoc/>
    public override bool IsRead => true;

    /// <inheritdoc/>
    public override bool Fits(Held before, out Held after)
    {
        after = before;
        return Contents.Contains(before.Content) && (Custom is null || Custom == before.Custom);
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        string contents = Contents.Count == 0 ? "bytes that nobody stored" : $"content {string.Join(" or ", Contents)}";
        return Custom is > 0 ? $"saw {contents} with tag {Custom}" : $"saw {contents}";
    }
}

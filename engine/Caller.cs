namespace Sluice.Engine;

/// <summary>
/// Who asks. Every verb of the engine takes one, so that authentication changes no signature; until there is any, all callers are
/// <see cref="Anonymous"/> and have exactly the rights of the bucket's access mask.
/// </summary>
public sealed record Caller(string Name)
{
    /// <summary>A caller who did not say who they are.</summary>
    public static Caller Anonymous { get; } = new("anonymous");
}

using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Sluice.Engine;

/// <summary>
/// What must hold whatever a client or a disk does. On in all builds, because data is at stake; conditions are O(1). A failure is a
/// defect of ours: the request that met it ends with a 5xx and nothing more is written by it.
/// </summary>
public static class Invariant
{
    /// <summary>Throws <see cref="InvariantException"/> unless <paramref name="condition"/> holds.</summary>
    public static void That(
        [DoesNotReturnIf(false)] bool condition,
        string? because = null,
        [CallerArgumentExpression(nameof(condition))] string? expression = null)
    {
        if (!condition)
        {
            Fail(because, expression);
        }
    }

    [DoesNotReturn]
    private static void Fail(string? because, string? expression) =>
        throw new InvariantException(because is null ? $"invariant broken: {expression}" : $"invariant broken: {because} ({expression})");
}

/// <summary>An invariant of the engine does not hold: a defect, never a client's or a disk's doing.</summary>
public sealed class InvariantException(string message) : Exception(message);

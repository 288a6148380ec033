using Sluice.Contract;

namespace Sluice.Engine;

/// <summary>Why a verb was refused: a code of the error table and a sentence for the person who asked, without paths or secrets.</summary>
public sealed record Failure(ErrorCode Code, string Message);

/// <summary>What a verb without a value answered.</summary>
public readonly record struct Result(Failure? Error)
{
    /// <summary>It was done.</summary>
    public static Result Done => default;

    /// <summary>True when it was done.</summary>
    public bool Ok => Error is null;

    /// <summary>A refusal.</summary>
    public static implicit operator Result(Failure failure) => new(failure);
}

/// <summary>What a verb answered: a value, or why there is none. What a client can cause is a result, never an exception.</summary>
public readonly record struct Result<T>
{
    private readonly T? _value;

    private Result(T? value, Failure? error)
    {
        _value = value;
        Error = error;
    }

    /// <summary>Why there is no value; null when there is one.</summary>
    public Failure? Error { get; }

    /// <summary>True when there is a value.</summary>
    public bool Ok => Error is null;

    /// <summary>The value. Asking for it after a failure is a defect of ours.</summary>
    public T Value
    {
        get
        {
            Invariant.That(Error is null, "a refused verb has no value");
            return _value!;
        }
    }

    /// <summary>A success.</summary>
    public static implicit operator Result<T>(T value) => new(value, null);

    /// <summary>A refusal.</summary>
    public static implicit operator Result<T>(Failure failure) => new(default, failure);
}

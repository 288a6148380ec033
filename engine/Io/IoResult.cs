using Sluice.Native;

namespace Sluice.Engine.Io;

/// <summary>What a disk verb without a value answered: <see cref="Errno.None"/>, or why not.</summary>
public readonly record struct IoResult(Errno Error)
{
    /// <summary>The verb did what it says.</summary>
    public static IoResult Done => default;

    /// <summary>True when the verb did what it says.</summary>
    public bool Ok => Error == Errno.None;
}

/// <summary>What a disk verb answered: a value, or the error number that says why there is none.</summary>
public readonly record struct IoResult<T>
{
    private readonly T? _value;

    /// <summary>A success that carries <paramref name="value"/>.</summary>
    public IoResult(T value)
    {
        _value = value;
    }

    private IoResult(Errno error)
    {
        Invariant.That(error != Errno.None, "a failed verb has an error number");
        Error = error;
    }

    /// <summary>Why there is no value; <see cref="Errno.None"/> when there is one.</summary>
    public Errno Error { get; }

    /// <summary>True when there is a value.</summary>
    public bool Ok => Error == Errno.None;

    /// <summary>The value. Asking for it after a failure is a defect of ours.</summary>
    public T Value
    {
        get
        {
            Invariant.That(Ok, "a failed verb has no value");
            return _value!;
        }
    }

    /// <summary>A failure.</summary>
    public static IoResult<T> Failed(Errno error) => new(error);

    /// <summary>The same answer without its value.</summary>
    public IoResult WithoutValue() => new(Error);
}

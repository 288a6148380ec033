namespace Sluice.Fuzz.Tests.Harness;

/// <summary>A parser, what valid inputs of it look like, and what must hold of every input.</summary>
public abstract record FuzzTarget
{
    /// <summary>What it reads.</summary>
    public required string Name { get; init; }

    /// <summary>Valid inputs, which mutations begin with.</summary>
    public required IReadOnlyList<byte[]> Seeds { get; init; }

    /// <summary>Pieces that mean something to the parser, put in anywhere.</summary>
    public IReadOnlyList<byte[]> Words { get; init; } = [];

    /// <summary>Makes lengths and checksums right again, so that mutations reach what lies behind them. Half of the inputs stay as they are.</summary>
    public Func<byte[], byte[]>? Seal { get; init; }

    /// <summary>Bytes that the parser may allocate for an input of no bytes, and for each byte.</summary>
    public (int Fixed, int EachByte) AllocationMax { get; init; } = (16 << 10, 64);

    /// <summary>Inputs of a run of the suite: about half a second's.</summary>
    public int InputsOfSuite { get; init; } = 6000;

    /// <summary>What does not hold of an input; null when everything does.</summary>
    public abstract string? Problem(byte[] input);

    /// <summary>True when the parser takes the input.</summary>
    public abstract bool Takes(byte[] input);
}

/// <summary>A parser of values of one type.</summary>
public sealed record FuzzTarget<T> : FuzzTarget
    where T : class
{
    /// <summary>Reads an input; null is the refusal that the parser has declared. It throws nothing.</summary>
    public required Func<byte[], T?> Parse { get; init; }

    /// <summary>Writes a value so that <see cref="Parse"/> reads the same one.</summary>
    public Func<T, byte[]>? Format { get; init; }

    /// <summary>All that a value says, as text; without it two values are the same when they are written the same.</summary>
    public Func<T, string>? Describe { get; init; }

    /// <summary>What else must hold of a value that was read from an input; null when it does.</summary>
    public Func<byte[], T, string?>? Check { get; init; }

    /// <inheritdoc/>
    public override bool Takes(byte[] input) => Parse(input) is not null;

    /// <inheritdoc/>
    public override string? Problem(byte[] input)
    {
        string step = "parsing";
        try
        {
            byte[] given = [.. input];
            long before = GC.GetAllocatedBytesForCurrentThread();
            T? value = Parse(given);
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            long most = AllocationMax.Fixed + ((long)AllocationMax.EachByte * input.Length);
            if (allocated > most)
            {
                return $"allocates {allocated} bytes for {input.Length}; at most {most}";
            }

            if (!given.AsSpan().SequenceEqual(input))
            {
                return "changes its input";
            }

            if (value is null)
            {
                return null;
            }

            step = "checking what was parsed";
            if (Check?.Invoke(input, value) is { } wrong)
            {
                return wrong;
            }

            step = "writing what was parsed";
            return Format is null ? null : RoundTripProblem(value);
        }
        catch (Exception exception)
        {
            string where = exception.StackTrace?.Split('\n').FirstOrDefault()?.Trim() ?? "";
            return $"{step} throws {exception.GetType().Name}: {exception.Message} {where}";
        }
    }

    private string? RoundTripProblem(T value)
    {
        byte[] written = Format!(value);
        T? again = Parse(written);
        if (again is null)
        {
            return $"what was parsed is refused when it is written: {InputText.Of(written)}";
        }

        if (Describe is null)
        {
            byte[] twice = Format(again);
            return twice.AsSpan().SequenceEqual(written) ? null : $"what was parsed is another when it is written: {InputText.Of(written)}, then {InputText.Of(twice)}";
        }

        (string one, string other) = (Describe(value), Describe(again));
        return one == other ? null : $"what was parsed is another when it is written:\n  {one}\n  {other}";
    }
}

namespace Sluice.Loader.Names;

/// <summary>
/// Each name once a pass, in the order of a shuffled table (Fisher–Yates). The next pass's table is shuffled by one step with each name
/// that is handed out, so that no pass begins with a pause.
/// </summary>
public sealed class ShuffledNames : NameGetter
{
    private SplitMix _random;
    private int[] _now;
    private int[] _next;
    private int _at;

    /// <summary>A permutation of <paramref name="count"/> names, at least two.</summary>
    public ShuffledNames(int count, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 2);
        _random = new SplitMix(seed);
        _now = new int[count];
        _next = new int[count];
        for (int i = 0; i < count; i++)
        {
            Step(_now, i);
        }
    }

    /// <inheritdoc/>
    public override string Label => "unique sequential";

    /// <inheritdoc/>
    public override int Next(int count)
    {
        Step(_next, _at);
        int index = _now[_at];
        if (++_at == _now.Length)
        {
            (_now, _next, _at) = (_next, _now, 0);
            Passes++;
        }

        return index;
    }

    /// <summary>Inside-out: after step i the first i + 1 places hold 0 to i in random order.</summary>
    private void Step(int[] table, int i)
    {
        int other = (int)_random.Below((ulong)i + 1);
        table[i] = table[other];
        table[other] = i;
    }
}

/// <summary>
/// Each name once a pass without a table: y = a·x + b mod p, p the smallest prime from n on, a ≠ 0, so that x → y is a bijection of 0 … p−1;
/// values from n on are skipped. Another a and b each pass.
/// </summary>
public sealed class AffineNames : NameGetter
{
    private readonly int _count;
    private readonly ulong _prime;
    private SplitMix _random;
    private ulong _factor;
    private ulong _y;
    private int _given;

    /// <summary>A permutation of <paramref name="count"/> names, at least two.</summary>
    public AffineNames(int count, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 2);
        _count = count;
        _prime = PrimeFrom((ulong)count);
        _random = new SplitMix(seed);
        Begin();
    }

    /// <inheritdoc/>
    public override string Label => "unique epoch-based";

    /// <inheritdoc/>
    public override int Next(int count)
    {
        ulong y = _y;
        while (y >= (ulong)_count)
        {
            y = Following(y);
        }

        _y = Following(y);
        if (++_given == _count)
        {
            Begin();
            Passes++;
        }

        return (int)y;
    }

    /// <summary>The smallest prime that is not below <paramref name="least"/>, which is at most 2^31.</summary>
    internal static ulong PrimeFrom(ulong least)
    {
        ulong candidate = Math.Max(least, 2);
        while (!IsPrime(candidate))
        {
            candidate++;
        }

        return candidate;
    }

    private static bool IsPrime(ulong number)
    {
        if (number % 2 == 0)
        {
            return number == 2;
        }

        for (ulong divisor = 3; divisor * divisor <= number; divisor += 2)
        {
            if (number % divisor == 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>x + 1 instead of x adds a to y: no multiplication is needed.</summary>
    private ulong Following(ulong y) => y + _factor is var sum && sum >= _prime ? sum - _prime : sum;

    private void Begin()
    {
        _factor = 1 + _random.Below(_prime - 1);
        _y = _random.Below(_prime);
        _given = 0;
    }
}

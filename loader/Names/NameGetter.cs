namespace Sluice.Loader.Names;

/// <summary>
/// Chooses which of n names is read next, as an index (contract: load generator §3). One user at a time; the same seed makes the same choices.
/// </summary>
public abstract class NameGetter
{
    /// <summary>What the contract prints for it.</summary>
    public abstract string Label { get; }

    /// <summary>Full passes that are over.</summary>
    public int Passes { get; protected set; }

    /// <summary>The getter that the contract prescribes. <paramref name="options"/> tell mix, epochs and the bound of shuffled tables.</summary>
    public static NameGetter For(Flags.LoadOptions options, int count)
    {
        ulong seed = SplitMix.Mix(options.Seed ^ 0x6e616d6573);
        return options.PercentPut > 0 && options.Epochs > 0 ? new RandomUniqueNames(count, seed)
            : options.PercentPut > 0 || count < PermutedMin ? new RandomNames(seed)
            : count <= options.ShuffleMax ? new ShuffledNames(count, seed)
            : new AffineNames(count, seed);
    }

    /// <summary>Permutations need two names; one name is simply read again.</summary>
    private const int PermutedMin = 2;

    /// <summary>The next index, below <paramref name="count"/>, which is above 0 and never shrinks.</summary>
    public abstract int Next(int count);
}

/// <summary>Any name at any time; repeats are possible, and new names take part at once.</summary>
public sealed class RandomNames(ulong seed) : NameGetter
{
    private SplitMix _random = new(seed);
    private int _inPass;

    /// <inheritdoc/>
    public override string Label => "random non-unique";

    /// <inheritdoc/>
    public override int Next(int count)
    {
        // A pass is as many reads as there are names, so that a bound by passes ends a bucket of one name too.
        if (++_inPass >= count)
        {
            _inPass = 0;
            Passes++;
        }

        return (int)_random.Below((ulong)count);
    }
}

/// <summary>Random, but no name a second time before all have been seen; a name that joins is one more to see.</summary>
public sealed class RandomUniqueNames(int count, ulong seed) : NameGetter
{
    private const int BitsAWord = 64;

    private SplitMix _random = new(seed);
    private ulong[] _seen = new ulong[(count / BitsAWord) + 1];
    private int _seenCount;

    /// <inheritdoc/>
    public override string Label => "random unique";

    /// <inheritdoc/>
    public override int Next(int count)
    {
        if (_seenCount >= count)
        {
            Array.Clear(_seen);
            _seenCount = 0;
        }

        if (count > _seen.Length * BitsAWord)
        {
            Array.Resize(ref _seen, Math.Max(_seen.Length * 2, (count / BitsAWord) + 1));
        }

        int index = Unseen((int)_random.Below((ulong)count), count);
        _seen[index / BitsAWord] |= 1UL << (index % BitsAWord);
        if (++_seenCount >= count)
        {
            Passes++;
        }

        return index;
    }

    /// <summary>The first unseen index from a random one on, around the end; there is one.</summary>
    private int Unseen(int from, int count)
    {
        int index = from;
        while (true)
        {
            ulong open = ~_seen[index / BitsAWord] >> (index % BitsAWord);
            if (open != 0)
            {
                index += System.Numerics.BitOperations.TrailingZeroCount(open);
                if (index < count)
                {
                    return index;
                }
            }
            else
            {
                index = ((index / BitsAWord) + 1) * BitsAWord;
            }

            index = index >= count ? 0 : index;
        }
    }
}

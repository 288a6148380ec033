// Name-getters hand out what the contract says; new names are unique, replayable, and tell that a loader made them.
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Sluice.Contract;
using Sluice.Loader.Flags;
using Sluice.Loader.Names;

namespace Sluice.Loader.Tests;

public sealed class NameTests
{
    private static readonly Arbitrary<(int Count, int Seed)> s_counts =
        Gen.Choose(2, 700).SelectMany(count => Gen.Choose(0, int.MaxValue - 1).Select(seed => (count, seed))).ToArbitrary();

    [Fact]
    public void AShufflePassHasEveryNameOnce() =>
        Check.QuickThrowOnFailure(Prop.ForAll(s_counts, each => PassesAreExact(new ShuffledNames(each.Count, (ulong)each.Seed), each.Count)));

    [Fact]
    public void AnAffinePassHasEveryNameOnce() =>
        Check.QuickThrowOnFailure(Prop.ForAll(s_counts, each => PassesAreExact(new AffineNames(each.Count, (ulong)each.Seed), each.Count)));

    [Fact]
    public void AUniquePassHasEveryNameOnce() =>
        Check.QuickThrowOnFailure(Prop.ForAll(s_counts, each => PassesAreExact(new RandomUniqueNames(each.Count, (ulong)each.Seed), each.Count)));

    [Fact]
    public void ARandomChoiceRepeatsAndSoIsCaughtByTheSameCheck() => Assert.False(PassesAreExact(new RandomNames(1), 100));

    [Fact]
    public void PassesAndSeedsDiffer()
    {
        int[] Pass(NameGetter getter) => [.. Enumerable.Range(0, 100).Select(_ => getter.Next(100))];
        foreach (Func<ulong, NameGetter> make in (Func<ulong, NameGetter>[])[s => new ShuffledNames(100, s), s => new AffineNames(100, s), s => new RandomUniqueNames(100, s)])
        {
            NameGetter getter = make(1);
            int[] first = Pass(getter);
            Assert.NotEqual(first, Pass(getter));
            Assert.Equal(first, Pass(make(1)));
            Assert.NotEqual(first, Pass(make(2)));
        }
    }

    [Fact]
    public void ANameThatJoinsIsPartOfTheUniquePass()
    {
        var getter = new RandomUniqueNames(3, 1);
        HashSet<int> seen = [getter.Next(3), getter.Next(3)];
        for (int count = 200; seen.Count < 200;)
        {
            Assert.True(seen.Add(getter.Next(count)));
        }

        Assert.Equal(1, getter.Passes);
    }

    [Theory]
    [InlineData(2, 2)]
    [InlineData(8, 11)]
    [InlineData(100_000, 100_003)]
    [InlineData(2147483647, 2147483647)]
    public void ThePrimeIsTheNext(ulong least, ulong prime) => Assert.Equal(prime, AffineNames.PrimeFrom(least));

    [Theory]
    [InlineData(0, 0, 50, "unique sequential")]
    [InlineData(0, 0, 51, "unique epoch-based")]
    [InlineData(10, 0, 50, "random non-unique")]
    [InlineData(10, 3, 50, "random unique")]
    [InlineData(0, 0, 1, "random non-unique")]
    public void TheContractChoosesTheGetter(int put, int epochs, int names, string label) =>
        Assert.Equal(label, NameGetter.For(Options with { PercentPut = put, Epochs = epochs, ShuffleMax = 50 }, names).Label);

    [Fact]
    public void RandomNamesAreUniqueAndTellThatALoaderMadeThem()
    {
        var names = new NewNames("a dir", 3, isRandom: true, new LoaderId(0, 0), 9);
        HashSet<string> made = [.. Enumerable.Range(0, 1000).Select(_ => Next(names))];
        Assert.Equal(1000, made.Count);
        Assert.All(made, name => Assert.Matches("^a%20dir/0000[0-2]/[0-9a-z]{32}$", name));
        Assert.All(made, name => Assert.True(NewNames.IsOwn(Encoding.ASCII.GetBytes(name))));
        Assert.Contains(Next(new NewNames("a dir", 3, isRandom: true, new LoaderId(0, 0), 9)), made);
    }

    [Fact]
    public void AForeignOrChangedNameIsNotTakenForOurs()
    {
        string own = Next(new NewNames("", 0, isRandom: true, new LoaderId(0, 0), 9));
        for (int i = 0; i < own.Length; i++)
        {
            char other = own[i] == '0' ? '1' : '0';
            Assert.False(NewNames.IsOwn(Encoding.ASCII.GetBytes(own[..i] + other + own[(i + 1)..])));
        }

        Assert.False(NewNames.IsOwn("00000000000000000000000000000000"u8));
        Assert.False(NewNames.IsOwn("picture.jpg"u8));
        Assert.False(NewNames.IsOwn(""u8));
    }

    [Fact]
    public void CountedNamesHoldTheLoadersId()
    {
        var names = new NewNames("", 0, isRandom: false, LoaderId.Numbered(3, 10), 1);
        Assert.Equal(["3", "13", "23"], Enumerable.Range(0, 3).Select(_ => Next(names)));
        var alone = new NewNames("", 0, isRandom: false, new LoaderId(0, 0), 1);
        Assert.Equal(["0", "1", "2"], Enumerable.Range(0, 3).Select(_ => Next(alone)));
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 4)]
    [InlineData(16, 4)]
    [InlineData(17, 8)]
    [InlineData(257, 12)]
    public void IdBitsAreWholeDigitsOfTheNextPowerOfTwo(long count, int bits) => Assert.Equal(bits, LoaderId.Numbered(0, count).Bits);

    [Fact]
    public void AHashedIdFitsItsBits()
    {
        LoaderId id = LoaderId.Hashed("host-17", 10);
        Assert.Equal(12, id.Bits);
        Assert.InRange(id.Value, 0UL, 4095UL);
        Assert.Equal(id, LoaderId.Hashed("host-17", 10));
        Assert.NotEqual(id, LoaderId.Hashed("host-18", 10));
        Assert.StartsWith("0x", id.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void ATableGivesBackWhatWasAdded()
    {
        var table = new NameTable();
        for (int i = 0; i < 200_000; i++)
        {
            Assert.True(table.TryAdd(Encoding.ASCII.GetBytes($"name/{i}")));
        }

        Assert.Equal(200_000, table.Count);
        for (int i = 0; i < table.Count; i += 997)
        {
            Assert.Equal($"name/{i}", Encoding.ASCII.GetString(table[i]));
        }

        byte[] longest = new byte[NewNames.NameBytesMax];
        Array.Fill(longest, (byte)'x');
        table.TryAdd(longest);
        Assert.True(table[^1].SequenceEqual(longest));
    }

    private static LoadOptions Options { get; } = new() { Endpoint = "http://h:1", Bucket = Bucket() };

    private static BucketAddress Bucket()
    {
        Assert.True(BucketAddress.TryParse("ais://b", out BucketAddress? bucket, out _));
        return bucket;
    }

    private static bool PassesAreExact(NameGetter getter, int count)
    {
        for (int pass = 0; pass < 3; pass++)
        {
            if (getter.Passes != pass || Enumerable.Range(0, count).Select(_ => getter.Next(count)).Distinct().Count() != count)
            {
                return false;
            }
        }

        return getter.Passes == 3;
    }

    private static string Next(NewNames names)
    {
        byte[] into = new byte[NewNames.NameBytesMax];
        return Encoding.ASCII.GetString(into, 0, names.Write(into));
    }
}

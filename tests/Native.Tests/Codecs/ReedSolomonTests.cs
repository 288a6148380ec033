using FsCheck;
using FsCheck.Fluent;
using Sluice.Native.Codecs;
using Sluice.Native.Memory;

namespace Sluice.Native.Tests.Codecs;

/// <summary>Any P losses come back, exactly; the bytes of parity are persisted and never change.</summary>
public sealed class ReedSolomonTests
{
    [Theory]
    [InlineData(10, 4, 4, 1001)]
    [InlineData(10, 4, 3, 364)]
    [InlineData(4, 2, 2, 15)]
    [InlineData(4, 2, 1, 6)]
    [InlineData(8, 3, 3, 165)]
    [InlineData(1, 3, 3, 4)]
    public void EveryPatternOfSoManyLossesComesBack(int dataUnits, int parityUnits, int losses, int patterns)
    {
        Stripe stripe = Stripe.Random(dataUnits, parityUnits, 131, new Random(losses));
        var codec = new ReedSolomon(dataUnits, parityUnits);
        int seen = 0;
        foreach (int[] missing in Subsets(dataUnits + parityUnits, losses))
        {
            int[] available = [.. Enumerable.Range(0, dataUnits + parityUnits).Except(missing).Take(dataUnits)];
            Memory<byte>[] units = stripe.Room(losses);
            codec.PlanRecovery(available, missing).Reconstruct(stripe.Select(available), units);
            Assert.True(stripe.Has(missing, units), $"without {string.Join(", ", missing)}");
            seen++;
        }

        Assert.Equal(patterns, seen);
    }

    [Fact]
    public void AnyGeometryRecoversAnyLossesFromAnySurvivorsInAnyOrder() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(300),
        Prop.ForAll(Geometries().ToArbitrary(), shape =>
        {
            (int dataUnits, int parityUnits, int length, int seed) = shape;
            var random = new Random(seed);
            Stripe stripe = Stripe.Random(dataUnits, parityUnits, length, random);
            var codec = new ReedSolomon(dataUnits, parityUnits, ReedSolomon.Levels[random.Next(ReedSolomon.Levels.Count)]);
            int[] numbers = [.. Enumerable.Range(0, dataUnits + parityUnits)];
            random.Shuffle(numbers);
            int[] available = numbers[..dataUnits], missing = numbers[dataUnits..(dataUnits + 1 + random.Next(parityUnits))];
            RecoveryPlan plan = codec.PlanRecovery(available, missing);
            Memory<byte>[] whole = stripe.Room(missing.Length), one = stripe.Room(missing.Length);
            plan.Reconstruct(stripe.Select(available), whole);
            plan.Begin(dataUnits - 1, stripe.Units[available[dataUnits - 1]], one);
            for (int place = 0; place < dataUnits - 1; place++)
            {
                plan.Accumulate(place, stripe.Units[available[place]], one);
            }

            return stripe.Has(missing, whole) && stripe.Has(missing, one);
        }));

    [Fact]
    public void APlanServesManyStripes()
    {
        var random = new Random(5);
        RecoveryPlan plan = new ReedSolomon(6, 3).PlanRecovery([5, 0, 8, 3, 7, 1], [2, 4, 6]);
        for (int round = 0; round < 50; round++)
        {
            Stripe stripe = Stripe.Random(6, 3, random.Next(2000), random);
            Memory<byte>[] units = stripe.Room(3);
            plan.Reconstruct(stripe.Select([5, 0, 8, 3, 7, 1]), units);
            Assert.True(stripe.Has([2, 4, 6], units));
        }
    }

    [Fact]
    public void ADamagedSurvivorIsNotSilentlyRight()
    {
        Stripe stripe = Stripe.Random(4, 2, 100, new Random(6));
        stripe.Units[5][99] ^= 1;
        Memory<byte>[] units = stripe.Room(1);
        new ReedSolomon(4, 2).PlanRecovery([0, 1, 2, 5], [3]).Reconstruct(stripe.Select([0, 1, 2, 5]), units);
        Assert.False(stripe.Has([3], units));
        Assert.Equal(stripe.Units[3].AsSpan(0, 99), units[0].Span[..99]); // a byte depends on the bytes at its own place alone
    }

    [Fact]
    public void BuffersOfASlabAreUnits()
    {
        using var slab = new BufferSlab(4096, 4);
        Assert.True(slab.TryRent(out BufferLease first) & slab.TryRent(out BufferLease second) & slab.TryRent(out BufferLease parity));
        first.Memory.Span.Fill(1);
        second.Memory.Span.Fill(2);
        new ReedSolomon(2, 1).Encode([first.Memory, second.Memory], [parity.Memory]);
        byte expected = (byte)(ReedSolomon.Coefficient(0, 0) ^ ScalarReedSolomon.Multiply(ReedSolomon.Coefficient(0, 1), 2));
        Assert.False(parity.Memory.Span.ContainsAnyExcept(expected));
        parity.Dispose();
        Assert.Throws<ObjectDisposedException>(() => new ReedSolomon(2, 1).Encode([first.Memory, second.Memory], [parity.Memory]));
        first.Dispose();
        second.Dispose();
    }

    // Made by a program of its own from the definition: byte i of data unit d is 31 d + 7 i + 1, modulo 256.
    [Theory]
    [InlineData(1, 2, "6c475efb08acf257a4021b304d66b79c", "ed3b8222337ffd5d4cc57caacd1b03d5")]
    [InlineData(4, 2, "f761d32b971aefdccc7e2ee06a6e6a16", "6d6956dc12888c64af42ab17ef1aa4cd")]
    [InlineData(8, 3, "ef5f8c3efbaaaa4ae3d58fb64af2b04c", "e3d56eda19dea400ed616de0a8a9199e", "a37055952ff439c2921f000a3d43479d")]
    [InlineData(10, 4, "711a04c2fcbe1f8bd9323b4c99e056f7", "d56cff62073467eaa17eaf5e6245e6d0", "78251c8ff5483c940485e766a8890853", "4150d91e305aa7359fb5c6b06d1b2b89")]
    public void TheBytesOfParityAreFrozen(int dataUnits, int parityUnits, params string[] parity)
    {
        Stripe stripe = Stripe.Of(dataUnits, parityUnits, 16, (data, unit) =>
        {
            for (int i = 0; i < unit.Length; i++)
            {
                unit[i] = (byte)((31 * data) + (7 * i) + 1);
            }
        });
        foreach (GaloisLevel level in ReedSolomon.Levels)
        {
            Memory<byte>[] units = stripe.Room(parityUnits);
            new ReedSolomon(dataUnits, parityUnits, level).Encode(stripe.Data, units);
            Assert.Equal(parity, units.Select(unit => Convert.ToHexStringLower(unit.Span)));
        }
    }

    [Fact]
    public void TheCoefficientsAreFrozen()
    {
        byte[] first = Convert.FromHexString("6ced395160562c8a70d01f4a268b336e48896f2ea4c3405e5022cfa9ab0c15e1");
        for (int parity = 0; parity < ReedSolomon.UnitsMax; parity++)
        {
            for (int data = 0; data < ReedSolomon.UnitsMax; data++)
            {
                Assert.Equal(first[parity ^ data], ReedSolomon.Coefficient(parity, data));
            }
        }
    }

    [Fact]
    public void NothingIsAllocatedForAStripe()
    {
        Stripe stripe = Stripe.Random(8, 3, 4096, new Random(7));
        var codec = new ReedSolomon(8, 3);
        RecoveryPlan plan = codec.PlanRecovery([0, 2, 3, 5, 6, 7, 8, 10], [1, 4, 9]);
        ReadOnlyMemory<byte>[] data = stripe.Data, available = stripe.Select([0, 2, 3, 5, 6, 7, 8, 10]);
        Memory<byte>[] units = stripe.Room(3);
        long before = 0;
        for (int round = 0; round < 20; round++)
        {
            before = round == 1 ? GC.GetAllocatedBytesForCurrentThread() : before; // the first one binds the import
            codec.Encode(data, units);
            codec.Begin(0, data[0], units);
            codec.Accumulate(1, data[1], units);
            plan.Reconstruct(available, units);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(stripe.Has([1, 4, 9], units));
    }

    private static Gen<(int Data, int Parity, int Length, int Seed)> Geometries() =>
        from data in Gen.Choose(1, ReedSolomon.UnitsMax)
        from parity in Gen.Choose(1, ReedSolomon.UnitsMax)
        from length in Gen.Choose(0, 600)
        from seed in Gen.Choose(0, int.MaxValue - 1)
        select (data, parity, length, seed);

    private static IEnumerable<int[]> Subsets(int count, int size, int from = 0)
    {
        if (size == 0)
        {
            yield return [];
            yield break;
        }

        for (int first = from; first <= count - size; first++)
        {
            foreach (int[] rest in Subsets(count, size - 1, first + 1))
            {
                yield return [first, .. rest];
            }
        }
    }
}

using System.Text;
using Sluice.Engine.Names;

namespace Sluice.Engine.Tests.Names;

/// <summary>Changes in memory against a sorted map: random names, written again and again, read from every place.</summary>
public sealed class NameDeltaTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void ItIsASortedMap(int seed)
    {
        var random = new Random(seed);
        var delta = new NameDelta();
        for (int round = 0; round < 3; round++)
        {
            var model = new SortedDictionary<string, long>(StringComparer.Ordinal);
            for (int i = 0; i < 3000; i++)
            {
                string name = Name(random);
                long value = random.Next(4) == 0 ? NameValue.Gone : random.Next();
                delta.Set(Encoding.ASCII.GetBytes(name), value);
                model[name] = value;
            }

            Assert.Equal(model.Count, delta.Count);
            for (int i = 0; i < 200; i++)
            {
                Compare(delta, model, Name(random), i % 3 == 0 ? "" : $"{(char)('a' + random.Next(4))}", random.Next(1, 50));
            }

            Compare(delta, model, "", "", int.MaxValue);
            delta.Clear();
            Assert.Equal(0, delta.FirstFrom(default));
        }
    }

    [Fact]
    public void ChangesAllocateNothingOnceTheArraysAreThere()
    {
        var delta = new NameDelta();
        Fill();
        delta.Clear();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Fill();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(1000, delta.Count);

        void Fill()
        {
            Span<byte> name = stackalloc byte[8];
            for (int i = 0; i < 1000; i++)
            {
                BitConverter.TryWriteBytes(name, i * 7919L);
                delta.Set(name, i);
            }
        }
    }

    private static string Name(Random random) => string.Create(random.Next(1, 7), random, static (text, random) =>
    {
        for (int i = 0; i < text.Length; i++)
        {
            text[i] = "abcd/"[random.Next(5)];
        }
    });

    private static void Compare(NameDelta delta, SortedDictionary<string, long> model, string from, string prefix, int countMax)
    {
        var rows = new NameRows();
        delta.CopyTo(Encoding.ASCII.GetBytes(from), Encoding.ASCII.GetBytes(prefix), countMax, rows);
        List<(string, long)> wanted = [.. model
            .SkipWhile(pair => string.CompareOrdinal(pair.Key, from) < 0)
            .TakeWhile(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal))
            .Select(pair => (pair.Key, pair.Value))];
        Assert.Equal(wanted.Take(countMax), Enumerable.Range(0, rows.Count).Select(row => (Encoding.ASCII.GetString(rows.NameAt(row)), rows.ValueAt(row))));
        Assert.Equal(wanted.Count > countMax, rows.IsCut);
    }
}

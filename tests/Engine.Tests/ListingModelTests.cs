using System.Text;
using Sluice.Engine.Listing;
using Sluice.Engine.Tests.Support;

namespace Sluice.Engine.Tests;

/// <summary>
/// Listing against a sorted set: random puts and deletes of names that share prefixes and stand in each other's way ("a" beside "a/b",
/// elements that sort before '/' and after it), read in pages of every size from every place. A failure prints its seed.
/// </summary>
public sealed class ListingModelTests
{
    // '!' and '-' sort before '/', '0' after: "a!", "a/b" and "a0" test that a directory is merged at the right place.
    private static readonly string[] s_elements =
        ["a", "b", "a!", "a-", "a0", "ab", "", ".", "..", "%o", "%", "é", new string('x', 254), new string('x', 256), new string('x', 300)];

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 3)]
    [InlineData(3, 2)]
    [InlineData(4, 3)]
    public async Task PagesAgreeWithASortedSet(int seed, int mountpaths)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(mountpaths, """{"durability":"relaxed"}""");
        var random = new Random(seed);
        var model = new SortedSet<string>(ByteOrder.Instance);
        for (int round = 0; round < 6; round++)
        {
            for (int i = 0; i < 30; i++)
            {
                await ChangeAsync(fixture, model, random);
            }

            for (int i = 0; i < 12; i++)
            {
                await CompareAsync(fixture, model, random, $"seed {seed}, round {round}, listing {i}");
            }
        }

        await fixture.Engine.FlushAsync();
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        Assert.Equal(model, await fixture.NamesAsync());
        foreach (string name in model.ToArray())
        {
            Assert.True((await fixture.DeleteAsync(name)).Ok);
        }

        Assert.Empty(await fixture.NamesAsync());
        await fixture.Engine.FlushAsync();
        Assert.All(fixture.Paths, path => Assert.Empty(Leftovers(path)));
    }

    [Fact]
    public async Task StartingAfterANameBetweenAFileAndItsDirectoryLosesNothing()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        string[] names = ["a", "a!", "a/", "a/b", "a0"];
        foreach (string name in names)
        {
            await fixture.PutAsync(name, "");
        }

        for (int i = 0; i < names.Length; i++)
        {
            ListPage page = await fixture.ListAsync(after: names[i]);
            Assert.Equal(names[(i + 1)..], Texts(page));
        }

        Assert.Equal(["a!", "a/", "a/b", "a0"], Texts(await fixture.ListAsync(after: "a\u0001")));
        Assert.Equal(["a", "a!", "a/", "a0"], await fixture.NamesAsync(flat: true));
        Assert.Equal(["a/", "a/b"], await fixture.NamesAsync("a/", flat: true));
    }

    [Fact]
    public async Task APageThatIsExactlyFullHasATokenAndTheNextIsEmptyWithout()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync();
        await fixture.PutAsync("a", "");
        await fixture.PutAsync("b", "");
        ListPage full = await fixture.ListAsync(pageSize: 2);
        Assert.Equal("b", Encoding.UTF8.GetString(full.ContinuationToken.Span));
        ListPage rest = await fixture.ListAsync(after: "b", pageSize: 2);
        Assert.Empty(rest.Entries);
        Assert.True(rest.ContinuationToken.IsEmpty);
    }

    private static async Task ChangeAsync(EngineFixture fixture, SortedSet<string> model, Random random)
    {
        string name = model.Count > 0 && random.Next(3) == 0 ? model.ElementAt(random.Next(model.Count)) : RandomName(random);
        if (name.Length == 0)
        {
            return;
        }

        if (random.Next(3) == 0)
        {
            Assert.Equal(model.Remove(name), (await fixture.DeleteAsync(name)).Ok);
        }
        else
        {
            await fixture.PutAsync(name, name);
            model.Add(name);
        }
    }

    private static async Task CompareAsync(EngineFixture fixture, SortedSet<string> model, Random random, string where)
    {
        string prefix = random.Next(2) == 0 ? "" : Cut(RandomName(random), random);
        string after = random.Next(2) == 0 ? "" : RandomName(random);
        bool flat = random.Next(2) == 0;
        bool attributes = random.Next(2) == 0;
        int pageSize = random.Next(1, 12);
        string[] expected = Expected(model, prefix, after, flat);
        var seen = new List<string>();
        string token = after;
        do
        {
            ListPage page = await fixture.ListAsync(prefix, token, pageSize, flat, attributes);
            Assert.True(page.Entries.Count <= pageSize);
            Assert.All(page.Entries, entry => Assert.Equal(attributes && !entry.IsDirectory, entry.Attributes is not null));
            seen.AddRange(Texts(page));
            token = Encoding.UTF8.GetString(page.ContinuationToken.Span);
        }
        while (token.Length > 0 && seen.Count <= expected.Length);
        Assert.True(expected.SequenceEqual(seen), $"{where}: prefix \"{prefix}\", after \"{after}\", flat {flat}, pages of {pageSize}:\n"
            + $"expected {string.Join(' ', expected)}\n     got {string.Join(' ', seen)}");
    }

    private static string[] Expected(SortedSet<string> model, string prefix, string after, bool flat)
    {
        IEnumerable<string> names = model.Where(name => name.StartsWith(prefix, StringComparison.Ordinal));
        if (flat)
        {
            // A name that starts behind the last page's virtual directory is inside it and was answered with it.
            bool inside = after.Length > prefix.Length && after.EndsWith('/') && after.StartsWith(prefix, StringComparison.Ordinal);
            names = names.Where(name => !(inside && name.StartsWith(after, StringComparison.Ordinal))).Select(name => Folded(name, prefix)).Distinct();
        }

        return [.. names.Where(name => ByteOrder.Instance.Compare(name, after) > 0)];
    }

    private static string Folded(string name, string prefix)
    {
        int slash = name.IndexOf('/', prefix.Length);
        return slash < 0 ? name : name[..(slash + 1)];
    }

    private static string RandomName(Random random)
    {
        string name = string.Join('/', Enumerable.Range(0, random.Next(1, 4)).Select(_ => s_elements[random.Next(random.Next(2) == 0 ? 6 : s_elements.Length)]));
        return Encoding.UTF8.GetByteCount(name) <= 1024 ? name : "";
    }

    private static string Cut(string name, Random random) => name[..random.Next(name.Length + 1)];

    private static IEnumerable<string> Texts(ListPage page) => page.Entries.Select(entry => Encoding.UTF8.GetString(entry.Name.Span));

    /// <summary>What is left in the objects' directories of an empty bucket.</summary>
    private static IEnumerable<string> Leftovers(string mountpath)
    {
        string objects = Path.Combine(mountpath, "@ais/b/%ob");
        return Directory.Exists(objects) ? Directory.EnumerateFileSystemEntries(objects) : [];
    }

    private sealed class ByteOrder : IComparer<string>
    {
        public static readonly ByteOrder Instance = new();

        public int Compare(string? x, string? y) => Encoding.UTF8.GetBytes(x!).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(y!));
    }
}

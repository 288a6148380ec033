using System.Globalization;
using System.Text;
using Sluice.Engine.Buckets;
using Sluice.Engine.Listing;

namespace Sluice.Engine.Tests;

/// <summary>The memory of a listing page is bounded whatever the names are: a page of long names ends early and goes on where it ended.</summary>
public sealed class ListingPageTests
{
    private const int NameBytes = 1000;

    [Theory]
    [InlineData(5000, 10_000)]
    [InlineData(5000, 700)]
    [InlineData(100, 10_000)]
    public async Task PagesOfLongNamesEndEarlyAndLoseNothing(int count, int pageSize)
    {
        string[] names = [.. Enumerable.Range(0, count).Select(i => i.ToString("d5", CultureInfo.InvariantCulture).PadLeft(NameBytes, 'n'))];
        var listed = new List<string>();
        ReadOnlyMemory<byte> after = default;
        do
        {
            Assert.True(BucketName.TryCreate("ais", "", "", "b", out BucketName? bucket, out _));
            var request = new ListRequest { Bucket = bucket!, After = after, PageSize = pageSize };
            ListPage page = await Lister.ListAsync(new Names(names.Skip(listed.Count)), request, attributes: null, CancellationToken.None);
            Assert.InRange(page.Entries.Sum(entry => entry.Name.Length), 0, Limits.ListPageBytesMax + NameBytes);
            Assert.True(page.Entries.Count > 0 || page.ContinuationToken.IsEmpty);
            listed.AddRange(page.Entries.Select(entry => Encoding.UTF8.GetString(entry.Name.Span)));
            after = page.ContinuationToken;
            Assert.True(after.IsEmpty || Encoding.UTF8.GetString(after.Span) == listed[^1]);
        }
        while (!after.IsEmpty);
        Assert.Equal(names, listed);
    }

    private sealed class Names(IEnumerable<string> names) : INameIndex
    {
        private readonly Queue<string> _names = new(names);

        public ValueTask<byte[]?> NextAsync() => new(_names.TryDequeue(out string? name) ? Encoding.UTF8.GetBytes(name) : null);

        public void Skip(ReadOnlyMemory<byte> prefix) => throw new NotSupportedException("a flat listing skips nothing");
    }
}

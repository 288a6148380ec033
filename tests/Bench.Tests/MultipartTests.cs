using System.Text.Json;
using Sluice.Bench.Clients;
using Sluice.Bench.Machine;
using Sluice.Bench.Rows;
using Sluice.Bench.Run;

namespace Sluice.Bench.Tests;

/// <summary>What the rows of objects in parts send and are compared with.</summary>
public sealed class MultipartTests
{
    [Theory]
    [InlineData(1 << 30, 64, 1 << 24, 1 << 24)]
    [InlineData(1 << 30, 1, 1 << 30, 1 << 30)]
    [InlineData(10, 3, 3, 4)]
    [InlineData(3, 3, 1, 1)]
    public void PartsAreTheWholeAndAsEvenAsCanBe(long sizeBytes, int parts, long least, long most)
    {
        IReadOnlyList<long> sizes = new UploadShape(parts, 1).Cut(sizeBytes);
        Assert.Equal((parts, sizeBytes, least, most), (sizes.Count, sizes.Sum(), sizes.Min(), sizes.Max()));
    }

    /// <summary>A part of no bytes is refused by the server (400): better before the row begins.</summary>
    [Fact]
    public void APartIsNeverEmpty() => Assert.Contains("2 bytes are not 3 parts", Assert.Throws<BenchException>(() => new UploadShape(3, 1).Cut(2)).Message);

    [Fact]
    public void AnUploadIsCompletedByAllItsPartsInOrder()
    {
        using JsonDocument document = JsonDocument.Parse(UploadClient.Completion(3));
        Assert.Equal("mpt-complete", document.RootElement.GetProperty("action").GetString());
        Assert.Equal([1, 2, 3], document.RootElement.GetProperty("value").EnumerateArray().Select(part => part.GetProperty("part-number").GetInt32()));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    public void BucketsOfBothSidesDifferInNothingElse(int parts)
    {
        var side = new MultipartSide(new UploadShape(parts, 1));
        using JsonDocument properties = JsonDocument.Parse(side.Properties("strict"));
        Assert.Equal("strict", properties.RootElement.GetProperty("durability").GetString());
        Assert.Equal(parts == 1 ? ("whole", "sluice, one file") : ("parts", "sluice, 16 parts"), (side.Bucket, side.Name));
    }

    [Fact]
    public void RowsOfPartsAreComparedWithOneFile()
    {
        IRow[] rows = [.. RowCatalog.Chosen(new BenchSettings { Rows = "multipart" })];
        Assert.Equal(["multipart/put/1GiB/16", "multipart/put/1GiB/64", "multipart/get/1GiB/16"], rows.Select(row => row.Name));
        Assert.All(rows, row => Assert.Matches("^sluice, [0-9]+ parts$", row.Subject));
        Assert.Contains("100 MiB/s each; 16 parts of 16MiB at once", rows[1].Note);
    }
}

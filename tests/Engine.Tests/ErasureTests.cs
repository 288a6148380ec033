using System.IO.Pipelines;
using Sluice.Contract;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;

namespace Sluice.Engine.Tests;

/// <summary>
/// Objects in slices, over real files: what was put is what is read, whatever its size, the range, and what is lost of it up to the parity; what more is lost
/// of is refused. D data and P parity slices, a unit of 64 KiB, everything sliced, so that sizes around the borders of units and stripes are small.
/// </summary>
public sealed class ErasureTests
{
    internal const int Unit = 64 << 10;

    public static TheoryData<int, int> Geometries() => new() { { 4, 2 }, { 1, 1 }, { 2, 2 }, { 3, 1 }, { 1, 3 }, { 5, 3 } };

    /// <summary>Sizes where something changes: around a page, a unit, a stripe, and three of them.</summary>
    private static IEnumerable<int> Sizes(int data)
    {
        int stripe = data * Unit;
        return new[]
        {
            0, 1, 4095, 4096, 4097, Unit - 1, Unit, Unit + 1, stripe - 1, stripe, stripe + 1, stripe + Unit, (2 * stripe) + (Unit / 2) + 17,
            (3 * stripe) - 1, 3 * stripe, (3 * stripe) + 1,
        }.Distinct();
    }

    internal static string Properties(int data, int parity, string more = "") =>
        $$$"""{"ec":{"enabled":true,"data_slices":{{{data}}},"parity_slices":{{{parity}}},"unit":"64KiB","objsize_limit":0}{{{more}}}}""";

    internal static byte[] Content(int size, int seed = 1)
    {
        var content = new byte[size];
        new Random(size + (seed * 7919)).NextBytes(content);
        return content;
    }

    [Theory]
    [MemberData(nameof(Geometries))]
    public async Task WhatWasPutIsReadWhateverItsSize(int data, int parity)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(data + parity, Properties(data, parity));
        foreach (int size in Sizes(data))
        {
            await fixture.PutAsync($"o{size}", Content(size));
        }

        foreach (bool reopened in (bool[])[false, true])
        {
            if (reopened)
            {
                await fixture.CloseAsync();
                await fixture.OpenAsync();
            }

            foreach (int size in Sizes(data))
            {
                Assert.Equal(Content(size), await fixture.GetAsync($"o{size}"));
            }
        }
    }

    [Fact]
    public async Task RangesOfEveryShapeAreExact()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6, Properties(4, 2));
        var random = new Random(42);
        foreach (int size in Sizes(4).Where(size => size > 0))
        {
            byte[] content = Content(size);
            await fixture.PutAsync("o", content);
            int[] borders = [0, 1, 4096, Unit - 1, Unit, Unit + 1, 4 * Unit, size - 1, size / 2];
            foreach (int from in borders.Where(border => border >= 0 && border < size))
            {
                foreach (int count in (int[])[1, 2, 4096, Unit, Unit + 1, size - from, random.Next(1, size - from + 1)])
                {
                    int wanted = Math.Min(count, size - from);
                    Assert.Equal(content[from..(from + wanted)], await ReadRangeAsync(fixture, "o", from, wanted));
                }
            }
        }
    }

    [Fact]
    public async Task EveryLossOfUpToTwoSlicesIsRebuiltAndThreeAreRefused()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6, Properties(4, 2));
        int[] sizes = [Unit + 1, (8 * Unit) + 12_345];
        for (uint lost = 1; lost < 64; lost++)
        {
            int count = System.Numerics.BitOperations.PopCount(lost);
            if (count > 3)
            {
                continue;
            }

            foreach (int size in sizes)
            {
                await fixture.PutAsync($"o{size}", Content(size));
            }

            await fixture.CloseAsync();
            for (int slice = 0; slice < 6; slice++)
            {
                Slices(fixture).Where(file => (lost & (1 << slice)) != 0 && NumberOf(file) == slice + 1).ToList().ForEach(File.Delete);
            }

            await fixture.OpenAsync();
            foreach (int size in sizes)
            {
                if (count <= 2)
                {
                    Assert.Equal(Content(size), await fixture.GetAsync($"o{size}"));
                    continue;
                }

                Result<ObjectReader> opened = await TryOpenAsync(fixture, $"o{size}");
                Assert.True(!opened.Ok && opened.Error!.Code == ErrorCode.Damaged, $"losses {lost:b6}, {size} bytes: {opened.Error?.Message}");
            }
        }
    }

    [Theory]
    [InlineData(3, 2)]
    [InlineData(8, 3)]
    [InlineData(10, 4)]
    [InlineData(2, 6)]
    public async Task LossesAtRandomAreRebuilt(int data, int parity)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(data + parity, Properties(data, parity));
        var random = new Random((data * 100) + parity);
        for (int round = 0; round < 6; round++)
        {
            int size = random.Next(1, 4 * data * Unit);
            await fixture.PutAsync("o", Content(size));
            await fixture.CloseAsync();
            int[] lost = [.. Enumerable.Range(1, data + parity).OrderBy(_ => random.Next()).Take(random.Next(1, parity + 1))];
            Slices(fixture).Where(file => lost.Contains(NumberOf(file))).ToList().ForEach(File.Delete);
            await fixture.OpenAsync();
            Assert.Equal(Content(size), await fixture.GetAsync("o"));
            int from = random.Next(size);
            int count = random.Next(1, size - from + 1);
            Assert.Equal(Content(size)[from..(from + count)], await ReadRangeAsync(fixture, "o", from, count));
        }
    }

    /// <summary>What a drive may do to a slice: each is noticed, and never served.</summary>
    [Theory]
    [InlineData("flip")]
    [InlineData("truncate")]
    [InlineData("extend")]
    [InlineData("zero")]
    [InlineData("swap")]
    [InlineData("older")]
    public async Task ADamagedSliceIsNeverServed(string damage)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6, Properties(4, 2));
        byte[] content = Content((9 * Unit) + 77);
        await fixture.PutAsync("o", Content((9 * Unit) + 77, seed: 2));
        Dictionary<int, byte[]> old = Slices(fixture).ToDictionary(NumberOf, File.ReadAllBytes);
        await fixture.PutAsync("o", content);
        await fixture.CloseAsync();
        string[] hurt = [.. Slices(fixture).Where(file => NumberOf(file) is 2 or 5)];
        byte[] other = File.ReadAllBytes(hurt[1]);
        foreach (string file in hurt)
        {
            byte[] bytes = File.ReadAllBytes(file);
            switch (damage)
            {
                case "flip":
                    bytes[Unit + 4000] ^= 4;
                    break;
                case "truncate":
                    bytes = bytes[..^4096];
                    break;
                case "extend":
                    bytes = [.. bytes, .. new byte[4096]];
                    break;
                case "zero":
                    Array.Clear(bytes, 0, Unit);
                    break;
                case "swap":
                    bytes = file == hurt[0] ? other : bytes;
                    break;
                default:
                    bytes = old[NumberOf(file)];
                    break;
            }

            await using FileStream stream = File.OpenWrite(file); // in place: the record stays
            stream.SetLength(bytes.Length);
            await stream.WriteAsync(bytes);
        }

        await fixture.OpenAsync();
        Assert.Equal(content, await fixture.GetAsync("o"));
    }

    [Fact]
    public async Task BadUnitsOfDifferentStripesAreRebuiltThoughEverySliceHasOne()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6, Properties(4, 2));
        byte[] content = Content(12 * Unit);
        await fixture.PutAsync("o", content);
        await fixture.CloseAsync();
        foreach (string file in Slices(fixture))
        {
            byte[] bytes = File.ReadAllBytes(file);
            bytes[(((NumberOf(file) - 1) / 2) * Unit) + 5] ^= 1; // two slices in each of the three stripes
            await using FileStream stream = File.OpenWrite(file);
            await stream.WriteAsync(bytes);
        }

        await fixture.OpenAsync();
        Assert.Equal(content, await fixture.GetAsync("o"));
        Assert.True((await fixture.Engine.StatusAsync()).Counters["ec.rebuilt_units"] >= 4);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(Unit / 2)]
    [InlineData(Unit)]
    [InlineData((4 * Unit) + 1)]
    [InlineData((6 * Unit) + 5)]
    [InlineData((8 * Unit) + 100)]
    [InlineData((12 * Unit) - 1)]
    public async Task ABodyOfUnknownLengthIsStored(int size)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6, Properties(4, 2));
        byte[] content = Content(size);
        var request = new PutRequest { Bucket = fixture.Bucket, Name = ObjectName.From("o"), Body = PipeReader.Create(new MemoryStream(content)) };
        Result<ObjectAttributes> put = await fixture.Io.OnItsThreadAsync(() => fixture.Engine.PutObjectAsync(Caller.Anonymous, request, CancellationToken.None));
        Assert.True(put.Ok, put.Error?.Message);
        await fixture.CloseAsync();
        Slices(fixture).Where(file => NumberOf(file) is 1 or 3).ToList().ForEach(File.Delete);
        await fixture.OpenAsync();
        Assert.Equal(content, await fixture.GetAsync("o"));
    }

    [Fact]
    public async Task WithoutMemoryForParityItIsComputedAtTheEnd()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6, Properties(4, 2));
        await fixture.CloseAsync();
        await fixture.OpenAsync(fixture.Options with { ErasureBytes = 4 << 20 });
        byte[] content = Content((9 * Unit) + 5);
        await fixture.PutAsync("o", content);
        Assert.Equal(1, (await fixture.Engine.StatusAsync()).Counters["ec.late_parity"]);
        await fixture.CloseAsync();
        Slices(fixture).Where(file => NumberOf(file) is 1 or 2).ToList().ForEach(File.Delete);
        await fixture.OpenAsync();
        Assert.Equal(content, await fixture.GetAsync("o"));
    }

    /// <summary>Some 70 units a slice: their digests lie behind them.</summary>
    [Fact]
    public async Task AnObjectOfManyUnitsHasItsDigestsBehindThem()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3, Properties(2, 1));
        byte[] content = Content((140 * Unit) + 7);
        await fixture.PutAsync("o", content);
        Assert.All(Slices(fixture), file => Assert.Equal((70 * Unit) + 4096 + (71 * 8), new FileInfo(file).Length));
        await fixture.CloseAsync();
        File.Delete(Slices(fixture).Single(file => NumberOf(file) == 1));
        await fixture.OpenAsync();
        Assert.Equal(content, await fixture.GetAsync("o"));
    }

    [Fact]
    public async Task SmallObjectsAreCopiedAndTheLimitDecides()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6, """{"ec":{"enabled":true,"data_slices":4,"parity_slices":2}}""");
        await fixture.PutAsync("small", Content((256 << 10) - 1));
        Assert.Empty(Slices(fixture));
        Assert.Equal(3, Heads(fixture, "small").Count(file => new FileInfo(file).Length == (256 << 10) - 1));
        await fixture.PutAsync("large", Content(256 << 10));
        Assert.Equal(6, Slices(fixture).Length);
        Assert.Equal(3, Heads(fixture, "large").Count(file => new FileInfo(file).Length == 0));
        await fixture.CloseAsync();
        Heads(fixture, "small").Take(2).ToList().ForEach(File.Delete);
        Heads(fixture, "large").Take(2).ToList().ForEach(File.Delete);
        await fixture.OpenAsync();
        Assert.Equal(Content((256 << 10) - 1), await fixture.GetAsync("small"));
        Assert.Equal(Content(256 << 10), await fixture.GetAsync("large"));
    }

    [Fact]
    public async Task NothingIsLeftOfWhatIsOverwrittenOrDeleted()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6, """{"ec":{"enabled":true,"data_slices":4,"parity_slices":2,"unit":"64KiB"}}""");
        byte[] large = Content(300 << 10);
        await fixture.PutAsync("o", large);
        await fixture.PutAsync("o", Content(301 << 10));
        Assert.Equal(6, Slices(fixture).Length);
        await fixture.PutAsync("o", Content(100));
        Assert.Empty(Slices(fixture));
        Assert.Equal(Content(100), await fixture.GetAsync("o"));
        await fixture.PutAsync("o", large);
        Assert.Equal(large, await fixture.GetAsync("o"));
        Assert.Equal(["o"], await fixture.NamesAsync());
        Assert.True((await fixture.DeleteAsync("o")).Ok);
        Assert.Null(await fixture.GetAsync("o"));
        Assert.Empty(Slices(fixture));
        Assert.Empty(Heads(fixture, "o"));
        Assert.Empty(await fixture.NamesAsync());
    }

    [Fact]
    public async Task CustomMetadataChangesOnAllHeadsAndTheSlicesStay()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6, Properties(4, 2));
        byte[] content = Content(5 * Unit);
        await fixture.PutAsync("o", content);
        string[] slices = Slices(fixture);
        KeyValuePair<string, string>[] pairs = [new("color", "red")];
        Result<ObjectAttributes> patched =
            await fixture.Engine.SetCustomAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From("o"), pairs, replaceAll: false);
        Assert.True(patched.Ok, patched.Error?.Message);
        Assert.Equal(slices, Slices(fixture));
        await fixture.CloseAsync();
        Heads(fixture, "o").Take(2).ToList().ForEach(File.Delete);
        await fixture.OpenAsync();
        Assert.Equal(content, await fixture.GetAsync("o"));
        Result<ObjectAttributes> head = await fixture.Engine.HeadObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From("o"));
        Assert.Equal(pairs, head.Value.Custom);
        Assert.Equal("1", head.Value.Version);
    }

    [Fact]
    public async Task CustomMetadataChangesOnAllWholeCopies()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(6, """{"ec":{"enabled":true,"data_slices":4,"parity_slices":2}}""");
        await fixture.PutAsync("o", Content(1000));
        KeyValuePair<string, string>[] pairs = [new("color", "red")];
        Result<ObjectAttributes> patched =
            await fixture.Engine.SetCustomAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From("o"), pairs, replaceAll: false);
        Assert.True(patched.Ok, patched.Error?.Message);
        string[] heads = Heads(fixture, "o");
        Assert.Equal(3, heads.Length);
        for (int kept = 0; kept < heads.Length; kept++)
        {
            await fixture.CloseAsync();
            string[] hidden = [.. heads.Where(head => head != heads[kept])];
            Array.ForEach(hidden, head => File.Move(head, head + ".hidden"));
            await fixture.OpenAsync();
            Result<ObjectAttributes> head = await fixture.Engine.HeadObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From("o"));
            Assert.Equal(pairs, head.Value.Custom);
            await fixture.CloseAsync();
            Array.ForEach(hidden, name => File.Move(name + ".hidden", name));
            await fixture.OpenAsync();
        }
    }

    [Fact]
    public async Task TooFewMountpathsAreRefusedWithTheNumbers()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3);
        Result<Buckets.BucketRecord> set = await fixture.Engine.SetBucketPropertiesAsync(Caller.Anonymous, fixture.Bucket, EngineFixture.Json(Properties(4, 2)));
        Assert.False(set.Ok);
        Assert.Equal(ErrorCode.InvalidProperty, set.Error!.Code);
        Assert.Contains("6 mountpaths", set.Error.Message, StringComparison.Ordinal);
        Assert.Contains("3", set.Error.Message, StringComparison.Ordinal);
    }

    internal static string[] Slices(EngineFixture fixture) => [.. fixture.Paths
        .Select(path => Path.Combine(path, "@ais/b/%ec")).Where(Directory.Exists).SelectMany(Directory.GetFiles).Order(StringComparer.Ordinal)];

    internal static string[] Heads(EngineFixture fixture, string name) =>
        [.. fixture.Paths.Select(path => Path.Combine(path, "@ais/b/%ob", name)).Where(File.Exists)];

    internal static int NumberOf(string slice) => int.Parse(slice[^5..], System.Globalization.CultureInfo.InvariantCulture);

    private static Task<Result<ObjectReader>> TryOpenAsync(EngineFixture fixture, string name) =>
        fixture.Io.OnItsThreadAsync(() => fixture.Engine.OpenObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From(name)));

    private static async Task<byte[]> ReadRangeAsync(EngineFixture fixture, string name, int from, int count)
    {
        Result<ObjectReader> opened = await TryOpenAsync(fixture, name);
        Assert.True(opened.Ok, opened.Error?.Message);
        using ObjectReader reader = opened.Value;
        var bytes = new byte[count];
        Result<int> read = await fixture.Io.OnItsThreadAsync(() => reader.ReadAsync(bytes, from));
        Assert.True(read.Ok, read.Error?.Message);
        Assert.Equal(count, read.Value);
        return bytes;
    }
}

using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;

namespace Sluice.Engine.Tests;

/// <summary>An orderly stop and a start keep everything: contents, attributes, names of every kind, in both durabilities.</summary>
public sealed class RestartTests
{
    [Theory]
    [InlineData("strict")]
    [InlineData("relaxed")]
    public async Task ARestartKeepsEverything(string durability)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(4, $$"""{"durability":"{{durability}}"}""");
        string[] names = ["a", "a/b", "a/b/c", "d/", "..", "e//f", "%o", new string('x', 600), "sub/é", "plain.txt"];
        var contents = new Dictionary<string, byte[]>();
        foreach (string name in names)
        {
            var content = new byte[name.Length * 1000];
            new Random(name.Length).NextBytes(content);
            await fixture.PutAsync(name, "first");
            await fixture.PutAsync(name, content);
            await fixture.Engine.SetCustomAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From(name), [new("name", name)], replaceAll: false);
            contents[name] = content;
        }

        ObjectAttributes[] before = await AttributesAsync(fixture, names);
        string[] listed = await fixture.NamesAsync();
        await fixture.CloseAsync();
        await fixture.OpenAsync();
        Assert.False(fixture.Engine.Recovered.Any, "a clean stop leaves nothing to recover");
        Assert.Equal(listed, await fixture.NamesAsync());
        ObjectAttributes[] after = await AttributesAsync(fixture, names);
        for (int i = 0; i < names.Length; i++)
        {
            Assert.Equal(contents[names[i]], await fixture.GetAsync(names[i]));
            Assert.Equal(
                (before[i].SizeBytes, before[i].Checksum, before[i].Version, before[i].ModifiedNs, before[i].Mountpath),
                (after[i].SizeBytes, after[i].Checksum, after[i].Version, after[i].ModifiedNs, after[i].Mountpath));
            Assert.Equal([new("name", names[i])], after[i].Custom);
        }

        Assert.True(after.Select(attributes => attributes.Mountpath).Distinct().Count() > 1, "the objects lie on several mountpaths");
    }

    /// <summary>A relaxed commit takes a name that it does not know for a new one; what stands there after all is replaced as if it had looked.</summary>
    [Theory]
    [InlineData("strict")]
    [InlineData("relaxed")]
    public async Task ANameThatTheCacheDoesNotKnowIsOverwrittenWithTheNextVersion(string durability)
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(1, $$"""{"durability":"{{durability}}"}""");
        string[] names = ["a", "a/b", "a/b/c", "d/", "plain.txt"];
        foreach (string name in names)
        {
            await fixture.PutAsync(name, $"first {name}");
        }

        await fixture.CloseAsync();
        await fixture.OpenAsync();
        foreach (string name in names)
        {
            Assert.Equal("2", (await fixture.PutAsync(name, $"second {name}")).Version);
        }

        Assert.Equal("1", (await fixture.PutAsync("new", "first")).Version);
        foreach (string name in names)
        {
            Assert.Equal($"second {name}", await fixture.GetTextAsync(name));
        }
    }

    [Fact]
    public async Task MountpathsInAnotherOrderHoldTheSameObjects()
    {
        await using EngineFixture fixture = await EngineFixture.NewAsync(3);
        for (int i = 0; i < 30; i++)
        {
            await fixture.PutAsync($"n{i}", $"content {i}");
        }

        await fixture.CloseAsync();
        fixture.Paths.Reverse();
        await fixture.OpenAsync();
        for (int i = 0; i < 30; i++)
        {
            Assert.Equal($"content {i}", await fixture.GetTextAsync($"n{i}"));
        }
    }

    private static async Task<ObjectAttributes[]> AttributesAsync(EngineFixture fixture, string[] names)
    {
        var all = new List<ObjectAttributes>();
        foreach (string name in names)
        {
            Result<ObjectAttributes> head = await fixture.Engine.HeadObjectAsync(Caller.Anonymous, fixture.Bucket, ObjectName.From(name));
            Assert.True(head.Ok, head.Error?.Message);
            all.Add(head.Value);
        }

        return [.. all];
    }
}

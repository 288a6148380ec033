using Sluice.Contract;
using Sluice.Engine.Tests.Support;

namespace Sluice.Engine.Tests.Jobs;

/// <summary>Nothing is read that no root allows, whatever the path is made of.</summary>
public sealed class PromotionRootTests
{
    [Fact]
    public async Task WithoutARootNothingIsPromoted()
    {
        await using PromotionBench bench = await PromotionBench.NewAsync(1, roots: static _ => []);
        bench.Write("f", "content");
        await bench.RefusedAsync(bench.Request("f"), ErrorCode.AccessDenied, "promote is not allowed: the server was started without --promote-root DIR");
        await bench.RefusedAsync(bench.Request(), ErrorCode.AccessDenied, "--promote-root DIR");
    }

    [Theory]
    [InlineData("", ErrorCode.BadRequest, "must be an absolute path")]
    [InlineData("f", ErrorCode.BadRequest, "must be an absolute path")]
    [InlineData("{root}/../secret", ErrorCode.BadRequest, "has a \".\" or \"..\" element")]
    [InlineData("{root}/./f", ErrorCode.BadRequest, "has a \".\" or \"..\" element")]
    [InlineData("{root}/..", ErrorCode.BadRequest, "has a \".\" or \"..\" element")]
    [InlineData("{root}/f\0", ErrorCode.BadRequest, "NUL")]
    [InlineData("{out}/secret", ErrorCode.AccessDenied, "does not lie below a directory that the server's --promote-root allows")]
    [InlineData("{out}", ErrorCode.AccessDenied, "does not lie below")]
    [InlineData("{root}x/f", ErrorCode.AccessDenied, "does not lie below")]
    [InlineData("/", ErrorCode.AccessDenied, "does not lie below")]
    [InlineData("/etc/passwd", ErrorCode.AccessDenied, "does not lie below")]
    [InlineData("{root}/nosuch", ErrorCode.ObjectNotFound, "does not exist on the server")]
    [InlineData("{root}/f/x", ErrorCode.ObjectNotFound, "does not exist on the server")]
    [InlineData("{root}/link", ErrorCode.BadRequest, "neither a regular file nor a directory")]
    [InlineData("{root}/up", ErrorCode.BadRequest, "neither a regular file nor a directory")]
    [InlineData("{root}/up/secret", ErrorCode.BadRequest, "symbolic links are not followed")]
    [InlineData("{root}/d/back/f", ErrorCode.BadRequest, "symbolic links are not followed")]
    [InlineData("{root}/mount", ErrorCode.AccessDenied, "lies in a mountpath of this server")]
    [InlineData("{root}/mount/%wk", ErrorCode.AccessDenied, "lies in a mountpath of this server")]
    public async Task WhatIsNotBelowARootIsRefused(string source, ErrorCode code, string sentence)
    {
        await using PromotionBench bench = await PromotionBench.NewAsync(1);
        bench.Write("f", "content");
        bench.Write("d/f", "content");
        File.WriteAllText(Path.Combine(bench.Outside, "secret"), "secret");
        Directory.CreateDirectory(bench.Root + "x");
        File.WriteAllText(Path.Combine(bench.Root + "x", "f"), "secret");
        File.CreateSymbolicLink(Path.Combine(bench.Root, "link"), Path.Combine(bench.Outside, "secret"));
        Directory.CreateSymbolicLink(Path.Combine(bench.Root, "up"), "..");
        Directory.CreateSymbolicLink(Path.Combine(bench.Root, "d", "back"), "..");
        string mountpath = Directory.CreateDirectory(Path.Combine(bench.Root, "mount")).FullName;
        Assert.True((await bench.Fixture.Engine.Mountpaths.AttachAsync(mountpath)).Ok);
        string path = source.Replace("{root}", bench.Root, StringComparison.Ordinal).Replace("{out}", bench.Outside, StringComparison.Ordinal);
        await bench.RefusedAsync(bench.Request() with { Source = System.Text.Encoding.UTF8.GetBytes(path), IsRecursive = true }, code, sentence);
        Assert.Empty(await bench.Fixture.NamesAsync());
    }

    [Theory]
    [InlineData("../", "a \".\" or \"..\" element")]
    [InlineData("a/../", "a \".\" or \"..\" element")]
    [InlineData("\u0001", "control character")]
    public async Task APrefixThatNoNameCanBeginWithIsRefused(string prefix, string sentence)
    {
        await using PromotionBench bench = await PromotionBench.NewAsync(1);
        bench.Write("f", "content");
        await bench.RefusedAsync(bench.Request("", prefix), ErrorCode.InvalidObjectName, sentence);
        await bench.RefusedAsync(bench.Request("f", prefix), ErrorCode.InvalidObjectName, sentence);
    }

    [Fact]
    public async Task ARootThatLiesInAMountpathIsNone()
    {
        await using PromotionBench bench = await PromotionBench.NewAsync(1, roots: static bench => [bench.Fixture.Paths[0], Path.Combine(bench.Fixture.Paths[0], "@ais/b"), Path.Combine(bench.Outside, "link")]);
        await bench.Fixture.PutAsync("o", "content");
        Directory.CreateSymbolicLink(Path.Combine(bench.Outside, "link"), Path.Combine(bench.Fixture.Paths[0], "@ais"));
        foreach (string path in new[] { bench.Fixture.Paths[0], $"{bench.Fixture.Paths[0]}/@ais/b/%ob/o", $"{bench.Outside}/link", $"{bench.Outside}/link/b/%ob/o" })
        {
            await bench.RefusedAsync(bench.Request() with { Source = System.Text.Encoding.UTF8.GetBytes(path) }, ErrorCode.AccessDenied, "lies in a mountpath of this server");
        }
    }

    [Fact]
    public async Task AFurtherRootAndALinkThatIsOneAreOpen()
    {
        await using PromotionBench bench = await PromotionBench.NewAsync(1, roots: static bench => [Path.Combine(bench.Outside, "other") + "/", Path.Combine(bench.Outside, "link")]);
        bench.Write("../other/f", "content");
        Directory.CreateSymbolicLink(Path.Combine(bench.Outside, "link"), bench.Root);
        bench.Write("g", "content");
        Assert.NotNull((await bench.StartAsync(bench.Request("../other/f") with { Source = System.Text.Encoding.UTF8.GetBytes($"{bench.Outside}//other/f") })).Value.Stored);
        Assert.NotNull((await bench.StartAsync(bench.Request() with { Source = System.Text.Encoding.UTF8.GetBytes($"{bench.Outside}/link/g") })).Value.Stored);
        Assert.Equal(["f", "g"], await bench.Fixture.NamesAsync());
    }

    /// <summary>A mount below the root is another root's matter.</summary>
    [Fact]
    public async Task OtherFileSystemsAreNotEntered()
    {
        using LoopMount other = LoopMount.New("ext4");
        File.WriteAllText(Path.Combine(other.MountPoint, "f"), "content");
        await using PromotionBench bench = await PromotionBench.NewAsync(1, roots: _ => [Path.GetDirectoryName(other.MountPoint)!]);
        byte[] path = System.Text.Encoding.UTF8.GetBytes(other.MountPoint);
        await bench.RefusedAsync(bench.Request() with { Source = path }, ErrorCode.AccessDenied, "a further --promote-root allows it");
        await bench.RefusedAsync(bench.Request() with { Source = (byte[])[.. path, .. "/f"u8] }, ErrorCode.AccessDenied, "a further --promote-root allows it");
    }
}

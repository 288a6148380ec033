using System.Text;
using Sluice.Engine.Buckets;

namespace Sluice.Engine.Tests;

public sealed class UnifiedNameTests
{
    [Theory]
    [InlineData("ais/@#/b/x", "ais://b", "x")]
    [InlineData("ais/@#/b/", "ais://b", "")]
    [InlineData("ais/@#/b", "ais://b", "")]
    [InlineData("ais/@u#n/b/a/../%2F //c", "ais://@u#n/b", "a/../%2F //c")]
    [InlineData("s3/@#/b/x", "s3://b", "x")]
    public void IsCutIntoBucketAndName(string text, string bucket, string name)
    {
        Assert.True(UnifiedName.TryParse(Encoding.UTF8.GetBytes(text), out BucketName? read, out ReadOnlyMemory<byte> rest, out string? problem), problem);
        Assert.Equal((bucket, name), (read.ToString(), Encoding.UTF8.GetString(rest.Span)));
    }

    [Theory]
    [InlineData("ais/@#n/b/x")]
    [InlineData("aws/@u#/b/x")]
    public void IsWhatPlacementHashes(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        Assert.True(UnifiedName.TryParse(utf8, out BucketName? read, out ReadOnlyMemory<byte> rest, out string? problem), problem);
        Assert.Equal(utf8, (byte[])[.. read.UnamePrefix.Span, .. rest.Span]);
    }

    [Theory]
    [InlineData("", "a unified name is")]
    [InlineData("x", "a unified name is")]
    [InlineData("/@#/b/x", "a unified name is")]
    [InlineData("ais/b/x", "a unified name is")]
    [InlineData("ais/@/b/x", "a unified name is")]
    [InlineData("ais/u#n/b/x", "a unified name is")]
    [InlineData("ais/@#", "a unified name is")]
    [InlineData("ais/@#//x", "a unified name is")]
    [InlineData("ftp/@#/b/x", "invalid backend provider \"ftp\"")]
    [InlineData("ais/@#/../x", "bucket name")]
    [InlineData("ais/@#a b/b/x", "namespace name")]
    [InlineData("ais/@u-#/b/x", "namespace uuid")]
    public void IsRefusedWithASentence(string text, string problem)
    {
        Assert.False(UnifiedName.TryParse(Encoding.UTF8.GetBytes(text), out _, out _, out string? said));
        Assert.StartsWith(problem, said, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIsNotTextIsNoBucket() => Assert.False(UnifiedName.TryParse((byte[])[.. "ais/@#/b"u8, 0xff, .. "/x"u8], out _, out _, out _));
}

using Sluice.Contract;

namespace Sluice.Cli.Tests;

/// <summary>Addresses as people write them.</summary>
public sealed class AddressTests
{
    [Theory]
    [InlineData("ais://b", "ais", "", "", "b", "", "ais://b/")]
    [InlineData("ais://b/", "ais", "", "", "b", "", "ais://b/")]
    [InlineData("b/x", "ais", "", "", "b", "x", "ais://b/x")]
    [InlineData("ais://b/a/b c", "ais", "", "", "b", "a/b c", "ais://b/a/b c")]
    [InlineData("ais://b/dir/", "ais", "", "", "b", "dir/", "ais://b/dir/")]
    [InlineData("ais://b//x", "ais", "", "", "b", "/x", "ais://b//x")]
    [InlineData("ais://b/a/../%2F?x#y", "ais", "", "", "b", "a/../%2F?x#y", "ais://b/a/../%2F?x#y")]
    [InlineData("ais://b/http://x", "ais", "", "", "b", "http://x", "ais://b/http://x")]
    [InlineData("b/http://x", "ais", "", "", "b", "http://x", "ais://b/http://x")]
    [InlineData("ais://@u1#ns/b/x", "ais", "u1", "ns", "b", "x", "ais://@u1#ns/b/x")]
    [InlineData("ais://@#ns/b", "ais", "", "ns", "b", "", "ais://@#ns/b/")]
    [InlineData("ais://#ns/b", "ais", "", "ns", "b", "", "ais://@#ns/b/")]
    [InlineData("ais://@u1/b", "ais", "u1", "", "b", "", "ais://@u1#/b/")]
    [InlineData("ais://@#/b/x", "ais", "", "", "b", "x", "ais://b/x")]
    [InlineData("s3://b/x", "aws", "", "", "b", "x", "s3://b/x")]
    [InlineData("gcp://b/x", "gcp", "", "", "b", "x", "gs://b/x")]
    [InlineData("az://b/x", "azure", "", "", "b", "x", "az://b/x")]
    [InlineData("oc://b/x", "oci", "", "", "b", "x", "oc://b/x")]
    [InlineData("ais://.sys-inventory/x", "ais", "", "", ".sys-inventory", "x", "ais://.sys-inventory/x")]
    public void AnAddressIsReadAndPrinted(string text, string provider, string uuid, string space, string bucket, string name, string printed)
    {
        Assert.True(ObjectAddress.TryParse(text, out ObjectAddress? address, out string? problem), problem);
        Assert.Equal(
            (provider, uuid, space, bucket, name),
            (address.Bucket.Provider, address.Bucket.NamespaceUuid, address.Bucket.NamespaceName, address.Bucket.Name, address.Name));
        Assert.Equal(printed, address.ToString());
    }

    [Theory]
    [InlineData("", "the bucket name is missing")]
    [InlineData("ais://", "the bucket name is missing")]
    [InlineData("ais:///x", "the bucket name is missing")]
    [InlineData("://b/x", "has no provider")]
    [InlineData("ftp://b/x", "unknown provider \"ftp\"")]
    [InlineData("@u#ns/b/x", "a namespace without a provider")]
    [InlineData("ais://@u#ns", "a namespace without a bucket")]
    [InlineData("ais://../x", "may not be")]
    [InlineData("ais://a..b/x", "may not be")]
    [InlineData("ais://b%2Fc/x", "may hold only")]
    [InlineData("ais://b c/x", "may hold only")]
    [InlineData("ais://b?x/x", "may hold only")]
    [InlineData("ais://@u/../b/x", "may not be")]
    public void AnAddressThatIsNoneIsOneSentence(string text, string problemPart)
    {
        Assert.False(ObjectAddress.TryParse(text, out _, out string? problem));
        Assert.Contains(problemPart, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void ABucketWhoseNameIsTooLongIsRefused()
    {
        Assert.True(BucketAddress.TryParse(new string('b', 64), out _, out _));
        Assert.False(BucketAddress.TryParse(new string('b', 65), out _, out string? problem));
        Assert.Contains("65 characters", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void ABucketsAddressHasNoObjectName()
    {
        Assert.True(BucketAddress.TryParse("ais://b/", out BucketAddress? bucket, out _));
        Assert.Equal("ais://b", bucket.ToString());
        Assert.False(BucketAddress.TryParse("ais://b/x", out _, out string? problem));
        Assert.Equal("\"ais://b/x\" names an object where a bucket is expected", problem);
    }
}

using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Sluice.Transport.Http;

namespace Sluice.Transport.Tests.Http;

public sealed class RequestTargetTests
{
    [Theory]
    [InlineData("/v1/objects/b/a%2Fb", "a/b")]
    [InlineData("/v1/objects/b/a%252Fb", "a%2Fb")]
    [InlineData("/v1/objects/b/%2525", "%25")]
    [InlineData("/v1/objects/b/a+b", "a+b")]
    [InlineData("/v1/objects/b/../x", "../x")]
    [InlineData("/v1/objects/b/a//b", "a//b")]
    [InlineData("//v1//objects//b/x", "x")]
    [InlineData("http://host:1/v1/objects/b/x?y=1", "x")]
    [InlineData("/v1/objects/b/x?archpath=/y", "x")]
    public void ANameIsDecodedExactlyOnce(string raw, string name)
    {
        Assert.True(RequestTarget.TryParse(raw, out RequestTarget? target, out _));
        int position = 0;
        Assert.Equal("v1", target.NextSegment(ref position));
        Assert.Equal("objects", target.NextSegment(ref position));
        Assert.Equal("b", target.NextSegment(ref position));
        Assert.True(target.TryRest(position, out ReadOnlyMemory<byte> rest));
        Assert.Equal(name, Encoding.UTF8.GetString(rest.Span));
    }

    [Fact]
    public void BytesOfAParameterRoundTripThroughTheirEscapes() => Prop.ForAll<byte[]>(value =>
    {
        string raw = "/x?b=1&a=" + string.Concat(value.Select(b => $"%{b:X2}"));
        return RequestTarget.TryParse(raw, out RequestTarget? target, out _) && target.ParameterBytes("a").AsSpan().SequenceEqual(value) && target.ParameterBytes("c") is null;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void EveryNameRoundTripsThroughItsEscapes() => Prop.ForAll<byte[]>(name =>
    {
        string raw = "/x/" + string.Concat(name.Select(b => $"%{b:X2}"));
        return RequestTarget.TryParse(raw, out RequestTarget? target, out _) && target.TryRest(2, out ReadOnlyMemory<byte> rest) && rest.Span.SequenceEqual(name);
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("/x?a=1&b=%20+&c", "b", "  ")]
    [InlineData("/x?a=1&b=%20+&c", "c", "")]
    [InlineData("/x?a=1&a=2", "a", "1")]
    [InlineData("/x?a=1", "b", null)]
    public void ParametersAreDecoded(string raw, string name, string? value)
    {
        Assert.True(RequestTarget.TryParse(raw, out RequestTarget? target, out _));
        Assert.Equal(value, target.Parameter(name));
    }

    [Theory]
    [InlineData("True", true)]
    [InlineData("YES", true)]
    [InlineData("on", true)]
    [InlineData("1", true)]
    [InlineData("t", true)]
    [InlineData("0", false)]
    [InlineData("no", false)]
    [InlineData("", false)]
    [InlineData("2", false)]
    public void ASwitchHasManySpellings(string value, bool on) => Assert.Equal(on, RequestTarget.IsTrue(value));

    [Fact]
    public void TooManyParametersAreRefused()
    {
        string query = string.Join('&', Enumerable.Range(0, 100).Select(i => $"p{i}"));
        Assert.False(RequestTarget.TryParse("/x?" + query, out _, out string? problem));
        Assert.Contains("100", problem, StringComparison.Ordinal);
    }
}

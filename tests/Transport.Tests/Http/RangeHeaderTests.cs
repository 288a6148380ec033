using Sluice.Transport.Http;

namespace Sluice.Transport.Tests.Http;

public sealed class RangeHeaderTests
{
    [Theory]
    [InlineData("bytes=0-0", 0, 1)]
    [InlineData("bytes=0-", 0, 10)]
    [InlineData("bytes=9-9", 9, 1)]
    [InlineData("bytes=-1", 9, 1)]
    [InlineData("bytes=-10", 0, 10)]
    [InlineData("bytes=-99", 0, 10)]
    [InlineData("bytes=5-99", 5, 5)]
    [InlineData(" Bytes = 5-6", -1, 0)]
    [InlineData("BYTES=5-6", 5, 2)]
    [InlineData("bytes=10-", -1, 0)]
    [InlineData("bytes=-0", -1, 0)]
    [InlineData("bytes=3-2", -1, 0)]
    [InlineData("bytes=1-2,4-5", -1, 0)]
    [InlineData("bytes=+1-2", -1, 0)]
    [InlineData("bytes=1--2", -1, 0)]
    [InlineData("bytes=9223372036854775808-", -1, 0)]
    [InlineData("bytes=1-2\0", -1, 0)]
    [InlineData("bytes=", -1, 0)]
    [InlineData("", -1, 0)]
    public void OneRangeIsReadAgainstTenBytes(string header, long offset, long count)
    {
        bool ok = RangeHeader.TryParse(header, 10, out ByteRange range);
        Assert.Equal(offset >= 0, ok);
        Assert.True(!ok || range == new ByteRange(offset, count), $"{range}");
    }

    [Theory]
    [InlineData("bytes=0-")]
    [InlineData("bytes=-1")]
    [InlineData("bytes=0-0")]
    public void NothingCanBeHadOfAnEmptyObject(string header) => Assert.False(RangeHeader.TryParse(header, 0, out _));
}

using System.Buffers;
using System.Text;
using Sluice.Transport.Api;

namespace Sluice.Transport.Tests.Api;

public sealed class FormatTests
{
    private const long Time = 1_767_366_245_123_456_789; // 2026-01-02 15:04:05.123456789 UTC, a Friday

    [Theory]
    [InlineData("", "02 Jan 26 15:04 UTC")]
    [InlineData("2006-01-02T15:04:05Z07:00", "2026-01-02T15:04:05Z")]
    [InlineData("2006-01-02T15:04:05.999999999Z07:00", "2026-01-02T15:04:05.123456789Z")]
    [InlineData("Mon Jan _2 15:04:05 2006", "Fri Jan  2 15:04:05 2026")]
    [InlineData("Monday, 02-Jan-06 15:04:05 MST", "Friday, 02-Jan-26 15:04:05 UTC")]
    [InlineData("3:04PM", "3:04PM")]
    [InlineData("Jan _2 15:04:05.000", "Jan  2 15:04:05.123")]
    [InlineData("Mon, 02 Jan 2006 15:04:05 -0700", "Fri, 02 Jan 2026 15:04:05 +0000")]
    [InlineData("at 1/2", "at 1/2")]
    public void ATimeFollowsItsLayout(string layout, string text) => Assert.Equal(text, GoTimeFormat.Format(Time, layout));

    [Theory]
    [InlineData(0, "00")]
    [InlineData(127, "7F")]
    [InlineData(128, "CC80")]
    [InlineData(255, "CCFF")]
    [InlineData(256, "CD0100")]
    [InlineData(65535, "CDFFFF")]
    [InlineData(65536, "CE00010000")]
    [InlineData(4294967295, "CEFFFFFFFF")]
    [InlineData(4294967296, "CF0000000100000000")]
    [InlineData(-1, "FF")]
    [InlineData(-32, "E0")]
    [InlineData(-33, "D3FFFFFFFFFFFFFFDF")]
    public void AnIntegerHasItsShortestForm(long value, string hex) => Assert.Equal(hex, Packed(writer => writer.WriteInteger(value)));

    [Theory]
    [InlineData(0, "A0")]
    [InlineData(31, "BF")]
    [InlineData(32, "D920")]
    [InlineData(255, "D9FF")]
    [InlineData(256, "DA0100")]
    [InlineData(65535, "DAFFFF")]
    [InlineData(65536, "DB00010000")]
    public void ATextHasItsShortestHead(int length, string head)
    {
        string hex = Packed(writer => writer.WriteText(new string('x', length)));
        Assert.StartsWith(head, hex, StringComparison.Ordinal);
        Assert.Equal(head.Length + (2 * length), hex.Length);
    }

    [Theory]
    [InlineData(0, "90", "80")]
    [InlineData(15, "9F", "8F")]
    [InlineData(16, "DC0010", "DE0010")]
    [InlineData(65536, "DD00010000", "DF00010000")]
    public void ArraysAndMapsHaveTheirShortestHeads(int count, string array, string map)
    {
        Assert.Equal(array, Packed(writer => writer.WriteArrayHead(count)));
        Assert.Equal(map, Packed(writer => writer.WriteMapHead(count)));
    }

    [Theory]
    [InlineData("""{"ACTION":"list","Name":"n","vAlUe":{"x":1},"other":[]}""", "list", "n")]
    [InlineData("{}", "", "")]
    [InlineData("", "", "")]
    [InlineData(" \r\n", "", "")]
    [InlineData("""{"action":null}""", "", "")]
    public void AMessageIsReadInAnyCase(string json, string action, string name)
    {
        Assert.True(ActionMessage.TryParse(Encoding.UTF8.GetBytes(json), out ActionMessage? message, out string? problem), problem);
        using (message)
        {
            Assert.Equal((action, name), (message.Action, message.Name));
        }
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("1")]
    [InlineData("""{"action":1}""")]
    [InlineData("""{"action":"\ud800"}""")]
    [InlineData("""{"value":{"\udc00":1}}""")]
    [InlineData("""{"action":"a"} x""")]
    public void ABrokenMessageIsRefused(string json)
    {
        Assert.False(ActionMessage.TryParse(Encoding.UTF8.GetBytes(json), out _, out string? problem));
        Assert.NotEmpty(problem);
    }

    private static string Packed(Action<MessagePackWriter> write)
    {
        var bytes = new ArrayBufferWriter<byte>();
        write(new MessagePackWriter(bytes));
        return Convert.ToHexString(bytes.WrittenSpan);
    }
}

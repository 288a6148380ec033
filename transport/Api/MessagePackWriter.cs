using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Sluice.Transport.Api;

/// <summary>
/// The few MessagePack types that a listing needs (msgpack specification): nil, unsigned and signed integers, text, array and map heads. Each in
/// its shortest form. Writes into a buffer of the caller's.
/// </summary>
public sealed class MessagePackWriter(IBufferWriter<byte> output)
{
    /// <summary>Nothing.</summary>
    public void WriteNil() => Byte(0xc0);

    /// <summary>Head of an array of <paramref name="count"/> values, which follow.</summary>
    public void WriteArrayHead(int count) => WriteHead(count, 0x90, 0xdc);

    /// <summary>Head of a map of <paramref name="count"/> pairs, which follow.</summary>
    public void WriteMapHead(int count) => WriteHead(count, 0x80, 0xde);

    /// <summary>An integer.</summary>
    public void WriteInteger(long value)
    {
        if (value >= 0)
        {
            WriteUnsigned((ulong)value);
            return;
        }

        Span<byte> span = output.GetSpan(9);
        if (value >= -32)
        {
            span[0] = unchecked((byte)value);
            output.Advance(1);
        }
        else
        {
            span[0] = 0xd3;
            BinaryPrimitives.WriteInt64BigEndian(span[1..], value);
            output.Advance(9);
        }
    }

    /// <summary>Text.</summary>
    public void WriteText(string text) => WriteText(Encoding.UTF8.GetBytes(text));

    /// <summary>Text that is UTF-8 already.</summary>
    public void WriteText(ReadOnlySpan<byte> utf8)
    {
        Span<byte> span = output.GetSpan(utf8.Length + 5);
        int head;
        switch (utf8.Length)
        {
            case < 32:
                span[0] = (byte)(0xa0 | utf8.Length);
                head = 1;
                break;
            case <= byte.MaxValue:
                (span[0], span[1]) = (0xd9, (byte)utf8.Length);
                head = 2;
                break;
            case <= ushort.MaxValue:
                span[0] = 0xda;
                BinaryPrimitives.WriteUInt16BigEndian(span[1..], (ushort)utf8.Length);
                head = 3;
                break;
            default:
                span[0] = 0xdb;
                BinaryPrimitives.WriteInt32BigEndian(span[1..], utf8.Length);
                head = 5;
                break;
        }

        utf8.CopyTo(span[head..]);
        output.Advance(head + utf8.Length);
    }

    private void WriteUnsigned(ulong value)
    {
        Span<byte> span = output.GetSpan(9);
        switch (value)
        {
            case < 128:
                span[0] = (byte)value;
                output.Advance(1);
                break;
            case <= byte.MaxValue:
                (span[0], span[1]) = (0xcc, (byte)value);
                output.Advance(2);
                break;
            case <= ushort.MaxValue:
                span[0] = 0xcd;
                BinaryPrimitives.WriteUInt16BigEndian(span[1..], (ushort)value);
                output.Advance(3);
                break;
            case <= uint.MaxValue:
                span[0] = 0xce;
                BinaryPrimitives.WriteUInt32BigEndian(span[1..], (uint)value);
                output.Advance(5);
                break;
            default:
                span[0] = 0xcf;
                BinaryPrimitives.WriteUInt64BigEndian(span[1..], value);
                output.Advance(9);
                break;
        }
    }

    private void WriteHead(int count, byte fix, byte wide)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        Span<byte> span = output.GetSpan(5);
        if (count < 16)
        {
            span[0] = (byte)(fix | count);
            output.Advance(1);
        }
        else if (count <= ushort.MaxValue)
        {
            span[0] = wide;
            BinaryPrimitives.WriteUInt16BigEndian(span[1..], (ushort)count);
            output.Advance(3);
        }
        else
        {
            span[0] = (byte)(wide + 1);
            BinaryPrimitives.WriteInt32BigEndian(span[1..], count);
            output.Advance(5);
        }
    }

    private void Byte(byte value)
    {
        output.GetSpan(1)[0] = value;
        output.Advance(1);
    }
}

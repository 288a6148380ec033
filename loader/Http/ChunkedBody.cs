namespace Sluice.Loader.Http;

/// <summary>
/// A chunked body (RFC 9112 §7.1), taken in pieces of any size. Sizes are bounded, extensions and trailers are skipped within a bound. One
/// user at a time.
/// </summary>
public struct ChunkedBody
{
    private const int SkippedBytesMax = 16 << 10; // extensions and trailers of one body
    private const int SizeDigitsMax = 15; // 2^60: no overflow, above any object

    private State _state;
    private long _left;
    private int _digits;
    private int _skipped;

    private enum State : byte
    {
        Size,
        Extension,
        SizeEnd,
        Body,
        BodyEnd,
        BodyEndFeed,
        TrailerStart,
        Trailer,
        TrailerFeed,
        LastFeed,
        Done,
        Bad,
    }

    /// <summary>The body has ended; what follows is the next answer's.</summary>
    public readonly bool IsDone => _state == State.Done;

    /// <summary>The body is malformed, and stays so.</summary>
    public readonly bool IsBad => _state == State.Bad;

    /// <summary>
    /// Takes framing from the front of <paramref name="input"/> up to and including the next piece of body, which it returns; empty when the
    /// input has run out, the body is done or bad.
    /// </summary>
    public ReadOnlySpan<byte> Next(ref ReadOnlySpan<byte> input)
    {
        while (!input.IsEmpty && _state is not (State.Done or State.Bad))
        {
            if (_state == State.Body)
            {
                int taken = (int)Math.Min(_left, input.Length);
                ReadOnlySpan<byte> body = input[..taken];
                input = input[taken..];
                _left -= taken;
                _state = _left == 0 ? State.BodyEnd : State.Body;
                return body;
            }

            Frame(input[0]);
            input = input[1..];
        }

        return default;
    }

    private void Frame(byte value) => _state = _state switch
    {
        State.Size => Size(value),
        State.Extension => value == (byte)'\r' ? State.SizeEnd : Skip(value, State.Extension),
        State.SizeEnd => value != (byte)'\n' ? State.Bad : _left == 0 ? State.TrailerStart : State.Body,
        State.BodyEnd => value == (byte)'\r' ? State.BodyEndFeed : State.Bad,
        State.BodyEndFeed => value == (byte)'\n' ? NextSize() : State.Bad,
        State.TrailerStart => value == (byte)'\r' ? State.LastFeed : Skip(value, State.Trailer),
        State.Trailer => value == (byte)'\r' ? State.TrailerFeed : Skip(value, State.Trailer),
        State.TrailerFeed => value == (byte)'\n' ? State.TrailerStart : State.Bad,
        State.LastFeed => value == (byte)'\n' ? State.Done : State.Bad,
        _ => State.Bad,
    };

    private State Size(byte value)
    {
        int digit = value switch
        {
            >= (byte)'0' and <= (byte)'9' => value - '0',
            >= (byte)'a' and <= (byte)'f' => value - 'a' + 10,
            >= (byte)'A' and <= (byte)'F' => value - 'A' + 10,
            _ => -1,
        };
        if (digit < 0)
        {
            return _digits == 0 ? State.Bad
                : value == (byte)'\r' ? State.SizeEnd
                : value is (byte)';' or (byte)' ' or (byte)'\t' ? State.Extension
                : State.Bad;
        }

        _left = (_left << 4) | (uint)digit;
        return ++_digits > SizeDigitsMax ? State.Bad : State.Size;
    }

    private State NextSize()
    {
        (_left, _digits) = (0, 0);
        return State.Size;
    }

    private State Skip(byte value, State state) => value == (byte)'\n' || ++_skipped > SkippedBytesMax ? State.Bad : state;
}

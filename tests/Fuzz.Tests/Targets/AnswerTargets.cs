using System.Text;
using Sluice.Fuzz.Tests.Harness;
using Sluice.Loader.Flags;
using Sluice.Loader.Http;

namespace Sluice.Fuzz.Tests.Targets;

/// <summary>What the loader reads: answers of a server that may be any, and its own command line.</summary>
public static class AnswerTargets
{
    /// <summary>The head of an answer, which comes in pieces and is the same for it. The twin looks for its end in the last piece only.</summary>
    public static Fuzzed Heads
    {
        get
        {
            var target = new FuzzTarget<ResponseHead>
            {
                Name = "head of an answer",
                Seeds = Mutator.Texts(
                    "HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\nais-checksum-type: xxhash2\r\nAis-Checksum-Value:  0123456789abcdef \r\nContent-Range: bytes 10-14/300\r\nX-Empty:\r\nConnection: keep-alive\r\n\r\nhello",
                    "HTTP/1.0 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n",
                    "HTTP/1.1 200\r\nConnection: upgrade, Close\r\n\r\n"),
                Words = Mutator.Texts("\r\n", "\n", "\r", ":", "\0", "Content-Length: ", "Transfer-Encoding: chunked\r\n", "Connection: close\r\n", "HTTP/1.1 ", "999999999999999999", "\r\n\r\n"),
                Parse = input => InPieces(input, step: input.Length + 1, overlap: 3) is { } head && head.Status > 0 ? head : null,
                Check = (input, head) => ((int[])[1, 2, 7]).Select(step => Text(InPieces(input, step, overlap: 3))).FirstOrDefault(other => other != Text(head)) is { } differs
                    ? $"is another in pieces:\n  {Text(head)}\n  {differs}" : null,
                AllocationMax = (4 << 10, 0),
                InputsOfSuite = 6000,
            };
            return new Fuzzed(target, target with { Check = (input, head) => Text(InPieces(input, 1, overlap: 0)) is var other && other != Text(head) ? $"is another in pieces: {other}" : null }, "in pieces");
        }
    }

    /// <summary>A chunked body, likewise. The twin begins anew with each piece.</summary>
    public static Fuzzed Chunks
    {
        get
        {
            var target = new FuzzTarget<byte[]>
            {
                Name = "chunked body",
                Seeds = Mutator.Texts("5\r\nhello\r\n0\r\n\r\n", "A;ext=1\r\n0123456789\r\n00\r\nTrailer: x\r\n\r\n", "1\r\na\r\n1\r\nb\r\n0\r\n\r\n"),
                Words = Mutator.Texts("\r\n", "0\r\n\r\n", "ffffffffffffffff\r\n", "7fffffffffffffff\r\n", "fffffffffffffff\r\n", ";", "\n"),
                Parse = input => Body(input, input.Length + 1, isWhole: true),
                Format = body => [.. Encoding.ASCII.GetBytes($"{body.Length:x}\r\n"), .. body, .. body.Length == 0 ? "\r\n"u8 : "\r\n0\r\n\r\n"u8],
                Check = (input, body) => Body(input, 1, isWhole: true) is { } other && other.AsSpan().SequenceEqual(body) ? null : "is another in pieces",
                AllocationMax = (4 << 10, 16),
                InputsOfSuite = 12_000,
            };
            return new Fuzzed(target, target with { Check = (input, body) => Body(input, 1, isWhole: false) is { } other && other.AsSpan().SequenceEqual(body) ? null : "is another in pieces" }, "in pieces");
        }
    }

    /// <summary>The command line, a line for each argument. The twin finds every flag to have a value.</summary>
    public static Fuzzed Flags
    {
        get
        {
            var target = new FuzzTarget<IReadOnlyDictionary<string, string>>
            {
                Name = "flags of the loader",
                Seeds = Mutator.Texts("-bucket=ais://b\n-duration\n1m30s\n--cleanup=false\n-minsize=1KiB\n-maxsize=4MiB", "-pctput=100\n-numworkers=4\n-seed=5"),
                Words = Mutator.Texts("\n", "-", "--", "=", "-bck-props={}", "-bck-props={\"a\":1}", "-port=", "-epochs=", "-h", "99999999999999999999", "\\ud800"),
                Parse = input => FlagParser.Parse(Encoding.UTF8.GetString(input).Split('\n'), out _),
                Format = flags => Encoding.UTF8.GetBytes(string.Join('\n', flags.Select(flag => $"-{flag.Key}={flag.Value}"))),
                Describe = flags => string.Join('\n', flags.OrderBy(flag => flag.Key, StringComparer.Ordinal)),
                AllocationMax = (32 << 10, 256),
                InputsOfSuite = 6000,
            };
            return new Fuzzed(target, target with
            {
                Seeds = [target.Seeds[0]],
                Parse = input =>
                {
                    string[] arguments = Encoding.UTF8.GetString(input).Split('\n');
                    _ = arguments.Select((argument, i) => argument.Contains('=', StringComparison.Ordinal) ? argument : arguments[i + 1]).Last();
                    return target.Parse(input);
                },
            },
            "throws IndexOutOfRange");
        }
    }

    /// <summary>A head that comes in steps; null until it has ended.</summary>
    private static ResponseHead? InPieces(byte[] input, int step, int overlap)
    {
        var head = new ResponseHead();
        head.Reset();
        for (int at = step; ; at += step)
        {
            int bytes = Math.Min(at, input.Length);
            ReadOnlySpan<byte> last = input.AsSpan(Math.Max(0, bytes - step - overlap), Math.Min(bytes, step + overlap));
            if (overlap == 3 || last.IndexOf("\r\n\r\n"u8) >= 0)
            {
                HeadOutcome outcome = head.Read(input.AsSpan(0, bytes));
                if (outcome != HeadOutcome.NeedMore)
                {
                    return outcome == HeadOutcome.Read ? head : null;
                }
            }

            if (bytes == input.Length)
            {
                return null;
            }
        }
    }

    private static string Text(ResponseHead? head) => head is null ? "none"
        : $"{head.Status} {head.ContentBytes} {head.RangeTotalBytes} {head.RangeFirst} {head.IsChunked} {head.Closes} {head.HeadBytes} "
        + $"{Encoding.Latin1.GetString(head.ChecksumType)} {Encoding.Latin1.GetString(head.ChecksumValue)}";

    /// <summary>The bytes of a body that comes in steps; null unless it ends, and nothing behind it.</summary>
    private static byte[]? Body(byte[] input, int step, bool isWhole)
    {
        var chunked = default(ChunkedBody);
        var body = new byte[input.Length];
        int count = 0;
        for (int at = 0; at < input.Length; at += step)
        {
            chunked = isWhole ? chunked : default;
            ReadOnlySpan<byte> piece = input.AsSpan(at, Math.Min(step, input.Length - at));
            while (!piece.IsEmpty && !chunked.IsBad)
            {
                if (chunked.IsDone)
                {
                    return null;
                }

                ReadOnlySpan<byte> part = chunked.Next(ref piece);
                part.CopyTo(body.AsSpan(count));
                count += part.Length;
            }
        }

        return chunked.IsDone ? body[..count] : null;
    }
}

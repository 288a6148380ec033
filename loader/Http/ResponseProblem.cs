namespace Sluice.Loader.Http;

/// <summary>Why an answer cannot be read; each is the end of its connection.</summary>
public enum ResponseProblem
{
    /// <summary>Nothing is wrong.</summary>
    None,

    /// <summary>The head does not end within its bound.</summary>
    HeadTooLong,

    /// <summary>The first line is no status line of HTTP/1.0 or 1.1.</summary>
    BadStatusLine,

    /// <summary>A line that is no header: no colon, no name, folded, or with control characters.</summary>
    BadHeader,

    /// <summary>A length that is no number, too large, or given twice and differently.</summary>
    BadLength,

    /// <summary>A transfer coding other than chunked, or a length beside it.</summary>
    BadTransferEncoding,

    /// <summary>A chunk's size, end, extension or trailer is malformed or too long.</summary>
    BadChunk,

    /// <summary>Bytes follow an answer that nobody asked for.</summary>
    BytesAfterEnd,
}

/// <summary>Sentences for the problems.</summary>
public static class ResponseProblems
{
    /// <summary>The sentence, without a full stop.</summary>
    public static string Sentence(this ResponseProblem problem) => problem switch
    {
        ResponseProblem.None => "the answer is well-formed",
        ResponseProblem.HeadTooLong => $"the answer's head does not end within {ResponseHead.HeadBytesMax} bytes",
        ResponseProblem.BadStatusLine => "the answer does not begin with an HTTP/1 status line",
        ResponseProblem.BadHeader => "the answer has a malformed header line",
        ResponseProblem.BadLength => "the answer's Content-Length is no single number",
        ResponseProblem.BadTransferEncoding => "the answer has a transfer coding that is not chunked alone",
        ResponseProblem.BadChunk => "the answer's chunked body is malformed",
        ResponseProblem.BytesAfterEnd => "bytes follow the answer that nobody asked for",
        _ => throw new ArgumentOutOfRangeException(nameof(problem), problem, "a problem without a sentence"),
    };
}

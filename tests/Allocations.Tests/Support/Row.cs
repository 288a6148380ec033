using System.Globalization;
using System.Text;

namespace Sluice.Allocations.Tests.Support;

/// <summary>One line of <c>bench/allocations.json</c>: what a client asks again and again, in turn.</summary>
internal sealed record Row(string Name, params byte[][] Requests)
{
    /// <summary>Status that every answer has.</summary>
    public int Status { get; init; } = 200;

    /// <summary>Where in the request stands a name's number of <see cref="NumberDigits"/> digits, which counts the requests; 0: the requests stay as they are.</summary>
    public int NumberAt { get; init; }

    /// <summary>Digits of such a number.</summary>
    public const int NumberDigits = 8;

    /// <summary>The answers have no body.</summary>
    public bool IsHead { get; init; }

    /// <summary>Requests before the first that counts: pools, dictionaries and caches have their size after them.</summary>
    public int WarmUpCount { get; init; } = 1500;

    /// <summary>
    /// Requests by which the long run exceeds the short one. What comes by the clock, some 500 bytes a second, must stay below four bytes a request.
    /// </summary>
    public int Count { get; init; } = 1000;

    /// <summary>A request without a body.</summary>
    public static byte[] Request(string method, string target, string headers = "") =>
        Encoding.ASCII.GetBytes($"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");

    /// <summary>A PUT.</summary>
    public static byte[] Put(string target, byte[] body, string headers = "") =>
    [
        .. Request("PUT", target, string.Create(CultureInfo.InvariantCulture, $"Content-Length: {body.Length}\r\n{headers}")),
        .. body,
    ];
}

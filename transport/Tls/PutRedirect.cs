using System.Globalization;
using Sluice.Contract;
using Sluice.Transport.Api;
using Sluice.Transport.Http;

namespace Sluice.Transport.Tls;

/// <summary>
/// A client that is about to store an object over https may first send the head alone, with the body's length, and wait to be told where the
/// body should go; it takes any other answer as the last one (contract: native API §4). So a PUT that nobody has redirected yet is redirected
/// to where it is, before its body is read. Over HTTP/2 there is no such head: it ends the connection, which HTTP/2 has no header for (RFC 9113
/// §8.2.2). There a PUT is answered at once, since not every client can stop an upload in the middle of a stream.
/// </summary>
internal static class PutRedirect
{
    /// <summary>True for an HTTP/1 request over https without one of <see cref="RedirectMarkers"/>.</summary>
    public static bool IsDue(RequestContext context) =>
        context.IsTls
        && !context.IsHttp2
        && string.IsNullOrEmpty(context.Target.Parameter(RedirectMarkers.Gateway))
        && string.IsNullOrEmpty(context.Target.Parameter(RedirectMarkers.Time))
        && string.IsNullOrEmpty(context.Target.Parameter(RedirectMarkers.Direct));

    /// <summary>307 to the same host, path and query, marked. Takes nothing of the body.</summary>
    public static async ValueTask<Engine.Failure?> AnswerAsync(RequestContext context, NodeIdentity node)
    {
        string target = OriginForm(context.RawTarget);
        long now = (DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;
        string join = target.Contains('?', StringComparison.Ordinal) ? "&" : "?";
        context.Headers.Location = string.Create(
            CultureInfo.InvariantCulture,
            $"https://{HostOf(context)}{target}{join}{RedirectMarkers.Gateway}={node.ProxyId}&{RedirectMarkers.Time}={now}");
        await Answers.EmptyAsync(context, 307);
        return null;
    }

    /// <summary>Path and query as sent: names are encoded in them exactly as the client will be asked to send them again.</summary>
    private static string OriginForm(string raw)
    {
        int scheme = raw.StartsWith('/') ? -1 : raw.IndexOf("://", StringComparison.Ordinal);
        int slash = scheme < 0 ? 0 : raw.IndexOf('/', scheme + 3);
        string target = slash < 0 ? "/" : raw[slash..];
        int fragment = target.IndexOf('#', StringComparison.Ordinal);
        return fragment < 0 ? target : target[..fragment];
    }

    /// <summary>As the client names this server, else the address that it reached.</summary>
    private static string HostOf(RequestContext context) =>
        context.RequestHeaders.Host is [{ Length: > 0 } host] ? host : context.LocalEndPoint.ToString();
}

using System.Net;
using System.Net.Sockets;
using Sluice.Contract;
using Sluice.Loader.Flags;
using Sluice.Loader.Http;

namespace Sluice.Loader.Run;

/// <summary>Where requests go: the server that was named, or every gateway of its cluster.</summary>
internal static class Gateways
{
    private static readonly TimeSpan s_connectTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Addresses that answer, each with the writer of its requests.</summary>
    /// <exception cref="StartException">One does not answer.</exception>
    public static async Task<IReadOnlyList<(IPEndPoint Address, RequestWriter Requests)>> FindAsync(
        LoadOptions options, SluiceClient client, CancellationToken token)
    {
        IReadOnlyList<string> endpoints = options.RandomGateway ? await client.GatewaysAsync(token) : [options.Endpoint];
        var found = new List<(IPEndPoint, RequestWriter)>();
        foreach (string endpoint in endpoints)
        {
            if (!Uri.TryCreate(endpoint, UriKind.Absolute, out Uri? uri) || uri.Scheme != "http")
            {
                throw new StartException($"the gateway {endpoint} is not of the form http://HOST:PORT, which is all the loader speaks yet");
            }

            string? range = RequestWriter.Range(options.ReadOffset, options.ReadLength);
            found.Add((
                await AnsweringAsync(uri, token),
                new RequestWriter(uri.Authority, options.Bucket, range, options.Latest, options.ChecksumType)));
        }

        return found.Count > 0 ? found : throw new StartException("the cluster map has no gateway that takes requests");
    }

    /// <summary>The first of a host's addresses that can be connected to: a name such as localhost has several, and not all are listened on.</summary>
    private static async Task<IPEndPoint> AnsweringAsync(Uri uri, CancellationToken token)
    {
        IPAddress[] addresses;
        try
        {
            addresses = await Dns.GetHostAddressesAsync(uri.DnsSafeHost, token);
        }
        catch (SocketException failure)
        {
            throw new StartException($"cannot resolve {uri.DnsSafeHost}: {failure.Message}");
        }

        string reason = "the name has no address";
        foreach (IPAddress address in addresses)
        {
            var endPoint = new IPEndPoint(address, uri.Port);
            using var probe = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(token);
            deadline.CancelAfter(s_connectTimeout);
            try
            {
                await probe.ConnectAsync(endPoint, deadline.Token);
                return endPoint;
            }
            catch (SocketException failure)
            {
                reason = failure.Message;
            }
            catch (OperationCanceledException) when (!token.IsCancellationRequested)
            {
                reason = $"no connection within {s_connectTimeout.TotalSeconds} seconds";
            }
        }

        throw new StartException($"cannot reach {uri.Authority}: {reason}");
    }
}

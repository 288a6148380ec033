using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Abstractions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Transport.Api;
using Sluice.Transport.Guard;

namespace Sluice.Transport.Http;

/// <summary>
/// What Kestrel calls for each request: reads the target, hands the request to the API, and is the one place where exceptions end. A client
/// that is gone is nobody's error; a defect of ours is a 500 that tells nothing of the inside and a log line that tells all.
/// </summary>
public sealed class SluiceApplication(NativeApi api, ClientWatch? watch, ILogger log) : IHttpApplication<RequestContext>
{
    private int _inFlight;

    /// <summary>Requests that are being answered now.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <inheritdoc/>
    public RequestContext CreateContext(IFeatureCollection contextFeatures)
    {
        Interlocked.Increment(ref _inFlight);
        RequestContext context = contextFeatures is IHostContextContainer<RequestContext> container
            ? container.HostContext ??= new RequestContext(contextFeatures, watch)
            : new RequestContext(contextFeatures, watch);
        context.Begin(contextFeatures);
        return context;
    }

    /// <inheritdoc/>
    public Task ProcessRequestAsync(RequestContext context)
    {
        if (!context.Target.TryRead(context.RawTarget, out string? problem))
        {
            return api.RefuseAsync(context, new Failure(ErrorCode.BadRequest, problem));
        }

        context.HasTarget = true;
        ValueTask handled = HandleAsync(context);
        return handled.IsCompletedSuccessfully ? Task.CompletedTask : EndAsync(context, handled); // a hot GET needs no task
    }

    /// <summary>What the API throws before it first waits is in the task, too.</summary>
    private ValueTask HandleAsync(RequestContext context)
    {
        try
        {
            return api.HandleAsync(context);
        }
        catch (Exception early)
        {
            return ValueTask.FromException(early);
        }
    }

    private async Task EndAsync(RequestContext context, ValueTask handled)
    {
        try
        {
            await handled;
        }
        catch (BadHttpRequestException refused)
        {
            await api.RefuseAsync(context, refused.StatusCode, $"the request's body is malformed: {refused.Message}");
        }
        catch (IOException refused) when (refused.InnerException is OverflowException)
        {
            // Kestrel's own class for this does not cover a chunk of more bytes than 32 bits count.
            await api.RefuseAsync(context, StatusCodes.Status400BadRequest, $"the request's body is malformed: {refused.Message}");
        }
        catch (Exception gone) when (context.Aborted.IsCancellationRequested || IsDisconnect(context, gone))
        {
            context.Abort(); // nobody is there to read an answer; what was begun has been undone by its owner
        }
#pragma warning disable CA1031 // the end of the line: what gets here is a defect of ours, and the process goes on serving the others
        catch (Exception defect)
#pragma warning restore CA1031
        {
            log.LogError(defect, "{Method} {Target} failed", context.Method, context.RawTarget);
            await api.RefuseAsync(context, new Failure(ErrorCode.Internal, "internal error; the server's log has the details"));
        }
    }

    /// <inheritdoc/>
    public void DisposeContext(RequestContext context, Exception? exception)
    {
        context.End();
        Interlocked.Decrement(ref _inFlight);
    }

    // A TLS record that is cut off is an IOException of the stream below HTTP. Disks never throw up to here.
    private static bool IsDisconnect(RequestContext context, Exception exception) =>
        exception is ConnectionResetException or ConnectionAbortedException or SocketException || exception.InnerException is SocketException
        || (exception is IOException && context.IsTls);
}

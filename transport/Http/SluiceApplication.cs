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
/// that is gone is nobody's error; a defect of ours is a 500 that tells nothing of the inside and a log line that tells all. What finds no room
/// waits before it is answered, and may be refused; probes for life find room always. What is answered from memory, listings above all, has fewer
/// places of its own.
/// </summary>
public sealed class SluiceApplication(NativeApi api, Admissions admissions, ClientWatch? watch, int pieceBytesMax, ILogger log) : IHttpApplication<RequestContext>
{
    private int _inFlight;

    /// <summary>Requests that are being answered now, or wait for that.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <inheritdoc/>
    public RequestContext CreateContext(IFeatureCollection contextFeatures)
    {
        Interlocked.Increment(ref _inFlight);
        RequestContext context = contextFeatures is IHostContextContainer<RequestContext> container
            ? container.HostContext ??= new RequestContext(contextFeatures, watch, pieceBytesMax)
            : new RequestContext(contextFeatures, watch, pieceBytesMax);
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
        Admission? admission = context.IsLight ? admissions.Objects : context.Target.IsProbe ? null : admissions.Control;
        bool isIn = admission is null || admission.TryEnter();
        context.AdmittedBy = isIn ? admission : null;
        ValueTask handled = isIn ? HandleAsync(context) : HandleLaterAsync(context, admission!);
        return handled.IsCompletedSuccessfully ? Task.CompletedTask : EndAsync(context, handled); // a hot GET needs no task
    }

    /// <summary>A request whose client goes away meanwhile ends with the cancellation, as any other that loses its client.</summary>
    private async ValueTask HandleLaterAsync(RequestContext context, Admission admission)
    {
        if (await admission.EnterAsync(context.Aborted))
        {
            context.AdmittedBy = admission;
            await api.HandleAsync(context);
            return;
        }

        await api.RefuseAsync(context, new Failure(
            ErrorCode.Unavailable, $"the server is busy: {admission.InsideMax} requests of this kind are being answered and others wait; try again in a second"));
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

    /// <summary>The one task that a request costs which has to wait. What it holds is kept small: how a request fails is told elsewhere.</summary>
    private async Task EndAsync(RequestContext context, ValueTask handled)
    {
        Exception problem;
        try
        {
            await handled;
            return;
        }
#pragma warning disable CA1031 // the end of the line: a defect of ours gets here too, and the process goes on serving the others
        catch (Exception caught)
#pragma warning restore CA1031
        {
            problem = caught;
        }

        await FailAsync(context, problem);
    }

    private Task FailAsync(RequestContext context, Exception problem)
    {
        switch (problem)
        {
            case BadHttpRequestException refused:
                return api.RefuseAsync(context, refused.StatusCode, $"the request's body is malformed: {refused.Message}");
            case IOException { InnerException: OverflowException }:
                // Kestrel's own class for this does not cover a chunk of more bytes than 32 bits count.
                return api.RefuseAsync(context, StatusCodes.Status400BadRequest, $"the request's body is malformed: {problem.Message}");
            case var _ when context.Aborted.IsCancellationRequested || IsDisconnect(problem, context.IsTls):
                context.Abort(); // nobody is there to read an answer; what was begun has been undone by its owner
                return Task.CompletedTask;
            default:
                log.LogError(problem, "{Method} {Target} failed", context.Method, context.RawTarget);
                return api.RefuseAsync(context, new Failure(ErrorCode.Internal, "internal error; the server's log has the details"));
        }
    }

    /// <inheritdoc/>
    public void DisposeContext(RequestContext context, Exception? exception)
    {
        context.End();
        if (context.AdmittedBy is { } admission)
        {
            context.AdmittedBy = null;
            admission.Exit(); // the response is out, or the connection has its last buffer of it
        }

        Interlocked.Decrement(ref _inFlight);
    }

    /// <summary>
    /// True for what a connection that is gone throws, whoever ended it, at the bottom of what stands around it: a reader of the body is cancelled with the reason inside, perhaps
    /// before the request is told. Over TLS a record that is cut off is an IOException of the stream below HTTP; disks never throw up to here.
    /// </summary>
    internal static bool IsDisconnect(Exception exception, bool isTls)
    {
        for (Exception? cause = exception; cause is not null; cause = cause.InnerException)
        {
            if (cause is ConnectionResetException or ConnectionAbortedException or SocketException)
            {
                return true;
            }
        }

        return exception is IOException && isTls;
    }
}

using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;
using Sluice.Contract;
using Sluice.Engine;
using Sluice.Engine.Buckets;
using Sluice.Engine.Pooling;
using Sluice.Transport.Cold;
using Sluice.Transport.Http;
using Sluice.Transport.Tls;

namespace Sluice.Transport.Api;

/// <summary>
/// The native API: path and method to a handler. Handlers answer by themselves; what they refuse they return, and it is written here, so that
/// every error has one shape.
/// </summary>
public sealed class NativeApi
{
    private readonly NodeIdentity _node;
    private readonly BucketApi _buckets;
    private readonly ObjectApi _objects;
    private readonly ClusterApi _cluster;

    /// <summary>The API of one engine; <paramref name="counters"/> are those of the server below it. The cold reads stay the caller's.</summary>
    public NativeApi(ObjectEngine engine, NodeIdentity node, ColdReads cold, Func<IEnumerable<KeyValuePair<string, long>>> counters)
    {
        _node = node;
        _buckets = new BucketApi(engine, new ListApi(engine, node));
        _objects = new ObjectApi(engine, node, cold);
        _cluster = new ClusterApi(engine, node, () => Draining, counters);
    }

    /// <summary>True when the server is about to stop: readiness says no.</summary>
    public bool Draining { get; set; }

    /// <summary>Answers a request, whatever it is.</summary>
    public ValueTask HandleAsync(RequestContext context)
    {
        ValueTask<Failure?> routed = RouteAsync(context);
        if (!routed.IsCompletedSuccessfully)
        {
            return EndAsync(context, routed);
        }

        Failure? failure = routed.Result; // a hot GET needs no state machine
        return failure is null ? default : new ValueTask(RefuseAsync(context, failure));
    }

    /// <summary>Answers with a refusal.</summary>
    public Task RefuseAsync(RequestContext context, Failure failure) => Answers.ErrorAsync(context, failure, _node.Display);

    /// <summary>Answers with a refusal that the HTTP parser made.</summary>
    public Task RefuseAsync(RequestContext context, int status, string message) => Answers.ErrorAsync(context, status, "", message, _node.Display);

    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    private async ValueTask EndAsync(RequestContext context, ValueTask<Failure?> routed)
    {
        Failure? failure = await routed;
        if (failure is not null)
        {
            await RefuseAsync(context, failure);
        }
    }

    private ValueTask<Failure?> RouteAsync(RequestContext context)
    {
        int position = 0;
        ReadOnlySpan<char> first = context.Target.NextSegment(ref position);
        if (first is not Routes.Version)
        {
            return EasyProvider(first) is { } provider
                ? RouteEasyAsync(context, provider, position)
                : Refused(new Failure(ErrorCode.UnknownRoute, UnknownPath(context)));
        }

        return context.Target.NextSegment(ref position) switch
        {
            Routes.Objects => RouteObjectAsync(context, context.Target.Parameter("provider") ?? "", position),
            Routes.Buckets => RouteBucketAsync(context, context.Target.Parameter("provider") ?? "", position, isEasy: false),
            Routes.Health => _cluster.HealthAsync(context),
            Routes.Daemon => _cluster.DaemonAsync(context, position),
            Routes.Cluster => _cluster.ClusterAsync(context, position),
            "reverse" when context.Target.NextSegment(ref position) is Routes.Daemon => _cluster.ReverseAsync(context, position),
            "reverse" or "etl" or "download" or "sort" or "ml" or "users" or "tokens" or "clusters" or "roles" or "xactions" or "metrics" =>
                Refused(new Failure(ErrorCode.NotImplemented, $"{context.Method} {context.Target.RawPath} is not built yet")),
            _ => Refused(new Failure(ErrorCode.UnknownRoute, UnknownPath(context))),
        };
    }

    /// <summary>/ais/bucket[/object]: the provider is the first segment (contract: native API §1).</summary>
    private ValueTask<Failure?> RouteEasyAsync(RequestContext context, string provider, int position)
    {
        int behindBucket = position;
        ReadOnlySpan<char> bucket = context.Target.NextSegment(ref behindBucket);
        bool hasObject = !bucket.IsEmpty && behindBucket + 1 < context.Target.PathLength;
        return hasObject ? RouteObjectAsync(context, provider, position)
            : HttpMethods.IsPut(context.Method) ? Refused(new Failure(ErrorCode.BadRequest, "the path has no object name: expecting /PROVIDER/BUCKET/OBJECT"))
            : RouteBucketAsync(context, provider, position, isEasy: true);
    }

    private ValueTask<Failure?> RouteBucketAsync(RequestContext context, string provider, int position, bool isEasy)
    {
        ReadOnlySpan<char> name = context.Target.NextSegment(ref position);
        if (name.IsEmpty)
        {
            return HttpMethods.IsGet(context.Method) ? _buckets.ListAllAsync(context, provider, isEasy) : NotAllowed(context, "GET");
        }

        if (!TryBucket(context, provider, name, out BucketName? bucket, out Failure? refusal))
        {
            return Refused(refusal!);
        }

        int behindBucket = position;
        if (context.Method != "HEAD" && !context.Target.NextSegment(ref behindBucket).IsEmpty)
        {
            return Refused(HasMore(context));
        }

        return context.Method switch
        {
            "GET" => _buckets.GetAsync(context, bucket!),
            "HEAD" => _buckets.HeadAsync(context, bucket!, position),
            "POST" => _buckets.PostAsync(context, bucket!),
            "DELETE" => _buckets.DeleteAsync(context, bucket!),
            "PATCH" => _buckets.PatchAsync(context, bucket!),
            "PUT" => _buckets.PutAsync(context),
            _ => NotAllowed(context, "GET, HEAD, POST, PUT, PATCH, DELETE"),
        };
    }

    private ValueTask<Failure?> RouteObjectAsync(RequestContext context, string provider, int position)
    {
        ReadOnlySpan<char> name = context.Target.NextSegment(ref position);
        if (name.IsEmpty)
        {
            return Refused(new Failure(ErrorCode.BadRequest, "the path has no bucket: expecting /v1/objects/BUCKET/OBJECT"));
        }

        if (!TryBucket(context, provider, name, out BucketName? bucket, out Failure? refusal))
        {
            return Refused(refusal!);
        }

        bool isName = context.Target.TryRest(position, out ReadOnlyMemory<byte> key);
        if (isName && key.IsEmpty && HttpMethods.IsPost(context.Method))
        {
            return _objects.PostToBucketAsync(context, bucket!);
        }

        return !isName
            ? Refused(new Failure(ErrorCode.InvalidObjectName, "the object name has a '%' that is not followed by two hexadecimal digits"))
            : context.Method switch
            {
                "GET" => _objects.GetAsync(context, bucket!, key),
                "HEAD" => _objects.HeadAsync(context, bucket!, key),
                "PUT" when PutRedirect.IsDue(context) => PutRedirect.AnswerAsync(context, _node),
                "PUT" => _objects.PutAsync(context, bucket!, key),
                "DELETE" => _objects.DeleteAsync(context, bucket!, key),
                "PATCH" => _objects.PatchAsync(context, bucket!, key),
                "POST" => _objects.PostAsync(context, bucket!, key),
                _ => NotAllowed(context, "GET, HEAD, PUT, POST, PATCH, DELETE"),
            };
    }

    /// <summary>The bucket that path and query name.</summary>
    private static bool TryBucket(RequestContext context, string provider, ReadOnlySpan<char> name, out BucketName? bucket, out Failure? refusal)
    {
        if (context.Target.Parameter("namespace") is null && context.LastBucket is { } last && last.IsGlobal
            && name.SequenceEqual(last.Name) && BucketName.CanonicalProvider(provider) == last.Provider)
        {
            (bucket, refusal) = (last, null); // a connection mostly stays with one bucket
            return true;
        }

        string space = context.Target.Parameter("namespace") ?? "";
        space = space.StartsWith('@') ? space[1..] : space;
        int hash = space.IndexOf('#', StringComparison.Ordinal);
        string uuid = hash < 0 ? space : space[..hash];
        string spaceName = hash < 0 ? "" : space[(hash + 1)..];
        bool ok = BucketName.TryCreate(provider, uuid, spaceName, name.ToString(), out bucket, out string? problem);
        context.LastBucket = bucket;
        refusal = ok ? null : new Failure(ErrorCode.InvalidBucketName, problem!);
        return ok;
    }

    private static string? EasyProvider(ReadOnlySpan<char> segment) =>
        segment is "ais" ? "ais" : segment is "gs" or "gcp" or "az" or "azure" or "oc" or "oci" or "aws" ? segment.ToString() : null;

    private static string UnknownPath(RequestContext context) =>
        $"no such path: {context.Target.RawPath}; expecting /v1/buckets, /v1/objects, /v1/health, /v1/daemon or /v1/cluster";

    internal static Failure HasMore(RequestContext context) =>
        new(ErrorCode.BadRequest, $"invalid request URI: {context.Target.RawPath} has a segment behind the bucket");

    internal static ValueTask<Failure?> NotAllowed(RequestContext context, string allowed)
    {
        context.Headers.Allow = allowed;
        return Refused(new Failure(ErrorCode.MethodNotAllowed, $"{context.Method} is not allowed here; allowed are {allowed}"));
    }

    internal static ValueTask<Failure?> Refused(Failure failure) => ValueTask.FromResult<Failure?>(failure);
}

using System.Globalization;
using Sluice.Bench.Machine;

namespace Sluice.Bench.Servers;

/// <summary>What of nginx a row needs beside the fast path that all rows have.</summary>
internal sealed record NginxOptions
{
    /// <summary>Blocking reads go to a thread pool: for files that are not in memory.</summary>
    public bool HasThreads { get; init; }

    /// <summary>Takes PUT (ngx_http_dav_module).</summary>
    public bool TakesPut { get; init; }

    /// <summary>Certificate and key in PEM; null for plain TCP.</summary>
    public (string Certificate, string Key)? Tls { get; init; }
}

/// <summary>
/// nginx as its manual tunes it for static files: sendfile, open_file_cache, no access log, connections without bound. Its root holds /v1/objects/BUCKET
/// as a link to where the files are, so a request has the same bytes as ours.
/// </summary>
internal sealed class NginxServer(string name, string home, string cores, int workers, NginxOptions options) : IServer
{
    private static readonly TimeSpan s_startTime = TimeSpan.FromSeconds(20);

    private ProcessSet? _processes;

    public string Name => name;

    public Uri Endpoint { get; private set; } = new("http://127.0.0.1");

    /// <summary>See <see cref="ProcessSet.Start"/>.</summary>
    public bool IsGrouped { get; init; } = true;

    public ProcessSet Processes => _processes ?? throw new InvalidOperationException("not started");

    /// <summary>Root of its tree.</summary>
    public string Root => Path.Combine(home, "www");

    /// <summary>Serves a directory as a bucket.</summary>
    public void Link(string bucket, string directory)
    {
        string objects = Path.Combine(Root, "v1", "objects");
        Directory.CreateDirectory(objects);
        if (!Path.Exists(Path.Combine(objects, bucket)))
        {
            Directory.CreateSymbolicLink(Path.Combine(objects, bucket), directory);
        }
    }

    public async Task StartAsync(CancellationToken token)
    {
        Directory.CreateDirectory(Root);
        int port = Connecting.FreePort();
        Endpoint = new Uri(string.Create(CultureInfo.InvariantCulture, $"{(options.Tls is null ? "http" : "https")}://127.0.0.1:{port}"));
        string configuration = Path.Combine(home, "nginx.conf");
        await File.WriteAllTextAsync(configuration, Configuration(port), token);
        _processes = ProcessSet.Start(cores, ["nginx", "-e", Path.Combine(home, "error.log"), "-c", configuration], IsGrouped);
        await Waiting.ForAsync(() => Connecting.Answers(Endpoint) ? this : null, Name, _processes, s_startTime, token);
    }

    public async ValueTask DisposeAsync()
    {
        if (_processes is not null)
        {
            await _processes.DisposeAsync();
        }
    }

    private string Configuration(int port) => $$"""
        daemon off; user root; worker_processes {{workers}}; worker_rlimit_nofile 65536;
        pid {{home}}/nginx.pid; error_log {{home}}/error.log warn;
        {{(options.HasThreads ? "thread_pool reads threads=64 max_queue=65536;" : "")}}
        events { worker_connections 16384; }
        http {
            access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 1000000000; keepalive_timeout 600s;
            open_file_cache max=100000 inactive=600s; open_file_cache_valid 600s; open_file_cache_min_uses 1;
            client_max_body_size 0; client_body_temp_path {{home}}/body; client_body_buffer_size 1m;
            proxy_temp_path {{home}}/t1; fastcgi_temp_path {{home}}/t2; uwsgi_temp_path {{home}}/t3; scgi_temp_path {{home}}/t4;
            {{(options.HasThreads ? "aio threads=reads;" : "")}}
            server {
                listen 127.0.0.1:{{port}} reuseport backlog=4096 {{(options.Tls is null ? "" : "ssl")}};
                {{(options.Tls is { } tls ? $"ssl_certificate {tls.Certificate}; ssl_certificate_key {tls.Key}; ssl_protocols TLSv1.3;" : "")}}
                root {{Root}};
                location /v1/buckets/ { add_header Ais-Bucket-Props '{}'; return 200; }
                location /v1/objects/ { {{(options.TakesPut ? "dav_methods PUT; create_full_put_path on;" : "")}} }
            }
        }
        """;
}

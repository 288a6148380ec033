// Job calls (contract: native API §8).
using System.Globalization;
using System.Text.Json;

namespace Sluice.Contract;

public sealed partial class SluiceClient
{
    private const string ClusterTarget = $"/{Routes.Version}/{Routes.Cluster}";

    /// <summary>Starts a job and answers its id, by which it is known from now on; 409 while one runs that it would meet.</summary>
    public Task<string> StartJobAsync(JobQuery job, IReadOnlyDictionary<string, object> settings, CancellationToken token) =>
        TextAsync(Request(HttpMethod.Put, ClusterTarget, ControlBody.Write(Actions.Start, writer => WriteQuery(writer, job, settings))), token);

    /// <summary>Tells jobs to end, and does not wait for that. None that runs is no failure.</summary>
    public Task StopJobsAsync(JobQuery jobs, CancellationToken token) =>
        RunAsync(Request(HttpMethod.Put, ClusterTarget, ControlBody.Write(Actions.Stop, writer => WriteQuery(writer, jobs))), token);

    /// <summary>The jobs that fit, of all nodes, in order of their start; 404 for an id that is not known.</summary>
    public async Task<IReadOnlyList<JobView>> JobsAsync(JobQuery jobs, CancellationToken token)
    {
        using HttpResponseMessage response = await AskAsync("qryxstats", jobs, token);
        Dictionary<string, WireJob[]?> nodes =
            await ReadJsonAsync(response, SluiceClientJson.Default.DictionaryStringWireJobArray, token) ?? [];
        return [.. nodes.Values.SelectMany(each => each ?? []).Select(each => each.ToView()).OrderBy(job => job.StartedAt)];
    }

    /// <summary>What a job found; 404 for an id that is not known.</summary>
    public async Task<JobReport> JobReportAsync(string id, CancellationToken token)
    {
        using HttpResponseMessage response = await AskAsync("job_report", new JobQuery { Id = id }, token);
        WireReport? report = await ReadJsonAsync(response, SluiceClientJson.Default.WireReport, token);
        return new JobReport(report?.Count ?? 0, [.. (report?.Findings ?? []).Select(finding => finding.ToView())]);
    }

    /// <summary>A request whose answer is bare text.</summary>
    private async Task<string> TextAsync(HttpRequestMessage request, CancellationToken token)
    {
        using HttpResponseMessage response = await SendAsync(request, token);
        return await TextOfAsync(response, token);
    }

    /// <summary>The body of an answer, which stays the caller's.</summary>
    private async Task<string> TextOfAsync(HttpResponseMessage response, CancellationToken token)
    {
        try
        {
            return await response.Content.ReadAsStringAsync(token);
        }
        catch (Exception failure) when (failure is IOException or HttpRequestException)
        {
            throw BrokenAnswer(failure);
        }
    }

    private Task<HttpResponseMessage> AskAsync(string what, JobQuery jobs, CancellationToken token)
    {
        var bytes = new System.Buffers.ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(bytes))
        {
            WriteQuery(writer, jobs);
        }

        return SendAsync(Request(HttpMethod.Get, $"{ClusterTarget}?what={what}", bytes.WrittenSpan.ToArray()), token);
    }

    private static void WriteQuery(Utf8JsonWriter writer, JobQuery job, IReadOnlyDictionary<string, object>? settings = null)
    {
        writer.WriteStartObject();
        writer.WriteString("ID", job.Id);
        writer.WriteString("Kind", job.Kind);
        writer.WriteString("DaemonID", "");
        if (job.Bucket is { } bucket)
        {
            writer.WriteString("bucket", bucket.ToString());
        }

        if (job.Mountpath.Length > 0)
        {
            writer.WriteString("mountpath", job.Mountpath);
        }

        writer.WriteBoolean("show_active", job.OnlyRunning);
        foreach ((string name, object value) in settings ?? new Dictionary<string, object>())
        {
            switch (value)
            {
                case bool flag:
                    writer.WriteBoolean(name, flag);
                    break;
                case long number:
                    writer.WriteNumber(name, number);
                    break;
                default:
                    writer.WriteString(name, Convert.ToString(value, CultureInfo.InvariantCulture));
                    break;
            }
        }

        writer.WriteEndObject();
    }
}

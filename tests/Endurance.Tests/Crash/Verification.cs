using System.Globalization;
using System.Net;
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;
using Sluice.Native.Codecs;

namespace Sluice.Endurance.Tests.Crash;

/// <summary>Compares what a server that has started after a cut has with what was asked for, name by name; then looks for what nobody has any use for.</summary>
public sealed class Verification(
    IReadOnlyList<Workload> loads, IReadOnlyList<CrashWriter> writers, Tally tally, bool isAfterPowerCut, string when)
{
    private readonly List<string> _halfDeleted = []; // names that are there, and may have fewer copies than they should
    private readonly Dictionary<string, HashSet<string>> _present = loads.ToDictionary(load => load.Bucket, _ => new HashSet<string>());

    /// <summary>Reads every name there ever was; what is there is the beginning of its history from now on.</summary>
    public async Task ContentsAsync(Store store)
    {
        (CrashWriter Writer, string Name)[] all = [.. writers.SelectMany(writer => writer.Histories.Keys.Select(name => (writer, name)))];
        var found = new int?[all.Length];
        await Parallel.ForEachAsync(Enumerable.Range(0, all.Length), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, _) =>
            found[i] = await StateAsync(store, all[i].Writer, all[i].Name));
        for (int i = 0; i < all.Length; i++)
        {
            (CrashWriter writer, string name) = all[i];
            tally.Verified++;
            if (found[i] is { } state)
            {
                Judge(writer, name, state);
            }
        }

        foreach (Workload load in loads)
        {
            await ListAsync(store, load);
        }
    }

    /// <summary>A scrub finds nothing, and after it nothing lies about that belongs to no object.</summary>
    public async Task LeaksAsync(SluiceProcess server, IReadOnlyList<string> paths)
    {
        if (_halfDeleted.Count > 0)
        {
            await RepairAsync(server);
        }

        (int code, string output, string error) = await SluiceProcess.RunAsync(null, server.Endpoint, "scrub", "--wait");
        if (code != 0 || !output.EndsWith("0 findings, 0 of them cured\n", StringComparison.Ordinal))
        {
            tally.Add(Wrong.Leak, $"{when}: {output}{error}");
        }

        string[] leaks = [];
        try
        {
            // What was destroyed is removed in the background.
            await Eventually.TrueAsync("nothing lies about", () => (leaks = [.. Leaks.In(paths, loads, _present)]).Length == 0);
        }
        catch (Xunit.Sdk.XunitException)
        {
            Array.ForEach(leaks, leak => tally.Add(Wrong.Leak, $"{when}: {leak}"));
        }
    }

    /// <summary>
    /// A DELETE that was stopped between two copies leaves the object with fewer (docs/DURABILITY.md), which a scrub brings back: of those names, that, and nothing else.
    /// </summary>
    private async Task RepairAsync(SluiceProcess server)
    {
        (int code, string output, string error) = await SluiceProcess.RunAsync(null, server.Endpoint, "scrub", "--repair", "--wait");
        string[] findings = [.. output.Split('\n').Where(line => line.Contains("ais://", StringComparison.Ordinal))];
        bool isExpected = Array.TrueForAll(findings, line => line.Contains(" copies ", StringComparison.Ordinal) && _halfDeleted.Exists(name => line.Contains(name, StringComparison.Ordinal)));
        if (!isExpected || !output.EndsWith($"{findings.Length} findings, {findings.Length} of them cured\n", StringComparison.Ordinal))
        {
            tally.Add(Wrong.Leak, $"{when}: a repairing scrub ended with {code}: {output}{error}");
        }
    }

    private void Judge(CrashWriter writer, string name, int state)
    {
        NameHistory history = writer.Histories[name];
        Verdict verdict = history.Judge(state, isAfterPowerCut);
        if (verdict != Verdict.Fine)
        {
            tally.Add(
                verdict == Verdict.Lost ? Wrong.Loss : Wrong.Torn,
                $"{when}: {writer.Address(name)} is {(state == NameHistory.Absent ? "absent" : state)}; {history}{(isAfterPowerCut ? "" : ", killed only")}");
        }

        if (state != NameHistory.Absent && writer.Load.FilesPerObject > 1 && history.MayBeHalfDeleted)
        {
            _halfDeleted.Add($" {name}:");
        }

        history.Settle(state);
        if (state != NameHistory.Absent && name.Length > 0)
        {
            _present[writer.Load.Bucket].Add(name);
        }
    }

    /// <summary>The state of a name; null when it is torn, which is told here.</summary>
    private async Task<int?> StateAsync(Store store, CrashWriter writer, string name)
    {
        if (name.Length == 0)
        {
            using HttpResponseMessage bucket = await store.SendAsync(HttpMethod.Head, $"/v1/buckets/{writer.Load.Bucket}");
            return bucket.IsSuccessStatusCode ? 1 : NameHistory.Absent;
        }

        using HttpResponseMessage answer = await store.SendAsync(HttpMethod.Get, Store.Target(writer.Load.Bucket, name));
        if (answer.StatusCode == HttpStatusCode.NotFound)
        {
            return NameHistory.Absent;
        }

        string difference = $"answered {(int)answer.StatusCode}";
        if (answer.IsSuccessStatusCode)
        {
            byte[] bytes = await answer.Content.ReadAsByteArrayAsync();
            string digest = writer.Load.Mix == Mix.Upload
                ? Crc32C.Hash(bytes).ToString("x8", CultureInfo.InvariantCulture)
                : XxHash64.Hash(bytes, 0).ToString("x16", CultureInfo.InvariantCulture);
            if (answer.Headers.GetValues("Ais-Checksum-Value").Single() == digest && Attempts.NumberOf(writer.Address(name), bytes, out difference) is { } number)
            {
                return number;
            }
        }

        tally.Add(Wrong.Torn, $"{when}: {writer.Address(name)}: {difference}; {writer.Histories[name]}");
        return null;
    }

    /// <summary>A listing has the names that can be read, and no other.</summary>
    private async Task ListAsync(Store store, Workload load)
    {
        var listed = new HashSet<string>();
        string token = "";
        do
        {
            string message = $$$"""{"action":"list","value":{"pagesize":1000,"continuation_token":{{{JsonSerializer.Serialize(token)}}}}}""";
            using HttpResponseMessage answer = await store.SendAsync(HttpMethod.Get, $"/v1/buckets/{load.Bucket}", new StringContent(message));
            if (load.Mix == Mix.Life && answer.StatusCode == HttpStatusCode.NotFound)
            {
                break;
            }

            using JsonDocument page = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
            listed.UnionWith(page.RootElement.GetProperty("entries").EnumerateArray().Select(entry => entry.GetProperty("name").GetString()!));
            token = page.RootElement.GetProperty("continuation_token").GetString()!;
        }
        while (token.Length > 0);
        if (!listed.SetEquals(_present[load.Bucket]))
        {
            string[] differing = [.. listed.Except(_present[load.Bucket]).Select(name => $"+{name}"), .. _present[load.Bucket].Except(listed).Select(name => $"-{name}")];
            tally.Add(Wrong.Leak, $"{when}: the listing of {load.Bucket} differs from what can be read: {string.Join(' ', differing.Take(5))}");
        }
    }
}

using System.Globalization;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.Endurance.Tests.Crash;

/// <summary>
/// One writer of one bucket over all rounds: it remembers what it asked for and what was acknowledged, in the process of the test and in the ledger, both
/// outside the mounts. Its names are its own.
/// </summary>
public sealed partial class CrashWriter(Workload load, int index, Ledger ledger)
{
    private const int Names = 5;
    private const string Itself = ""; // in Histories, of the bucket

    // A record with so many pairs needs a sidecar: over 900 bytes.
    private static readonly (string, string)[] s_pairs = [("Ais-Custom-Md", $"one={new string('1', 600)}"), ("Ais-Custom-Md", $"two={new string('2', 600)}")];

    private Store _store = null!;
    private Random _random = null!;
    private int _round;
    private int _fresh;
    private bool _isDurable = load.IsDurable;

    /// <summary>What it does.</summary>
    public Workload Load => load;

    /// <summary>Histories by name; of the bucket too where that comes and goes.</summary>
    public Dictionary<string, NameHistory> Histories { get; } = [];

    /// <summary>A round begins: with a new server, in an order of choices of its own.</summary>
    public void Begin(Store store, int round, int seed)
    {
        (_store, _random, _round, _fresh) = (store, new Random(seed), round, 0);
        _isDurable = load.IsDurable;
    }

    /// <summary>
    /// Does one thing; answers why the server refused, or null when it acknowledged. Throws when there is no server any more.
    /// </summary>
    public Task<string?> StepAsync() => load.Mix switch
    {
        Mix.Fresh => PutAsync(string.Create(CultureInfo.InvariantCulture, $"r{_round}/{index}/{_fresh++}")),
        Mix.Overwrite => PutAsync(AnyName()),
        Mix.Delete or Mix.Upload => PutOrDeleteAsync(AnyName()),
        Mix.Split => _random.Next(6) == 0 ? RechunkAsync() : PutOrDeleteAsync(AnyName()),
        Mix.Life => LiveAsync(),
        _ => TurnAsync(),
    };

    /// <summary>Deletes the names that earlier rounds made and nobody writes again, and gives up what was being uploaded.</summary>
    public async Task<string?> TidyAsync()
    {
        await AbortAsync();
        foreach ((string name, NameHistory history) in Histories.Where(_ => load.Mix == Mix.Fresh).ToArray())
        {
            if (history.Now == NameHistory.Absent)
            {
                Histories.Remove(name); // seen to be gone after a cut
            }
            else if (await DeleteAsync(name) is { } problem)
            {
                return problem;
            }
        }

        return null;
    }

    /// <summary>Whether its bucket exists, as far as it knows.</summary>
    public bool HasBucket => load.Mix != Mix.Life || History(Itself).Now != NameHistory.Absent;

    /// <summary>Address of a name, which its bytes begin with.</summary>
    public string Address(string name) => $"{load.Bucket}/{name}";

    private string AnyName() => string.Create(CultureInfo.InvariantCulture, $"w{index}-{_random.Next(Names)}");

    private Task<string?> PutOrDeleteAsync(string name) =>
        History(name).Now != NameHistory.Absent && _random.Next(3) == 0 ? DeleteAsync(name) : PutAsync(name);

    private Task<string?> LiveAsync() =>
        !HasBucket ? BucketAsync("create-bck", HttpMethod.Post) : _random.Next(4) == 0 ? BucketAsync("destroy-bck", HttpMethod.Delete) : PutAsync(AnyName());

    private async Task<string?> TurnAsync()
    {
        if (_random.Next(4) != 0)
        {
            return await PutAsync(AnyName());
        }

        bool toStrict = !_isDurable;
        _isDurable = false; // while it turns nothing is promised
        string? problem = await PatchAsync(toStrict ? "strict" : "relaxed");
        if (problem is null && toStrict)
        {
            _isDurable = true;
            foreach (NameHistory history in Histories.Values)
            {
                history.Flushed();
            }
        }

        return problem;
    }

    private async Task<string?> PutAsync(string name)
    {
        NameHistory history = History(name);
        int number = history.Put();
        ledger.Write(_round, "put", Address(name), number);
        if (load.Mix == Mix.Upload)
        {
            return Acknowledge(await UploadAsync(name, Attempts.Content(Address(name), number)), name, number);
        }

        using var body = new ByteArrayContent(Attempts.Content(Address(name), number));
        string? problem = await AskAsync(HttpMethod.Put, name, body, _random.Next(8) == 0 ? s_pairs : []);
        return Acknowledge(problem, name, number);
    }

    private async Task<string?> DeleteAsync(string name)
    {
        History(name).Delete();
        ledger.Write(_round, "delete", Address(name), NameHistory.Absent);
        return Acknowledge(await AskAsync(HttpMethod.Delete, name, null), name, NameHistory.Absent);
    }

    private async Task<string?> AskAsync(HttpMethod method, string name, ByteArrayContent? body, params (string Name, string Value)[] headers)
    {
        using HttpResponseMessage answer = await _store.SendAsync(method, Store.Target(load.Bucket, name), body, headers);
        return answer.IsSuccessStatusCode ? null : $"{method} {Address(name)}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}";
    }

    private async Task<string?> BucketAsync(string action, HttpMethod method)
    {
        int state = action == "create-bck" ? 1 : NameHistory.Absent;
        History(Itself).Attempt(state);
        NameHistory[] gone = state == NameHistory.Absent ? [.. Histories.Where(pair => pair.Key.Length > 0).Select(pair => pair.Value)] : [];
        Array.ForEach(gone, history => history.Delete()); // its objects go with it
        ledger.Write(_round, action, load.Bucket, state);
        using var body = new StringContent($$$"""{"action":"{{{action}}}","value":{{{load.Properties}}}}""");
        using HttpResponseMessage answer = await _store.SendAsync(method, $"/v1/buckets/{load.Bucket}", body);
        if (!answer.IsSuccessStatusCode)
        {
            return $"{action} {load.Bucket}: {(int)answer.StatusCode}";
        }

        Array.ForEach(gone, history => history.Acknowledge(isDurable: true));
        return Acknowledge(null, Itself, state);
    }

    private async Task<string?> PatchAsync(string durability)
    {
        ledger.Write(_round, durability, load.Bucket, 0);
        using var body = new StringContent($$$"""{"action":"set-bprops","value":{"durability":"{{{durability}}}"}}""");
        using HttpResponseMessage answer = await _store.SendAsync(HttpMethod.Patch, $"/v1/buckets/{load.Bucket}", body);
        return answer.IsSuccessStatusCode ? null : $"{durability} {load.Bucket}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}";
    }

    private string? Acknowledge(string? problem, string name, int state)
    {
        if (problem is null)
        {
            History(name).Acknowledge(_isDurable);
            ledger.Write(_round, "acknowledged", Address(name), state);
        }

        return problem;
    }

    private NameHistory History(string name)
    {
        if (!Histories.TryGetValue(name, out NameHistory? history))
        {
            Histories[name] = history = new NameHistory();
        }

        return history;
    }
}

// What `sluice self-test` prints.
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Sluice.Server.SelfTest;

/// <summary>Writes outcomes.</summary>
public static class SelfTestReport
{
    /// <summary>A line a check: <c>ok</c> or <c>FAILED</c>, name, time, detail; a sum at the end.</summary>
    public static string Text(MachineReport machine, IReadOnlyList<SelfCheckOutcome> outcomes)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"sluice {ServerCommands.Version} on {machine}\n");
        int width = outcomes.Max(outcome => outcome.Name.Length);
        foreach (SelfCheckOutcome outcome in outcomes)
        {
            text.Append(outcome.Ok ? "ok      " : "FAILED  ").Append(outcome.Name.PadRight(width))
                .Append(CultureInfo.InvariantCulture, $"{outcome.Elapsed.TotalMilliseconds,9:0.0} ms  {outcome.Detail}\n");
        }

        int failed = outcomes.Count(outcome => !outcome.Ok);
        return text.Append(CultureInfo.InvariantCulture, $"{outcomes.Count - failed} ok, {failed} failed\n").ToString();
    }

    /// <summary>The same as one JSON object.</summary>
    public static string Json(MachineReport machine, IReadOnlyList<SelfCheckOutcome> outcomes) => JsonText.Object(json =>
    {
        json.WriteString("version", ServerCommands.Version);
        json.WriteBoolean("ok", outcomes.All(outcome => outcome.Ok));
        WriteMachine(json, machine);
        json.WriteStartArray("checks");
        foreach (SelfCheckOutcome outcome in outcomes)
        {
            json.WriteStartObject();
            json.WriteString("name", outcome.Name);
            json.WriteBoolean("ok", outcome.Ok);
            json.WriteNumber("milliseconds", Math.Round(outcome.Elapsed.TotalMilliseconds, 3));
            json.WriteString("detail", outcome.Detail);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    private static void WriteMachine(Utf8JsonWriter json, MachineReport machine)
    {
        json.WriteStartObject("machine");
        json.WriteString("kernel", machine.Kernel);
        json.WriteNumber("cores", machine.Cores);
        json.WriteNumber("memory_bytes", machine.MemoryBytes);
        WriteNumber(json, "cgroup_memory_bytes", machine.CgroupMemoryBytes);
        WriteNumber(json, "open_files_max", machine.OpenFilesMax);
        json.WriteEndObject();
    }

    private static void WriteNumber(Utf8JsonWriter json, string name, long? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, number);
        }
        else
        {
            json.WriteNull(name);
        }
    }
}

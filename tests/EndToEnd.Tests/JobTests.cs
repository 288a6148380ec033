// Jobs as clients meet them: over the wire by the names of the contract, and by the verbs of the published binary; scrub and fsck find damage.
using System.Text.Json;
using Sluice.EndToEnd.Tests.Support;

namespace Sluice.EndToEnd.Tests;

public sealed class JobTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private const string Cluster = "/v1/cluster";

    private Store Store => fixture.Store;

    [Fact]
    public async Task AJobIsVisibleFromItsIdOnAndEndsByItself()
    {
        string id = await StartAsync("""{"Kind":"scrub","Bck":{"name":"b","provider":"ais"}}""");
        Assert.Matches("^[a-z][0-9a-z]{8,30}$", id);
        JsonElement target = JsonDocument.Parse(await QueryAsync("qryxstats", $$"""{"ID":"{{id}}"}""")).RootElement.EnumerateObject().Single().Value;
        JsonElement snapshot = Assert.Single(target.EnumerateArray());
        Assert.Equal(("scrub", "b"), (snapshot.GetProperty("kind").GetString(), snapshot.GetProperty("bck").GetProperty("name").GetString()));
        await EndedAsync(id);
        snapshot = JsonDocument.Parse(await QueryAsync("qryxstats", $$"""{"ID":"{{id}}"}""")).RootElement.EnumerateObject().Single().Value[0];
        Assert.True(snapshot.GetProperty("is_idle").GetBoolean());
        Assert.False(snapshot.GetProperty("aborted").GetBoolean());
        Assert.True(DateTimeOffset.Parse(snapshot.GetProperty("end-time").GetString()!, System.Globalization.CultureInfo.InvariantCulture).Year > 2000);
        Assert.Equal("1", snapshot.GetProperty("stats").GetProperty("loc-objs").GetString());
        JsonElement all = JsonDocument.Parse(await QueryAsync("status_all", """{"kind":"scrub"}""")).RootElement;
        Assert.Contains(all.EnumerateArray(), one => one.GetProperty("uuid").GetString() == id);
        Assert.DoesNotContain(id, await QueryAsync("running_all", "{}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AJobThatIsStoppedSaysSo()
    {
        await Store.CreateAsync("slow");
        await Store.PutAsync("slow", "large", new byte[24 << 20]);
        string id = await StartAsync("""{"Kind":"scrub","bucket":"ais://slow","rate_mib":1}""");
        Assert.Contains($"scrub[{id}]", await QueryAsync("running_all", "{}"), StringComparison.Ordinal);
        string busy = await Store.ControlAsync(HttpMethod.Put, Cluster, """{"action":"start","value":{"Kind":"scrub","bucket":"ais://slow"}}""", 409);
        Assert.Contains(id, busy, StringComparison.Ordinal);
        await Store.ControlAsync(HttpMethod.Put, Cluster, $$$"""{"action":"stop","value":{"ID":"{{{id}}}","Kind":""}}""");
        JsonElement status = await EndedAsync(id);
        Assert.True(status.GetProperty("aborted").GetBoolean());
        Assert.NotEqual("", status.GetProperty("err").GetString());
        await Store.ControlAsync(HttpMethod.Delete, "/v1/buckets/slow", """{"action":"destroy-bck"}""");
    }

    [Theory]
    [InlineData("status", """{"ID":"jnosuchjob"}""", 404, "not found")]
    [InlineData("status", "{}", 400, "Kind")]
    [InlineData("qryxstats", """{"ID":"jnosuchjob"}""", 404, "not found")]
    [InlineData("qryxstats", """{"Kind":"get-batch"}""", 200, "[]")]
    [InlineData("status_all", """{"kind":"copy-bck"}""", 200, "null")]
    [InlineData("running_all", """{"kind":"copy-bck"}""", 200, "[]")]
    [InlineData("job_report", """{"ID":"jnosuchjob"}""", 404, "not found")]
    [InlineData("status", "[1]", 400, "object")]
    [InlineData("status", """{"ID":"x","DaemonID":"tNobody99"}""", 404, "tNobody99")]
    public async Task QuestionsHaveTheAnswersOfTheContract(string what, string message, int status, string text) =>
        Assert.Contains(text, await QueryAsync(what, message, status), StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"Kind":"nothing"}""", 400)]
    [InlineData("""{"Kind":""}""", 400)]
    [InlineData("""{"Kind":"make-n-copies"}""", 400)]
    [InlineData("""{"Kind":"lru"}""", 501)]
    [InlineData("""{"Kind":"scrub","Bck":{"name":"nosuch"}}""", 404)]
    [InlineData("""{"Kind":"scrub","Buckets":[{"name":"b"},{"name":"kept"}]}""", 400)]
    [InlineData("""{"Kind":"scrub","mountpath":"/nosuch"}""", 400)]
    [InlineData("""{"Kind":"scrub","rate_mib":"much"}""", 400)]
    [InlineData("\"scrub\"", 400)]
    public async Task AStartThatMakesNoSenseIsRefused(string value, int status) =>
        await Store.ControlAsync(HttpMethod.Put, Cluster, $$"""{"action":"start","value":{{value}}}""", status);

    [Fact]
    public async Task TheVerbsStartAwaitShowListAndStop()
    {
        string id = (await RunAsync(0, "job", "start", "scrub", "--bucket", "b")).Trim();
        await RunAsync(0, "job", "wait", id);
        Assert.Contains("state = finished", await RunAsync(0, "job", "show", id), StringComparison.Ordinal);
        Assert.Contains(id, await RunAsync(0, "job", "ls", "--kind", "scrub"), StringComparison.Ordinal);
        Assert.Equal("finished", JsonDocument.Parse(await RunAsync(0, "job", "wait", id, "--json")).RootElement.GetProperty("state").GetString());
        await RunAsync(3, "job", "show", "jnosuchjob");
        Assert.EndsWith("0 findings, 0 of them cured\n", await RunAsync(0, "scrub", "ais://b", "--wait"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ScrubAndFsckFindWhatWasDamaged()
    {
        DirectoryInfo home = Directory.CreateTempSubdirectory("sluice-fsck-");
        string path = Directory.CreateDirectory(Path.Combine(home.FullName, "mp")).FullName;
        using (SluiceProcess server = await SluiceProcess.StartAsync([path]))
        using (var store = new Store(server.Endpoint))
        {
            await store.CreateAsync("d");
            await store.PutAsync("d", "good", new byte[2_000_000]);
            await store.PutAsync("d", "bad", new byte[3_000_000]);
            (int running, _, string refusal) = await SluiceProcess.RunAsync(null, null, "fsck", path);
            Assert.Equal(1, running);
            Assert.Contains("in use by another process", refusal, StringComparison.Ordinal);
            using (FileStream file = File.OpenWrite(Path.Combine(path, "@ais/d/%ob/bad")))
            {
                file.Position = 2_500_000;
                file.WriteByte(1);
            }

            (int code, string table, string error) = await SluiceProcess.RunAsync(null, server.Endpoint, "scrub", "--wait");
            Assert.True(code == 1, error);
            Assert.Contains("bad: block 2 does not match its digest", table, StringComparison.Ordinal);
            Assert.Equal(0, await server.StopAsync());
        }

        (int found, string json, string problem) = await SluiceProcess.RunAsync(null, null, "fsck", path, "--json");
        Assert.True(found == 1, problem);
        JsonElement report = JsonDocument.Parse(json).RootElement;
        Assert.Equal((2, 5_000_000, 1), (report.GetProperty("objects").GetInt32(), report.GetProperty("bytes").GetInt32(), report.GetProperty("findings").GetInt32()));
        Assert.Equal("block", report.GetProperty("report")[0].GetProperty("kind").GetString());
        using (FileStream file = File.OpenWrite(Path.Combine(path, "@ais/d/%ob/bad")))
        {
            file.Position = 2_500_000;
            file.WriteByte(0);
        }

        (int well, string line, _) = await SluiceProcess.RunAsync(null, null, "fsck", path);
        Assert.Equal((0, "2 objects, 4 MiB read, 0 findings, 0 of them cured\n"), (well, line));
        (int none, _, string why) = await SluiceProcess.RunAsync(null, null, "fsck", home.FullName);
        Assert.Equal(1, none);
        Assert.Contains("is no mountpath", why, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(home.FullName, ".sluice")), "a path that is no mountpath is left alone");
        home.Delete(recursive: true);
    }

    private async Task<string> StartAsync(string value) =>
        await Store.ControlAsync(HttpMethod.Put, Cluster, $$"""{"action":"start","name":"","value":{{value}}}""");

    private Task<string> QueryAsync(string what, string message, int status = 200) =>
        Store.ControlAsync(HttpMethod.Get, $"{Cluster}?what={what}", message, status);

    private async Task<JsonElement> EndedAsync(string id)
    {
        JsonElement status = default;
        await Eventually.HoldsAsync(async () =>
        {
            status = JsonDocument.Parse(await QueryAsync("status", $$"""{"ID":"{{id}}","Kind":"scrub"}""")).RootElement;
            return status.GetProperty("end_time").GetInt64() > 0 ? null : $"{id} has not ended";
        });
        return status;
    }

    private async Task<string> RunAsync(int code, params string[] arguments)
    {
        (int got, string output, string error) = await SluiceProcess.RunAsync(null, fixture.Server.Endpoint, arguments);
        Assert.True(got == code, $"{string.Join(' ', arguments)}: {got} {error}");
        return output;
    }
}

using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Sluice.Engine.Io;
using Sluice.Engine.Names;
using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;

namespace Sluice.Engine.Tests.Names;

/// <summary>A store in SQLite: a sorted map that outlives its process once it is sealed, and is refused when it is anything else.</summary>
public sealed class NameStoreTests : IAsyncLifetime
{
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("sluice-names-");
    private readonly TestedFileIo _io = new(TestedFileIo.Default);
    private readonly SqliteNameStores _stores = new(NullLogger.Instance);
    private FileHandle _root = null!;
    private ObjectDisk _disk = null!;

    public async ValueTask InitializeAsync()
    {
        Directory.CreateDirectory(Path.Combine(_home.FullName, ".sluice"));
        IoResult<FileHandle> opened = await _io.Io.OpenRootAsync(_home.FullName);
        Assert.True(opened.Ok);
        _root = opened.Value;
        _disk = new ObjectDisk(0, _home.FullName, _root, _io.Io, 1);
    }

    public ValueTask DisposeAsync()
    {
        _disk.Dispose();
        _root.Dispose();
        _io.Dispose();
        _home.Delete(recursive: true);
        return default;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task ItIsASortedMapOverRestarts(int seed)
    {
        var random = new Random(seed);
        var model = new SortedDictionary<string, long>(StringComparer.Ordinal);
        INameStore store = await _stores.CreateAsync(_disk, 7);
        for (int round = 0; round < 4; round++)
        {
            var delta = new NameDelta();
            for (int i = 0; i < 900; i++)
            {
                string name = $"{(char)('a' + random.Next(3))}/{random.Next(700)}";
                bool goes = random.Next(3) == 0;
                long value = goes ? NameValue.Gone : random.Next();
                delta.Set(Encoding.ASCII.GetBytes(name), value);
                if (goes)
                {
                    model.Remove(name);
                }
                else
                {
                    model[name] = value;
                }
            }

            await store.ApplyAsync(delta, keepGone: false);
            Assert.Equal(model.Select(pair => (pair.Key, pair.Value)), await AllAsync(store, "", "", 37));
            Assert.Equal(
                model.Where(pair => pair.Key.StartsWith("b/", StringComparison.Ordinal) && string.CompareOrdinal(pair.Key, "b/3") >= 0).Select(pair => (pair.Key, pair.Value)),
                await AllAsync(store, "b/3", "b/", 10));
            var stamp = Guid.NewGuid();
            await store.SealAsync(stamp);
            store.Dispose();
            Assert.Null(await _stores.OpenAsync(_disk, 7, Guid.NewGuid()));
            store = (await _stores.OpenAsync(_disk, 7, stamp))!;
            Assert.NotNull(store);
        }

        store.Dispose();
    }

    [Fact]
    public async Task WhatIsFoundDoesNotOverrideWhatChangedMeanwhile()
    {
        using INameStore store = await _stores.CreateAsync(_disk, 7);
        await store.ApplyAsync(Delta(("changed", 5), ("gone", NameValue.Gone)), keepGone: true);
        await store.AddMissingAsync(Delta(("changed", 1), ("gone", 2), ("other", 3)));
        await store.DropGoneAsync();
        Assert.Equal([("changed", 5), ("other", 3)], await AllAsync(store, "", "", 10));
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("short")]
    [InlineData("text")]
    [InlineData("other tables")]
    public async Task WhatIsNotAStoreIsRefused(string what)
    {
        var stamp = Guid.NewGuid();
        using (INameStore store = await _stores.CreateAsync(_disk, 7))
        {
            await store.ApplyAsync(Delta([.. Enumerable.Range(0, 2000).Select(i => ($"name {i}", (long)i))]), keepGone: false);
            await store.SealAsync(stamp);
        }

        string file = Path.Combine(_home.FullName, ".sluice/index", $"{7:x16}.db");
        switch (what)
        {
            case "missing":
                File.Delete(file);
                break;
            case "short":
                File.WriteAllBytes(file, File.ReadAllBytes(file)[..50]);
                break;
            case "text":
                File.WriteAllText(file, new string('x', 9000));
                break;
            default:
                byte[] bytes = File.ReadAllBytes(file);
                int at = bytes.AsSpan().IndexOf("CREATE TABLE names"u8);
                "CREATE TABLE nomen"u8.CopyTo(bytes.AsSpan(at));
                File.WriteAllBytes(file, bytes);
                break;
        }

        Assert.Null(await _stores.OpenAsync(_disk, 7, stamp));
        using INameStore made = await _stores.CreateAsync(_disk, 7);
        Assert.Empty(await AllAsync(made, "", "", 10));
    }

    [Fact]
    public async Task ManyStoresShareAFewConnections()
    {
        List<INameStore> stores = [];
        for (ulong bid = 1; bid <= SqliteNameStores.OpenMax + 6; bid++)
        {
            INameStore store = await _stores.CreateAsync(_disk, bid);
            await store.ApplyAsync(Delta(($"of {bid}", (long)bid)), keepGone: false);
            stores.Add(store);
        }

        int open = Directory.EnumerateFiles("/proc/self/fd").Count(link => new FileInfo(link).LinkTarget?.StartsWith(_home.FullName, StringComparison.Ordinal) == true
            && new FileInfo(link).LinkTarget!.EndsWith(".db", StringComparison.Ordinal));
        Assert.InRange(open, 1, SqliteNameStores.OpenMax);
        for (int i = 0; i < stores.Count; i++)
        {
            Assert.Equal([($"of {i + 1}", (long)i + 1)], await AllAsync(stores[i], "", "", 10));
        }

        stores.ForEach(static store => store.Dispose());
    }

    [Fact]
    public async Task AClosedStoreSaysSo()
    {
        INameStore store = await _stores.CreateAsync(_disk, 7);
        store.Dispose();
        await Assert.ThrowsAsync<NameStoreException>(async () => await AllAsync(store, "", "", 10));
    }

    private static NameDelta Delta(params (string Name, long Value)[] changes)
    {
        var delta = new NameDelta();
        Array.ForEach(changes, change => delta.Set(Encoding.ASCII.GetBytes(change.Name), change.Value));
        return delta;
    }

    private static async Task<List<(string Name, long Value)>> AllAsync(INameStore store, string from, string prefix, int atOnce)
    {
        List<(string, long)> all = [];
        var rows = new NameRows { IsCut = true };
        for (byte[] next = Encoding.ASCII.GetBytes(from); rows.IsCut;)
        {
            rows.Clear();
            await store.ReadAsync(next, Encoding.ASCII.GetBytes(prefix), atOnce, rows);
            all.AddRange(Enumerable.Range(0, rows.Count).Select(row => (Encoding.ASCII.GetString(rows.NameAt(row)), rows.ValueAt(row))));
            next = rows.Count == 0 ? next : [.. rows.NameAt(rows.Count - 1), 0];
        }

        return all;
    }
}

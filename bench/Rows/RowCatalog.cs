using System.IO.Enumeration;
using Sluice.Bench.Clients;
using Sluice.Bench.Kernels;
using Sluice.Bench.Run;

namespace Sluice.Bench.Rows;

/// <summary>All rows there are, and which of them a run takes.</summary>
internal static class RowCatalog
{
    private const int Few = 32;
    private const int Many = 256;
    private const int VeryMany = 2000;
    private const long InFlightBytesMax = 4 * Sizes.GiB; // with more, a turn in which each connection sees an answer is minutes
    private const int LoadsOfGiB = 8; // the loader counts whole bodies, and 32 of them are not over in its time

    private static readonly long[] s_hotSizes = [4 * Sizes.KiB, 64 * Sizes.KiB, Sizes.MiB, 16 * Sizes.MiB, Sizes.GiB];

    /// <summary>The rows of a run.</summary>
    public static IReadOnlyList<IRow> Chosen(BenchSettings settings) =>
        [.. All(settings).Where(row => settings.Rows.Length > 0 ? Matches(row.Name, settings.Rows) : settings.IsFull || row.IsDefault)];

    /// <summary>All rows, in the order of the results.</summary>
    public static IEnumerable<IRow> All(BenchSettings settings) =>
        [.. HotGets(settings), .. ColdGets(), new MixedRow(), .. Puts(settings), .. ProtectedPuts(settings), .. ProtectedGets(settings), .. Multiparts(), .. Scrubs(), .. Tls(settings), .. Starts(), .. Ways(), .. KernelCatalog.All()];

    /// <summary>True when a name is one of the patterns, or lies below one: get, get/4KiB, put/*/strict.</summary>
    internal static bool Matches(string name, string patterns) => patterns
        .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        .Any(pattern => FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: true)
            || FileSystemName.MatchesSimpleExpression(pattern.TrimEnd('/') + "/*", name, ignoreCase: true));

    /// <summary>The rows of a gate: few enough for every commit, and each way through the server is in one.</summary>
    public static IReadOnlyList<IRow> OfGate(BenchSettings settings, Contestant first, Contestant second)
    {
        IEnumerable<IRow> rows =
        [
            new HotGetRow(4 * Sizes.KiB, Few, "wrk", isDefault: true, [first, second]),
            new HotGetRow(64 * Sizes.KiB, Few, "wrk", isDefault: true, [first, second]),
            new HotGetRow(Sizes.MiB, Few, "load", isDefault: true, [first, second]),
            new HotGetRow(Sizes.MiB, Few, "wrk", isDefault: true, [first, second], isTls: true),
            new PutRow(4 * Sizes.KiB, Few, "relaxed", isDefault: true, [new(first.Name, first, IsStrict: false), new(second.Name, second, IsStrict: false)]),
            new PutRow(Sizes.MiB, 8, "relaxed", isDefault: true, [new(first.Name, first, IsStrict: false), new(second.Name, second, IsStrict: false)]),
        ];
        return [.. rows.Where(row => settings.Rows.Length == 0 || Matches(row.Name, settings.Rows))];
    }

    private static IEnumerable<IRow> HotGets(BenchSettings settings) =>
        from size in s_hotSizes
        from connections in (int[])[Few, Many, VeryMany]
        from client in (string[])["wrk", "load"]
        where connections * size <= InFlightBytesMax || connections == Few
        let isDefault = IsShortHotGet(size, connections, client)
        let hasFallback = connections * size <= Few * Sizes.GiB && connections < VeryMany && (settings.IsFull || settings.Rows.Length > 0 || (connections == Few && client == "wrk"))
        select new HotGetRow(size, client == "load" && size == Sizes.GiB ? LoadsOfGiB : connections, client, isDefault, hasFallback
            ? [Contestant.Nginx, Contestant.Fallback(settings), Contestant.Ours(settings)]
            : [Contestant.Nginx, Contestant.Ours(settings)]);

    /// <summary>Both clients with few connections; wrk with many, and with very many the smallest size alone.</summary>
    private static bool IsShortHotGet(long size, int connections, string client) => (size, connections, client) switch
    {
        (Sizes.GiB, Few, "wrk") => true,
        (Sizes.GiB, _, _) => false,
        (_, Few, _) => true,
        (< 16 * Sizes.MiB, Many, "wrk") => true,
        (4 * Sizes.KiB, VeryMany, "wrk") => true,
        _ => false,
    };

    private static IEnumerable<IRow> ColdGets() =>
        from disks in (int[])[1, 4]
        from size in (long[])[64 * Sizes.KiB, Sizes.MiB, 10 * Sizes.MiB]
        select new ColdGetRow(size, disks, isDefault: size == 10 * Sizes.MiB || (disks == 1 && size == 64 * Sizes.KiB));

    private static IEnumerable<IRow> Starts() => [new StartRow(100_000, isDefault: true), new StartRow(1_000_000, isDefault: false)];

    private static IEnumerable<IRow> Tls(BenchSettings settings) =>
        from size in (long[])[4 * Sizes.KiB, Sizes.MiB]
        from connections in (int[])[Few, Many]
        select new HotGetRow(size, connections, "wrk", connections == Few, [Contestant.Nginx, Contestant.Ours(settings)], isTls: true);

    /// <summary>A second copy, and slices, beside one file, over the same disks.</summary>
    private static IEnumerable<IRow> ProtectedPuts(BenchSettings settings) =>
        from protection in (Protection[])[Protection.TwoCopies, Protection.FourAndTwo]
        let name = protection == Protection.TwoCopies ? "copies" : "ec"
        from size in (long[])[Sizes.MiB, 16 * Sizes.MiB]
        from isStrict in (bool[])[true, false]
        let plain = new PutSide("sluice", Contestant.Ours(settings), isStrict)
        select new PutRow(
            size, 8, $"{name}-{(isStrict ? "strict" : "relaxed")}", size == 16 * Sizes.MiB || (isStrict && protection == Protection.TwoCopies),
            [plain, plain with { Name = $"sluice, {protection.Name}", Protection = protection }], protection.Disks);

    /// <summary>What slices cost a reader: whole ones, and with one drive away; and what it costs to compare every block with its digest.</summary>
    private static IEnumerable<IRow> ProtectedGets(BenchSettings settings)
    {
        Contestant ours = Contestant.Ours(settings);
        GetSide plain = new("sluice", ours, "{}", Protection.FourAndTwo.Disks);
        GetSide sliced = new("sluice, 4+2", ours, $$"""{"durability":"strict"{{Protection.FourAndTwo.Properties}}}""", Protection.FourAndTwo.Disks);
        GetSide never = new("sluice, never", ours, """{"checksum":{"verify":"never"}}""", Protection.None.Disks);
        foreach (long size in (long[])[Sizes.MiB, 16 * Sizes.MiB])
        {
            bool isDefault = size == 16 * Sizes.MiB;
            yield return new ProtectedGetRow("healthy", size, isDefault, [plain, sliced]);
            yield return new ProtectedGetRow("degraded", size, isDefault, [sliced, sliced with { Name = "sluice, 4+2, a drive away", LosesOne = true }]);
            yield return new ProtectedGetRow(
                "verify", size, !isDefault,
                [
                    never,
                    never with { Name = "sluice, never, sockets and threads", Server = Contestant.Fallback(settings) },
                    never with { Name = "sluice, always", Properties = """{"checksum":{"verify":"always"}}""" },
                ]);
        }
    }

    /// <summary>
    /// What parts gain a writer and cost a reader. Few large ones fall on four disks unevenly: the busiest has 6.1 of 16 on average, but 20.2 of 64.
    /// </summary>
    private static IEnumerable<IRow> Multiparts() =>
    [
        new MultipartPutRow(Sizes.GiB, new UploadShape(16, 8), isDefault: false), new MultipartPutRow(Sizes.GiB, new UploadShape(64, 16), isDefault: true),
        new MultipartGetRow(Sizes.GiB, new UploadShape(16, 8), isDefault: true),
    ];

    private static IEnumerable<IRow> Scrubs() => from disks in (int[])[1, 4] select new ScrubRow(disks, isDefault: disks == 1);

    /// <summary>Each size beside nginx (which syncs nothing) and beside bare system calls, and strict beside relaxed.</summary>
    private static IEnumerable<IRow> Puts(BenchSettings settings)
    {
        PutSide nginx = new("nginx", Contestant.Nginx, IsStrict: false);
        PutSide relaxed = new("sluice", Contestant.Ours(settings), IsStrict: false), strict = relaxed with { IsStrict = true };
        foreach (long size in (long[])[4 * Sizes.KiB, Sizes.MiB, 16 * Sizes.MiB])
        {
            foreach (int writers in (int[])[1, 8, Few])
            {
                bool isSmall = size == 4 * Sizes.KiB;
                yield return new PutRow(size, writers, "relaxed", writers == Few || (isSmall && writers == 1), [nginx, new("system calls", null, IsStrict: false), relaxed]);
                yield return new PutRow(size, writers, "strict", isSmall && writers != 8, [new("system calls", null, IsStrict: true), strict]);
                PutSide[] both = [relaxed with { Name = "sluice, relaxed" }, strict with { Name = "sluice, strict" }];
                yield return new PutRow(size, writers, "both", !isSmall && writers == 8, both);
            }
        }
    }

    /// <summary>Other ways to put a file in its place and to send one, by bare system calls: what the product does is the last of each.</summary>
    private static IEnumerable<IRow> Ways()
    {
        (string Name, PutWays Ways)[] relaxed =
            [
                ("O_TMPFILE and linkat", PutWays.Nameless), ("256 directories", PutWays.ManyDirectories), ("fallocate", PutWays.Allocated),
                ("RWF_DONTCACHE", PutWays.Uncached), ("sync_file_range of each piece", PutWays.Paced), ("work files made ahead", PutWays.MadeAhead),
                ("system calls", PutWays.None),
            ],
            strict =
            [
                ("O_TMPFILE and linkat", PutWays.Nameless | PutWays.SharedDirectorySync), ("an fsync of each directory", PutWays.None), ("a syncfs for all files", PutWays.FileSystemSync | PutWays.SharedDirectorySync),
                ("sync_file_range of each piece", PutWays.Paced | PutWays.SharedDirectorySync), ("fallocate", PutWays.Allocated | PutWays.SharedDirectorySync),
                ("system calls", PutWays.SharedDirectorySync),
            ];
        yield return new PutRow(4 * Sizes.KiB, 1, "strict", isDefault: false, Sides(strict, isStrict: true)); // nobody to share an fsync with
        foreach (long size in (long[])[4 * Sizes.KiB, Sizes.MiB, 16 * Sizes.MiB])
        {
            yield return new PutRow(size, 8, "relaxed", isDefault: false, Sides(relaxed, isStrict: false));
            yield return new PutRow(size, 8, "strict", isDefault: false, Sides(strict, isStrict: true));
        }

        foreach (long size in (long[])[4 * Sizes.KiB, 64 * Sizes.KiB, Sizes.MiB, 16 * Sizes.MiB])
        {
            yield return new SendRow(size);
        }

        yield return new OpenRow();
        static PutSide[] Sides((string Name, PutWays Ways)[] ways, bool isStrict) => [.. ways.Select(way => new PutSide(way.Name, null, isStrict) { Ways = way.Ways })];
    }
}

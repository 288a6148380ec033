using Sluice.Bench.Rows;

namespace Sluice.Bench.Kernels;

/// <summary>The pieces of work that a request is made of, as far as they are computing alone.</summary>
internal static class KernelCatalog
{
    public static IEnumerable<IRow> All() =>
    [
        .. ((long[])[Sizes.KiB, 4 * Sizes.KiB, 64 * Sizes.KiB, Sizes.MiB])
            .Select(size => new KernelRow($"digest/{Sizes.Text(size)}", typeof(DigestBenchmark)) { Parameter = (int)size, BytesAnOperation = size, Subject = "xxhash2" }),
        .. ((long[])[64 * Sizes.KiB, Sizes.MiB])
            .Select(unit => new KernelRow($"erasure/8+3/{Sizes.Text(unit)}", typeof(ErasureBenchmark))
            {
                Parameter = (int)unit,
                BytesAnOperation = unit * ErasureBenchmark.Data,
                Subject = "sluice",
            }),
        new KernelRow("hrw", typeof(PlacementBenchmark)),
        new KernelRow("record", typeof(RecordBenchmark)),
        new KernelRow("manifest", typeof(ManifestBenchmark)),
        new KernelRow("name", typeof(NameBenchmark)),
        new KernelRow("list", typeof(ListBenchmark)),
    ];
}

namespace Sluice.Bench;

/// <summary>What --help prints.</summary>
internal static class Usage
{
    public const string Text = """
        usage: bench run [--list] [FLAG...]     measure servers against each other and write the results
               bench gate --base REV [--head REV] [FLAG...]
                                                       publish both commits, measure them A-B-B-A; ends with 1 when the head is slower
               bench gate-binaries BASE HEAD [FLAG...] the same for two binaries
               bench gate-selftest [FLAG...]           shows that the gate stays open for an equal build and shuts for a slowed one
               bench flame get-4KiB|put-4KiB|put-1MiB [FLAG...]
                                                       profile the server with perf and draw it: bench/results/flame-*.svg
               bench file-io put|put-strict|get|verbs|cold DIR [OPERATIONS [VARIANT|VARIANT...]]
               bench ring
               bench rs [SECONDS]                      Reed–Solomon at every level of instructions that the processor has

        Flags of run; of a gate too, whose rows are its own and whose rounds are 6:
          --rows PATTERN,...     rows by name, or by what stands before a slash: get/4KiB, put/*/strict; otherwise the short set
          --full                 all rows
          --list                 print the rows, those of the short set with a star, and how long the chosen ones take
          --rounds N             rounds of A-B-B-A a row (2)
          --seconds N            length of a turn (2)
          --binary FILE          the server (out/sluice)
          --directory DIR        where objects are stored, on the disk to be measured (/tmp/sluice-bench)
          --in-place             PUT into that directory, not into a fresh XFS on a loop device in it
          --output DIR           where results go (bench/results)
          --document             put the table into docs/PERFORMANCE.md as well
          --server-cores LIST    cores of the server, such as 0 or 0-3 (0)
          --client-cores LIST    cores of the client (1)

        Loop devices, dropped caches, control groups and speed limits need root. docs/PERFORMANCE.md tells how to read the results.
        """;
}

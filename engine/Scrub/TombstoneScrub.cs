using System.Buffers;
using System.Text;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Objects;

namespace Sluice.Engine.Scrub;

/// <summary>
/// Looks at the tombstones of a bucket on one mountpath: one that is damaged does not keep a returning mountpath from bringing back what was deleted. Those that
/// are replaced or removed meanwhile are no findings, since that is done by renames and unlinks.
/// </summary>
internal sealed class TombstoneScrub(ScrubWorld world, ScrubRun run, ObjectDisk disk, Bucket bucket)
{
    private const int FileNameBytes = 16 + 1 + 16;
    private static readonly SearchValues<byte> s_hex = SearchValues.Create("0123456789abcdef"u8);

    /// <summary>Looks at all of them.</summary>
    public async ValueTask CheckAsync()
    {
        await foreach ((byte[] path, EntryKind kind) in TreeWalk.FilesAsync(world, disk, bucket.Tombstones, run.Job.Aborted))
        {
            using IDisposable? use = world.Enter(disk);
            if (use is null)
            {
                return;
            }

            byte[] file = path[(bucket.Tombstones.Length + 1)..];
            if (kind != EntryKind.File || !IsName(file))
            {
                run.Tell(disk, bucket, Encoding.UTF8.GetString(path), "stray", "it is no tombstone's file", "reported");
                continue;
            }

            try
            {
                await CheckAsync(path, file);
            }
            catch (StorageException fault)
            {
                run.Tell(disk, bucket, Encoding.UTF8.GetString(path), "unreadable", $"{fault.Error} on {fault.Verb}", "reported");
            }
        }
    }

    private async ValueTask CheckAsync(byte[] path, byte[] file)
    {
        (_, string? problem) = await Tombstones.LookAsync(disk, bucket, file);
        if (problem is null)
        {
            return;
        }

        // Of a damaged one the name is known where another mountpath has it.
        ObjectMetadata? other = await Tombstones.BestAsync(world.Disks(), bucket, file);
        string name = Encoding.UTF8.GetString(other is null ? path : other.SidecarOf.Span);
        run.Tell(disk, bucket, name, "tombstone", problem, await run.RepairTombstoneAsync(world.Repair, bucket, disk, file));
    }

    private static bool IsName(ReadOnlySpan<byte> file) =>
        file.Length == FileNameBytes && file[16] == (byte)'.' && IsHex(file[..16]) && IsHex(file[17..]);

    private static bool IsHex(ReadOnlySpan<byte> digits) => digits.IndexOfAnyExcept(s_hex) < 0;
}

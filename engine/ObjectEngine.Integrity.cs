using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Integrity;
using Sluice.Engine.Io;
using Sluice.Engine.Mountpaths;
using Sluice.Engine.Objects;
using Sluice.Engine.Redundancy;

namespace Sluice.Engine;

/// <summary>What is damaged: its repair, and the quarantine.</summary>
public sealed partial class ObjectEngine
{
    /// <summary>Objects that are to be made whole.</summary>
    public RepairQueue Repairs { get; }

    /// <summary>The files in quarantine, by mountpath and name.</summary>
    public async ValueTask<Result<IReadOnlyList<QuarantinedFile>>> ListQuarantineAsync(Caller caller)
    {
        using DiskUse use = _disks.Enter();
        List<QuarantinedFile> files = [];
        try
        {
            foreach (ObjectDisk disk in use.Set.Open)
            {
                files.AddRange((await Quarantine.ListAsync(disk)).OrderBy(file => file.File, StringComparer.Ordinal));
            }
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }

        return files;
    }

    /// <summary>
    /// Removes a file from quarantine for good, <paramref name="file"/> of <paramref name="mountpath"/>, or all of the mountpath when no file is named. Answers how many. NotFound when
    /// the mountpath or the file is not there.
    /// </summary>
    public async ValueTask<Result<int>> DropQuarantinedAsync(Caller caller, string mountpath, string? file)
    {
        using DiskUse use = _disks.Enter();
        if (use.Set.Open.FirstOrDefault(one => one.Path == mountpath) is not { } disk)
        {
            return new Failure(ErrorCode.BadRequest, $"there is no mountpath {mountpath}");
        }

        try
        {
            if (file is not null)
            {
                return await Quarantine.DropAsync(disk, file) ? 1 : new Failure(ErrorCode.ObjectNotFound, $"no file {file} is in quarantine on mountpath {mountpath}");
            }

            int dropped = 0;
            foreach (QuarantinedFile one in await Quarantine.ListAsync(disk))
            {
                dropped += await Quarantine.DropAsync(disk, one.File) ? 1 : 0;
            }

            return dropped;
        }
        catch (StorageException fault)
        {
            return Refuse(fault);
        }
    }
}

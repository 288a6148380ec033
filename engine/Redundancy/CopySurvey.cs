using Microsoft.Extensions.Logging;
using Sluice.Contract;
using Sluice.Engine.Buckets;
using Sluice.Engine.Io;
using Sluice.Engine.Jobs;
using Sluice.Engine.Objects;
using Sluice.Native;

namespace Sluice.Engine.Redundancy;

/// <summary>What stands under a name on all mountpaths at one moment, and which of it is good.</summary>
internal sealed class CopySurvey
{
    private readonly HashSet<ObjectDisk> _bad;

    /// <summary>Of the places that were found on <paramref name="ranked"/> mountpaths, of which some could not be asked.</summary>
    public CopySurvey(ObjectDisk[] ranked, List<ObjectPlace> places, List<ObjectDisk> failed)
    {
        (Ranked, Places, Failed) = (ranked, places, failed);
        _bad = [.. places.Where(place => place.OfThisBucket && place.Stored is null).Select(place => place.Disk)];
        Find();
    }

    /// <summary>All mountpaths, the best for the name first.</summary>
    public ObjectDisk[] Ranked { get; }

    /// <summary>Every file.</summary>
    public List<ObjectPlace> Places { get; }

    /// <summary>Mountpaths that could not be asked.</summary>
    public List<ObjectDisk> Failed { get; }

    /// <summary>Good copies of the newest generation.</summary>
    public List<ObjectPlace> Good { get; private set; } = [];

    /// <summary>One of them; null when there is none.</summary>
    public StoredObject? Newest => Good.Count == 0 ? null : Good[0].Stored;

    /// <summary>The file there is not what it should be: its record, its length or its bytes.</summary>
    public bool IsBad(ObjectDisk disk) => _bad.Contains(disk);

    /// <summary>The file on that mountpath, if any.</summary>
    public ObjectPlace? PlaceOn(ObjectDisk disk) => ObjectPlace.On(Places, disk);

    /// <summary>
    /// True when the same files stand at the same places, of the same generations. A file may have become the leaf of a directory of its name meanwhile: its old
    /// path is then of that directory, and of every object in it.
    /// </summary>
    public bool IsAs(CopySurvey before) => Places.Count == before.Places.Count
        && Places.Zip(before.Places).All(pair => pair.First.Disk == pair.Second.Disk && pair.First.OfThisBucket == pair.Second.OfThisBucket
            && pair.First.Path.IsLeaf == pair.Second.Path.IsLeaf
            && pair.First.Stored?.Metadata.Generation == pair.Second.Stored?.Metadata.Generation);

    /// <summary>The bytes of a copy turned out to be bad, or cannot be read. An older generation is not good enough to take its place.</summary>
    public void Spoil(ObjectDisk disk)
    {
        _bad.Add(disk);
        Good.RemoveAll(place => place.Disk == disk);
    }

    /// <summary>
    /// The file of a good copy, open; null when something else stands there by now, or nothing: no lock is held while copies are read, and a writer who was faster
    /// is neither damage nor a fault of the disk.
    /// </summary>
    public static async ValueTask<FileHandle?> OpenAsync(ObjectPlace good)
    {
        ObjectDisk disk = good.Disk;
        IoResult<FileHandle> opened = await disk.Io.OpenAsync(disk.Root, good.Path.Whole, OpenIntent.Read);
        if (opened.Error is Errno.ENOENT or Errno.ENOTDIR or Errno.EISDIR)
        {
            return null;
        }

        FileHandle file = disk.Check(opened, "open", good.Path.Whole.Span);
        bool isSame = false;
        try
        {
            (ObjectMetadata? metadata, _) = await RecordFiles.ReadAsync(disk, file, good.Path.Whole);
            isSame = metadata is null || metadata.Generation == good.Stored!.Metadata.Generation; // one without a record is damaged, as its reader will find
            return isSame ? file : null;
        }
        finally
        {
            if (!isSame)
            {
                file.Dispose();
            }
        }
    }

    /// <summary>Reads all good copies and compares them.</summary>
    public async ValueTask VerifyAsync(JobContext? job, ILogger log)
    {
        foreach (ObjectPlace place in Good.ToList())
        {
            StoredObject stored = place.Stored!;
            try
            {
                if (job is not null)
                {
                    await job.PaceAsync(stored.Metadata.SizeBytes);
                }

                using FileHandle? file = await OpenAsync(place);
                if (file is null || await BlockVerifier.FirstBadBlockAsync(place.Disk, file, stored.Metadata, 0, stored.Metadata.BlockCount) is not null)
                {
                    Spoil(place.Disk);
                }
            }
            catch (StorageException fault)
            {
                log.LogError("{Fault}", fault.Message);
                Spoil(place.Disk);
            }
        }
    }

    /// <summary>The answer when no good copy is there.</summary>
    public Result<Reconciled> Nothing(Bucket bucket, ObjectName name) =>
        _bad.Count > 0 ? new Failure(ErrorCode.Damaged, $"{bucket.Name}/{name} is damaged and has no good copy")
        : Failed.Count > 0 ? new Failure(ErrorCode.StorageFailed, $"{bucket.Name}/{name}: the mountpaths that may have it failed")
        : Reconciled.None;

    private void Find()
    {
        ulong newest = 0;
        foreach (ObjectPlace place in Places)
        {
            newest = Math.Max(newest, place.Stored?.Metadata.Generation ?? 0);
        }

        Good = Places.FindAll(place => place.Stored is { } stored && stored.Metadata.Generation == newest);
    }
}

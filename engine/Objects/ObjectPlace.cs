namespace Sluice.Engine.Objects;

/// <summary>A file under an object's name: what it is when that can be read, and whether it is of the living bucket.</summary>
public readonly record struct ObjectPlace(ObjectDisk Disk, ObjectPath Path, StoredObject? Stored, bool OfThisBucket)
{
    /// <summary>Of one that cannot be used for its sidecar: the generation in that one's name, which the record tells all the same. Else 0.</summary>
    public ulong DamagedSidecar { get; init; }

    /// <summary>The one on that mountpath, if any.</summary>
    public static ObjectPlace? On(List<ObjectPlace> places, ObjectDisk disk)
    {
        foreach (ObjectPlace place in places)
        {
            if (place.Disk == disk)
            {
                return place;
            }
        }

        return null;
    }
}

namespace Sluice.Engine.Objects;

/// <summary>A file under an object's name: what it is when that can be read, and whether it is of the living bucket.</summary>
public readonly record struct ObjectPlace(ObjectDisk Disk, ObjectPath Path, StoredObject? Stored, bool OfThisBucket)
{
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

namespace Sluice.Simulation.Tests.Faults;

/// <summary>The verbs by name, to plan faults with.</summary>
public enum DiskVerb
{
    OpenRoot,
    Open,
    Create,
    Stat,
    StatFileSystem,
    Read,
    Write,
    GetXattr,
    SetXattr,
    Sync,
    SyncFileSystem,
    MakeDirectory,
    Rename,
    Link,
    Unlink,
    List,
    Lock,
}

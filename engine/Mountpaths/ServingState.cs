namespace Sluice.Engine.Mountpaths;

/// <summary>What a mountpath is there for at the moment.</summary>
public enum ServingState
{
    /// <summary>New objects go to it and its objects are read.</summary>
    Serving,

    /// <summary>It has come back and is being compared with the others: writers change what is on it, nobody reads from it yet.</summary>
    Joining,

    /// <summary>It is about to leave: what is on it is read and moved off, nothing new goes to it.</summary>
    Draining,

    /// <summary>An operator has taken it out of service; it belongs to the set.</summary>
    Disabled,

    /// <summary>It does not belong to the set any more.</summary>
    Detached,

    /// <summary>It failed and was taken out of service (<c>DiskHealth</c>), or is not there; it belongs to the set.</summary>
    Faulted,
}

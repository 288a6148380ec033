namespace Sluice.Cli;

/// <summary>What lies at a path, links followed.</summary>
public enum LocalFileKind
{
    /// <summary>A regular file, or what only opening it can tell.</summary>
    File,

    /// <summary>A directory.</summary>
    Directory,

    /// <summary>A named pipe: reading it waits for somebody to write.</summary>
    Fifo,

    /// <summary>A socket.</summary>
    Socket,

    /// <summary>A device, which may have no end.</summary>
    Device,

    /// <summary>Nothing: a symbolic link that leads nowhere or round in circles.</summary>
    Missing,
}

using Sluice.Native;

namespace Sluice.Engine.Io;

/// <summary>Is told of failed reads by those who read a file that they were given and answer nobody else: a connection on its way out. Any thread.</summary>
public interface IReadFaults
{
    /// <summary>The disk failed.</summary>
    void ReadFailed(Errno error);

    /// <summary>The file ends at <paramref name="offset"/> bytes, before what was promised of it.</summary>
    void EndsAt(long offset);

    /// <summary>
    /// After one of these: another file with the same bytes at the same places, for what is left to be read, and who is told of it then. The file
    /// is held for the caller, who releases it. Null when there is none.
    /// </summary>
    IReadFaults? HoldAnother(out FileHandle? file)
    {
        file = null;
        return null;
    }
}

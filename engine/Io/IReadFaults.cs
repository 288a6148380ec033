using Sluice.Native;

namespace Sluice.Engine.Io;

/// <summary>Is told of failed reads by those who read a file that they were given and answer nobody else: a connection on its way out. Any thread.</summary>
public interface IReadFaults
{
    /// <summary>The disk failed.</summary>
    void ReadFailed(Errno error);

    /// <summary>The file ends at <paramref name="offset"/> bytes, before what was promised of it.</summary>
    void EndsAt(long offset);
}

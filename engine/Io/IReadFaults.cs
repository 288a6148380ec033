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

    /// <summary>What has to stay open for <see cref="RebuildAsync"/>: who sends holds it beside the file. Null when the file is enough.</summary>
    FileHandle? RebuiltWith => null;

    /// <summary>
    /// After one of these, and when there is no other file that is open: fills the buffer with what the file should have from <paramref name="offset"/>. The bytes
    /// are part of one piece that was to be sent. Waits for disks alone. False when they are nowhere else.
    /// </summary>
    ValueTask<bool> RebuildAsync(Memory<byte> bytes, long offset) => new(false);
}

using System.IO.Pipelines;
using Sluice.Engine.Io;
using Sluice.Native.Memory;

namespace Sluice.Transport.Http;

/// <summary>
/// What a connection can do for bodies beside its pipes; a feature of the connection, absent where the bytes must pass through user space (TLS) or
/// where the system's sockets are used.
/// </summary>
public interface IConnectionBodies
{
    /// <summary>
    /// The caller is on the connection's loop: a small file that is written now is read by the ring when it is flushed, with no thread waiting for
    /// a disk, and goes out with the head.
    /// </summary>
    bool IsOnLoop { get; }

    /// <summary>Bytes that the peer has taken so far, ever. Any thread; costs a system call.</summary>
    long SentBytes { get; }

    /// <summary>
    /// True while a body that was announced with <see cref="BeginBody"/> comes in the small buffers that connections share, for lack of blocks: its reader
    /// takes what there is, and does not wait for more while it holds them. Any thread.
    /// </summary>
    bool IsShortOfBlocks { get; }

    /// <summary>
    /// Puts <paramref name="lines"/> behind the headers of the response that StartAsync is about to write: each begins with CR LF, none ends with it. They are not
    /// looked at, so they hold no other control character. False while a flush is pending.
    /// </summary>
    bool TryAddToHead(ReadOnlyMemory<byte> lines);

    /// <summary>After StartAsync: true when the head went out with what was added. False, and nothing is added any more, when it did not.</summary>
    bool EndHead();

    /// <summary>
    /// Makes the next <paramref name="count"/> bytes of the response's body those of an open file from <paramref name="offset"/>, which are resident or worth
    /// waiting for. After StartAsync; what follows is a flush. The connection holds the file until they are sent. Of a file that
    /// fails or ends early <paramref name="faults"/> is told, and has the rest from elsewhere, or the connection breaks. False: a flush is pending on
    /// <paramref name="body"/>; flush and try again.
    /// </summary>
    bool TryWriteFile(PipeWriter body, FileHandle file, long offset, int count, IReadFaults? faults = null);

    /// <summary>
    /// The same with <paramref name="count"/> bytes of a buffer from <paramref name="start"/>. When it answers true the lease is the connection's, which disposes it once
    /// they are sent.
    /// </summary>
    bool TryWriteLease(PipeWriter body, BufferLease owned, int start, int count);

    /// <summary>
    /// Says that <paramref name="lengthBytes"/> of request body follow from where the input stands: they are received into large blocks, one after the other,
    /// instead of many small buffers. Before the body is read.
    /// </summary>
    void BeginBody(long lengthBytes);
}

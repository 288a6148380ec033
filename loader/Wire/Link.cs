using Sluice.Native;

namespace Sluice.Loader.Wire;

/// <summary>Is told how a link's requests end. Called on the loop, never inside a call of the link.</summary>
internal interface ILinkOwner
{
    /// <summary>The attempt to connect is over.</summary>
    void Connected(Errno error);

    /// <summary>Everything has been sent, or the connection is broken.</summary>
    void Sent(Errno error);

    /// <summary>Bytes received; 0 for the peer's end; below 0 minus an error number.</summary>
    void Received(int result);

    /// <summary>The link is closed and nothing is in flight; it may be connected again.</summary>
    void Closed();
}

/// <summary>
/// A connection as the worker sees it: at most one send and one receive in flight. The worker is tested over one that is made of memory.
/// </summary>
internal abstract class Link
{
    /// <summary>Who is told. Set once, before anything else.</summary>
    public ILinkOwner Owner { get; set; } = null!;

    /// <summary>Begins to connect a link that is closed.</summary>
    public abstract void Connect();

    /// <summary>Sends all of it; the bytes stay as they are, and where they are, until <see cref="ILinkOwner.Sent"/>.</summary>
    public abstract void Send(ReadOnlyMemory<byte> bytes);

    /// <summary>Receives what there is, at least one byte; the memory is the kernel's until <see cref="ILinkOwner.Received"/>.</summary>
    public abstract void Receive(Memory<byte> into);

    /// <summary>As <see cref="Receive"/>, but the bytes, as many as the memory is long, are dropped; the memory is not written.</summary>
    public abstract void Discard(Memory<byte> unwritten);

    /// <summary>Ends the connection; only <see cref="ILinkOwner.Closed"/> is told after this.</summary>
    public abstract void Close();
}

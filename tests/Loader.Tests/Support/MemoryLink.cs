using System.Text;
using Sluice.Loader.Wire;
using Sluice.Native;

namespace Sluice.Loader.Tests.Support;

/// <summary>A connection made of memory: what it is sent can be read, what it shall receive is put in, cut as small as wanted. Nothing happens inside its verbs.</summary>
internal sealed class MemoryLink(Queue<Action> later) : Link
{
    private readonly List<byte> _incoming = [];
    private readonly List<byte> _sent = [];
    private Memory<byte>? _receive;
    private bool _isDiscard;
    private int? _end;
    private bool _isOpen;

    /// <summary>What connecting ends with.</summary>
    public Errno ConnectError { get; set; }

    /// <summary>Bytes a receive gives at most.</summary>
    public int Cut { get; set; } = int.MaxValue;

    /// <summary>Sends stay in flight.</summary>
    public bool HoldsSends { get; set; }

    /// <summary>Times that it was connected.</summary>
    public int Connections { get; private set; }

    /// <summary>Bytes that were dropped rather than copied.</summary>
    public long Discarded { get; private set; }

    /// <summary>A receive waits.</summary>
    public bool IsReceiving => _receive is not null;

    /// <summary>The last request's bytes.</summary>
    public byte[] TakeSent()
    {
        byte[] sent = [.. _sent];
        _sent.Clear();
        return sent;
    }

    public void Deliver(string text) => Deliver(Encoding.ASCII.GetBytes(text));

    public void Deliver(byte[] bytes)
    {
        _incoming.AddRange(bytes);
        later.Enqueue(Give);
    }

    /// <summary>The peer ends, or the connection breaks with an error, after all that was delivered.</summary>
    public void End(Errno error = Errno.None)
    {
        _end = -(int)error;
        later.Enqueue(Give);
    }

    public override void Connect()
    {
        Assert.False(_isOpen);
        Connections++;
        _isOpen = ConnectError == Errno.None;
        later.Enqueue(() => Owner.Connected(ConnectError));
    }

    public override void Send(ReadOnlyMemory<byte> bytes)
    {
        Assert.True(_isOpen);
        _sent.AddRange(bytes.Span);
        if (!HoldsSends)
        {
            later.Enqueue(() => Owner.Sent(Errno.None));
        }
    }

    public override void Receive(Memory<byte> into) => Begin(into, isDiscard: false);

    public override void Discard(Memory<byte> unwritten) => Begin(unwritten, isDiscard: true);

    public override void Close()
    {
        _isOpen = false;
        _receive = null;
        _end = null;
        _incoming.Clear();
        later.Enqueue(() => Owner.Closed());
    }

    private void Begin(Memory<byte> into, bool isDiscard)
    {
        Assert.True(_isOpen);
        Assert.False(IsReceiving);
        Assert.NotEqual(0, into.Length);
        (_receive, _isDiscard) = (into, isDiscard);
        later.Enqueue(Give);
    }

    private void Give()
    {
        if (_receive is not { } memory || (_incoming.Count == 0 && _end is null))
        {
            return;
        }

        _receive = null;
        if (_incoming.Count == 0)
        {
            Owner.Received(_end!.Value);
            return;
        }

        int count = Math.Min(Math.Min(memory.Length, _incoming.Count), Cut);
        if (_isDiscard)
        {
            Discarded += count;
        }
        else
        {
            _incoming.GetRange(0, count).ToArray().CopyTo(memory);
        }

        _incoming.RemoveRange(0, count);
        Owner.Received(count);
    }
}

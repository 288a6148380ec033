using Sluice.Loader.Names;

namespace Sluice.Loader.Work;

/// <summary>One request of a worker, from its choice to its outcome; the worker reuses it for the next.</summary>
public sealed class Operation
{
    private readonly byte[] _name = new byte[NewNames.NameBytesMax];
    private int _nameBytes;

    /// <summary>True for a PUT, false for a GET.</summary>
    public bool IsPut { get; set; }

    /// <summary>A GET that is followed by a PUT of the same name.</summary>
    public bool IsUpdate { get; set; }

    /// <summary>The name is new, and joins the others when it has been PUT.</summary>
    public bool IsNew { get; set; }

    /// <summary>What is stored under the name was made by a loader: its content is known.</summary>
    public bool IsOwn { get; set; }

    /// <summary>Size of what is PUT.</summary>
    public long PutBytes { get; set; }

    /// <summary>Timestamp at which its latency begins: when it is issued, or in the open loop when it should have been.</summary>
    public long Start { get; set; }

    /// <summary>Name as it stands in a request target.</summary>
    public ReadOnlySpan<byte> Name => _name.AsSpan(0, _nameBytes);

    /// <summary>Takes a copy of a name.</summary>
    public void SetName(ReadOnlySpan<byte> name)
    {
        name.CopyTo(_name);
        _nameBytes = name.Length;
    }

    /// <summary>Lets a maker of names write a new one.</summary>
    public void SetName(NewNames names) => _nameBytes = names.Write(_name);
}

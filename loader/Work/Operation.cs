using Sluice.Loader.Names;

namespace Sluice.Loader.Work;

/// <summary>One request of a worker, from its choice to its outcome; the worker reuses it for the next.</summary>
public sealed class Operation
{
    private readonly byte[] _name = new byte[NewNames.NameBytesMax];
    private int _nameBytes;

    /// <summary>What it is.</summary>
    public OperationKind Kind { get; set; }

    /// <summary>True for a PUT, in parts or not; false for a GET.</summary>
    public bool IsPut => Kind is OperationKind.Put or OperationKind.Multipart;

    /// <summary>A GET that is followed by a PUT of the same name.</summary>
    public bool IsUpdate { get; set; }

    /// <summary>The name is new, and joins the others when it has been PUT.</summary>
    public bool IsNew { get; set; }

    /// <summary>What is stored under the name was made by a loader: its content is known.</summary>
    public bool IsOwn { get; set; }

    /// <summary>Size of what is PUT.</summary>
    public long PutBytes { get; set; }

    /// <summary>Parts of a multipart PUT, 1 to 9999, none of them empty.</summary>
    public int Parts { get; set; }

    /// <summary>First byte of the range that is read, where <see cref="RangeBytes"/> is not 0.</summary>
    public long RangeFirst { get; set; }

    /// <summary>Length of the range that is read, in bytes; 0 for what is the same for all.</summary>
    public long RangeBytes { get; set; }

    /// <summary>Timestamp at which its latency begins: when it is issued, or in the open loop when it should have been.</summary>
    public long Start { get; set; }

    /// <summary>Name as it stands in a request target.</summary>
    public ReadOnlySpan<byte> Name => _name.AsSpan(0, _nameBytes);

    /// <summary>
    /// Where a part lies in the object. Parts differ by at most one byte, larger ones first; all of them are the object.
    /// </summary>
    /// <param name="number">1 to <see cref="Parts"/>.</param>
    public (long Offset, long Bytes) PartAt(int number)
    {
        (long least, long larger) = Math.DivRem(PutBytes, Parts);
        return (((number - 1) * least) + Math.Min(number - 1, larger), least + (number <= larger ? 1 : 0));
    }

    /// <summary>Takes a copy of a name.</summary>
    public void SetName(ReadOnlySpan<byte> name)
    {
        name.CopyTo(_name);
        _nameBytes = name.Length;
    }

    /// <summary>Lets a maker of names write a new one.</summary>
    public void SetName(NewNames names) => _nameBytes = names.Write(_name);
}

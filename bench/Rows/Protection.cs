namespace Sluice.Bench.Rows;

/// <summary>How a bucket protects its objects: a name for the results, and properties that follow others.</summary>
/// <param name="Disks">Mountpaths that it wants at least.</param>
internal sealed record Protection(string Name, string Properties, int Disks)
{
    /// <summary>One file an object.</summary>
    public static readonly Protection None = new("", "", 1);

    /// <summary>Two copies.</summary>
    public static readonly Protection TwoCopies = new("2 copies", ""","mirror":{"enabled":true,"copies":2}""", 2);

    /// <summary>Four data and two parity slices, whatever the size.</summary>
    public static readonly Protection FourAndTwo = new("4+2", ""","ec":{"enabled":true,"data_slices":4,"parity_slices":2,"objsize_limit":0}""", 6);
}

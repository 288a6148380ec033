namespace Sluice.Loader.Work;

/// <summary>What is counted apart (contract: load generator §4).</summary>
public enum OperationKind : byte
{
    /// <summary>PUT of one piece.</summary>
    Put,

    /// <summary>PUT in parts: one operation, from the begin of the upload to its end.</summary>
    Multipart,

    /// <summary>GET.</summary>
    Get,

    /// <summary>GET in ranges at the same time: one operation, from asking for the size to the last byte.</summary>
    Stream,
}

/// <summary>What the kinds are called.</summary>
public static class OperationKinds
{
    /// <summary>The contract's label, of rows and of sentences about failures.</summary>
    public static string Label(this OperationKind kind) => kind switch
    {
        OperationKind.Put => "PUT",
        OperationKind.Multipart => "MPU",
        OperationKind.Get => "GET",
        OperationKind.Stream => "GET-MPDSTREAM",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "a kind without a label"),
    };
}

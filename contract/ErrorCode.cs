namespace Sluice.Contract;

/// <summary>Everything that a request can be refused for. The table below gives each its HTTP status and the native API's <c>tcode</c>.</summary>
public enum ErrorCode
{
    /// <summary>The bucket does not exist.</summary>
    BucketNotFound,

    /// <summary>The bucket exists already.</summary>
    BucketExists,

    /// <summary>The object does not exist.</summary>
    ObjectNotFound,

    /// <summary>No job of that id is known.</summary>
    JobNotFound,

    /// <summary>A bucket's name, provider or namespace breaks the naming rules.</summary>
    InvalidBucketName,

    /// <summary>An object's name breaks the naming rules.</summary>
    InvalidObjectName,

    /// <summary>A bucket property that does not exist, or is not built yet, or a value it cannot take.</summary>
    InvalidProperty,

    /// <summary>The bucket's access mask forbids the verb.</summary>
    AccessDenied,

    /// <summary>The body does not have the digest that the client sent.</summary>
    BadDigest,

    /// <summary>The body ended before, or went on after, its declared length.</summary>
    BadBody,

    /// <summary>The request is malformed; the message says where.</summary>
    BadRequest,

    /// <summary>No known action of that name.</summary>
    UnknownAction,

    /// <summary>A path that no route matches.</summary>
    UnknownRoute,

    /// <summary>The route exists, the method does not fit it.</summary>
    MethodNotAllowed,

    /// <summary>The range lies outside the object, or is not one well-formed range.</summary>
    RangeNotSatisfiable,

    /// <summary>A control message or head larger than allowed.</summary>
    TooLarge,

    /// <summary>Custom metadata larger than a record may be.</summary>
    MetadataTooLarge,

    /// <summary>No room on the mountpath.</summary>
    OutOfSpace,

    /// <summary>Another request or job holds what this one needs.</summary>
    Busy,

    /// <summary>Known, and not built yet.</summary>
    NotImplemented,

    /// <summary>Not ready, or short of a resource; trying again later helps.</summary>
    Unavailable,

    /// <summary>What is stored is damaged, and no good copy is left.</summary>
    Damaged,

    /// <summary>A disk failed.</summary>
    StorageFailed,

    /// <summary>A defect of ours.</summary>
    Internal,
}

/// <summary>One row of the table: HTTP status, and the <c>tcode</c> of the native API's error JSON ("" where the contract names none).</summary>
public readonly record struct ErrorRow(int HttpStatus, string NativeCode);

/// <summary>The one table from refusals to the wire (contract: native API §3).</summary>
public static class ErrorTable
{
    /// <summary>The row of <paramref name="code"/>; every code has one.</summary>
    public static ErrorRow Row(ErrorCode code) => code switch
    {
        ErrorCode.BucketNotFound => new(404, "ErrBckNotFound"),
        ErrorCode.BucketExists => new(409, "ErrBckAlreadyExists"),
        ErrorCode.ObjectNotFound => new(404, "ErrObjNotFound"),
        ErrorCode.JobNotFound => new(404, "ErrXactNotFound"),
        ErrorCode.InvalidBucketName => new(400, "ErrInvalidBucketName"),
        ErrorCode.InvalidObjectName => new(400, "ErrInvalidObjName"),
        ErrorCode.InvalidProperty => new(400, "ErrBucketProps"),
        ErrorCode.AccessDenied => new(403, "ErrBucketAccessDenied"),
        ErrorCode.BadDigest => new(400, "ErrBadCksum"),
        ErrorCode.BadBody => new(400, ""),
        ErrorCode.BadRequest => new(400, ""),
        ErrorCode.UnknownAction => new(400, ""),
        ErrorCode.UnknownRoute => new(404, ""),
        ErrorCode.MethodNotAllowed => new(405, ""),
        ErrorCode.RangeNotSatisfiable => new(416, "ErrRangeNotSatisfiable"),
        ErrorCode.TooLarge => new(413, ""),
        ErrorCode.MetadataTooLarge => new(400, ""),
        ErrorCode.OutOfSpace => new(507, "ErrCapacityExceeded"),
        ErrorCode.Busy => new(409, "ErrBusy"),
        ErrorCode.NotImplemented => new(501, "ErrNotImpl"),
        ErrorCode.Unavailable => new(503, ""),
        ErrorCode.Damaged => new(500, ""),
        ErrorCode.StorageFailed => new(500, ""),
        ErrorCode.Internal => new(500, ""),
        _ => throw new ArgumentOutOfRangeException(nameof(code), code, "an error code without a row"),
    };
}

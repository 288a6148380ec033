namespace Sluice.Engine.Buckets;

/// <summary>Access bits of a bucket (contract: buckets §4).</summary>
[Flags]
public enum AccessBits : ulong
{
    /// <summary>Nothing is allowed.</summary>
    None = 0,

    /// <summary>GET of an object.</summary>
    GetObject = 1 << 0,

    /// <summary>HEAD of an object.</summary>
    HeadObject = 1 << 1,

    /// <summary>PUT of an object.</summary>
    PutObject = 1 << 2,

    /// <summary>Append to an object.</summary>
    Append = 1 << 3,

    /// <summary>DELETE of an object.</summary>
    DeleteObject = 1 << 4,

    /// <summary>Rename of an object.</summary>
    MoveObject = 1 << 5,

    /// <summary>Promote files to objects.</summary>
    Promote = 1 << 6,

    /// <summary>Change of custom metadata.</summary>
    UpdateObject = 1 << 7,

    /// <summary>HEAD of the bucket.</summary>
    HeadBucket = 1 << 8,

    /// <summary>Listing of its objects.</summary>
    ListObjects = 1 << 9,

    /// <summary>Change of its properties.</summary>
    PatchBucket = 1 << 10,

    /// <summary>Change of its access.</summary>
    SetBucketAcl = 1 << 11,

    /// <summary>Listing of buckets.</summary>
    ListBuckets = 1 << 12,

    /// <summary>A look at the cluster.</summary>
    ShowCluster = 1 << 13,

    /// <summary>Making a bucket.</summary>
    CreateBucket = 1 << 14,

    /// <summary>Destroying it.</summary>
    DestroyBucket = 1 << 15,

    /// <summary>Renaming it.</summary>
    MoveBucket = 1 << 16,

    /// <summary>Administration.</summary>
    Admin = 1 << 17,

    /// <summary>Read-only: <c>ro</c>.</summary>
    ReadOnly = GetObject | HeadObject | HeadBucket | ListObjects,

    /// <summary>Read and write: <c>rw</c>.</summary>
    ReadWrite = ReadOnly | PutObject | Append | DeleteObject | MoveObject,

    /// <summary>Everything, present and future: <c>su</c>, the default.</summary>
    All = ulong.MaxValue,
}

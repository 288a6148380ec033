namespace Sluice.Contract;

/// <summary>Paths of the native API.</summary>
public static class Routes
{
    /// <summary>First path segment of every native call.</summary>
    public const string Version = "v1";

    /// <summary>Bucket calls.</summary>
    public const string Buckets = "buckets";

    /// <summary>Object calls.</summary>
    public const string Objects = "objects";

    /// <summary>Health probes.</summary>
    public const string Health = "health";

    /// <summary>Questions to a node.</summary>
    public const string Daemon = "daemon";

    /// <summary>Behind <see cref="Daemon"/>: its mountpaths.</summary>
    public const string Mountpaths = "mountpaths";

    /// <summary>Questions to the cluster, and jobs.</summary>
    public const string Cluster = "cluster";
}

/// <summary>Query parameters that say that a request has found its node, so that a PUT over https is not redirected (contract: native API §4).</summary>
public static class RedirectMarkers
{
    /// <summary>Id of the gateway that redirected.</summary>
    public const string Gateway = "pid";

    /// <summary>When it did, nanoseconds since 1970.</summary>
    public const string Time = "utm";

    /// <summary>Sent by a client that needs no redirect: it sends its body with its first request.</summary>
    public const string Direct = "sluice-direct";
}

/// <summary>Query parameters (contract: native API §1).</summary>
public static class QueryNames
{
    /// <summary>Of a change of the configuration: until the next start.</summary>
    public const string Transient = "transient";

    /// <summary>Of a bucket's copy or renaming: the unified name of the other one.</summary>
    public const string BucketTo = "bck_to";

    /// <summary>Of a PUT: it is stored also where the object has the digest that is sent.</summary>
    public const string SkipVersionCheck = "skip_vc";

    /// <summary>Of a PUT: the unified name that the object is to be copied to.</summary>
    public const string CopyTo = "object_to";

    /// <summary>Of a PUT: the body is a piece to append, or what was appended is to become the object.</summary>
    public const string AppendType = "append_type";

    /// <summary>Of an append but the first: what the one before has answered.</summary>
    public const string AppendHandle = "append_handle";
}

/// <summary>Header names of the native API (contract: objects §1).</summary>
public static class HeaderNames
{
    /// <summary>Number of chunks, of a chunked object.</summary>
    public const string ChunkCount = "Ais-Chunks-Count";

    /// <summary>Bytes of the largest chunk, of a chunked object.</summary>
    public const string LargestChunk = "Ais-Chunks-Max-Chunk-Size";

    /// <summary>Digest algorithm.</summary>
    public const string ChecksumType = "Ais-Checksum-Type";

    /// <summary>Digest, lower-case hexadecimal.</summary>
    public const string ChecksumValue = "Ais-Checksum-Value";

    /// <summary>Object version.</summary>
    public const string ObjectVersion = "Ais-Version";

    /// <summary>Last access, nanoseconds since 1970.</summary>
    public const string AccessTime = "Ais-Atime";

    /// <summary>One custom pair, <c>key=value</c>; repeatable.</summary>
    public const string CustomMetadata = "Ais-Custom-Md";

    /// <summary>What the next append, or the flush, is to send as its handle.</summary>
    public const string AppendHandle = "Ais-Append-Handle";

    /// <summary>Whether the object is stored here.</summary>
    public const string Present = "Ais-Present";

    /// <summary>Bucket name.</summary>
    public const string BucketName = "Ais-Bucket-Name";

    /// <summary>Bucket provider.</summary>
    public const string BucketProvider = "Ais-Bucket-Provider";

    /// <summary>Object name.</summary>
    public const string ObjectName = "Ais-Name";

    /// <summary>Node and mountpath of an object.</summary>
    public const string Location = "Ais-Location";

    /// <summary>Mountpaths of all copies, in brackets.</summary>
    public const string MirrorPaths = "Ais-Mirror-Paths";

    /// <summary>Number of copies.</summary>
    public const string MirrorCopies = "Ais-Mirror-Copies";

    /// <summary>Of an erasure-coded object: generation of its slices, or of its copies, as a decimal number.</summary>
    public const string EcGeneration = "Ais-Ec-Generation";

    /// <summary>Its data slices.</summary>
    public const string EcData = "Ais-Ec-Data";

    /// <summary>Its parity slices.</summary>
    public const string EcParity = "Ais-Ec-Parity";

    /// <summary>Whether it is stored in whole copies: it is too small for slices.</summary>
    public const string EcReplicated = "Ais-Ec-Replicated";

    /// <summary>Property tree of a bucket.</summary>
    public const string BucketProperties = "Ais-Bucket-Props";

    /// <summary>What a bucket holds, as compact JSON.</summary>
    public const string BucketSummary = "Ais-Bucket-Summ";

    /// <summary>The job that a call has started.</summary>
    public const string JobId = "Ais-Xaction-Id";

    /// <summary>The error of a HEAD, as compact JSON.</summary>
    public const string Error = "Hdr-Error";

    /// <summary>How long the cluster has been up, nanoseconds.</summary>
    public const string ClusterUptime = "Ais-Cluster-Uptime";

    /// <summary>Which node a question by way of a gateway is for.</summary>
    public const string NodeId = "Ais-Node-Id";

    /// <summary>How long the node has been up, nanoseconds.</summary>
    public const string NodeUptime = "Ais-Node-Uptime";
}

/// <summary>Action strings of control messages (contract: native API §2).</summary>
public static class Actions
{
    /// <summary>Make a bucket.</summary>
    public const string CreateBucket = "create-bck";

    /// <summary>Destroy a bucket.</summary>
    public const string DestroyBucket = "destroy-bck";

    /// <summary>Change bucket properties.</summary>
    public const string SetBucketProperties = "set-bprops";

    /// <summary>Give a bucket the properties that it would have without any being said.</summary>
    public const string ResetBucketProperties = "reset-bprops";

    /// <summary>Set the number of copies of a bucket, and bring its objects to it.</summary>
    public const string MakeCopies = "make-n-copies";

    /// <summary>Remove the objects of a list, of a template or below a prefix.</summary>
    public const string DeleteObjects = "delete-listrange";

    /// <summary>Remove the local copies of such objects, of a bucket with a backend.</summary>
    public const string EvictObjects = "evict-listrange";

    /// <summary>List buckets or objects.</summary>
    public const string List = "list";

    /// <summary>Count what a bucket holds.</summary>
    public const string Summary = "summary-bck";

    /// <summary>Copy the objects of a bucket to another one.</summary>
    public const string CopyBucket = "copy-bck";

    /// <summary>The same with those of a list, of a template or below a prefix.</summary>
    public const string CopyObjects = "copy-listrange";

    /// <summary>Give a bucket another name.</summary>
    public const string RenameBucket = "move-bck";

    /// <summary>Begin an upload in parts.</summary>
    public const string BeginUpload = "mpt-upload";

    /// <summary>Make an object of the parts of an upload.</summary>
    public const string CompleteUpload = "mpt-complete";

    /// <summary>End an upload without an object.</summary>
    public const string AbortUpload = "mpt-abort";

    /// <summary>Give an object another name in its bucket.</summary>
    public const string RenameObject = "rename-obj";

    /// <summary>Make files of the server objects.</summary>
    public const string Promote = "promote";

    /// <summary>Who holds an object's name.</summary>
    public const string CheckLock = "check-lock";

    /// <summary>Start a job.</summary>
    public const string Start = "start";

    /// <summary>Stop a job.</summary>
    public const string Stop = "stop";

    /// <summary>Change the configuration.</summary>
    public const string SetConfig = "set-config";

    /// <summary>Make all of the configuration the built-in again.</summary>
    public const string ResetConfig = "reset-config";

    /// <summary>Remove files from quarantine; ours.</summary>
    public const string DropQuarantine = "drop-quarantine";

    /// <summary>Put a mountpath into the set.</summary>
    public const string AttachMountpath = "attach-mp";

    /// <summary>Take a mountpath out of the set.</summary>
    public const string DetachMountpath = "detach-mp";

    /// <summary>Bring a mountpath back into service.</summary>
    public const string EnableMountpath = "enable-mp";

    /// <summary>Take a mountpath out of service.</summary>
    public const string DisableMountpath = "disable-mp";

    /// <summary>Look at a mountpath again: its identity and its room.</summary>
    public const string RescanMountpath = "rescan-mp";

    /// <summary>Run the health checker's tests over a mountpath.</summary>
    public const string TestMountpath = "fshc-mp";

    /// <summary>Bring the objects of a bucket to the slices that it wants.</summary>
    public const string EcEncode = "ec-encode";

    /// <summary>Split the objects of a bucket into chunks, or put them together again.</summary>
    public const string Rechunk = "rechunk";

    private static readonly HashSet<string> s_known =
    [
        EcEncode, CreateBucket, DestroyBucket, SetBucketProperties, MakeCopies, List, CheckLock, Start, Stop, DropQuarantine,
        ResetBucketProperties, Summary, CopyBucket, "etl-bck", RenameBucket, "evict-remote-bck", Rechunk,
        "index-shard", "summary-shard", "create-inventory", "destroy-inventory", "show-inventory", "add-remote-bck",
        CopyObjects, DeleteObjects, "etl-listrange", EvictObjects, "prefetch-listrange", "archive",
        Promote, RenameObject, "blob-download", "mpt-upload", "mpt-complete", "mpt-abort",
        SetConfig, ResetConfig, "reset-stats", "rotate-logs", "reload-creds", "clear-lcache", "shutdown",
        "decommission", "start-maintenance", "stop-maintenance", "shutdown-node", "decommission-node", "rm-unsafe", "attach", "detach",
        "enable-bend", "disable-bend", AttachMountpath, EnableMountpath, DetachMountpath, DisableMountpath, RescanMountpath, TestMountpath,
    ];

    /// <summary>True for the actions that this version carries out.</summary>
    public static bool IsBuilt(string action) =>
        action is CreateBucket or DestroyBucket or SetBucketProperties or MakeCopies or List or CheckLock or Start or Stop
        or EcEncode or Rechunk or DropQuarantine or DeleteObjects or Summary or RenameObject or RenameBucket or CopyBucket or CopyObjects or ResetBucketProperties or Promote
        or SetConfig or ResetConfig;

    /// <summary>True for those that this version carries out on a mountpath.</summary>
    public static bool IsOfMountpath(string action) => action is AttachMountpath or EnableMountpath or DetachMountpath or DisableMountpath
        or RescanMountpath or TestMountpath;

    /// <summary>True for every action that the contract names, built or not.</summary>
    public static bool IsKnown(string action) => s_known.Contains(action);
}

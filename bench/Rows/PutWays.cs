namespace Sluice.Bench.Rows;

/// <summary>What is done in another way than a work file, write(2), setxattr(2), rename(2) and, with strict, fsync(2) of the file and of its directory.</summary>
[Flags]
internal enum PutWays
{
    None = 0,

    /// <summary>The work file has no name (O_TMPFILE) and is linked to the object's.</summary>
    Nameless = 1,

    /// <summary>Objects are spread over 256 directories.</summary>
    ManyDirectories = 2,

    /// <summary>The file's blocks are reserved before it is written, by fallocate(2).</summary>
    Allocated = 4,

    /// <summary>Pages leave the page cache once they are written back (RWF_DONTCACHE).</summary>
    Uncached = 8,

    /// <summary>Write-back of each piece of 1 MiB is begun when it is written, by sync_file_range(2).</summary>
    Paced = 16,

    /// <summary>Writers that wait for the directory at the same time share an fsync of it.</summary>
    SharedDirectorySync = 32,

    /// <summary>Writers that wait for their files at the same time share a syncfs(2), in place of an fsync each.</summary>
    FileSystemSync = 64,

    /// <summary>Work files are made before the turn, as many as it may need, and only opened in it.</summary>
    MadeAhead = 128,
}

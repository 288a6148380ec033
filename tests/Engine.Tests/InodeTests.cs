using Sluice.Engine.Objects;
using Sluice.Engine.Tests.Support;
using Sluice.Native;

namespace Sluice.Engine.Tests;

/// <summary>
/// A plain object's record lies within the inode: storing it takes no block. Measured on real file systems by the free space, which ext4
/// and XFS keep to the block, beside a known-bad twin that does take one, so that the measurement is known to see it.
/// </summary>
public sealed class InodeTests
{
    [Theory]
    [InlineData("ext4", Limits.RecordInInodeBytesMax + 40)]
    [InlineData("xfs", 600)]
    public void APlainRecordTakesNoBlockAndALongerOneDoes(string kind, int longBytes)
    {
        using LoopMount mount = LoopMount.New(kind);
        byte[] plain = MetadataRecord.Format(new ObjectMetadata
        {
            Kind = RecordKind.Object,
            SizeBytes = 4096,
            Bid = ulong.MaxValue,
            Generation = ulong.MaxValue,
            Version = 255,
            Checksum = Digest.Of(ChecksumType.XxHash2, "x"u8),
            BlockDigests = (ulong[])[1],
        });
        Assert.Equal(Errno.None, Libc.OpenDirectory(mount.MountPoint, out int root));
        try
        {
            Assert.Equal(0, BlocksTakenBy(root, "plain"u8, plain));
            Assert.True(BlocksTakenBy(root, "long"u8, new byte[longBytes]) > 0, "the measurement does not see a block that is taken");
        }
        finally
        {
            Libc.Close(root);
        }
    }

    /// <summary>Bytes of free space that an attribute of a new file of one page costs.</summary>
    private static long BlocksTakenBy(int root, ReadOnlySpan<byte> name, byte[] value)
    {
        Assert.Equal(Errno.None, Libc.OpenBeneath(root, name, Libc.OpenMode.CreateNew, out int file));
        try
        {
            Assert.Equal(Errno.None, Libc.Write(file, new(new byte[4096]), 0, out _));
            Assert.Equal(Errno.None, Libc.Sync(file));
            Assert.Equal(Errno.None, Libc.SyncFileSystem(root));
            Assert.Equal(Errno.None, Libc.StatFileSystem(root, out FileSystemStat before));
            Assert.Equal(Errno.None, Libc.SetXattr(file, "user.slu\0"u8, value));
            Assert.Equal(Errno.None, Libc.Sync(file));
            Assert.Equal(Errno.None, Libc.SyncFileSystem(root));
            Assert.Equal(Errno.None, Libc.StatFileSystem(root, out FileSystemStat after));
            return before.FreeBytes - after.FreeBytes;
        }
        finally
        {
            Libc.Close(file);
        }
    }
}
